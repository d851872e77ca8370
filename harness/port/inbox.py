"""What arrives at ports, in the order of arrival, with the time of arrival."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from harness.core.clock import Clock, Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Bytes of one read.

    Attributes:
        t_ns: Monotonic time of arrival, in nanoseconds.
        port: Name of the port.
        opening: Which opening of a port the bytes belong to (see `BytePort.open`).
        data: The bytes; never empty.
    """

    t_ns: int
    port: str
    opening: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLost:
    """The end of a port: nothing follows from this opening.

    Attributes:
        t_ns: Monotonic time, in nanoseconds.
        port: Name of the port.
        opening: Which opening of a port has ended.
        reason: What the host said.
    """

    t_ns: int
    port: str
    opening: int
    reason: str


Arrival = Chunk | PortLost


class BytePort(Protocol):
    """A port as a session sees it."""

    @property
    def name(self) -> str:
        """Name of the port, as people know it."""
        ...

    def open(self, deliver: Callable[[Arrival], None], opening: int) -> None:
        """Open the port; from now on each arrival is handed to `deliver`.

        Args:
            deliver: Called in the order of arrival, from any thread.
            opening: A number that marks each arrival; tells this opening from an earlier one.
        """
        ...

    def write(self, data: bytes, deadline: Deadline) -> int:
        """Send all of `data`; return the monotonic time before the first byte, in nanoseconds."""
        ...

    def pulse_dtr(self, low_s: float) -> bool:
        """Drop DTR for `low_s` seconds; False where the port has no modem lines."""
        ...

    def close(self) -> None:
        """Close the port; closing twice is allowed."""
        ...


class Inbox(Protocol):
    """Where a session waits for arrivals."""

    def put(self, arrival: Arrival) -> None:
        """Add an arrival; never blocks."""
        ...

    def get(self, until_ns: int) -> Arrival | None:
        """Return the next arrival; None when there is none until monotonic time `until_ns`."""
        ...


class QueueInbox:
    """An inbox that reader threads fill."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[Arrival] = queue.SimpleQueue()

    def put(self, arrival: Arrival) -> None:
        """Add an arrival; never blocks."""
        self._queue.put(arrival)

    def get(self, until_ns: int) -> Arrival | None:
        """Return the next arrival; None when there is none until monotonic time `until_ns`."""
        left_ns = until_ns - self._clock.monotonic_ns()
        try:
            if left_ns <= 0:
                return self._queue.get_nowait()
            return self._queue.get(timeout=left_ns / 1_000_000_000)
        except queue.Empty:
            return None
