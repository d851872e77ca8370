"""Goodput (RFC 2647, 3.17) of one direction, measured while it runs, and stopped when it is known.

The rate is that of layer 2 at the tap, which is what a shaper is configured in; the payload's rate
is kept beside it where headers were kept. The measurement ends as soon as the interval is narrow
enough: bytes on a SIM cost money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import NS_PER_S, format_rate, format_size
from harness.measure.measurement import Measurement
from harness.measure.packets import Packets, joined
from harness.measure.segments import tcp_segments, unwrapped
from harness.measure.steadiness import BatchMeans, batch_means
from harness.measure.suffix import Curve, Fit, best_suffix

RTTS: Final = 3
"""A stretch that counts lasts at least so many round trips."""
_LOOK_EVERY_NS: Final = 50_000_000
_OF_CEILING: Final = 0.9


class Stop(StrEnum):
    """Why a goodput measurement ended."""

    NARROW = "the interval is narrow enough"
    BYTES = "the byte budget is used up"
    TIME = "the time is used up"
    ENDED = "the transfer ended"
    CEILING = "the rate is at the bench's own ceiling"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodputPlan:
    """What a goodput measurement has to reach and may spend.

    Attributes:
        outgoing: Measure what leaves the bench instead of what arrives.
        within: Wanted half width of the interval, as a part of the rate.
        shortest_s: Shortest stretch that counts, in seconds; three round trips if that is more.
        upload_port: TCP port of an upload on the bench's side: what its far end acknowledges is
            measured then, because a limiter in the network lies behind the tap. None for the tap.
        rtt_s: Idle round trip time in seconds, 0.0 when unknown.
        budget_bytes: Most bytes to spend.
        budget_s: Longest time to spend.
        ceiling_bps: What the bench itself can do; a rate above nine tenths of it is refused.
    """

    outgoing: bool = False
    within: float = 0.015
    shortest_s: float = 0.3
    upload_port: int | None = None
    rtt_s: float = 0.0
    budget_bytes: int = 20_000_000
    budget_s: float = 10.0
    ceiling_bps: float = math.inf

    def __post_init__(self) -> None:
        """Refuse a plan that cannot end.

        Raises:
            UsageError: A width, time or budget is not positive.
        """
        if min(self.within, self.shortest_s, self.budget_s, self.budget_bytes) <= 0:
            msg = f"a width, a time and a budget are above zero; got {self!r}"
            raise UsageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodput:
    """What a goodput measurement found.

    Attributes:
        wire_bps: Rate at layer 2, in bit/s; None when nothing steady was seen, or when it is so
            near the bench's own ceiling that it says nothing about the path.
        payload_bps: Rate of TCP payload, in bit/s; None without headers.
        bound: Half width of the interval, as a part of the rate.
        span_s: Duration of the stretch that counted, in seconds.
        edges: Packets (or scheduler lumps) in it.
        waited_s: From the first packet to the end, in seconds.
        bytes_burnt: Bytes of both directions that the tap had seen by then.
        stop: Why it ended.
        blocks: Batch means of the stretch, None when it was too short for them.
        doubts: Why the figure is not to be trusted, in words.
    """

    wire_bps: float | None
    payload_bps: float | None
    bound: float
    span_s: float
    edges: int
    waited_s: float
    bytes_burnt: int
    stop: Stop
    blocks: BatchMeans | None
    doubts: tuple[str, ...] = ()

    @property
    def steady(self) -> bool:
        """Whether the rate did not move over the stretch."""
        return self.blocks is not None and self.blocks.steady

    def measurement(self, name: str) -> Measurement:
        """Return the layer 2 rate as a measurement."""
        rate = self.wire_bps
        return Measurement(
            name=name,
            value=rate,
            unit="bit/s",
            low=None if rate is None else rate * max(0.0, 1 - self.bound),
            high=None if rate is None else rate * (1 + self.bound),
            n=self.edges,
            reliability=self.doubts,
            bytes_burnt=self.bytes_burnt,
        )


class GoodputMeter:
    """A measurement that is fed with packets until it says what it found.

    Args:
        plan: What to reach and what to spend.
    """

    def __init__(self, plan: GoodputPlan) -> None:
        self._plan = plan
        self._parts: list[Packets] = []
        self._next_look_ns: int | None = None
        self._bytes = 0

    def feed(self, packets: Packets) -> Goodput | None:
        """Take packets of the interface, both directions; return the result once it is known."""
        if len(packets) == 0:
            return None
        self._parts.append(packets)
        self._bytes += packets.bytes_total()
        now_ns = int(packets.t_ns[-1])
        if self._next_look_ns is None:
            self._next_look_ns = int(packets.t_ns[0]) + _LOOK_EVERY_NS
        if now_ns < self._next_look_ns and self._bytes < self._plan.budget_bytes:
            return None
        self._next_look_ns = now_ns + _LOOK_EVERY_NS
        curve, fit = self._look()
        if fit is not None and fit.bound <= self._plan.within:
            return self._result(curve, fit, Stop.NARROW)
        if self._bytes >= self._plan.budget_bytes:
            return self._result(curve, fit, Stop.BYTES)
        if len(curve) and now_ns - int(curve.t_ns[0]) >= self._plan.budget_s * NS_PER_S:
            return self._result(curve, fit, Stop.TIME)
        return None

    def conclude(self, stop: Stop = Stop.ENDED) -> Goodput:
        """Return what can be said when no more packets will come."""
        curve, fit = self._look()
        return self._result(curve, fit, stop)

    def _look(self) -> tuple[Curve, Fit | None]:
        packets = joined(self._parts)
        self._parts = [packets]
        if self._plan.outgoing and self._plan.upload_port is not None and packets.headers:
            curve = acknowledged_curve(packets, self._plan.upload_port)
        else:
            curve = curve_of(packets, outgoing=self._plan.outgoing)
        shortest_s = max(self._plan.shortest_s, RTTS * self._plan.rtt_s)
        return curve, best_suffix(curve, min_span_s=shortest_s)

    def _result(self, curve: Curve, fit: Fit | None, stop: Stop) -> Goodput:
        plan = self._plan
        waited_s = (int(curve.t_ns[-1]) - int(curve.t_ns[0])) / NS_PER_S if len(curve) else 0.0
        if fit is None:
            return Goodput(
                wire_bps=None,
                payload_bps=None,
                bound=math.inf,
                span_s=0.0,
                edges=len(curve),
                waited_s=waited_s,
                bytes_burnt=self._bytes,
                stop=stop,
                blocks=None,
                doubts=(f"no steady stretch in {len(curve)} packets of {waited_s:.3g} s",),
            )
        stretch = Curve(t_ns=curve.t_ns[fit.first :], total_bytes=curve.total_bytes[fit.first :])
        doubts: list[str] = []
        if fit.bound > plan.within:
            doubts.append(f"the interval is ±{fit.bound:.1%} after {format_size(self._bytes)}")
        rate_bps: float | None = fit.rate_bps
        if fit.rate_bps > _OF_CEILING * plan.ceiling_bps:
            stop, rate_bps = Stop.CEILING, None
            doubts.append(
                f"{format_rate(fit.rate_bps)} is above nine tenths of the bench's own ceiling of "
                f"{format_rate(plan.ceiling_bps)}"
            )
        share = _payload_share(joined(self._parts), stretch, outgoing=plan.outgoing)
        return Goodput(
            wire_bps=rate_bps,
            payload_bps=None if share is None or rate_bps is None else rate_bps * share,
            bound=fit.bound,
            span_s=fit.span_s,
            edges=fit.edges,
            waited_s=waited_s,
            bytes_burnt=self._bytes,
            stop=stop,
            blocks=batch_means(stretch),
            doubts=tuple(doubts),
        )


def curve_of(packets: Packets, *, outgoing: bool) -> Curve:
    """Return the cumulative layer 2 bytes of one direction."""
    rows = packets.outgoing if outgoing else ~packets.outgoing
    return Curve(
        t_ns=packets.t_ns[rows], total_bytes=np.cumsum(packets.wire_bytes[rows], dtype=np.int64)
    )


def acknowledged_curve(packets: Packets, local_port: int) -> Curve:
    """Return what the far end has acknowledged of an upload, from the ACKs that came in.

    The tap at the bench end sees an upload before a shaper in the network does; the ACKs show what
    came out of it, as the bytes at layer 2 that carried it once.
    """
    segments = tcp_segments(packets)
    rows = ~segments.outgoing & (segments.local_port == local_port) & ~segments.syn
    numbers = unwrapped(segments.acknowledged[rows])
    highest = np.maximum.accumulate(numbers) if len(numbers) else numbers
    fresh = np.diff(highest, prepend=highest[:1] - 1) > 0
    data = segments.outgoing & (segments.payload_bytes > 0)
    payload = max(1, int(segments.payload_bytes[data].sum()))
    carried = max(1, int(segments.wire_bytes[data].sum())) / payload if data.any() else 1.0
    scaled = np.round((highest[fresh] - highest[:1]) * carried).astype(np.int64)
    return Curve(t_ns=segments.t_ns[rows][fresh], total_bytes=scaled)


def _payload_share(packets: Packets, stretch: Curve, *, outgoing: bool) -> float | None:
    """Return new payload bytes per layer 2 byte of the stretch; None without headers."""
    if not packets.headers:
        return None
    since = packets.t_ns >= stretch.t_ns[0]
    segments = tcp_segments(packets.taken(since & (packets.outgoing == outgoing)))
    if outgoing:  # what was sent again is not in the rate of an upload
        data = segments.payload_bytes > 0
        return float(segments.payload_bytes[data].sum() / max(1, segments.wire_bytes[data].sum()))
    seen: dict[tuple[int, int], int] = {}
    wire = max(1, int(packets.wire_bytes[since & (packets.outgoing == outgoing)].sum()))
    for port, sequence, payload in zip(
        segments.local_port.tolist(),
        segments.sequence.tolist(),
        segments.payload_bytes.tolist(),
        strict=True,
    ):
        if payload:
            seen[port, sequence] = max(payload, seen.get((port, sequence), 0))
    return sum(seen.values()) / wire
