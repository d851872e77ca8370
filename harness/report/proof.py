"""What a number of passes proves, and how values spread. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95
_STEPS: Final = 60


def proven_share(passed: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the share of passes that is exceeded with this confidence (Clopper and Pearson).

    299 of 299 prove 99 %; 0 of n prove nothing.

    Args:
        passed: Number of passes.
        n: Number of independent tries.
        confidence: Of the one-sided bound.
    """
    if passed == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(_STEPS):  # the tail grows with the share, so halving finds it
        middle = (low + high) / 2
        if _tail(passed, n, middle) > 1 - confidence:
            high = middle
        else:
            low = middle
    return low


def _tail(passed: int, n: int, share: float) -> float:
    """Return the probability of at least `passed` passes in `n` tries."""
    if share <= 0:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share) if share < 1 else -math.inf
    total = 0.0
    for k in range(passed, n + 1):
        rest = 0.0 if k == n else (n - k) * log_rest
        choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(choose + k * log_share + rest)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Five numbers of a sample; never a lone mean.

    Attributes:
        least: Smallest value.
        q1: First quartile.
        median: Second quartile.
        q3: Third quartile.
        most: Greatest value.
        n: Number of values.
    """

    least: float
    q1: float
    median: float
    q3: float
    most: float
    n: int


def box(values: Sequence[float]) -> Box:
    """Return the box of a sample with at least one value (quartiles: linear, Hyndman-Fan 7)."""
    ordered = sorted(values)
    return Box(
        least=ordered[0],
        q1=quantile(ordered, 0.25),
        median=quantile(ordered, 0.5),
        q3=quantile(ordered, 0.75),
        most=ordered[-1],
        n=len(ordered),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of values in ascending order."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
