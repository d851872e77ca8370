"""``harness.measure.suffix`` and ``steadiness``: the steady end of a transfer."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.measure.steadiness import batch_means, student_t
from harness.measure.suffix import Curve, best_suffix, fit_of, lumps_of

MS = 1_000_000


def curve(times_ms: list[float], sizes: list[int]) -> Curve:
    """Return the curve of packets at those times."""
    t_ns = np.array([round(t * MS) for t in times_ms], np.int64)
    return Curve(t_ns=t_ns, total_bytes=np.cumsum(np.array(sizes, np.int64)))


def test_an_even_flow_has_its_rate_and_no_bound() -> None:
    """1250 bytes every 10 ms are 1 Mbit/s, from packet edge to packet edge."""
    fit = best_suffix(curve([10.0 * i for i in range(41)], [1250] * 41))

    assert fit is not None
    assert fit.rate_bps == pytest.approx(1_000_000)
    assert fit.bound == pytest.approx(0, abs=1e-9)
    assert fit.edges >= 8


def test_a_free_burst_at_the_start_is_cut_off() -> None:
    """Twenty packets at once do not raise the rate of what follows."""
    times = [0.0] * 20 + [10.0 * i for i in range(1, 41)]

    fit = best_suffix(curve(times, [1250] * 60), min_span_s=0.3)

    assert fit is not None
    assert fit.rate_bps == pytest.approx(1_000_000)


def test_fewer_than_eight_packets_are_no_suffix() -> None:
    """Seven packets say nothing."""
    assert best_suffix(curve([10.0 * i for i in range(7)], [1250] * 7)) is None


def test_a_suffix_shorter_than_asked_is_no_suffix() -> None:
    """Eight packets in 70 ms do not do when 300 ms are asked."""
    assert best_suffix(curve([10.0 * i for i in range(8)], [1250] * 8), min_span_s=0.3) is None


def test_packets_at_one_time_have_no_rate() -> None:
    """No time, no rate."""
    assert fit_of(curve([5.0] * 8, [1250] * 8), 0) is None


def test_a_schedulers_slots_are_folded_into_one_edge_each() -> None:
    """Ten packets every 50 ms are 2 Mbit/s although no packet is where a line would have it."""
    times = [50.0 * slot + 0.01 * i for slot in range(20) for i in range(10)]

    fit = best_suffix(curve(times, [1250] * 200), min_span_s=0.3)

    assert fit is not None
    assert fit.lumped
    assert fit.rate_bps == pytest.approx(2_000_000, rel=1e-6)


def test_uneven_silences_are_not_slots() -> None:
    """Bursts at odd times are left as they are."""
    starts = [0, 50, 55, 180, 200, 390, 400, 460]
    times = [start + 0.01 * i for start in starts for i in range(6)]

    assert lumps_of(curve(times, [1250] * 48)) is None


def test_lumps_at_uneven_distances_are_not_slots() -> None:
    """55 ms and 100 ms in turn are no scheduler's slots."""
    times: list[float] = []
    start = 0.0
    for number in range(40):
        times += [start + packet for packet in range(4)]
        start += 55.0 if number % 2 else 100.0

    assert lumps_of(curve(times, [1250] * len(times))) is None


def test_slots_that_last_too_short_are_no_suffix() -> None:
    """Even lumps for 1.2 s do not do when 5 s are asked."""
    times = [50.0 * slot + packet for slot in range(24) for packet in range(4)]
    slots = curve(times, [1250] * len(times))

    assert lumps_of(slots) is not None
    assert best_suffix(slots, min_span_s=5.0) is None


def test_an_even_flow_is_steady() -> None:
    """Equal blocks have no spread, however few packets a block has."""
    means = batch_means(curve([94.625 * i for i in range(9)], [1514] * 9))

    assert means is not None
    assert means.steady
    assert means.mean_bps == pytest.approx(128_000, rel=1e-4)
    assert means.half_width_bps == pytest.approx(0, abs=1)


def test_a_rate_that_doubles_is_not_steady() -> None:
    """Half a second at 1 Mbit/s, then half a second at 2 Mbit/s."""
    times = [10.0 * i for i in range(51)] + [500 + 5.0 * i for i in range(1, 101)]
    means = batch_means(curve(times, [1250] * 151))

    assert means is not None
    assert not means.steady


def test_a_curve_of_two_blocks_has_no_batch_means() -> None:
    """200 ms are two blocks of 100 ms, and two are too few."""
    assert batch_means(curve([0.0, 100.0, 200.0], [100] * 3)) is None


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 3, 3.182),
        (0.975, 9, 2.262),
        (0.995, 5, 4.032),
        (0.995, 30, 2.750),
    ],
)
def test_students_t_is_that_of_the_tables(
    probability: float, freedom: int, expected: float
) -> None:
    """Values of any printed table, within one percent."""
    assert student_t(probability, freedom) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("probability", "freedom"), [(0.5, 3), (1.0, 3), (0.9, 0)])
def test_no_quantile_without_a_probability_or_freedom(probability: float, freedom: int) -> None:
    """One half, one, and no freedom are refused."""
    with pytest.raises(UsageError):
        student_t(probability, freedom)
