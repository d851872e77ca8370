"""The modem's clock and zone, set by the network (NITZ, TS 24.301 clause 5.4.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from devices.virtual.at.modem import LocalTime

_QUARTER_MIN = 15
_NEVER_SET = datetime(1980, 1, 6, tzinfo=UTC)
_TEXT = re.compile(r"(\d\d)/(\d\d)/(\d\d),(\d\d):(\d\d):(\d\d)([+-]\d\d)", re.ASCII)


class ModemClock:
    """A clock that starts at 1980-01-06 until the network tells the time.

    Args:
        monotonic_s: Seconds since some moment.
    """

    def __init__(self, monotonic_s: Callable[[], float], defects: frozenset[str]) -> None:
        self._monotonic_s = monotonic_s
        self._defects = defects
        self._set_at_s = monotonic_s()
        self._utc = _NEVER_SET
        self.zone_quarters = 0
        self.is_set = False

    def utc(self) -> datetime:
        """Return the modem's idea of UTC."""
        return self._utc + timedelta(seconds=self._monotonic_s() - self._set_at_s)

    def apply_nitz(self, nitz: dict[str, Any]) -> None:
        """Take time and zone from the network."""
        utc = datetime.fromisoformat(str(nitz["utc"]))
        if "clock_hour_off" in self._defects:
            utc += timedelta(hours=1)
        self._set(utc, int(nitz.get("zone_quarters", 0)))

    def _set(self, utc: datetime, zone_quarters: int) -> None:
        self._utc = utc.astimezone(UTC)
        self._set_at_s = self._monotonic_s()
        self.zone_quarters = zone_quarters
        self.is_set = True

    def set_text(self, text: str) -> bool:
        """Take a ``+CCLK`` text; return whether it is a date."""
        match = _TEXT.fullmatch(text)
        if match is None:
            return False
        year, month, day, hour, minute, second, zone = (int(part) for part in match.groups())
        try:
            local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            return False
        self._set(local - timedelta(minutes=_QUARTER_MIN * zone), zone)
        return True

    def local(self) -> LocalTime:
        """Return the local time as ``+CCLK`` shows it."""
        local = self.utc() + timedelta(minutes=_QUARTER_MIN * self.zone_quarters)
        text = f"{local:%y/%m/%d,%H:%M:%S}{self.zone_quarters:+03d}"
        return LocalTime(text=text, zone_quarters=self.zone_quarters)

    def hour_utc(self) -> str:
        """Return the running hour, as usage reports name it."""
        return f"{self.utc():%Y-%m-%dT%H}"
