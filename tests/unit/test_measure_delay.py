"""``harness.measure.delay``: percentiles, loss, reordering, jitter, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.measure.delay import WorkingLatency, latency_of, numbered, percentile

MS = 1_000_000


def test_percentiles_are_nearest_rank() -> None:
    """Of 1 to 100 the 95th percentile is 95, of four values the median is the second."""
    assert percentile([float(i) for i in range(1, 101)], 0.95) == 95.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
    assert percentile([7.0], 0.99) == 7.0


@pytest.mark.parametrize(("samples", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_there_is_no_percentile_of_nothing(samples: list[float], share: float) -> None:
    """Neither of no samples nor beyond all of them."""
    with pytest.raises(UsageError):
        percentile(samples, share)


def test_latency_has_its_ends_and_percentiles() -> None:
    """Ten samples of 10 to 100 ms."""
    latency = latency_of([i / 100 for i in range(1, 11)])

    assert (latency.n, latency.least_s, latency.most_s) == (10, 0.01, 0.1)
    assert latency.median_s == 0.05
    assert latency.p95_s == 0.1
    assert latency.measurement("rtt").value == pytest.approx(50.0)


def test_working_latency_says_what_load_adds() -> None:
    """40 ms idle, 240 ms loaded: 200 ms more, 250 round trips a minute."""
    working = WorkingLatency(idle=latency_of([0.04]), loaded=latency_of([0.24]))

    assert working.added_s == pytest.approx(0.2)
    assert working.round_trips_per_minute == pytest.approx(250)


def test_lost_late_and_repeated_packets_are_told_apart() -> None:
    """Of 0 to 9: 3 never came, 5 came after 6, 8 came twice."""
    number = np.array([0, 1, 2, 4, 6, 5, 7, 8, 8, 9])
    sent = number * 10 * MS

    found = numbered(number, sent, sent + 20 * MS, sent=10)

    assert (found.lost, found.reordered, found.repeated) == (1, 1, 1)
    assert found.loss == pytest.approx(0.1)
    assert found.jitter_s == 0.0
    assert found.variation_s == 0.0


def test_jitter_is_that_of_rfc_3550() -> None:
    """One packet 16 ms late: jitter 1 ms, then 1 ms + (16 - 1)/16 ms when the next is in time."""
    number = np.array([0, 1, 2])
    sent = number * 20 * MS

    found = numbered(number, sent, sent + np.array([0, 16, 0]) * MS, sent=3)

    assert found.jitter_s == pytest.approx(0.0019375)
    assert found.variation_s == pytest.approx(0.016)


def test_clocks_need_not_agree() -> None:
    """A sender whose clock is a day off has the same jitter."""
    number = np.array([0, 1, 2])
    sent = number * 20 * MS

    found = numbered(number, sent, sent + np.array([0, 16, 0]) * MS + 86_400 * 10**9, sent=3)

    assert found.jitter_s == pytest.approx(0.0019375)


def test_nothing_came_is_all_lost() -> None:
    """Five sent, none came."""
    none = np.zeros(0, np.int64)

    assert numbered(none, none, none, sent=5).lost == 5


def test_a_number_that_was_not_sent_is_refused() -> None:
    """Packet 7 of five."""
    with pytest.raises(UsageError, match="from 0 to 4"):
        numbered(np.array([7]), np.array([0]), np.array([1]), sent=5)
