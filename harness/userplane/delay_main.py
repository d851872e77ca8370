"""The process behind a delay line: frames of a TAP interface to those of a real one and back."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import sys
import time
from typing import Final

from harness.userplane.delay_queue import DelayQueue, Line

_FRAME_BYTES: Final = 65_600
_AT_ONCE: Final = 64
_CONTROL: Final = 0
_CONTROL_BYTES: Final = 4096


def _move(source: int, queue: DelayQueue) -> None:
    now_ns = time.monotonic_ns()
    for _ in range(_AT_ONCE):
        try:
            packet = os.read(source, _FRAME_BYTES)
        except OSError:
            return  # nothing there, or the interface is down for a while
        queue.put(packet, now_ns)


def _give(sink: int, queue: DelayQueue) -> None:
    while (packet := queue.due(time.monotonic_ns())) is not None:
        with contextlib.suppress(OSError):  # the interface is down or full: lost, as on a wire
            os.write(sink, packet)


def _wait_s(queues: tuple[DelayQueue, DelayQueue]) -> float | None:
    now_ns = time.monotonic_ns()
    waits = [wait for queue in queues if (wait := queue.next_s(now_ns)) is not None]
    return min(waits, default=None)


def carry(tap: int, wire: int, up: DelayQueue, down: DelayQueue) -> None:
    """Carry frames until the control pipe is closed; a line in it changes both directions."""
    while True:
        ready, _, _ = select.select([tap, wire, _CONTROL], [], [], _wait_s((up, down)))
        if _CONTROL in ready:
            text = os.read(_CONTROL, _CONTROL_BYTES)  # one short line at a time, never cut
            if not text:
                return
            lines = json.loads(text)
            up.line, down.line = Line(**lines[0]), Line(**lines[1])
            sys.stdout.write("{}\n")
            sys.stdout.flush()
        if tap in ready:
            _move(tap, up)
        if wire in ready:
            _move(wire, down)
        _give(wire, up)
        _give(tap, down)


def main(argv: list[str]) -> int:
    """Run on descriptors `argv[0]` (TAP) and `argv[1]` (packet socket) with a seed `argv[2]`."""
    tap, wire, seed = (int(text) for text in argv)
    os.set_blocking(tap, False)
    os.set_blocking(wire, False)
    up = DelayQueue(Line(), random.Random(seed))  # noqa: S311 - which packet is lost is no secret
    down = DelayQueue(Line(), random.Random(seed + 1))  # noqa: S311 - the same
    carry(tap, wire, up, down)
    report = [
        {"carried": q.carried, "lost": q.lost, "overflowed": q.overflowed, "late_ns": q.late_ns}
        for q in (up, down)
    ]
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
