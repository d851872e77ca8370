"""Welch's test: are two means apart, whatever the two spreads are. Pure.

The rank test decides (`harness.report.effect`), because rates and times are seldom normal. Welch
stands beside it: on few values the rank test cannot say much, and where the two disagree a reader
should look at the values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance
from typing import Final

_TERMS_MAX: Final = 300
_ENOUGH: Final = 1e-14
_TINY: Final = 1e-300


def welch_p(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return the two-sided p value; None when a sample has one value only.

    Two samples without any spread are either equal (1) or certainly different (0).
    """
    if min(len(first), len(second)) < 2:  # noqa: PLR2004  # a spread needs two values
        return None
    parts = [variance(sample) / len(sample) for sample in (first, second)]
    apart, squared_error = fmean(second) - fmean(first), sum(parts)
    if squared_error == 0:
        return 0.0 if apart else 1.0
    # Welch and Satterthwaite; shares instead of squares, which may underflow
    shares = [part / squared_error for part in parts]
    degrees = 1 / sum(
        share**2 / (len(sample) - 1) for share, sample in zip(shares, (first, second), strict=True)
    )
    return student_p(apart / math.sqrt(squared_error), degrees)


def student_p(t: float, degrees: float) -> float:
    """Return the probability that Student's t is at least so far from zero, on either side.

    Args:
        t: The statistic.
        degrees: Degrees of freedom, not necessarily whole.
    """
    return _beta_share(degrees / (degrees + t * t), degrees / 2, 0.5)


def _beta_share(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):  # where the fraction converges fast (DLMF 8.17.22)
        return math.exp(log_front) * _fraction(x, a, b) / a
    return 1 - math.exp(log_front) * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / _kept_off_zero(1 - (a + b) * x / (a + 1))
    product = d
    for m in range(1, _TERMS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _kept_off_zero(1 + term * d)
            c = _kept_off_zero(1 + term / c)
            product *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return product


def _kept_off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
