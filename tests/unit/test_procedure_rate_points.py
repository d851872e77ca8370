"""``harness.procedure.throttled``: the curve of a rate over time."""

from __future__ import annotations

import pytest

from harness.procedure.throttled import rate_points

MS = 1_000_000


@pytest.mark.parametrize(
    ("bytes_by_bin", "covered_ms", "points"),
    [
        # 50 ms a bin; 6,250 bytes in it are 1 Mbit/s.
        ({0: 6_250, 1: 12_500}, 100, [(1_025, 1e6), (1_075, 2e6)]),
        # Nothing in a bin is a rate of zero, not a gap.
        ({0: 6_250, 2: 6_250}, 150, [(1_025, 1e6), (1_075, 0.0), (1_125, 1e6)]),
        # The last bin is 30 ms long: its bytes came in 30 ms.
        ({0: 6_250, 1: 3_750}, 80, [(1_025, 1e6), (1_065, 1e6)]),
        # Of 20 ms nothing is said.
        ({0: 6_250, 1: 2_500}, 70, [(1_025, 1e6)]),
        ({0: 1_500}, 0, []),
    ],
)
def test_each_bin_has_the_rate_of_the_time_that_it_covers(
    bytes_by_bin: dict[int, int], covered_ms: int, points: list[tuple[int, float]]
) -> None:
    """At its middle, on the bench's clock."""
    found = rate_points(bytes_by_bin, 1_000 * MS, covered_ms * MS)

    assert found == [(at_ms * MS, rate_bps) for at_ms, rate_bps in points]
