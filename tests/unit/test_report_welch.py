"""``harness.report.welch``: against printed tables of Student's t and hand counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.welch import student_p, welch_p

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=12)


@pytest.mark.parametrize(
    ("degrees", "t", "p"),
    [
        (1, 12.706, 0.05),
        (2, 4.303, 0.05),
        (5, 2.571, 0.05),
        (5, 4.032, 0.01),
        (8, 1.860, 0.10),
        (10, 2.228, 0.05),
        (30, 2.750, 0.01),
        (120, 1.980, 0.05),
        (120, 3.373, 0.001),
    ],
)
def test_the_printed_table_of_t_is_met(degrees: int, t: float, p: float) -> None:
    """Two-sided points as every textbook prints them, to their last digit."""
    assert student_p(t, degrees) == pytest.approx(p, rel=2e-3)
    assert student_p(-t, degrees) == student_p(t, degrees)


def test_two_equal_spreads_are_the_t_test() -> None:
    """1 to 5 has variance 2.5, so five a side have an error of 1 and t is the shift itself."""
    first = [1.0, 2.0, 3.0, 4.0, 5.0]

    assert welch_p(first, [v + 2.306 for v in first]) == pytest.approx(0.05, rel=2e-3)
    assert welch_p(first, [v - 3.355 for v in first]) == pytest.approx(0.01, rel=2e-3)
    assert welch_p(first, first) == 1.0


def test_unequal_spreads_cost_degrees_of_freedom() -> None:
    """Variances 2.5 and 10, five a side: 6.25 / ((0.25 + 4) / 4) = 5.882 degrees, not 8."""
    first, second = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 4.0, 6.0, 8.0, 10.0]

    assert welch_p(first, second) == pytest.approx(student_p(3 / 2.5**0.5, 6.25 / 1.0625))


def test_samples_without_spread() -> None:
    """One value has no spread; two samples of constants are equal or certainly different."""
    assert welch_p([1.0], [2.0, 3.0]) is None
    assert welch_p([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert welch_p([1.0, 1.0], [2.0, 2.0]) == 0.0


@given(VALUES, VALUES)
def test_any_two_samples_have_a_probability(first: list[float], second: list[float]) -> None:
    """Between 0 and 1, and the same from either side."""
    p, back = welch_p(first, second), welch_p(second, first)

    assert p is not None
    assert 0 <= p <= 1
    assert back == pytest.approx(p)
