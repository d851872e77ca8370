"""``harness.userplane.goodput_run.drained``: what is still in the queues is counted as burnt."""

from __future__ import annotations

import numpy as np

from harness.core.clock import Deadline, FakeClock
from harness.measure.packets import Packets
from harness.userplane.goodput_run import drained


class Queue:
    """A tap behind which a packet comes at each of some times (seconds), as a router's queue."""

    vanished = False

    def __init__(self, clock: FakeClock, times_s: list[float], *, busy_s: float = 0.0) -> None:
        """Begin; the host is busy for a while after the first look."""
        self._clock = clock
        self._times_s = times_s
        self._busy_s = busy_s

    def poll(self) -> Packets:
        """Return the packets that have come by now."""
        found = self._come()
        self._clock.sleep(self._busy_s)
        self._busy_s = 0.0
        return found

    def now_ns(self) -> int:
        """Return the time by the clock of the packets."""
        return self._clock.monotonic_ns()

    def _come(self) -> Packets:
        now_s = self._clock.monotonic_ns() / 1e9
        due = [t for t in self._times_s if t <= now_s]
        self._times_s = [t for t in self._times_s if t > now_s]
        return Packets(
            t_ns=np.array([round(t * 1e9) for t in due], np.int64),
            wire_bytes=np.full(len(due), 1514, np.int32),
            outgoing=np.zeros(len(due), np.bool_),
        )


def after_figure(clock: FakeClock, tap: Queue, rate_bps: float | None) -> int:
    """Drain for three seconds at most, on a path of 40 ms."""
    return drained(tap, 0.04, Deadline.after(3.0, clock), rate_bps=rate_bps)


def test_a_slow_queue_is_emptied_to_its_last_packet() -> None:
    """At 64 kbit/s a packet takes 0.189 s: longer than the round trip, and no end yet."""
    clock = FakeClock()
    tap = Queue(clock, [0.189 * number for number in range(1, 6)])

    assert after_figure(clock, tap, 64_000) == 5 * 1514


def test_what_came_while_nobody_looked_is_no_silence() -> None:
    """The host was busy for 0.4 s; what came meanwhile starts the wait again."""
    clock = FakeClock()
    tap = Queue(clock, [0.3, 0.6], busy_s=0.4)

    assert after_figure(clock, tap, 128_000) == 2 * 1514


def test_it_ends_soon_when_nothing_comes() -> None:
    """At 10 Mbit/s two packets are 2.4 ms: 0.15 s of silence and a last look are enough."""
    clock = FakeClock()

    assert after_figure(clock, Queue(clock, []), 10_000_000) == 0
    assert sum(clock.slept_s) < 0.2


def test_it_ends_with_the_time_although_more_comes() -> None:
    """Other traffic goes on: three seconds and no longer."""
    clock = FakeClock()
    tap = Queue(clock, [0.01 * number for number in range(1, 1000)])

    assert after_figure(clock, tap, None) <= 300 * 1514
    assert sum(clock.slept_s) < 3.1
