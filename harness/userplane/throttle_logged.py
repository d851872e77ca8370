"""A throttle that tells whoever asks what it read back: the proof that a rate was in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.userplane.throttle import Applied, Injection, State, Throttle

Note = Callable[[str, str, State], None]
"""Takes what was done (`applied`, `read`, `changed`, `removed`), where, and what was read back."""


class LoggedThrottle:
    """Does what another throttle does, and hands on each state that was read back.

    Args:
        throttle: The other one.
        note: Takes what was read.
    """

    where: str
    both_ways: bool

    def __init__(self, throttle: Throttle, note: Note) -> None:
        self._throttle: Final = throttle
        self._note: Final = note
        self.where = throttle.where
        self.both_ways = throttle.both_ways

    def apply(self, injection: Injection) -> Applied:
        """Set the limits, and hand on what is in force now.

        Raises:
            BenchError: As the other one.
            UsageError: As the other one.
        """
        applied = self._throttle.apply(injection)
        self._note("applied", self.where, applied.configured)
        return applied

    def change(self, injection: Injection) -> None:
        """Change the limits, and read them back.

        Raises:
            BenchError: As the other one.
            UsageError: As the other one.
        """
        self._throttle.change(injection)
        self._note("changed", self.where, self._throttle.state())

    def state(self) -> State:
        """Read back what is in force, with its counters."""
        state = self._throttle.state()
        self._note("read", self.where, state)
        return state

    def remove(self) -> State:
        """Remove the limits; return, and hand on, what was in force until then.

        Raises:
            BenchError: They are still there.
        """
        state = self._throttle.remove()
        self._note("removed", self.where, state)
        return state
