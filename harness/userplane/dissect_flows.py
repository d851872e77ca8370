"""Flows of a capture: bytes at each layer and direction, what TCP had to send again, its RTT."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from harness.core.units import NS_PER_S
from harness.userplane.dissect_frames import ACK, FIN, SYN, TCP, Segment

_MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31
_MOST_STREAM_BYTES: Final = 1 << 16
"""How much of the start of a stream is put together: enough for any TLS handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What one side of a flow sent.

    Attributes:
        packets: Number of packets.
        l2_bytes: Bytes on the wire, Ethernet headers included.
        l3_bytes: Bytes of IP packets: what most routers and carriers count.
        payload_bytes: Bytes that TCP or UDP carried, what was sent again included.
    """

    packets: int = 0
    l2_bytes: int = 0
    l3_bytes: int = 0
    payload_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSide:
    """What one side of a TCP connection did, as the tap saw it.

    Attributes:
        repeated_segments: Segments with bytes that the tap had seen already.
        repeated_bytes: Those bytes.
        late_segments: Segments that filled a hole: lost before the tap, or overtaken.
        rtt_s: Median time until the other side acknowledged, in seconds; None without samples.
        rtt_samples: How many times that is the median of.
        start: The first bytes that this side sent, in order, without holes.
    """

    repeated_segments: int = 0
    repeated_bytes: int = 0
    late_segments: int = 0
    rtt_s: float | None = None
    rtt_samples: int = 0
    start: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Both directions of one connection or exchange.

    Attributes:
        protocol: 6 is TCP, 17 is UDP.
        client: Address of the side that sent first.
        client_port: Its port.
        server: Address of the other side.
        server_port: Its port.
        sent: What the client sent.
        answered: What the server sent.
        outgoing: Whether the client is at the bench end; None if the capture does not say.
        first_ns: Time of the first packet, in nanoseconds since 1970.
        last_ns: Time of the last packet.
        handshake_s: Seconds from SYN to SYN-ACK, or None.
        client_tcp: How the client's TCP fared; None for anything else.
        server_tcp: How the server's TCP fared; None for anything else.
    """

    protocol: int
    client: str
    client_port: int
    server: str
    server_port: int
    sent: Volume
    answered: Volume
    outgoing: bool | None
    first_ns: int
    last_ns: int
    handshake_s: float | None = None
    client_tcp: TcpSide | None = None
    server_tcp: TcpSide | None = None


@dataclass(slots=True)
class _Side:
    """One direction of a flow while it is followed."""

    packets: int = 0
    l2_bytes: int = 0
    l3_bytes: int = 0
    payload_bytes: int = 0
    base: int | None = None
    seen: list[tuple[int, int]] = field(default_factory=list)
    chunks: dict[int, bytes] = field(default_factory=dict)
    waiting: list[tuple[int, int]] = field(default_factory=list)
    finished: set[int] = field(default_factory=set)
    rtts_ns: list[int] = field(default_factory=list)
    repeated_segments: int = 0
    repeated_bytes: int = 0
    late_segments: int = 0

    def count(self, segment: Segment) -> None:
        self.packets += 1
        self.l2_bytes += segment.l2_bytes
        self.l3_bytes += segment.l3_bytes
        self.payload_bytes += segment.payload_bytes

    def place(self, sequence: int) -> int:
        """Return a sequence number as a distance from the first one; numbers wrap at 2^32."""
        if self.base is None:
            self.base = sequence
        highest = self.seen[-1][1] if self.seen else 0
        expected = (self.base + highest) % _MODULUS
        return highest + (sequence - expected + _HALF) % _MODULUS - _HALF

    def follow(self, segment: Segment) -> None:
        """Take a TCP segment with payload."""
        begin = self.place(segment.sequence)
        end = begin + segment.payload_bytes
        overlap = sum(max(0, min(end, b) - max(begin, a)) for a, b in self.seen)
        highest = self.seen[-1][1] if self.seen else begin
        if overlap:
            self.repeated_segments += 1
            self.repeated_bytes += overlap
            self.waiting = [(at, t) for at, t in self.waiting if not begin < at <= end]
        elif begin < highest:
            self.late_segments += 1
        else:
            self.waiting.append((end, segment.t_ns))
        self._note(begin, end)
        if begin < _MOST_STREAM_BYTES and len(segment.payload) == segment.payload_bytes:
            self.chunks.setdefault(begin, segment.payload)

    def finish(self, segment: Segment) -> None:
        """Take a FIN, which has a number of its own to be acknowledged (RFC 9293 3.4)."""
        end = self.place((segment.sequence + segment.payload_bytes) % _MODULUS) + 1
        self.waiting = [(at, t) for at, t in self.waiting if at != end]
        if end not in self.finished:
            self.waiting.append((end, segment.t_ns))
        self.finished.add(end)

    def _note(self, begin: int, end: int) -> None:
        merged: list[tuple[int, int]] = []
        for a, b in sorted([*self.seen, (begin, end)]):
            if merged and a <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
            else:
                merged.append((a, b))
        self.seen = merged

    def acknowledged(self, number: int, t_ns: int) -> None:
        """Take the other side's acknowledgement (Karn: what was repeated gives no sample)."""
        if self.base is None:
            return
        upto = self.place(number)
        done = [sent_ns for end, sent_ns in self.waiting if end <= upto]
        if done:
            self.rtts_ns.append(t_ns - done[-1])
            self.waiting = [(end, sent) for end, sent in self.waiting if end > upto]

    def start(self) -> bytes:
        """Put the beginning of the stream together."""
        joined, at = b"", 0
        for begin in sorted(self.chunks):
            if begin > at:
                break
            joined += self.chunks[begin][at - begin :]
            at = len(joined)
        return joined[:_MOST_STREAM_BYTES]

    def volume(self) -> Volume:
        return Volume(
            packets=self.packets,
            l2_bytes=self.l2_bytes,
            l3_bytes=self.l3_bytes,
            payload_bytes=self.payload_bytes,
        )

    def tcp(self) -> TcpSide:
        return TcpSide(
            repeated_segments=self.repeated_segments,
            repeated_bytes=self.repeated_bytes,
            late_segments=self.late_segments,
            rtt_s=statistics.median(self.rtts_ns) / NS_PER_S if self.rtts_ns else None,
            rtt_samples=len(self.rtts_ns),
            start=self.start(),
        )


@dataclass(slots=True)
class _Following:
    """A flow while it is followed."""

    first: Segment
    last_ns: int
    client: _Side = field(default_factory=_Side)
    server: _Side = field(default_factory=_Side)
    syn_ns: int | None = None
    handshake_s: float | None = None

    def take(self, segment: Segment) -> None:
        from_client = (segment.source, segment.source_port) == (
            self.first.source,
            self.first.source_port,
        )
        near, far = (self.client, self.server) if from_client else (self.server, self.client)
        near.count(segment)
        self.last_ns = segment.t_ns
        if segment.protocol != TCP:
            return
        if segment.flags & SYN:
            near.base = (segment.sequence + 1) % _MODULUS
            self._handshake(segment)
        elif segment.payload_bytes:
            near.follow(segment)
        if segment.flags & FIN:
            near.finish(segment)
        if segment.flags & ACK:
            far.acknowledged(segment.acknowledged, segment.t_ns)

    def _handshake(self, segment: Segment) -> None:
        if not segment.flags & ACK:
            self.syn_ns = segment.t_ns
        elif self.syn_ns is not None and self.handshake_s is None:
            self.handshake_s = (segment.t_ns - self.syn_ns) / NS_PER_S

    def flow(self) -> Flow:
        is_tcp = self.first.protocol == TCP
        return Flow(
            protocol=self.first.protocol,
            client=self.first.source,
            client_port=self.first.source_port,
            server=self.first.target,
            server_port=self.first.target_port,
            sent=self.client.volume(),
            answered=self.server.volume(),
            outgoing=self.first.outgoing,
            first_ns=self.first.t_ns,
            last_ns=self.last_ns,
            handshake_s=self.handshake_s,
            client_tcp=self.client.tcp() if is_tcp else None,
            server_tcp=self.server.tcp() if is_tcp else None,
        )


def flows_of(segments: Iterable[Segment]) -> tuple[Flow, ...]:
    """Sort the packets of a capture into flows, in the order in which they began."""
    followed: dict[tuple[int, frozenset[tuple[str, int]]], _Following] = {}
    for segment in segments:
        ends = frozenset(
            {(segment.source, segment.source_port), (segment.target, segment.target_port)}
        )
        following = followed.setdefault(
            (segment.protocol, ends), _Following(first=segment, last_ns=segment.t_ns)
        )
        following.take(segment)
    return tuple(following.flow() for following in followed.values())
