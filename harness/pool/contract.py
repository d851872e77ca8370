"""What a SIM's contract says, and what it does not say (requirements.md R09)."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from harness.core.errors import UsageError
from harness.pool.months import hour_of, moment_of, zone_of

_DAYS: Final = range(1, 32)
_HOURS: Final = range(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRule:
    """When a quota begins anew, each month.

    Attributes:
        day: Day of the month; a month without it resets on its last day.
        hour: Hour of that day, 0 to 23.
        zone: Whose clock, such as ``Asia/Tokyo``.
    """

    day: int
    hour: int
    zone: str

    def __post_init__(self) -> None:
        """Refuse what is not a date.

        Raises:
            UsageError: Day, hour or zone is not defined.
        """
        if self.day not in _DAYS or self.hour not in _HOURS:
            msg = f"reset on day {self.day} at hour {self.hour}: days are 1 to 31, hours 0 to 23"
            raise UsageError(msg)
        zone_of(self.zone)

    def _in(self, year: int, month: int) -> int:
        day = min(self.day, monthrange(year, month)[1])
        return hour_of(datetime(year, month, day, self.hour, tzinfo=zone_of(self.zone)))

    def last(self, hour: int) -> int:
        """Return the hour of the latest reset that is not after `hour`."""
        now = moment_of(hour, self.zone)
        this = self._in(now.year, now.month)
        if this <= hour:
            return this
        return self._in(now.year - (now.month == 1), (now.month - 2) % 12 + 1)

    def next(self, hour: int) -> int:
        """Return the hour of the first reset after `hour`."""
        now = moment_of(hour, self.zone)
        this = self._in(now.year, now.month)
        if this > hour:
            return this
        return self._in(now.year + now.month // 12, now.month % 12 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortWindow:
    """A rule of the kind "no more than so much in so many days".

    Attributes:
        days: Length of the window, in days; 0 when the contract has no such rule.
        limit_bytes: What may be used within it.
    """

    days: int
    limit_bytes: int


NO_SHORT_WINDOW: Final = ShortWindow(days=0, limit_bytes=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The terms of one SIM; None is "not known", never "none".

    Attributes:
        carrier: PLMN code of the carrier.
        plan: The plan's name.
        quota_bytes: What may be used in a month at full rate.
        reset: When the quota begins anew.
        throttle_rate_bps: The rate past the quota, in bit/s.
        short_window: The short-window rule; `NO_SHORT_WINDOW` when there is none.
        source: The document that says so; empty when there is none.
        disclosed: Whether the wholesaler showed that document to the operator.
    """

    carrier: str
    plan: str
    quota_bytes: int | None
    reset: ResetRule | None
    throttle_rate_bps: int | None
    short_window: ShortWindow | None
    source: str
    disclosed: bool

    @property
    def unknown_terms(self) -> tuple[str, ...]:
        """Names of the terms that nobody could tell; a SIM with one is not counted as capacity."""
        terms = {
            "quota": self.quota_bytes,
            "reset": self.reset,
            "throttle_rate": self.throttle_rate_bps,
            "short_window": self.short_window,
            "source": self.source or None,
        }
        return tuple(name for name, value in terms.items() if value is None)
