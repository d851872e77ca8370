"""``devices.virtual.plan``: months in Japan, volumes, throttles, suspension."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from devices.virtual.plan import (
    Terms,
    hour_of,
    period_start,
    suspension_start,
    throttled_to,
    used_bytes,
    window_start,
)

TOKYO = ZoneInfo("Asia/Tokyo")
GB = 10**9


def jst(text: str) -> dt.datetime:
    """Return a moment given in Japanese time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("now", "reset_day", "begin"),
    [
        ("2020-03-01T00:00:00", 1, "2020-03-01T00:00:00"),
        ("2020-02-29T23:59:59", 1, "2020-02-01T00:00:00"),
        ("2020-03-15T12:00:00", 31, "2020-02-29T00:00:00"),
        ("2021-03-15T12:00:00", 31, "2021-02-28T00:00:00"),
        ("2021-01-05T00:00:00", 10, "2020-12-10T00:00:00"),
    ],
)
def test_period_begins_on_the_reset_day_in_japan(now: str, reset_day: int, begin: str) -> None:
    """A period begins at local midnight of the reset day, or of a shorter month's last day."""
    terms = Terms(quota_bytes=GB, reset_day=reset_day)

    assert period_start(jst(now), terms) == jst(begin)


def test_period_of_japan_begins_at_15_utc_of_the_day_before() -> None:
    """Midnight in Japan is 15:00 UTC: a server that counts by UTC is nine hours late."""
    terms = Terms(quota_bytes=GB)
    now = dt.datetime(2020, 2, 29, 15, 0, tzinfo=dt.UTC)

    assert period_start(now, terms) == now


def test_reset_time_of_day_is_heeded() -> None:
    """With a reset at 05:00 the small hours of the first belong to the month before."""
    terms = Terms(quota_bytes=GB, reset_time="05:00")

    assert period_start(jst("2020-03-01T04:59:59"), terms) == jst("2020-02-01T05:00:00")


def test_usage_counts_from_the_hour_it_began() -> None:
    """Only hours since the beginning are added up."""
    begin = jst("2020-03-01T00:00:00")
    by_hour = {hour_of(begin) - 1: 100, hour_of(begin): 20, hour_of(begin) + 30: 3}

    assert used_bytes(by_hour, begin) == 23


@pytest.mark.parametrize(("used", "rate"), [(50 * GB - 1, None), (50 * GB, 128_000)])
def test_quota_throttles_when_it_is_reached(used: int, rate: int | None) -> None:
    """The last byte of the quota is the first that throttles."""
    now = jst("2020-02-20T12:00:00")
    terms = Terms(quota_bytes=50 * GB, throttle_bps=128_000)

    assert throttled_to({hour_of(now): used}, now, terms) == rate


def test_quota_is_fresh_after_the_reset() -> None:
    """What was used in February does not throttle in March."""
    terms = Terms(quota_bytes=50 * GB)
    by_hour = {hour_of(jst("2020-02-29T23:00:00")): 60 * GB}

    assert throttled_to(by_hour, jst("2020-02-29T23:59:00"), terms) == 128_000
    assert throttled_to(by_hour, jst("2020-03-01T00:00:00"), terms) is None


@pytest.mark.parametrize(("day", "rate"), [("2020-02-22", 300_000), ("2020-02-23", None)])
def test_ten_gigabytes_in_three_days_throttle_for_those_days(day: str, rate: int | None) -> None:
    """10 GB on the 20th throttle up to the 22nd; on the 23rd the 20th is out of the window."""
    terms = Terms(quota_bytes=None, window_bytes=10 * GB, window_days=3, throttle_bps=300_000)
    by_hour = {hour_of(jst("2020-02-20T10:00:00")): 10 * GB}

    assert throttled_to(by_hour, jst(f"{day}T12:00:00"), terms) == rate


def test_window_begins_at_local_midnight() -> None:
    """Three days are today and the two before it, whole."""
    terms = Terms(quota_bytes=None, window_days=3)

    assert window_start(jst("2020-03-01T00:30:00"), terms) == jst("2020-02-28T00:00:00")


@pytest.mark.parametrize(
    ("asked", "begin"),
    [
        ("2020-03-21T00:00:00", "2020-03-22T09:00:00"),
        ("2020-03-21T23:59:59", "2020-03-22T09:00:00"),
        ("2020-02-28T10:00:00", "2020-02-29T09:00:00"),
    ],
)
def test_suspension_begins_at_nine_of_the_next_day(asked: str, begin: str) -> None:
    """Requirement R35: from 09:00 of the day after the request, Japanese time."""
    assert suspension_start(jst(asked)) == jst(begin)
