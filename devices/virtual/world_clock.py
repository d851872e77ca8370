"""The world's date: the host's clock, moved by an offset that the lab may change."""

from __future__ import annotations

import datetime as dt
import time
from zoneinfo import ZoneInfo

HOME_ZONE = "Asia/Tokyo"
JST_QUARTERS = 36  # TS 27.007 counts zones in quarters of an hour
_US_PER_S = 1_000_000


class WorldClock:
    """Where the world stands in time; it runs as fast as the host's clock.

    Args:
        offset_s: World's clock minus host's clock.
    """

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s

    def now(self) -> dt.datetime:
        """Return the world's time in UTC."""
        return dt.datetime.fromtimestamp(time.time() + self.offset_s, tz=dt.UTC)

    def utc_us(self) -> int:
        """Return the world's time as microseconds since 1970."""
        return round((time.time() + self.offset_s) * _US_PER_S)

    @staticmethod
    def host_us() -> int:
        """Return the host's time as microseconds since 1970: for ages, which no test moves."""
        return round(time.time() * _US_PER_S)

    def nitz(self, ahead_s: float = 0.0) -> dict[str, str | int]:
        """Return network identity and time zone, as sent to a router that attached.

        Args:
            ahead_s: How wrong the network's clock is.
        """
        moment = self.now() + dt.timedelta(seconds=ahead_s)
        return {"utc": moment.isoformat(timespec="seconds"), "zone_quarters": JST_QUARTERS}


def offset_for(date: str, host_now_s: float) -> float:
    """Return the offset that puts the world at a date.

    Args:
        date: ISO date with or without time; Japanese time when it has no zone.
        host_now_s: The host's clock.
    """
    moment = dt.datetime.fromisoformat(date)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(HOME_ZONE))
    return moment.timestamp() - host_now_s
