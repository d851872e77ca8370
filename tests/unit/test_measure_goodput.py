"""``harness.measure.goodput``: measured while it runs, stopped when it is known."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.measure.goodput import GoodputMeter, GoodputPlan, Stop, acknowledged_curve
from harness.measure.packets import Packets
from tests.unit.measure_frames import Frame, packets_of

MS = 1_000_000


def flow(gap_ms: float, count: int, size: int = 1514, *, outgoing: bool = False) -> Packets:
    """Return packets at even distances."""
    return Packets(
        t_ns=np.array([round(i * gap_ms * MS) for i in range(count)], np.int64),
        wire_bytes=np.full(count, size, np.int32),
        outgoing=np.full(count, outgoing),
    )


def one_by_one(packets: Packets) -> list[Packets]:
    """Cut into single packets, as a slow link hands them over."""
    rows = np.arange(len(packets))
    return [packets.taken(rows == i) for i in rows]


def test_it_ends_as_soon_as_the_interval_is_narrow() -> None:
    """128 kbit/s (a packet every 94.625 ms) is known after the eighth packet."""
    meter = GoodputMeter(GoodputPlan())
    results = [meter.feed(packet) for packet in one_by_one(flow(94.625, 20))]

    known = [result for result in results if result is not None]
    assert results.index(known[0]) == 7
    assert known[0].wire_bps == pytest.approx(128_000, rel=1e-4)
    assert known[0].stop is Stop.NARROW
    assert known[0].bytes_burnt == 12_112
    assert known[0].waited_s == pytest.approx(0.662375)


def test_what_leaves_the_bench_is_not_counted_as_coming_in() -> None:
    """ACKs count as burnt bytes, not as goodput."""
    meter = GoodputMeter(GoodputPlan())

    assert meter.feed(flow(10, 100, 66, outgoing=True)) is None
    result = meter.conclude()
    assert result.wire_bps is None
    assert result.bytes_burnt == 6600
    assert "no steady stretch" in result.doubts[0]


def test_the_byte_budget_ends_it() -> None:
    """A link that never becomes even stops at the budget, and says how wide the interval is."""
    gaps = 1.0 + np.arange(400) ** 2 * 7 % 11
    packets = Packets(
        t_ns=(np.cumsum(gaps) * MS).astype(np.int64),
        wire_bytes=np.full(400, 1514, np.int32),
        outgoing=np.zeros(400, np.bool_),
    )
    meter = GoodputMeter(GoodputPlan(budget_bytes=500_000, within=0.001))
    results = [meter.feed(packet) for packet in one_by_one(packets)]

    stopped = next(result for result in results if result is not None)
    assert stopped.stop is Stop.BYTES
    assert stopped.bytes_burnt == 501_134
    assert "the interval is" in stopped.doubts[0]


def test_a_rate_at_the_benchs_ceiling_is_refused() -> None:
    """95 of 100 Mbit/s is the bench, not the router."""
    meter = GoodputMeter(GoodputPlan(ceiling_bps=100e6))

    result = meter.feed(flow(1514 * 8 / 95e3, 4000))

    assert result is not None
    assert result.wire_bps is None
    assert result.stop is Stop.CEILING
    assert "95 Mbit/s is above nine tenths" in result.doubts[0]
    assert result.measurement("goodput_down").value is None


def test_three_round_trips_are_the_shortest_stretch() -> None:
    """With 600 ms of round trip 0.5 s of even packets prove nothing."""
    meter = GoodputMeter(GoodputPlan(rtt_s=0.6))

    assert meter.feed(flow(10, 51)) is None


def test_the_measurement_has_value_interval_and_price() -> None:
    """The value lies in its interval, the bytes are those of the tap."""
    result = GoodputMeter(GoodputPlan()).feed(flow(10, 101))

    assert result is not None
    measured = result.measurement("goodput_down")
    assert measured.value == pytest.approx(1_211_200)
    assert measured.low == pytest.approx(1_211_200, rel=0.001)
    assert measured.unit == "bit/s"
    assert measured.bytes_burnt == 152_914
    assert measured.reliable
    assert result.steady


def test_payload_is_counted_once_however_often_it_is_sent() -> None:
    """A segment that comes twice adds to the wire, not to the payload."""
    frames = [Frame(t_ms=10.0 * i, sequence=1448 * min(i, 30), payload=1448) for i in range(61)]
    frames.insert(40, Frame(t_ms=395.0))  # no payload at all

    result = GoodputMeter(GoodputPlan(within=0.5)).feed(packets_of(frames))

    assert result is not None
    assert result.wire_bps is not None
    assert result.payload_bps is not None
    assert result.payload_bps < 0.8 * result.wire_bps


def test_an_upload_is_seen_in_its_acknowledgements() -> None:
    """Two ACKs of 10,000 bytes each make a curve of 20,000, a third that repeats adds nothing."""
    frames = [
        Frame(t_ms=0, acknowledged=4_294_960_000),
        Frame(t_ms=10, acknowledged=4_294_960_000 + 10_000 - 2**32),
        Frame(t_ms=20, acknowledged=4_294_960_000 + 20_000 - 2**32),
        Frame(t_ms=30, acknowledged=4_294_960_000 + 20_000 - 2**32),
    ]

    curve = acknowledged_curve(packets_of(frames), 40000)

    assert curve.t_ns.tolist() == [0, 10 * MS, 20 * MS]
    assert (curve.total_bytes - curve.total_bytes[0]).tolist() == [0, 10_000, 20_000]


def test_the_time_ends_it_when_the_link_never_becomes_even() -> None:
    """Half a second was given; the interval that was reached is said."""
    gaps = 1.0 + np.arange(400) ** 2 * 7 % 11
    packets = Packets(
        t_ns=(np.cumsum(gaps) * MS).astype(np.int64),
        wire_bytes=np.full(400, 1514, np.int32),
        outgoing=np.zeros(400, np.bool_),
    )
    meter = GoodputMeter(GoodputPlan(within=1e-6, budget_s=0.5))
    results = [meter.feed(packet) for packet in one_by_one(packets)]

    known = next(result for result in results if result is not None)
    assert known.stop is Stop.TIME
    assert known.waited_s >= 0.5


def test_an_upload_is_measured_in_what_its_far_end_acknowledges() -> None:
    """1448 bytes of payload every 10 ms, acknowledged one by one, are 1.1584 Mbit/s of payload."""
    frames = []
    for number in range(60):
        sent = Frame(t_ms=10.0 * number, outgoing=True, sequence=1448 * number, payload=1448)
        answer = Frame(t_ms=10.0 * number + 5, acknowledged=1448 * (number + 1))
        frames += [sent, answer]

    meter = GoodputMeter(GoodputPlan(outgoing=True, upload_port=40000, within=0.05))
    result = meter.feed(packets_of(frames))

    assert result is not None
    assert result.payload_bps == pytest.approx(1_158_400, rel=0.02)


def test_a_plan_without_a_budget_is_refused() -> None:
    """Zero bytes cannot be spent."""
    with pytest.raises(UsageError):
        GoodputPlan(budget_bytes=0)
