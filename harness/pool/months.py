"""Hours and months. An *hour* is an integer: whole hours since 1970-01-01T00:00Z.

A month belongs to a time zone (plans reset at 00:00 in Tokyo), an hour does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.core.errors import UsageError

TOKYO: Final = "Asia/Tokyo"
HOURS_A_DAY: Final = 24
DAYS_A_WEEK: Final = 7
_SECONDS_AN_HOUR: Final = 3600
_DECEMBER: Final = 12


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone called `name`.

    Raises:
        UsageError: There is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        msg = f"{name!r} is not a time zone; write it like 'Asia/Tokyo' or 'UTC'"
        raise UsageError(msg) from None


def hour_of(moment: datetime) -> int:
    """Return the hour that `moment` is in.

    Raises:
        UsageError: The moment has no time zone.
    """
    if moment.tzinfo is None:
        msg = f"{moment.isoformat()!r} has no time zone; write it like '2020-02-21T00:00+09:00'"
        raise UsageError(msg)
    return int(moment.timestamp() // _SECONDS_AN_HOUR)


def moment_of(hour: int, zone: str = "UTC") -> datetime:
    """Return the start of `hour` as a wall clock in `zone` shows it."""
    return datetime.fromtimestamp(hour * _SECONDS_AN_HOUR, tz=UTC).astimezone(zone_of(zone))


def text_of(hour: int, zone: str = "UTC") -> str:
    """Write the start of `hour` as ISO 8601 to the minute, with its offset."""
    return moment_of(hour, zone).isoformat(timespec="minutes")


def first_hour(day: date, zone: str) -> int:
    """Return the hour in which `day` begins in `zone`."""
    return hour_of(datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One calendar month in one time zone.

    Attributes:
        year: The year.
        month: 1 to 12.
        zone: Whose midnight begins it, such as ``Asia/Tokyo``.
    """

    year: int
    month: int
    zone: str = TOKYO

    @property
    def first_day(self) -> date:
        """The first of the month."""
        return date(self.year, self.month, 1)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.next.first_day - self.first_day).days

    @property
    def next(self) -> Month:
        """The month after it."""
        if self.month == _DECEMBER:
            return Month(year=self.year + 1, month=1, zone=self.zone)
        return Month(year=self.year, month=self.month + 1, zone=self.zone)

    @property
    def first_hour(self) -> int:
        """The hour in which it begins."""
        return first_hour(self.first_day, self.zone)

    @property
    def end_hour(self) -> int:
        """The hour in which the next month begins."""
        return self.next.first_hour

    @property
    def text(self) -> str:
        """Year and month as in ``2020-02``."""
        return f"{self.year:04d}-{self.month:02d}"

    def day(self, number: int) -> date:
        """Return the date of day `number`, counted from 1; it may lie beyond the month."""
        return self.first_day + timedelta(days=number - 1)


def month_of(hour: int, zone: str = TOKYO) -> Month:
    """Return the month that `hour` is in."""
    moment = moment_of(hour, zone)
    return Month(year=moment.year, month=moment.month, zone=zone)


def month_of_day(day: date, zone: str = TOKYO) -> Month:
    """Return the month that `day` is in."""
    return Month(year=day.year, month=day.month, zone=zone)
