"""``harness.measure``: what holds for any arrivals."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.certificates import Bucket, FastCertificate
from harness.measure.goodput import GoodputMeter, GoodputPlan
from harness.measure.packets import Packets, joined
from harness.measure.throttle_test import ThrottlePlan, ThrottleTest

RATE_BPS = 2_200_000
DEPTH_BYTES = 64_000

arrivals = st.lists(
    st.tuples(
        st.integers(0, 300_000_000),  # gap in ns
        st.integers(60, 1514),
        st.booleans(),
    ),
    max_size=120,
)


def packets_of(rows: list[tuple[int, int, bool]]) -> Packets:
    """Return packets without headers."""
    return Packets(
        t_ns=np.cumsum(np.array([gap for gap, _, _ in rows], np.int64)),
        wire_bytes=np.array([size for _, size, _ in rows], np.int32),
        outgoing=np.array([out for _, _, out in rows], np.bool_),
    )


@given(
    st.lists(st.tuples(st.integers(0, 100_000_000), st.integers(60, 1514)), max_size=300),
    st.integers(0, 49_000_000),
)
def test_no_token_bucket_at_the_threshold_is_ever_called_fast(
    offered: list[tuple[int, int]], lump_ns: int
) -> None:
    """Whatever is sent through it, and held back behind it for less than a lump."""
    tokens, last, now = float(DEPTH_BYTES), 0, 0
    times, sizes = [], []
    for gap, size in offered:
        now += gap
        tokens = min(DEPTH_BYTES, tokens + (now - last) * RATE_BPS / 8e9)
        last = now
        if tokens >= size:
            tokens -= size
            times.append((now // (lump_ns + 1) + 1) * (lump_ns + 1))
            sizes.append(size)
    certificate = FastCertificate(
        Bucket(rate_bps=RATE_BPS, depth_bytes=DEPTH_BYTES, lump_s=0.05, rtt_s=0.04)
    )

    assert certificate.feed(times, sizes) is None


@given(arrivals)
def test_any_arrivals_have_an_answer(rows: list[tuple[int, int, bool]]) -> None:
    """A decision or None, then a conclusion; never an error."""
    packets = packets_of(rows)
    test = ThrottleTest(ThrottlePlan(threshold_bps=RATE_BPS))

    decision = test.feed(packets) or test.conclude()

    assert decision.bytes_in == int(packets.wire_bytes[~packets.outgoing].sum())
    assert decision.waited_s >= 0


@given(arrivals, st.integers(1, 120))
def test_goodput_counts_every_byte_however_the_packets_are_cut(
    rows: list[tuple[int, int, bool]], at: int
) -> None:
    """Two polls or one: the same bytes are burnt, and the value lies in its interval."""
    packets = packets_of(rows)
    cut = np.arange(len(packets)) < at
    meter = GoodputMeter(GoodputPlan(within=1e-9))

    meter.feed(packets.taken(cut))
    meter.feed(packets.taken(~cut))
    result = meter.conclude()

    assert result.bytes_burnt == joined([packets]).bytes_total()
    measured = result.measurement("goodput_down")
    assert measured.value is None or measured.value > 0
