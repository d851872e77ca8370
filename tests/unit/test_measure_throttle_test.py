"""``harness.measure.throttle_test``: fast, slow, or an honest "undecided"."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.measure.certificates import Bucket, FastCertificate
from harness.measure.limiter import Limiter, Signs, classify
from harness.measure.packets import Packets
from harness.measure.suffix import Curve, fit_of
from harness.measure.throttle_test import ThrottleDecision, ThrottlePlan, ThrottleTest
from tests.unit.measure_frames import Frame, packets_of

MS = 1_000_000
X = 2_200_000


def bare(times_ms: list[float], size: int = 1514) -> Packets:
    """Return incoming packets without headers."""
    n = len(times_ms)
    return Packets(
        t_ns=np.array([round(t * MS) for t in times_ms], np.int64),
        wire_bytes=np.full(n, size, np.int32),
        outgoing=np.zeros(n, np.bool_),
    )


def fed(plan: ThrottlePlan, packets: Packets) -> ThrottleDecision | None:
    """Feed packet by packet; return the first answer."""
    test = ThrottleTest(plan)
    rows = np.arange(len(packets))
    for i in rows:
        decision = test.feed(packets.taken(rows == i))
        if decision is not None:
            return decision
    return None


def test_more_than_any_bucket_lets_through_is_not_throttled() -> None:
    """64 kB and 50 ms of 2.2 Mbit/s are 77,750 B; at 100 Mbit/s that takes 53 packets."""
    decision = fed(ThrottlePlan(threshold_bps=X), bare([0.12112 * i for i in range(400)]))

    assert decision is not None
    assert decision.throttled is False
    assert decision.bytes_in == 80_242
    assert decision.waited_s == pytest.approx(0.00629824)


def test_a_burst_of_the_whole_bucket_is_not_enough() -> None:
    """42 packets (63,588 B) at once, then 1 Mbit/s: never called fast."""
    times = [0.001 * i for i in range(42)] + [12.112 * i for i in range(1, 60)]

    decision = fed(ThrottlePlan(threshold_bps=X), bare(times))

    assert decision is None or decision.throttled is not False


def test_a_bucket_at_the_threshold_itself_is_never_called_fast() -> None:
    """Exactly 64 kB and exactly 2.2 Mbit/s, for ten seconds."""
    certificate = FastCertificate(Bucket(rate_bps=X, depth_bytes=64_000, lump_s=0.0))
    gap_ns = 1514 * 8 * 1_000_000_000 // X + 1
    times = [0] * 42 + [gap_ns * i for i in range(1, 1800)]

    assert certificate.feed(times, [1514] * len(times)) is None


def test_what_queued_up_while_the_radio_was_away_is_not_fast() -> None:
    """After 0.5 s of silence 120 kB at once are what a path of 2.2 Mbit/s kept back."""
    certificate = FastCertificate(Bucket(rate_bps=X, depth_bytes=64_000, lump_s=0.05, rtt_s=0.04))
    times = [0, *(500_000_000 + 1000 * i for i in range(80))]

    assert certificate.feed(times, [1514] * len(times)) is None


def shaped_download(rate_bps: float, seconds: float, *, waits: bool = True) -> Packets:
    """Return a download through a shaper: every segment echoes the request, so it waited."""
    gap_ms = 1514 * 8e3 / rate_bps
    frames = [Frame(t_ms=0, outgoing=True, payload=100, stamp=50)]
    for i in range(int(seconds * 1000 / gap_ms)):
        t_ms = 40 + gap_ms * i
        if not waits:
            frames.append(Frame(t_ms=t_ms - 40, outgoing=True, stamp=100 + i))
        echo = 50 if waits else 100 + i
        frames.append(Frame(t_ms=t_ms, sequence=1448 * i, payload=1448, echo=echo))
    frames.sort(key=lambda frame: frame.t_ms)
    return packets_of(frames)


@pytest.mark.parametrize("rate_bps", [128_000, 256_000, 1_000_000, 1_800_000])
def test_a_bottleneck_that_was_never_idle_is_throttled(rate_bps: int) -> None:
    """Every segment waited: rate, kind and interval are known within 0.8 s."""
    plan = ThrottlePlan(threshold_bps=X, rtt_s=0.04, local_port=40000)

    decision = fed(plan, shaped_download(rate_bps, 2))

    assert decision is not None
    assert decision.throttled is True
    assert decision.rate_bps == pytest.approx(rate_bps, rel=0.01)
    assert decision.rate_low_bps is not None
    assert decision.rate_high_bps is not None
    assert decision.rate_low_bps < rate_bps < decision.rate_high_bps < X
    assert decision.limiter is Limiter.SHAPER
    assert decision.waited_s < 0.8


def test_a_slow_tcp_that_does_not_queue_is_undecided() -> None:
    """1 Mbit/s of segments that never waited may be TCP's own doing."""
    plan = ThrottlePlan(threshold_bps=X, rtt_s=0.04, local_port=40000)

    decision = fed(plan, shaped_download(1_000_000, 2, waits=False))

    assert decision is not None
    assert decision.throttled is None
    assert "UDP train" in decision.reason


def test_a_tcp_that_waits_for_its_timer_is_seen_by_its_silence() -> None:
    """A few packets, then none: undecided 0.25 s later (a packet of 64 kbit/s, a lump)."""
    test = ThrottleTest(ThrottlePlan(threshold_bps=X, rtt_s=0.04, local_port=40000))
    assert test.feed(shaped_download(12_112_000, 0.0031, waits=False)) is None

    nothing = bare([])
    assert test.feed(nothing) is None
    assert test.feed(nothing, (40 + 2 + 249) * MS) is None
    decision = test.feed(nothing, (40 + 2 + 251) * MS)

    assert decision is not None
    assert decision.throttled is None
    assert decision.waited_s == pytest.approx(0.253)


def test_even_packets_without_time_stamps_are_throttled() -> None:
    """No headers: packets like a string of pearls at 512 kbit/s."""
    decision = fed(ThrottlePlan(threshold_bps=X), bare([23.65625 * i for i in range(60)]))

    assert decision is not None
    assert decision.throttled is True
    assert decision.rate_bps == pytest.approx(512_000, rel=1e-3)
    assert decision.limiter is Limiter.UNSURE


def test_lumps_without_time_stamps_are_not_called_throttled() -> None:
    """A window of ten packets each 150 ms is as slow as a shaper, and is none."""
    times = [150.0 * lump + 0.1 * i for lump in range(20) for i in range(10)]

    decision = fed(ThrottlePlan(threshold_bps=X, rtt_s=0.15), bare(times))

    assert decision is None or decision.throttled is None


def test_a_rate_close_below_the_threshold_takes_longer_not_a_guess() -> None:
    """2.1 Mbit/s against 2.2: after 0.4 s the interval still holds 2.2."""
    plan = ThrottlePlan(threshold_bps=X, rtt_s=0.04, local_port=40000)

    decision = fed(plan, shaped_download(2_100_000, 3))

    assert decision is not None
    assert decision.throttled is True
    assert decision.waited_s > 0.8


def test_packets_of_another_flow_do_not_stand_for_ours() -> None:
    """Where no segment is of our port, the bare arrivals are judged."""
    frames = [Frame(t_ms=94.625 * i, sequence=1448 * i, payload=1448) for i in range(30)]
    plan = ThrottlePlan(threshold_bps=X, local_port=40001)

    decision = fed(plan, packets_of(frames))

    assert decision is None or decision.throttled is not False


def test_a_stretch_that_grows_has_no_upper_end() -> None:
    """Ten packets in the first half and thirty in the second are a TCP on its way up."""
    times = [50.0 * i for i in range(10)] + [500.0 + 16.0 * i for i in range(30)]
    curve = Curve(
        t_ns=np.array([round(t * MS) for t in times], np.int64),
        total_bytes=np.cumsum(np.full(40, 1514, np.int64)),
    )
    fit = fit_of(curve, 0)

    assert fit is not None
    assert ThrottleTest(ThrottlePlan(threshold_bps=X))._most(curve, fit, even=True) == np.inf


def test_a_stretch_without_blocks_has_no_upper_end() -> None:
    """Eight packets in 35 ms cannot be divided into blocks."""
    curve = Curve(
        t_ns=np.arange(8, dtype=np.int64) * 5 * MS,
        total_bytes=np.cumsum(np.full(8, 1514, np.int64)),
    )
    fit = fit_of(curve, 0)

    assert fit is not None
    assert ThrottleTest(ThrottlePlan(threshold_bps=X))._most(curve, fit, even=False) == np.inf


def test_nothing_at_all_is_undecided() -> None:
    """A download that never began proves nothing."""
    decision = ThrottleTest(ThrottlePlan(threshold_bps=X)).conclude()

    assert decision.throttled is None
    assert decision.bytes_in == 0


@pytest.mark.parametrize("error_rate", [0.0, 0.5, 1.0])
def test_an_error_rate_is_between_zero_and_a_half(error_rate: float) -> None:
    """Certainty cannot be asked for, a coin need not."""
    with pytest.raises(UsageError, match="error rate"):
        ThrottlePlan(threshold_bps=X, error_rate=error_rate)


def test_a_threshold_is_above_zero() -> None:
    """Slower than nothing is no question."""
    with pytest.raises(UsageError):
        ThrottlePlan(threshold_bps=0)


@pytest.mark.parametrize(
    ("queue_s", "loss", "packet_s", "lump_s", "expected"),
    [
        (0.100, 0.0, 0.0012, 0.0, Limiter.SHAPER),
        (0.300, 0.30, 0.0012, 0.0, Limiter.SHAPER),
        (0.100, 0.10, 0.0012, 0.0, Limiter.UNSURE),
        (0.001, 0.10, 0.0012, 0.0, Limiter.POLICER),
        (0.010, 0.10, 0.0120, 0.0, Limiter.POLICER),
        (0.001, 0.01, 0.0012, 0.0, Limiter.UNSURE),
        (0.010, 0.10, 0.0012, 0.0, Limiter.UNSURE),
        (0.060, 0.0, 0.0012, 0.05, Limiter.UNSURE),
        (None, 0.10, 0.0012, 0.0, Limiter.UNSURE),
    ],
)
def test_a_shaper_delays_and_a_policer_drops(
    queue_s: float | None, loss: float, packet_s: float, lump_s: float, expected: Limiter
) -> None:
    """What the path's own jitter could explain is left unsure."""
    signs = Signs(queue_s=queue_s, loss=loss, packet_s=packet_s, lump_s=lump_s)

    assert classify(signs) is expected
