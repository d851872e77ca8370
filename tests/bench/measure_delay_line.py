"""A long line between two TUN descriptors: delay, jitter, a scheduler's slots, loss.

Run as a program: one process, both directions. Only for benchmarks of the measuring side, where
the path must be known and not come from the code under test.
"""

from __future__ import annotations

import ctypes
import os
import random
import select
import signal
import sys
import time
from collections import deque


def carry(
    fds: tuple[int, int], delay_s: float, jitter_s: float, slot_s: float, loss: float
) -> None:
    """Carry packets both ways until killed; never out of order."""
    dice = random.Random(1)
    queues: dict[int, deque[tuple[float, bytes]]] = {fds[0]: deque(), fds[1]: deque()}
    other = {fds[0]: fds[1], fds[1]: fds[0]}
    while True:
        now = time.monotonic()
        wait_s = 1.0
        for source, queue in queues.items():
            while queue and queue[0][0] <= now:
                try:
                    os.write(other[source], queue.popleft()[1])
                except OSError:
                    continue  # the far interface is full or gone: a loss like any other
            if queue:
                wait_s = min(wait_s, queue[0][0] - now)
        ready, _, _ = select.select(fds, (), (), max(0.0, wait_s))
        now = time.monotonic()
        for source in ready:
            queue = queues[source]
            for _ in range(64):
                try:
                    packet = os.read(source, 65536)
                except BlockingIOError:
                    break
                if loss and dice.random() < loss:
                    continue
                due = now + delay_s + dice.random() * jitter_s
                if slot_s:
                    due = (int(due / slot_s) + 1) * slot_s
                if queue:
                    due = max(due, queue[-1][0])
                queue.append((due, packet))


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: never outlive the benchmark
    near, far = int(sys.argv[1]), int(sys.argv[2])
    os.set_blocking(near, False)
    os.set_blocking(far, False)
    carry((near, far), *(float(text) for text in sys.argv[3:7]))
