"""`harness.report.proof`: bounds and quartiles against tables that others computed."""

from __future__ import annotations

import pytest

from harness.report.proof import Box, box, proven_share


# "rule of three" exactly: 0.05 ** (1 / n) for n of n; requirements.md R29 names 299 for 99 %.
# 45 of 50 and 8 of 10: one-sided 95 % Clopper-Pearson bounds as in published tables.
@pytest.mark.parametrize(
    ("passed", "n", "share"),
    [
        (1, 1, 0.05),
        (59, 59, 0.9505),
        (299, 299, 0.99003),
        (0, 5, 0.0),
        (8, 10, 0.4931),
        (45, 50, 0.8008),
    ],
)
def test_a_number_of_passes_proves_a_share(passed: int, n: int, share: float) -> None:
    """With 95 % confidence, one-sided."""
    assert proven_share(passed, n) == pytest.approx(share, abs=2e-3)


def test_a_box_has_the_five_numbers() -> None:
    """Quartiles of 1 to 4 by linear interpolation: 1.75, 2.5, 3.25."""
    assert box([4.0, 1.0, 3.0, 2.0]) == Box(least=1.0, q1=1.75, median=2.5, q3=3.25, most=4.0, n=4)
    assert box([7.0]) == Box(least=7.0, q1=7.0, median=7.0, q3=7.0, most=7.0, n=1)
