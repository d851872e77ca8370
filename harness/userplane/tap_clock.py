"""A tap's time that goes on evenly when somebody sets the host's clock.

The kernel stamps packets with the wall clock. When that is set in the middle of a measurement, a
step back squeezes packets together (which would prove a path fast that is not) and a step ahead
tears them apart. What is measured is therefore put back on the wall clock as it was when the tap
started; the capture keeps the kernel's stamps.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np

from harness.measure.packets import Int64

_TRIES: Final = 5
_STEP_NS: Final = 1_000_000
_SLEW: Final = 0.000_5
"""The kernel slews a clock by at most 500 ppm (adjtimex(2)); what is more than that is a step."""


def step_ns(moved_ns: int, after_ns: int) -> int:
    """Return how far a clock was set that moved against another; 0 for what slewing explains.

    Args:
        moved_ns: How far it moved.
        after_ns: In which time.
    """
    return moved_ns if abs(moved_ns) > _STEP_NS + _SLEW * after_ns else 0


def stamped_before(t_ns: Int64, *, since_ns: int, now_ns: int, step_ns: int) -> int:
    """Return how many of some packets were stamped before the clock was set.

    Args:
        t_ns: Stamps in the order of the tap, all taken out of the ring in one go.
        since_ns: When the ring was looked at before, by the clock before it was set.
        now_ns: The time now, by the clock before it was set.
        step_ns: How far it was set.
    """

    def outside(stamps: Int64) -> Int64:
        return np.maximum(np.maximum(since_ns - stamps, stamps - now_ns), 0)

    after = outside(t_ns - step_ns) < outside(t_ns)
    return int(np.argmax(after)) if after.any() else len(t_ns)


class TapClock:
    """Puts the stamps of a tap on the wall clock as it was at the start.

    Args:
        wall_ns: The clock that the kernel stamps packets with.
        monotonic_ns: One that nobody sets.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._start_ns = self._looked_ns = monotonic_ns()
        self._first_offset_ns = self._offset_ns = self._offset()
        self._stepped_ns = 0

    def now_ns(self) -> int:
        """Return the time by the stamps that `steady` gives."""
        return self._wall_ns() - self._stepped_ns

    def moved_ns(self) -> int:
        """Return how far the wall clock was set since the start; slewing is none."""
        after_ns = self._monotonic_ns() - self._start_ns
        return step_ns(self._offset() - self._first_offset_ns, after_ns)

    def steady(self, t_ns: Int64) -> Int64:
        """Return stamps that were taken out of the ring since the last call, as if nobody had set.

        Args:
            t_ns: What the kernel wrote down.
        """
        now_ns, offset_ns = self._monotonic_ns(), self._offset()
        step = step_ns(offset_ns - self._offset_ns, now_ns - self._looked_ns)
        first = len(t_ns)
        if step:
            first = stamped_before(
                t_ns,
                since_ns=self._looked_ns + self._offset_ns,
                now_ns=now_ns + self._offset_ns,
                step_ns=step,
            )
        shift = np.full(len(t_ns), self._stepped_ns, np.int64)
        shift[first:] += step
        self._stepped_ns += step
        self._offset_ns, self._looked_ns = offset_ns, now_ns
        return t_ns - shift

    def _offset(self) -> int:
        """Return how far the wall clock is before the other, by the tightest of some looks."""
        looks = []
        for _ in range(_TRIES):
            before_ns = self._monotonic_ns()
            wall_ns = self._wall_ns()
            width_ns = self._monotonic_ns() - before_ns
            looks.append((width_ns, wall_ns - before_ns - width_ns // 2))
        return min(looks)[1]
