"""`harness.report.effect`: against published examples and hand counts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.report.effect import benjamini_hochberg, effect, mann_whitney_p

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12)


def test_wholly_separate_samples_have_the_least_p_there_is() -> None:
    """3 against 3: one order of comb(6, 3) = 20 on each side; 5 against 5: of 252."""
    assert mann_whitney_p([1, 2, 3], [4, 5, 6]) == pytest.approx(2 / 20)
    assert mann_whitney_p([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert mann_whitney_p([1.0], [2.0]) == 1.0


def test_the_exact_table_of_u_is_met() -> None:
    """N = m = 5: U = 2 is the two-sided 5 % point (Mann and Whitney's table): p = 8/252."""
    # 1 2 3 4 8 against 5 6 7 9 10: U of the first is 15 + 2 = 2 inversions
    assert mann_whitney_p([1, 2, 3, 4, 8], [5, 6, 7, 9, 10]) == pytest.approx(14 / 252)
    assert mann_whitney_p([1, 2, 3, 4, 7], [5, 6, 8, 9, 10]) == pytest.approx(8 / 252)


def test_the_shift_comes_with_a_distribution_free_interval() -> None:
    """5 against 5: 2 of 25 differences are cut on each side (tables: 95 % at U = 2)."""
    found = effect([10, 11, 12, 13, 14], [20.5, 21.5, 22.5, 23.5, 24.5])

    assert found.shift == 10.5
    # differences are 6.5, 7.5 x 2, 8.5 x 3, 9.5 x 4, 10.5 x 5, ..., 14.5; the third is 7.5
    assert (found.low, found.high) == (7.5, 13.5)
    assert (found.n_first, found.n_second) == (5, 5)


def test_small_samples_have_no_interval_and_say_so() -> None:
    """3 against 3 cannot reach 95 %; one value has no spread."""
    found = effect([1, 2, 3], [4, 5, 6])
    lone = effect([1.0], [4.0])

    assert (found.low, found.high) == (-math.inf, math.inf)
    assert lone.detectable is None
    with pytest.raises(UsageError, match="samples of 0 and 1 values cannot be compared"):
        effect([], [1.0])


def test_what_can_be_seen_follows_from_spread_and_size() -> None:
    """Spread 1, 50 a side: (1.960 + 0.842) x sqrt(2/50 x pi/3) = 0.5735."""
    half = math.sqrt(49 / 50)
    sample = [half, -half] * 25  # pooled spread: sqrt(2 x 50 x 49/50 / 98) = 1
    found = effect(sample, sample)

    assert found.detectable == pytest.approx(0.5735, abs=1e-3)
    assert found.p == 1.0


def test_large_samples_with_ties_use_the_normal_form() -> None:
    """Equal values on both sides are no evidence; a clear shift is."""
    assert mann_whitney_p([1.0] * 30, [1.0] * 30) == 1.0
    assert mann_whitney_p([1.0, 2.0] * 15, [3.0, 4.0] * 15) < 1e-9
    wide = effect(list(range(30)), [v + 100.0 for v in range(30)])
    assert wide.low < 100.0 < wide.high


@pytest.mark.slow
def test_thousands_of_values_are_thinned_and_still_right() -> None:
    """3,000 against 3,000 evenly spaced values, 10 apart; the interval holds 10 and is narrow."""
    first = [n / 10 for n in range(3000)]
    found = effect(first, [v + 10 for v in first])

    assert found.shift == pytest.approx(10, abs=0.5)
    assert found.low < 10 < found.high
    assert found.high - found.low < 20
    assert found.n_first == 3000


# Benjamini and Hochberg 1995, their example of 15 p values; corrected as R's p.adjust does
def test_many_p_values_are_corrected_together() -> None:
    """The first four of fifteen stay below 0.05."""
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

    corrected = benjamini_hochberg(values)

    assert corrected[:5] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625, 0.0603])
    assert sum(p < 0.05 for p in corrected) == 4
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([0.04, 0.01]) == [0.04, 0.02]


@given(VALUES, VALUES)
def test_swapping_the_sides_turns_the_effect_round(first: list[float], second: list[float]) -> None:
    """Same p, opposite shift, mirrored interval, and the shift lies in its interval."""
    there, back = effect(first, second), effect(second, first)

    assert there.p == pytest.approx(back.p)
    assert there.shift == pytest.approx(-back.shift)
    assert (there.low, there.high) == (-back.high, -back.low)
    assert there.low <= there.shift <= there.high
    assert 0 < there.p <= 1
