"""What arrives at ports, in the order of arrival, with the time of arrival."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from harness.core.clock import Clock, Deadline

NS_PER_MS: Final = 1_000_000


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


class Source(Protocol):
    """A port that is read by whoever waits for it, and by its own thread at other times.

    A hand-over from thread to thread costs more than the rest of a command, so the thread that
    waits reads for itself.
    """

    def fileno(self) -> int:
        """Return the descriptor to poll."""
        ...

    def claim(self) -> None:
        """Read by `read_now` only, until `release`."""
        ...

    def release(self) -> None:
        """Let the port's own thread read again."""
        ...

    def read_now(self, t_ns: int) -> Arrival | None:
        """Read once, without waiting; `t_ns` is when there was something to read."""
        ...


class Inbox(Protocol):
    """Where a session waits for arrivals."""

    def attach(self, source: Source) -> None:
        """Read `source` while somebody waits, too."""
        ...

    def detach(self, source: Source) -> None:
        """Leave `source` alone; detaching twice is allowed."""
        ...

    def put(self, arrival: Arrival) -> None:
        """Add an arrival; never blocks."""
        ...

    def get(self, until_ns: int) -> Arrival | None:
        """Return the next arrival; None when there is none until monotonic time `until_ns`."""
        ...

    def claim(self) -> Sequence[Source]:
        """Let the ports' own threads sleep: `get` reads now; return what `release` is given."""
        ...

    def release(self, claimed: Sequence[Source]) -> None:
        """Take a claim back."""
        ...


class BytePort(Protocol):
    """A port as a session sees it."""

    @property
    def name(self) -> str:
        """Name of the port, as people know it."""
        ...

    def open(self, inbox: Inbox, opening: int) -> None:
        """Open the port; from now on each arrival is put into `inbox`.

        Args:
            inbox: Where arrivals go, in their order, from any thread.
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


class LiveInbox:
    """The inbox of real ports; one thread at a time waits at it.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._arrived: deque[Arrival] = deque()
        self._sources: dict[int, Source] = {}
        self._attached: tuple[Source, ...] = ()
        self._changing = threading.Lock()  # held while a source comes or goes
        self._poller = select.poll()
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poller.register(self._wake_fd, select.POLLIN)

    def __del__(self) -> None:
        os.close(self._wake_fd)

    def attach(self, source: Source) -> None:
        """Read `source` while somebody waits, too."""
        fd = source.fileno()
        with self._changing:
            self._sources[fd] = source
            self._attached = tuple(self._sources.values())
            self._poller.register(fd, select.POLLIN)
        self._wake()

    def detach(self, source: Source) -> None:
        """Leave `source` alone; detaching twice is allowed."""
        with self._changing:
            # A port's own thread and who closes it may both come here at the end of the port.
            known = [fd for fd, kept in self._sources.items() if kept is source]
            for fd in known:
                del self._sources[fd]
                self._poller.unregister(fd)
            self._attached = tuple(self._sources.values())
        if known:
            self._wake()

    def put(self, arrival: Arrival) -> None:
        """Add an arrival; never blocks."""
        self._arrived.append(arrival)
        self._wake()

    def _wake(self) -> None:
        os.eventfd_write(self._wake_fd, 1)

    def claim(self) -> Sequence[Source]:
        """Let the ports' own threads sleep: `get` reads now; return what `release` is given.

        Who claims before the command is written has no thread woken by the answer; with many
        busy ports that costs more than the rest of a command.
        """
        sources = self._attached
        for source in sources:
            source.claim()
        return sources

    def release(self, claimed: Sequence[Source]) -> None:
        """Take a claim back."""
        for source in claimed:
            source.release()

    def get(self, until_ns: int) -> Arrival | None:
        """Return the next arrival; None when there is none until monotonic time `until_ns`."""
        while not self._arrived:
            left_ns = until_ns - self._clock.monotonic_ns()
            ready = self._poller.poll(max(0, left_ns) / NS_PER_MS)
            if not ready and left_ns <= 0:
                return None
            self._read(ready, self._clock.monotonic_ns())
        return self._arrived.popleft()

    def _read(self, ready: list[tuple[int, int]], t_ns: int) -> None:
        for fd, _ in ready:
            if fd == self._wake_fd:
                os.eventfd_read(fd)
                continue
            source = self._sources.get(fd)
            arrival = source.read_now(t_ns) if source else None
            if arrival is not None:
                self._arrived.append(arrival)
