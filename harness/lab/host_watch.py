"""Notices that the host stood still or that its clock was stepped: then no time here is true.

A thread of its own looks at both clocks ten times a second. What a suspended, swapped-out or
overloaded host did to a measurement cannot be told afterwards; a case that it happened in is the
bench's fault, and is done again.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from harness.core.clock import Clock
from harness.core.units import NS_PER_S

EVERY_S: Final = 0.1
STALL_S: Final = 2.0
"""A look that comes later than this: the host stood still."""
STEP_S: Final = 0.5
"""Wall clock against monotonic clock between two looks: more is no drift but a step."""
_NS_PER_US: Final = 1000
_END_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Both clocks, read one after the other.

    Attributes:
        before_ns: Monotonic time before the wall clock was read, in nanoseconds.
        utc_us: Wall time, in microseconds.
        after_ns: Monotonic time after it was read, in nanoseconds.
    """

    before_ns: int
    utc_us: int
    after_ns: int


def doubt_between(last: Look, now: Look) -> str | None:
    """Return what is wrong between two looks, in words; None when nothing is."""
    wall_ns = (now.utc_us - last.utc_us) * _NS_PER_US
    least_ns, most_ns = now.before_ns - last.after_ns, now.after_ns - last.before_ns
    step_s = (wall_ns - min(max(wall_ns, least_ns), most_ns)) / NS_PER_S
    if abs(step_s) > STEP_S:
        return f"the host's clock was stepped by {step_s:+.1f} s"
    if most_ns > STALL_S * NS_PER_S:
        return f"the host stood still for {most_ns / NS_PER_S:.1f} s"
    return None


class HostWatch:
    """Looks at the host's clocks until it is closed.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._doubts: list[str] = []
        self._last = self._look()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="host-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join(_END_S)

    @property
    def count(self) -> int:
        """How many doubts there were so far; a mark for `since`."""
        self.look()
        return len(self._doubts)

    def since(self, mark: int) -> str | None:
        """Return the first doubt since a mark; None when there was none."""
        self.look()
        return next(iter(self._doubts[mark:]), None)

    def look(self) -> None:
        """Compare both clocks with the look before."""
        with self._lock:
            now = self._look()
            doubt = doubt_between(self._last, now)
            if doubt is not None:
                self._doubts.append(doubt)
            self._last = now

    def _look(self) -> Look:
        before_ns = self._clock.monotonic_ns()
        utc_us = self._clock.utc_us()
        return Look(before_ns=before_ns, utc_us=utc_us, after_ns=self._clock.monotonic_ns())

    def _watch(self) -> None:
        while not self._end.wait(EVERY_S):
            self.look()
