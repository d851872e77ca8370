"""``harness.pool.contract`` and ``harness.pool.months``: resets and months in a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from harness.core.errors import UsageError
from harness.pool.contract import ResetRule
from harness.pool.months import Month, hour_of, month_of, text_of


def _at(text: str) -> int:
    return hour_of(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("day", "hour", "now", "last", "following"),
    [
        (1, 0, "2020-02-29T23:00+09:00", "2020-02-01T00:00+09:00", "2020-03-01T00:00+09:00"),
        (1, 0, "2020-03-01T00:00+09:00", "2020-03-01T00:00+09:00", "2020-04-01T00:00+09:00"),
        (31, 9, "2020-02-29T08:00+09:00", "2020-01-31T09:00+09:00", "2020-02-29T09:00+09:00"),
        (31, 9, "2020-02-29T09:00+09:00", "2020-02-29T09:00+09:00", "2020-03-31T09:00+09:00"),
        (15, 0, "2020-01-03T00:00+09:00", "2019-12-15T00:00+09:00", "2020-01-15T00:00+09:00"),
        (15, 0, "2020-12-20T00:00+09:00", "2020-12-15T00:00+09:00", "2021-01-15T00:00+09:00"),
    ],
)
def test_a_quota_resets_by_its_own_clock(
    day: int, hour: int, now: str, last: str, following: str
) -> None:
    """Leap February, short months and the turn of the year."""
    rule = ResetRule(day=day, hour=hour, zone="Asia/Tokyo")

    assert text_of(rule.last(_at(now)), "Asia/Tokyo") == last
    assert text_of(rule.next(_at(now)), "Asia/Tokyo") == following


@pytest.mark.parametrize(("day", "hour"), [(0, 0), (32, 0), (1, 24), (1, -1)])
def test_a_reset_that_no_calendar_has_is_refused(day: int, hour: int) -> None:
    """Days are 1 to 31, hours 0 to 23."""
    with pytest.raises(UsageError, match="days are 1 to 31, hours 0 to 23"):
        ResetRule(day=day, hour=hour, zone="Asia/Tokyo")


def test_a_zone_that_does_not_exist_is_refused() -> None:
    """JST is not a name of the time zone database."""
    with pytest.raises(UsageError, match="'JSTX' is not a time zone"):
        ResetRule(day=1, hour=0, zone="JSTX")


def test_a_month_begins_at_midnight_in_tokyo() -> None:
    """15:00 UTC on 31 January is 1 February in Tokyo."""
    month = month_of(hour_of(datetime(2020, 1, 31, 15, tzinfo=UTC)))

    assert month == Month(year=2020, month=2, zone="Asia/Tokyo")
    assert (month.days, month.text, month.day(21)) == (29, "2020-02", date(2020, 2, 21))
    assert month.end_hour - month.first_hour == 696
    assert Month(year=2020, month=12).next == Month(year=2021, month=1)


def test_a_moment_without_a_zone_is_refused() -> None:
    """Nobody can say which hour it is."""
    with pytest.raises(UsageError, match="'2020-02-21T00:00:00' has no time zone"):
        hour_of(datetime(2020, 2, 21))  # noqa: DTZ001 - that is the case
