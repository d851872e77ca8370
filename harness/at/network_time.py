"""Time and zone: +CCLK (TS 27.007 8.15), +CTZV +CTZE +CTZEU (8.40, 8.41), +CTZU of Cinterion."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import body

_TIME: Final = re.compile(
    r"(?P<year>\d{2}|\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2}), ?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?P<zone>[+-]\d{1,3})?",
    re.ASCII,
)
_NO_TIME: Final = re.compile(r"[X?/,: +-]*", re.ASCII | re.IGNORECASE)
_ZONE: Final = re.compile(
    r'"?(?P<zone>[+-]?\d{1,3})"?(?:, ?(?P<dst>[012]))?(?:, ?"?(?P<time>\d[^"]*)"?)?', re.ASCII
)
_ZONE_LAST: Final = re.compile(
    r'"?(?P<time>\d[^"+-]*)"?, ?"?(?P<zone>[+-]\d{1,3})"?(?:, ?(?P<dst>[012]))?', re.ASCII
)
_FOUR_DIGITS: Final = 4
_YEAR_PIVOT: Final = 70  # 70 to 99 are the last century: clocks that start at an epoch
_FIRST_YEAR: Final = 2004  # nothing that attaches to LTE has a set clock before it
_ZONE_MAX_QUARTERS: Final = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """What the router's clock says.

    Attributes:
        local: Local time, without a zone.
        offset_min: Local time minus UTC in minutes; None when it is not told.
    """

    local: dt.datetime
    offset_min: int | None

    def utc(self) -> dt.datetime | None:
        """Return the time in UTC; None when the zone is not told."""
        if self.offset_min is None:
            return None
        zone = dt.timezone(dt.timedelta(minutes=self.offset_min))
        try:
            return self.local.replace(tzinfo=zone).astimezone(dt.UTC)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneReport:
    """The zone that the network told (NITZ).

    Attributes:
        offset_min: Local time minus UTC in minutes.
        dst_h: Hours of daylight saving in it; None when it is not told.
        local: Time that came with it; UTC for +CTZEU, else local time; None when it is not told.
    """

    offset_min: int
    dst_h: int | None
    local: dt.datetime | None


def parse_cclk(line: str) -> ClockReading | None:
    """Read one ``+CCLK`` information response; None when the clock was never set.

    Raises:
        AtFramingError: The line is not one, or tells no time that exists.
    """
    text = body(line, "+CCLK").strip('"').strip()
    if _NO_TIME.fullmatch(text):
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        msg = f"+CCLK {text!r} is not yy/MM/dd,hh:mm:ss: {line!r}"
        raise AtFramingError(msg)
    local = _moment(match, line)
    if local.year < _FIRST_YEAR:
        return None
    zone = match["zone"]
    return ClockReading(local=local, offset_min=_minutes(zone, line) if zone else None)


def parse_zone_urc(line: str) -> ZoneReport:
    """Read one ``+CTZV``, ``+CTZE``, ``+CTZEU`` or ``+CTZU`` URC.

    Raises:
        AtFramingError: The line is not one, or tells no zone or time that exists.
    """
    text = body(line, "+CTZV", "+CTZE", "+CTZEU", "+CTZU")
    match = _ZONE.fullmatch(text) or _ZONE_LAST.fullmatch(text)
    if match is None:
        msg = f"not a time zone report: {line!r}"
        raise AtFramingError(msg)
    local = None
    if match["time"]:
        time = _TIME.fullmatch(match["time"].strip())
        if time is None:
            msg = f"{match['time']!r} is not yy/MM/dd,hh:mm:ss: {line!r}"
            raise AtFramingError(msg)
        local = _moment(time, line)
    return ZoneReport(
        offset_min=_minutes(match["zone"], line),
        dst_h=int(match["dst"]) if match["dst"] else None,
        local=local,
    )


def _moment(match: re.Match[str], line: str) -> dt.datetime:
    year = int(match["year"])
    if len(match["year"]) < _FOUR_DIGITS:
        year += 1900 if year >= _YEAR_PIVOT else 2000
    names = ("month", "day", "hour", "minute", "second")
    month, day, hour, minute, second = (int(match[name]) for name in names)
    try:
        return dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - local time
    except ValueError as exc:
        msg = f"{match[0]!r} is no time that exists ({exc}): {line!r}"
        raise AtFramingError(msg) from exc


def _minutes(quarters: str, line: str) -> int:
    if abs(int(quarters)) >= _ZONE_MAX_QUARTERS:
        msg = f"<tz> {quarters} is not a number of quarter hours below a day: {line!r}"
        raise AtFramingError(msg)
    return 15 * int(quarters)
