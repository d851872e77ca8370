"""Is a path throttled below X? A sequential test over one TCP download that stops when it knows.

Two proofs and one honest way out:

* *not throttled*: more bytes came in some window than any token bucket of rate X and the stated
  depth lets through (`certificates`);
* *throttled*: for a while every segment had waited in a queue, so the bottleneck was busy all the
  time, and what came out of it, with the interval for the caller's error rate, is below X
  (`queueing`). Without TCP time stamps an even arrival is taken for the same;
* *undecided*: TCP is slow and nothing shows that the path is (loss, a small bucket that made TCP
  collapse, a closed window). A short UDP train (`train`) tells.

A bucket deeper than the stated depth is invisible: the depth is part of the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import BITS_PER_BYTE, NS_PER_S, format_rate
from harness.measure.certificates import Bucket, FastCertificate
from harness.measure.limiter import Limiter, Signs, classify
from harness.measure.packets import Packets, joined
from harness.measure.queueing import Arrivals, arrivals_of, busy_since
from harness.measure.segments import tcp_segments
from harness.measure.steadiness import batch_means
from harness.measure.suffix import Curve, Fit, fit_of

_LOOK_EVERY_NS: Final = 15_000_000
_FEWEST_BUSY: Final = 5
_FEWEST_EVEN: Final = 8
_EVEN_PACKETS: Final = 2.5
_GROWTH: Final = 1.3
_RTTS: Final = 3
_STUCK_S: Final = 0.15
_SILENCE_S: Final = 0.2
"""A packet of 64 kbit/s takes 0.19 s; with a lump on top, only a timer is silent for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottlePlan:
    """What is asked, and how sure the answer has to be.

    Attributes:
        threshold_bps: X: is the path slower than this (layer 2)? In bit/s.
        bucket_bytes: Deepest bucket that the answer must hold for.
        error_rate: Accepted probability of calling a path of rate X or more throttled.
        lump_s: Longest time the radio holds packets back in normal work (20 Hz: 0.05 s).
        rtt_s: Idle round trip, in seconds; 0.0 when unknown.
        shortest_s: Shortest stretch on which a path is called throttled, in seconds.
        patience_s: After this time without a proof a slow TCP is handed on as undecided; ten
            round trips if that is more.
        local_port: TCP port of the download on the bench's side; None for "all that comes in".
    """

    threshold_bps: float
    bucket_bytes: int = 64_000
    error_rate: float = 0.005
    lump_s: float = 0.05
    rtt_s: float = 0.0
    shortest_s: float = 0.35
    patience_s: float = 0.8
    local_port: int | None = None

    def __post_init__(self) -> None:
        """Refuse a question that has no answer.

        Raises:
            UsageError: The threshold or a depth or time is not positive, or the error rate is not
                between 0 and 0.5.
        """
        if not 0 < self.error_rate < 0.5:  # noqa: PLR2004 - a coin has one half
            msg = f"an error rate is between 0 and 0.5; got {self.error_rate!r}"
            raise UsageError(msg)
        if min(self.threshold_bps, self.bucket_bytes, self.shortest_s) <= 0:
            msg = f"threshold, bucket and shortest stretch are above zero; got {self!r}"
            raise UsageError(msg)

    @property
    def queue_s(self) -> float:
        """Wait above the idle round trip that only a queue explains, in seconds.

        A path of long round trips jitters more than a lump of one scheduler.
        """
        return max(self.lump_s, self.rtt_s / 4)

    @property
    def bucket(self) -> Bucket:
        """The slowest limiter that "not throttled" must rule out."""
        return Bucket(
            rate_bps=self.threshold_bps,
            depth_bytes=self.bucket_bytes,
            lump_s=self.lump_s,
            rtt_s=self.rtt_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleDecision:
    """The answer.

    Attributes:
        throttled: Slower than the threshold; None is undecided.
        threshold_bps: The threshold, in bit/s.
        bucket_limit_bytes: The answer holds for buckets up to this depth.
        rate_bps: Rate of the limiter, None when it was not measured.
        rate_low_bps: Lower end of its interval.
        rate_high_bps: Upper end of its interval.
        limiter: Shaper, policer or unsure; None when nothing limits below the threshold.
        bucket_bytes: Depth of the bucket that was seen (at least), None when not measured.
        waited_s: From the first packet to the answer, in seconds.
        bytes_in: Bytes that had come in until then.
        reason: What proves it, in words.
    """

    throttled: bool | None
    threshold_bps: float
    bucket_limit_bytes: int
    rate_bps: float | None = None
    rate_low_bps: float | None = None
    rate_high_bps: float | None = None
    limiter: Limiter | None = None
    bucket_bytes: float | None = None
    waited_s: float
    bytes_in: int
    reason: str


class ThrottleTest:
    """The test; feed it with what the tap sees, both directions, until it answers.

    Args:
        plan: The question.
    """

    def __init__(self, plan: ThrottlePlan) -> None:
        self._plan = plan
        self._fast = FastCertificate(plan.bucket)
        self._parts: list[Packets] = []
        self._bytes_in = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._next_look_ns = 0

    def feed(self, packets: Packets, now_ns: int | None = None) -> ThrottleDecision | None:
        """Take packets in the order of the tap; return the answer as soon as there is one.

        Args:
            packets: What came since the last call, which may be nothing.
            now_ns: The time by the tap's clock, when known: a TCP that waits for its timer is seen
                by its silence.
        """
        incoming = ~packets.outgoing
        t_ns = packets.t_ns[incoming].tolist()
        if not t_ns:
            self._parts.append(packets)
            silent_ns = 0 if now_ns is None or self._last_ns is None else now_ns - self._last_ns
            if now_ns is None or silent_ns < self._silence_ns:
                return None
            return self._look(now_ns)
        if self._first_ns is None:
            self._first_ns = t_ns[0]
        self._last_ns = t_ns[-1]
        proof_ns = self._fast.feed(t_ns, packets.wire_bytes[incoming].tolist())
        self._parts.append(packets)
        self._bytes_in += int(packets.wire_bytes[incoming].sum())
        if proof_ns is not None:
            bucket = self._plan.bucket
            return self._decision(
                proof_ns,
                throttled=False,
                reason=f"more than {bucket.most_bytes:.0f} B above "
                f"{format_rate(bucket.rate_bps)} came in one window",
            )
        if t_ns[-1] < self._next_look_ns:
            return None
        self._next_look_ns = t_ns[-1] + _LOOK_EVERY_NS
        return self._look(t_ns[-1])

    @property
    def _silence_ns(self) -> float:
        return (_SILENCE_S + self._plan.lump_s) * NS_PER_S

    def conclude(self) -> ThrottleDecision:
        """Return the answer when no more packets will come; mostly "undecided"."""
        last = max((int(p.t_ns[-1]) for p in self._parts if len(p)), default=self._first_ns or 0)
        return self._look(last) or self._decision(
            last, throttled=None, reason="the download ended before anything was proven"
        )

    def _arrivals(self) -> Arrivals:
        packets = joined(self._parts)
        self._parts = [packets]
        if self._plan.local_port is not None and packets.headers:
            arrivals = arrivals_of(tcp_segments(packets), self._plan.local_port)
            if len(arrivals):
                return arrivals
        rows = ~packets.outgoing
        count = int(rows.sum())
        return Arrivals(
            t_ns=packets.t_ns[rows],
            wire_bytes=packets.wire_bytes[rows].astype(np.int64),
            round_trip_ns=np.full(count, -1, np.int64),
            repeated=np.zeros(count, np.bool_),
        )

    def _look(self, now_ns: int) -> ThrottleDecision | None:
        arrivals = self._arrivals()
        if not len(arrivals):
            return None
        return self._proven_slow(arrivals, now_ns) or self._given_up(arrivals, now_ns)

    def _proven_slow(self, arrivals: Arrivals, now_ns: int) -> ThrottleDecision | None:
        plan = self._plan
        idle_s = arrivals.idle_round_trip_s()
        if plan.rtt_s > 0:
            idle_s = min(idle_s or plan.rtt_s, plan.rtt_s)
        if arrivals.stamped and idle_s is not None:
            first = busy_since(arrivals, idle_s, plan.queue_s)
            # A window full of segments lasts less than a round trip; a queue has no such end.
            fewest, need_s = _FEWEST_BUSY, max(plan.shortest_s, plan.rtt_s)
            reason = (
                f"the bottleneck was never idle for {{:.3g}} s (queue above {plan.queue_s:.3g} s)"
            )
        else:
            first, fewest, need_s = 0, _FEWEST_EVEN, max(plan.shortest_s, _RTTS * plan.rtt_s)
            reason = "packets came evenly for {:.3g} s"
        found = self._slow(arrivals, first, fewest, need_s, even=not arrivals.stamped)
        if found is not None:
            fit, high_bps = found
            return self._throttled(now_ns, arrivals, fit, high_bps, reason.format(fit.span_s))
        return None

    def _given_up(self, arrivals: Arrivals, now_ns: int) -> ThrottleDecision | None:
        """Return "undecided" when waiting on is of no use; while data queue, it is for longer."""
        plan = self._plan
        waited_s = (now_ns - int(arrivals.t_ns[0])) / NS_PER_S
        patience_s = max(plan.patience_s, 10 * plan.rtt_s)
        if self._queues(arrivals, now_ns):
            patience_s *= 2
        if waited_s < patience_s and not self._stuck(arrivals, now_ns):
            return None
        return self._decision(
            now_ns,
            throttled=None,
            reason="TCP is slow and no queue shows that the path is; ask a UDP train",
        )

    def _slow(
        self, arrivals: Arrivals, first: int, fewest: int, need_s: float, *, even: bool
    ) -> tuple[Fit, float] | None:
        """Return the busy stretch whose interval lies wholly below the threshold."""
        curve = Curve(t_ns=arrivals.t_ns, total_bytes=np.cumsum(arrivals.wire_bytes))
        n = len(curve)
        edges = fewest
        while edges <= n - first:
            fit = fit_of(curve, n - edges)
            if fit is not None and fit.span_s >= need_s:
                high_bps = self._most(curve, fit, even=even)
                if high_bps < self._plan.threshold_bps:
                    return fit, high_bps
            edges = max(edges + 1, int(edges * 1.15))
        return None

    def _most(self, curve: Curve, fit: Fit, *, even: bool) -> float:
        """Return the upper end of the rate's interval; infinite when the stretch does not count."""
        stretch = Curve(t_ns=curve.t_ns[fit.first :], total_bytes=curve.total_bytes[fit.first :])
        got = int(stretch.total_bytes[-1] - stretch.total_bytes[0])
        if even:
            packet = got / (fit.edges - 1)
            middle = int(np.searchsorted(stretch.t_ns, (stretch.t_ns[0] + stretch.t_ns[-1]) // 2))
            early = int(stretch.total_bytes[middle] - stretch.total_bytes[0])
            if fit.bound * got / 2 > _EVEN_PACKETS * packet or got - early > _GROWTH * early:
                return math.inf
        high_bps = fit.rate_bps * fit.span_s / max(fit.span_s - self._plan.lump_s, 1e-9)
        blocks = batch_means(stretch, confidence=1 - 2 * self._plan.error_rate)
        if blocks is None:
            return math.inf
        return max(high_bps, blocks.mean_bps + blocks.half_width_bps)

    def _stuck(self, arrivals: Arrivals, now_ns: int) -> bool:
        """Whether TCP neither grows nor queues: slow for a reason of its own."""
        plan = self._plan
        waited_s = (now_ns - int(arrivals.t_ns[0])) / NS_PER_S
        need_s = max(_STUCK_S, _RTTS * plan.rtt_s)
        if waited_s < need_s + 2 * plan.rtt_s or not arrivals.stamped:
            return False
        ages = now_ns - arrivals.t_ns
        late = int(arrivals.wire_bytes[ages < need_s / 2 * NS_PER_S].sum())
        whole = int(arrivals.wire_bytes[ages < need_s * NS_PER_S].sum())
        grows = late > _GROWTH * (whole - late)
        slow = whole * BITS_PER_BYTE / need_s < plan.threshold_bps
        return slow and not grows and not self._queues(arrivals, now_ns)

    def _queues(self, arrivals: Arrivals, now_ns: int) -> bool:
        """Whether most of what came lately had waited in a queue."""
        lately_s = max(_STUCK_S, _RTTS * self._plan.rtt_s) / 2
        silent = np.diff(arrivals.t_ns, prepend=arrivals.t_ns[:1]) > self._silence_ns
        told = (now_ns - arrivals.t_ns < lately_s * NS_PER_S) & ~arrivals.repeated & ~silent
        waits = arrivals.round_trip_ns[told]
        idle_s = arrivals.idle_round_trip_s() or 0.0
        waited = int((waits > (idle_s + self._plan.queue_s) * NS_PER_S).sum())
        return 2 * waited > len(waits)

    def _throttled(
        self, now_ns: int, arrivals: Arrivals, fit: Fit, high_bps: float, reason: str
    ) -> ThrottleDecision:
        total = np.cumsum(arrivals.wire_bytes)
        since_s = (arrivals.t_ns - arrivals.t_ns[0]) / NS_PER_S
        depth = float((total - fit.rate_bps / BITS_PER_BYTE * since_s).max())
        idle_s = arrivals.idle_round_trip_s()
        waits = arrivals.round_trip_ns[fit.first :]
        known = waits[waits >= 0]
        queue_s = None
        if idle_s is not None and len(known):
            queue_s = float(np.median(known)) / NS_PER_S - min(idle_s, self._plan.rtt_s or idle_s)
        packet_s = float(arrivals.wire_bytes.max()) * BITS_PER_BYTE / fit.rate_bps
        gaps_s = np.diff(arrivals.t_ns[fit.first :]) / NS_PER_S
        signs = Signs(
            queue_s=queue_s,
            loss=float(arrivals.repeated.mean()),
            packet_s=packet_s,
            lump_s=max(0.0, float(np.quantile(gaps_s, 0.9)) - packet_s),
        )
        low_bps = fit.rate_bps * fit.span_s / (fit.span_s + self._plan.lump_s)
        return self._decision(
            now_ns,
            throttled=True,
            reason=reason,
            rate_bps=fit.rate_bps,
            rate_low_bps=low_bps,
            rate_high_bps=high_bps,
            limiter=classify(signs),
            bucket_bytes=depth,
        )

    def _decision(
        self,
        now_ns: int,
        *,
        throttled: bool | None,
        reason: str,
        rate_bps: float | None = None,
        rate_low_bps: float | None = None,
        rate_high_bps: float | None = None,
        limiter: Limiter | None = None,
        bucket_bytes: float | None = None,
    ) -> ThrottleDecision:
        first_ns = now_ns if self._first_ns is None else self._first_ns
        return ThrottleDecision(
            throttled=throttled,
            threshold_bps=self._plan.threshold_bps,
            bucket_limit_bytes=self._plan.bucket_bytes,
            rate_bps=rate_bps,
            rate_low_bps=rate_low_bps,
            rate_high_bps=rate_high_bps,
            limiter=limiter,
            bucket_bytes=bucket_bytes,
            waited_s=(now_ns - first_ns) / NS_PER_S,
            bytes_in=self._bytes_in,
            reason=reason,
        )
