"""A long line between two TUN descriptors: delay, jitter, a scheduler's slots, loss.

Run as a program: one process, both directions. Only for benchmarks of the measuring side, where
the path must be known and not come from the code under test.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import select
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the line does to each packet."""

    delay_s: float
    jitter_s: float
    slot_s: float
    loss: float

    def due(self, now: float, dice: random.Random) -> float | None:
        """Return when a packet that comes now leaves; None when it is lost."""
        if self.loss and dice.random() < self.loss:
            return None
        due = now + self.delay_s + dice.random() * self.jitter_s
        return (int(due / self.slot_s) + 1) * self.slot_s if self.slot_s else due


class Direction:
    """One direction; packets stay in order."""

    def __init__(self, source: int, sink: int, line: Line) -> None:
        self._source, self._sink, self._line = source, sink, line
        self._dice = random.Random(source)
        self._queue: deque[tuple[float, bytes]] = deque()

    def take(self, now: float) -> None:
        """Read what is there."""
        for _ in range(64):
            try:
                packet = os.read(self._source, 65536)
            except BlockingIOError:
                return
            due = self._line.due(now, self._dice)
            if due is not None:
                self._queue.append((max(due, self._queue[-1][0] if self._queue else due), packet))

    def give(self, now: float) -> float:
        """Write what is due; return the seconds until the next is."""
        while self._queue and self._queue[0][0] <= now:
            with contextlib.suppress(OSError):  # the far interface is full: a loss like any other
                os.write(self._sink, self._queue.popleft()[1])
        return self._queue[0][0] - now if self._queue else 1.0


def carry(near: int, far: int, line: Line) -> None:
    """Carry packets both ways until killed."""
    directions = {near: Direction(near, far, line), far: Direction(far, near, line)}
    while True:
        now = time.monotonic()
        wait_s = min(direction.give(now) for direction in directions.values())
        ready, _, _ = select.select(list(directions), (), (), max(0.0, wait_s))
        now = time.monotonic()
        for source in ready:
            directions[source].take(now)


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: never outlive the benchmark
    near, far = int(sys.argv[1]), int(sys.argv[2])
    os.set_blocking(near, False)
    os.set_blocking(far, False)
    delay_s, jitter_s, slot_s, loss = (float(text) for text in sys.argv[3:7])
    carry(near, far, Line(delay_s=delay_s, jitter_s=jitter_s, slot_s=slot_s, loss=loss))
