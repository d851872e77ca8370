"""A recorded transcript as the port, the inbox and the clock of a session.

The session runs as it did on the bench, in recorded time: what was received arrives when the
session waits, what it sends is compared with what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from harness.core.clock import Deadline
from harness.core.units import NS_PER_S
from harness.port.errors import TranscriptError
from harness.port.inbox import Arrival, Chunk, Inbox, Source
from harness.port.mask import Masker
from harness.port.transcript import Direction, Entry


class Replay:
    """Plays a transcript; a `Clock`, an `Inbox`, and the maker of the ports.

    Args:
        entries: What was recorded, for example by `harness.port.transcript.read_transcript`.
        start_ns: Recorded time at which to begin, in nanoseconds; by default that of the first
            entry.
    """

    def __init__(self, entries: Iterable[Entry], *, start_ns: int | None = None) -> None:
        self._entries = list(entries)
        self._next = 0
        if start_ns is None:
            start_ns = self._entries[0].t_ns if self._entries else 0
        self._now_ns = start_ns
        self._openings: dict[str, int] = {}
        self._put: list[Arrival] = []

    @property
    def at_end(self) -> bool:
        """Whether everything that was recorded has been played."""
        return self._next >= len(self._entries)

    def monotonic_ns(self) -> int:
        """Return the recorded time that has been reached, in nanoseconds.

        When the next thing that happened is that something was sent, it is already that time:
        whoever recorded it was idle until then.
        """
        if not self.at_end:
            entry = self._entries[self._next]
            if entry.direction is Direction.SENT:
                self._now_ns = max(self._now_ns, entry.t_ns)
        return self._now_ns

    def utc_us(self) -> int:
        """Return the same time in microseconds: a record has no second clock."""
        return self._now_ns // 1000

    def sleep(self, duration_s: float) -> None:
        """Let recorded time pass."""
        self._now_ns += round(duration_s * NS_PER_S)

    def port(self, name: str) -> ReplayPort:
        """Return the port that was recorded as `name`."""
        return ReplayPort(self, name)

    def attach(self, source: Source) -> None:
        """Leave `source` alone: a replay reads no port."""

    def detach(self, source: Source) -> None:
        """Leave `source` alone: a replay reads no port."""

    def claim(self) -> Sequence[Source]:
        """Claim nothing: a replay has no threads."""
        return ()

    def release(self, claimed: Sequence[Source]) -> None:
        """Release nothing: a replay has no threads."""

    def put(self, arrival: Arrival) -> None:
        """Take an arrival that somebody else makes."""
        self._put.append(arrival)

    def get(self, until_ns: int) -> Arrival | None:
        """Return what was received next, if that was before `until_ns`."""
        if self._put:
            return self._put.pop(0)
        while self._next < len(self._entries):
            entry = self._entries[self._next]
            if entry.direction is Direction.SENT or entry.t_ns > max(until_ns, self._now_ns):
                break
            self._next += 1
            self._now_ns = max(self._now_ns, entry.t_ns)
            if entry.port in self._openings and entry.data:
                return Chunk(
                    t_ns=entry.t_ns,
                    port=entry.port,
                    opening=self._openings[entry.port],
                    data=entry.data,
                )
        self._now_ns = max(self._now_ns, until_ns)
        return None

    def opened(self, name: str, opening: int) -> None:
        """Deliver what was received on port `name` as this opening."""
        self._openings[name] = opening

    def closed(self, name: str) -> None:
        """Deliver nothing more of port `name`."""
        self._openings.pop(name, None)

    def sent(self, name: str, data: bytes) -> int:
        """Compare `data` with what was sent next; return when it was sent, in nanoseconds.

        Received bytes that were recorded before it arrive afterwards, with their own times.

        Raises:
            TranscriptError: Something else was sent, or nothing.
        """
        for index in range(self._next, len(self._entries)):
            entry = self._entries[index]
            if entry.direction is not Direction.SENT:
                continue
            if entry.port != name or entry.data not in {data, _masked(name, data)}:
                msg = (
                    f"{data!r} is sent to {name}, the transcript has {entry.data!r} to {entry.port}"
                )
                raise TranscriptError(msg)
            del self._entries[index]
            self._now_ns = max(self._now_ns, entry.t_ns)
            return entry.t_ns
        msg = f"{data!r} is sent to {name}, the transcript has nothing more that was sent"
        raise TranscriptError(msg)


@dataclass(slots=True)
class ReplayPort:
    """One recorded port."""

    replay: Replay
    name: str
    dtr_pulses_s: list[float] = field(default_factory=list)

    def open(self, inbox: Inbox, opening: int) -> None:
        """Begin to play; arrivals come through the replay, which is the inbox."""
        del inbox
        self.replay.opened(self.name, opening)

    def write(self, data: bytes, deadline: Deadline) -> int:
        """Compare `data` with the record; return when it was sent, in nanoseconds."""
        del deadline
        return self.replay.sent(self.name, data)

    def pulse_dtr(self, low_s: float) -> bool:
        """Take note; a record has no modem lines."""
        self.dtr_pulses_s.append(low_s)
        return False

    def close(self) -> None:
        """Stop playing this port."""
        self.replay.closed(self.name)


def _masked(port: str, data: bytes) -> bytes:
    masker = Masker()
    records = [*masker.feed(0, port, Direction.SENT, data), *masker.flush()]
    return b"".join(record[3] for record in records)
