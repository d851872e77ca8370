"""A throttle that somebody else enforces: a carrier's core network, or the cloud's speed rule.

The party is reached through its own adapter (`harness.cloud`); here is what all have in common:
they are told a rate, asked what is in force, and asked again when it should be gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.core.clock import Deadline
from harness.core.errors import BenchError, UsageError
from harness.core.units import format_rate
from harness.userplane.throttle import Applied, Injection, RateLimit, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """How a party is told and asked; each function raises that party's own error.

    Attributes:
        where: Name of the place, such as `carrier 44010`.
        write: Sets the limits; None in a direction means none.
        read: Returns what is in force, with its counters where there are any.
        within: Gives the deadline for a change to show up (a heartbeat of a router may be due).
        both_ways: Whether the party can limit the uplink as well.
        pause_s: Seconds between two looks at what is in force.
    """

    where: str
    write: Callable[[RateLimit | None, RateLimit | None], None]
    read: Callable[[], State]
    within: Callable[[], Deadline]
    both_ways: bool = True
    pause_s: float = 0.05


class SteeredThrottle:
    """Limits that another party enforces.

    Attributes:
        where: Name of the place.
        both_ways: Whether it can limit the uplink as well.
    """

    def __init__(self, steering: Steering) -> None:
        self._steering = steering
        self._asked: Injection | None = None
        self.where = steering.where
        self.both_ways = steering.both_ways

    def apply(self, injection: Injection) -> Applied:
        """Set limits where there are none and wait until the party says they are in force.

        Raises:
            BenchError: There is a limit already, or it never shows up.
        """
        before = self._steering.read()
        if self._asked is None and (before.uplink or before.downlink):
            there = before.downlink or before.uplink
            shown = format_rate(there.rate_bps) if there else "a limit"
            msg = f"throttle at {self.where}: {shown} is already set and not by this run"
            raise BenchError(msg)
        state = self._set(injection)
        return Applied(asked=injection, configured=state)

    def change(self, injection: Injection) -> None:
        """Set other limits and wait until they are in force.

        Raises:
            BenchError: They never show up.
        """
        self._set(injection)

    def _set(self, injection: Injection) -> State:
        before, self._asked = self._asked, injection
        try:
            self._steering.write(injection.uplink, injection.downlink)
        except UsageError:  # the party was told nothing
            self._asked = before
            raise
        return self._until(injection)

    def _until(self, asked: Injection) -> State:
        deadline = self._steering.within()
        while True:
            state = self._steering.read()
            if _obeys(asked.uplink, state.uplink) and _obeys(asked.downlink, state.downlink):
                return state
            if deadline.passed:
                break
            deadline.clock.sleep(min(self._steering.pause_s, max(deadline.left_s, 0.001)))
        have = f"{_shown(state.uplink)} and {_shown(state.downlink)}"
        want = f"{_shown(asked.uplink)} and {_shown(asked.downlink)}"
        msg = (
            f"throttle at {self.where}: after {deadline.waited_s:.1f} s uplink and downlink are "
            f"{have}, asked for {want}"
        )
        raise BenchError(msg)

    def state(self) -> State:
        """Ask the party what is in force."""
        return self._steering.read()

    def remove(self) -> State:
        """Lift the limits that this run set and wait until they are gone.

        Raises:
            BenchError: They are still in force.
        """
        last = self._steering.read()
        if self._asked is None:
            return last
        self._steering.write(None, None)
        self._until(Injection())
        self._asked = None
        return last


def _obeys(asked: RateLimit | None, found: RateLimit | None) -> bool:
    """Tell whether what is in force is what was asked for; what was left open is the party's."""
    if asked is None or found is None:
        return asked is found
    return (
        (found.rate_bps, found.mode) == (asked.rate_bps, asked.mode)
        and asked.bucket_bytes in {None, found.bucket_bytes}
        and asked.queue_bytes in {None, found.queue_bytes}
    )


def _shown(limit: RateLimit | None) -> str:
    return "nothing" if limit is None else f"{format_rate(limit.rate_bps)} ({limit.mode})"
