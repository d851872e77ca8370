"""Contract arithmetic: when a month starts again, how much was used, at which rate a SIM runs.

Pure. Usage is kept by UTC hour, as bills are; the zones of interest differ from UTC by whole
hours, so a reset always falls on the border of one.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

HOUR_S = 3600
NOTICE_HOUR = 9  # "from 09:00 of the next day", requirement R35


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a carrier's contract or a service plan says about volume.

    Attributes:
        quota_bytes: Full-speed bytes in a period; ``None`` is no quota.
        reset_day: Day of the month on which a period begins (the last one if it has no such day).
        reset_time: Time of day of that, ``HH:MM``.
        zone: Time zone of it.
        throttle_bps: Rate once the quota or the window is used.
        window_bytes: Bytes allowed within the last days; ``None`` is no such rule.
        window_days: How many days, today included.
    """

    quota_bytes: int | None
    reset_day: int = 1
    reset_time: str = "00:00"
    zone: str = "Asia/Tokyo"
    throttle_bps: int = 128_000
    window_bytes: int | None = None
    window_days: int = 3


def period_start(now: dt.datetime, terms: Terms) -> dt.datetime:
    """Return when the period that holds ``now`` began, in UTC."""
    local = now.astimezone(ZoneInfo(terms.zone))
    hour, minute = (int(part) for part in terms.reset_time.split(":"))

    def reset_in(year: int, month: int) -> dt.datetime:
        day = min(terms.reset_day, calendar.monthrange(year, month)[1])
        return dt.datetime(year, month, day, hour, minute, tzinfo=local.tzinfo)

    begin = reset_in(local.year, local.month)
    if begin > local:
        before = local.replace(day=1) - dt.timedelta(days=1)
        begin = reset_in(before.year, before.month)
    return begin.astimezone(dt.UTC)


def window_start(now: dt.datetime, terms: Terms) -> dt.datetime:
    """Return the local midnight from which the short-window rule counts, in UTC."""
    local = now.astimezone(ZoneInfo(terms.zone))
    first = local.date() - dt.timedelta(days=terms.window_days - 1)
    return dt.datetime.combine(first, dt.time(), tzinfo=local.tzinfo).astimezone(dt.UTC)


def hour_of(moment: dt.datetime) -> int:
    """Return the number of the UTC hour that holds a moment."""
    return int(moment.timestamp()) // HOUR_S


def used_bytes(
    by_hour: Mapping[int, int], since: dt.datetime, until: dt.datetime | None = None
) -> int:
    """Add up what was used since a moment; the hours that hold the borders count whole."""
    first = hour_of(since)
    last = None if until is None else hour_of(until)
    return sum(
        count for hour, count in by_hour.items() if hour >= first and (last is None or hour <= last)
    )


def throttled_to(
    by_hour: Mapping[int, int],
    now: dt.datetime,
    terms: Terms,
    late: dt.timedelta = dt.timedelta(),
) -> int | None:
    """Return the rate that a carrier holds a SIM to; ``None`` is full speed.

    Args:
        by_hour: Bytes by the number of their UTC hour.
        now: The moment.
        terms: The contract.
        late: How late a period begins.
    """
    quota, window = terms.quota_bytes, terms.window_bytes
    if quota is not None and used_bytes(by_hour, period_start(now - late, terms), now) >= quota:
        return terms.throttle_bps
    if window is not None and used_bytes(by_hour, window_start(now, terms), now) >= window:
        return terms.throttle_bps
    return None


def suspension_start(
    requested: dt.datetime, zone: str = "Asia/Tokyo", hour: int = NOTICE_HOUR
) -> dt.datetime:
    """Return when a suspension asked for at a moment takes effect: 09:00 of the next local day."""
    local = requested.astimezone(ZoneInfo(zone))
    day = local.date() + dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(hour), tzinfo=local.tzinfo).astimezone(dt.UTC)
