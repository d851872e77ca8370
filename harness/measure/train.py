"""A short UDP train: what a limiter is when TCP cannot show it.

The sender sends numbered datagrams with its own time stamp at a known rate above the threshold,
whatever happens to them. A token bucket of depth b and rate R lets b + R·t of them through; a
shaper makes them wait first, a policer drops them at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import BITS_PER_BYTE, NS_PER_S, format_rate
from harness.measure.certificates import FastCertificate
from harness.measure.limiter import Limiter, Signs, classify
from harness.measure.packets import Int64
from harness.measure.throttle_test import ThrottleDecision, ThrottlePlan

_RATE_ABOVE: Final = 3.0
TAIL_S: Final = 0.12
"""How long a train goes on after the deepest bucket is empty, in seconds."""
_RADIO_LOSS: Final = 0.03
_FEWEST: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """A train to send.

    Attributes:
        rate_bps: Sending rate at layer 2, in bit/s.
        packet_bytes: Size of each packet at layer 2.
        packets: Number of packets.
    """

    rate_bps: float
    packet_bytes: int
    packets: int

    @property
    def duration_s(self) -> float:
        """Time the sender takes, in seconds."""
        return self.packets * self.packet_bytes * BITS_PER_BYTE / self.rate_bps

    @property
    def total_bytes(self) -> int:
        """Bytes sent at layer 2."""
        return self.packets * self.packet_bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainArrivals:
    """What came of a train, in order of arrival.

    Attributes:
        t_ns: Kernel time stamps of the arrivals.
        number: Which packet of the train each was, from 0.
        sent_ns: The sender's own time stamps; only differences count.
        wire_bytes: Lengths at layer 2.
        asked_ns: When the train was asked for, by the clock of the arrivals; None when not known.
    """

    t_ns: Int64
    number: Int64
    sent_ns: Int64
    wire_bytes: Int64
    asked_ns: int | None = None


def train_for(plan: ThrottlePlan, *, packet_bytes: int = 1442, tail_s: float = TAIL_S) -> TrainPlan:
    """Return the shortest train that answers the question of `plan` for the stated bucket.

    At three times the threshold it empties the deepest bucket, then keeps on for `tail_s` and a
    lump, or for eight packets of the threshold's rate.

    Args:
        plan: The question.
        packet_bytes: Size of each packet at layer 2.
        tail_s: How long to keep on, in seconds; a rate near the threshold needs longer.

    Raises:
        UsageError: The packets are too small to carry a number and a time stamp.
    """
    least = 100
    if packet_bytes < least:
        msg = f"a packet of a train has {least} bytes or more at layer 2; got {packet_bytes!r}"
        raise UsageError(msg)
    rate_bps = _RATE_ABOVE * plan.threshold_bps
    empty_s = plan.bucket_bytes * BITS_PER_BYTE / (rate_bps - plan.threshold_bps)
    tail_s = max(tail_s, 8 * packet_bytes * BITS_PER_BYTE / plan.threshold_bps) + plan.lump_s
    packets = math.ceil((empty_s + tail_s) * rate_bps / BITS_PER_BYTE / packet_bytes)
    return TrainPlan(rate_bps=rate_bps, packet_bytes=packet_bytes, packets=packets)


def longer_tail_s(plan: ThrottlePlan) -> float:
    """Return the tail, in seconds, that tells a rate one and a half times the threshold from it."""
    return min(max(1.0, 2 * plan.bucket_bytes * BITS_PER_BYTE / plan.threshold_bps), 3.0)


def judge_train(
    question: ThrottlePlan, train: TrainPlan, arrivals: TrainArrivals
) -> ThrottleDecision:
    """Answer the question of a throttle test from a train.

    Args:
        question: The same plan as that of the TCP test.
        train: What was sent.
        arrivals: What came, until nothing more came for a round trip and a lump.
    """
    count = len(arrivals.t_ns)
    if count < _FEWEST:
        return _answer(
            question,
            arrivals,
            throttled=None,
            reason=f"{count} of {train.packets} packets of the train came",
        )
    due_ns = None
    if arrivals.asked_ns is not None:
        due_ns = arrivals.asked_ns + round(question.rtt_s * NS_PER_S)
    proof = FastCertificate(question.bucket, due_ns=due_ns).feed(
        arrivals.t_ns.tolist(), arrivals.wire_bytes.tolist()
    )
    if proof is not None:
        most = question.bucket.most_bytes
        return _answer(
            question,
            arrivals,
            throttled=False,
            reason=f"more than {most:.0f} B above {format_rate(question.threshold_bps)} came",
        )
    return _slow(question, train, arrivals)


def _slow(question: ThrottlePlan, train: TrainPlan, arrivals: TrainArrivals) -> ThrottleDecision:
    # The stated bucket is empty once the train has sent more than it holds above the threshold.
    drained_s = question.bucket_bytes * BITS_PER_BYTE / (train.rate_bps - question.threshold_bps)
    packet_bits = train.packet_bytes * BITS_PER_BYTE
    # By number, not by time of arrival: a radio that is away delays, and nothing else.
    late = arrivals.number >= math.ceil(drained_s * train.rate_bps / packet_bits)
    tail_s = train.duration_s - drained_s
    rate_bps = float(arrivals.wire_bytes[late].sum()) * BITS_PER_BYTE / tail_s
    high_bps = (rate_bps + packet_bits / tail_s) / (1 - _RADIO_LOSS)
    # A lump more or less may have come into the tail's few.
    low_bps = max(0.0, rate_bps - (packet_bits + rate_bps * question.lump_s) / tail_s)
    if high_bps >= question.threshold_bps:
        rate_bps, low_bps, high_bps = _spread(question, arrivals, drained_s, packet_bits)
    if high_bps >= question.threshold_bps:
        return _answer(
            question,
            arrivals,
            throttled=None,
            reason="the train came at a rate too near the threshold, or was held up",
        )
    limiter, steady_bps, depth = _describe(question, train, arrivals, drained_s, rate_bps)
    return _answer(
        question,
        arrivals,
        throttled=True,
        reason=f"of a train of {format_rate(train.rate_bps)} at most {format_rate(high_bps)} came",
        figures=(steady_bps, min(low_bps, steady_bps), max(high_bps, steady_bps)),
        limiter=limiter,
        bucket_bytes=depth,
    )


def _spread(
    question: ThrottlePlan, arrivals: TrainArrivals, drained_s: float, packet_bits: float
) -> tuple[float, float, float]:
    """Return rate, low and high of arrivals that a deep queue spread out; infinite with a gap.

    All of the train came, only later: its rate of arrival tells, if nothing held it up meanwhile.
    """
    t_ns = arrivals.t_ns
    gaps_s = np.diff(t_ns) / NS_PER_S
    first = int(np.searchsorted(t_ns, t_ns[0] + round(drained_s * NS_PER_S)))
    span_s = float(t_ns[-1] - t_ns[min(first, len(t_ns) - 1)]) / NS_PER_S
    hold_s = 0.0
    if arrivals.asked_ns is not None:
        hold_s = (int(t_ns[0]) - arrivals.asked_ns) / NS_PER_S - question.rtt_s
    longest_s = question.lump_s + 2.5 * packet_bits / question.threshold_bps
    if span_s <= 2 * question.lump_s or max(float(gaps_s.max()), hold_s) > longest_s:
        return math.inf, math.inf, math.inf
    bits = float(arrivals.wire_bytes[first + 1 :].sum()) * BITS_PER_BYTE
    slack_bits = packet_bits + bits / span_s * question.lump_s
    high_bps = (bits + slack_bits) / span_s / (1 - _RADIO_LOSS)
    return bits / span_s, max(0.0, bits - slack_bits) / span_s, high_bps


def _held_s(question: ThrottlePlan, train: TrainPlan, arrivals: TrainArrivals) -> float:
    """Return how long the first arrival had been held up above a round trip, in seconds.

    A train behind a queue that is full already waits as long at its end as at its beginning.
    """
    if arrivals.asked_ns is None:
        return 0.0
    packet_s = train.packet_bytes * BITS_PER_BYTE / train.rate_bps
    came_s = (int(arrivals.t_ns[0]) - arrivals.asked_ns) / NS_PER_S
    return max(0.0, came_s - int(arrivals.number[0]) * packet_s - question.rtt_s - question.lump_s)


def _describe(
    question: ThrottlePlan,
    train: TrainPlan,
    arrivals: TrainArrivals,
    drained_s: float,
    rate_bps: float,
) -> tuple[Limiter, float, float]:
    """Return kind, rate and bucket depth of the limiter that a train ran into."""
    total = np.cumsum(arrivals.wire_bytes)
    since_s = (arrivals.t_ns - arrivals.t_ns[0]) / NS_PER_S
    tail = np.flatnonzero(since_s >= drained_s)
    if len(tail) >= _FEWEST:
        tail_s = float(since_s[-1] - since_s[tail[0]])
        rate_bps = float(total[-1] - total[tail[0]]) * BITS_PER_BYTE / max(tail_s, 1e-9)
    depth = float((total - rate_bps / BITS_PER_BYTE * since_s).max())
    way_s = (
        (arrivals.t_ns - arrivals.sent_ns) - (arrivals.t_ns[0] - arrivals.sent_ns[0])
    ) / NS_PER_S
    way_s -= way_s.min()
    gaps_s = np.diff(arrivals.t_ns) / NS_PER_S
    lump_s = question.lump_s
    seen_lump_s = min(lump_s, float(np.quantile(gaps_s, 0.95))) if len(gaps_s) else lump_s
    signs = Signs(
        queue_s=float(np.quantile(way_s, 0.75)) + _held_s(question, train, arrivals),
        loss=1 - len(total) / train.packets,
        packet_s=train.packet_bytes * BITS_PER_BYTE / max(rate_bps, 1.0),
        lump_s=seen_lump_s if float(way_s.std()) > 0 and _lumpy(arrivals) else 0.0,
    )
    return classify(signs), rate_bps, depth


def _lumpy(arrivals: TrainArrivals) -> bool:
    """Whether packets came in lumps: most at once, a few after a silence."""
    gaps = np.diff(arrivals.t_ns)
    sent = np.diff(arrivals.sent_ns) / np.maximum(1, np.diff(arrivals.number))
    together = gaps < np.median(sent) / 4
    return bool(together.mean() > 0.3)  # noqa: PLR2004 - paced packets seldom touch


def _answer(
    question: ThrottlePlan,
    arrivals: TrainArrivals,
    *,
    throttled: bool | None,
    reason: str,
    figures: tuple[float, float, float] | None = None,
    limiter: Limiter | None = None,
    bucket_bytes: float | None = None,
) -> ThrottleDecision:
    waited = int(arrivals.t_ns[-1] - arrivals.t_ns[0]) / NS_PER_S if len(arrivals.t_ns) else 0.0
    rate, low, high = figures or (None, None, None)
    return ThrottleDecision(
        throttled=throttled,
        threshold_bps=question.threshold_bps,
        bucket_limit_bytes=question.bucket_bytes,
        rate_bps=rate,
        rate_low_bps=low,
        rate_high_bps=high,
        limiter=limiter,
        bucket_bytes=bucket_bytes,
        waited_s=waited,
        bytes_in=int(arrivals.wire_bytes.sum()),
        reason=reason,
    )
