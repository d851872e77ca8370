"""What a line does to a packet: when it arrives at the other end, or that it never does."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from harness.core.errors import UsageError
from harness.core.units import NS_PER_S

_MOST_DELAY_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One direction of a line.

    Attributes:
        delay_s: Time that every packet takes, in seconds.
        jitter_s: Random time on top, evenly spread up to this; packets stay in order.
        loss: Part of the packets that are lost, 0.0 to 1.0.
        queue_bytes: What may be on the line; the rest is lost.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    queue_bytes: int = 16_000_000

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: One of them makes no sense.
        """
        if not 0 <= self.delay_s + self.jitter_s <= _MOST_DELAY_S or self.jitter_s < 0:
            msg = (
                f"line: delay {self.delay_s} s with jitter {self.jitter_s} s is not between 0 and "
                f"{_MOST_DELAY_S} s"
            )
            raise UsageError(msg)
        if not 0 <= self.loss <= 1:
            msg = f"line: loss {self.loss} is not between 0.0 and 1.0"
            raise UsageError(msg)


@dataclass(slots=True)
class DelayQueue:
    """The packets that are on one direction of a line.

    Attributes:
        line: What happens to packets that come from now on.
        dice: Where chance comes from.
        carried: Packets that arrived.
        lost: Packets that were lost by chance.
        overflowed: Packets that found the line full.
        late_ns: By how much the latest packet came later than it was due.
    """

    line: Line
    dice: random.Random
    carried: int = 0
    lost: int = 0
    overflowed: int = 0
    late_ns: int = 0
    _packets: deque[tuple[int, bytes]] = field(default_factory=deque)
    _bytes: int = 0

    def put(self, packet: bytes, now_ns: int) -> None:
        """Take a packet at the near end."""
        line = self.line
        if line.loss and self.dice.random() < line.loss:
            self.lost += 1
            return
        if self._bytes + len(packet) > line.queue_bytes:
            self.overflowed += 1
            return
        delay_s = line.delay_s + (self.dice.random() * line.jitter_s if line.jitter_s else 0.0)
        due_ns = now_ns + round(delay_s * NS_PER_S)
        if self._packets:
            due_ns = max(due_ns, self._packets[-1][0])
        self._packets.append((due_ns, packet))
        self._bytes += len(packet)

    def due(self, now_ns: int) -> bytes | None:
        """Return the next packet that has arrived at the far end, or None."""
        if not self._packets or self._packets[0][0] > now_ns:
            return None
        due_ns, packet = self._packets.popleft()
        self._bytes -= len(packet)
        self.carried += 1
        self.late_ns = max(self.late_ns, now_ns - due_ns)
        return packet

    def next_s(self, now_ns: int) -> float | None:
        """Return the seconds until the next packet is due; None if there is none."""
        return max(0, self._packets[0][0] - now_ns) / NS_PER_S if self._packets else None
