"""How long data waited in a queue, seen by the receiver alone (RFC 7323 time stamps at its tap).

Each data segment echoes the stamp of the newest ACK that its sender had seen when it sent. From
that ACK's leaving to the segment's coming is one round trip; what it takes above the idle round
trip it waited. While every segment waited, the bottleneck was never idle, and the rate that came
out of it is its capacity, however TCP behaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.units import NS_PER_S
from harness.measure.packets import Bool, Int64
from harness.measure.segments import Segments, unwrapped

_UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """Data segments of one download, in order of arrival.

    Attributes:
        t_ns: Arrival times.
        wire_bytes: Lengths at layer 2.
        round_trip_ns: From the echoed ACK to the arrival; -1 where it is not known.
        repeated: Not newer than what had come before: a retransmission, or a segment overtaken.
    """

    t_ns: Int64
    wire_bytes: Int64
    round_trip_ns: Int64
    repeated: Bool

    def __len__(self) -> int:
        return len(self.t_ns)

    @property
    def stamped(self) -> bool:
        """Whether round trips are known at all."""
        return bool((self.round_trip_ns >= 0).any())

    def idle_round_trip_s(self) -> float | None:
        """Return the shortest round trip that was seen, in seconds; None when none was."""
        known = self.round_trip_ns[(self.round_trip_ns >= 0) & ~self.repeated]
        return float(known.min()) / NS_PER_S if len(known) else None


def arrivals_of(segments: Segments, local_port: int) -> Arrivals:
    """Return the data that came in for `local_port`, with its round trips.

    Args:
        segments: Both directions, in the order of the tap.
        local_port: TCP port on the bench's side.
    """
    own = segments.local_port == local_port
    sent = own & segments.outgoing & (segments.stamp >= 0)
    first_sent: dict[int, int] = {}
    for stamp, t_ns in zip(
        segments.stamp[sent].tolist(), segments.t_ns[sent].tolist(), strict=True
    ):
        first_sent.setdefault(stamp, t_ns)
    rows = own & ~segments.outgoing & (segments.payload_bytes > 0)
    t_ns = segments.t_ns[rows]
    asked = np.array(
        [first_sent.get(echo, _UNKNOWN) for echo in segments.echo[rows].tolist()], np.int64
    )
    ends = unwrapped(segments.sequence[rows]) + segments.payload_bytes[rows]
    before = np.maximum.accumulate(ends)
    repeated = np.zeros(len(ends), np.bool_)
    repeated[1:] = ends[1:] <= before[:-1]
    return Arrivals(
        t_ns=t_ns,
        wire_bytes=segments.wire_bytes[rows],
        round_trip_ns=np.where(asked >= 0, t_ns - asked, _UNKNOWN),
        repeated=repeated,
    )


def busy_since(arrivals: Arrivals, idle_s: float, waited_s: float) -> int:
    """Return the index from which on every segment had waited; `len(arrivals)` when none has.

    A segment after a silence is one that a timer sent, not one that waited in a queue: the busy
    stretch begins after it.

    Args:
        arrivals: Data segments.
        idle_s: Idle round trip, in seconds.
        waited_s: Shortest wait that counts as a queue, in seconds.
    """
    limit_ns = (idle_s + waited_s) * NS_PER_S
    fresh = ~arrivals.repeated & (arrivals.round_trip_ns < limit_ns)
    gaps = np.diff(arrivals.t_ns, prepend=arrivals.t_ns[:1])
    usual = float(np.median(gaps[-32:])) if len(gaps) else 0.0
    timer = gaps > 2.5 * usual + waited_s * NS_PER_S
    idle = np.flatnonzero(fresh | timer)
    return int(idle[-1]) + 1 if len(idle) else 0
