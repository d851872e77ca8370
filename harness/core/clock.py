"""Time as a parameter: clocks and deadlines. `time.sleep` is called here and nowhere else."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from harness.core.units import NS_PER_S

_SLICE_S: Final = 0.1


class Clock(Protocol):
    """Where time comes from."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary start; never goes back."""
        ...

    def utc_us(self) -> int:
        """Return microseconds since 1970-01-01T00:00:00Z; may step."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Wait for `duration_s` seconds."""
        ...


class SystemClock:
    """The host's clocks."""

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def utc_us(self) -> int:
        """Return CLOCK_REALTIME in microseconds."""
        return time.time_ns() // 1000

    def sleep(self, duration_s: float) -> None:
        """Suspend the calling thread for `duration_s` seconds."""
        time.sleep(duration_s)


class StoppedError(BaseException):
    """A thread was asked to end; it unwinds as if by Ctrl-C, and no handler of errors sees it."""


class StoppableClock:
    """A clock that ends a thread where it sleeps.

    A thread is ended once: what it waits for while it puts things back is not disturbed.
    """

    def __init__(self, inner: Clock) -> None:
        self._inner = inner
        self._to_stop: set[int] = set()

    def monotonic_ns(self) -> int:
        """Return the inner clock's monotonic time in nanoseconds."""
        return self._inner.monotonic_ns()

    def utc_us(self) -> int:
        """Return the inner clock's wall time in microseconds."""
        return self._inner.utc_us()

    def sleep(self, duration_s: float) -> None:
        """Wait, but not on when this thread is asked to end.

        Raises:
            StoppedError: It is.
        """
        left_s = duration_s
        while True:
            me = threading.get_ident()
            if me in self._to_stop:
                self._to_stop.discard(me)
                msg = "ended before it was done"
                raise StoppedError(msg)
            if left_s <= 0:
                return
            slice_s = min(left_s, _SLICE_S)
            self._inner.sleep(slice_s)
            left_s -= slice_s

    def stop(self, thread_id: int) -> None:
        """Have a thread end when it sleeps next."""
        self._to_stop.add(thread_id)


class FakeClock:
    """A clock for tests: it stands still until somebody sleeps.

    Attributes:
        slept_s: Every duration that was slept, in order, in seconds.
    """

    def __init__(self, *, monotonic_ns: int = 0, utc_us: int = 1_700_000_000_000_000) -> None:
        self._monotonic_ns = monotonic_ns
        self._utc_us = utc_us
        self.slept_s: list[float] = []

    def monotonic_ns(self) -> int:
        """Return the fake monotonic time in nanoseconds."""
        return self._monotonic_ns

    def utc_us(self) -> int:
        """Return the fake wall time in microseconds."""
        return self._utc_us

    def sleep(self, duration_s: float) -> None:
        """Move both times forward by `duration_s` seconds at once."""
        self.slept_s.append(duration_s)
        self._monotonic_ns += round(duration_s * NS_PER_S)
        self._utc_us += round(duration_s * 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A point in time that is handed down to whatever waits.

    Attributes:
        clock: Where time comes from.
        start_ns: Monotonic time at which it was set, in nanoseconds.
        end_ns: Monotonic time at which it has passed, in nanoseconds.
    """

    clock: Clock
    start_ns: int
    end_ns: int

    @classmethod
    def after(cls, duration_s: float, clock: Clock) -> Deadline:
        """Return the deadline that passes `duration_s` seconds from now."""
        now_ns = clock.monotonic_ns()
        return cls(clock=clock, start_ns=now_ns, end_ns=now_ns + round(duration_s * NS_PER_S))

    def within(self, duration_s: float) -> Deadline:
        """Return the earlier of this deadline and `duration_s` seconds from now."""
        now_ns = self.clock.monotonic_ns()
        end_ns = min(self.end_ns, now_ns + round(duration_s * NS_PER_S))
        return Deadline(clock=self.clock, start_ns=now_ns, end_ns=end_ns)

    @property
    def left_s(self) -> float:
        """Seconds that are left; 0.0 once it has passed."""
        return max(0, self.end_ns - self.clock.monotonic_ns()) / NS_PER_S

    @property
    def waited_s(self) -> float:
        """Seconds since it was set."""
        return (self.clock.monotonic_ns() - self.start_ns) / NS_PER_S

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.clock.monotonic_ns() >= self.end_ns
