"""Two samples: how far apart, how sure, and what could have been seen at all. Pure.

The effect comes first: Hodges and Lehmann's shift with its distribution-free interval. The p value
is Mann and Whitney's, exact for small samples without ties; many of them are corrected together
(Benjamini and Hochberg). Nothing assumes a normal distribution but the detectable shift.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.core.errors import UsageError

_EXACT_MAX: Final = 20
_THINNED_MAX: Final = 1000
_CONFIDENCE: Final = 0.95
_POWER: Final = 0.8
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What lies between two samples, as second less first.

    Attributes:
        shift: Median of all differences.
        low: Lower end of its 95 % interval; minus infinity when the samples are too small for one.
        high: Upper end of it.
        p: Probability of such a difference by chance, two-sided.
        detectable: Shift that samples of this size show in four of five tries; None when a sample
            has one value only.
        n_first: Size of the first sample.
        n_second: Size of the second.
    """

    shift: float
    low: float
    high: float
    p: float
    detectable: float | None
    n_first: int
    n_second: int


def effect(first: Sequence[float], second: Sequence[float]) -> Effect:
    """Compare two samples.

    Of more than a thousand values the shift and its interval come from a thousand evenly spaced
    ones, which makes the interval wider than it need be, never narrower.

    Raises:
        UsageError: One of them is empty.
    """
    n, m = len(first), len(second)
    if not n or not m:
        msg = f"samples of {n} and {m} values cannot be compared; each needs at least one"
        raise UsageError(msg)
    some, others = _thinned(first), _thinned(second)
    out = _cut(len(some), len(others))
    differences = _placed(some, others, out or 0)
    return Effect(
        shift=_median(differences),
        low=-math.inf if out is None else float(differences[out]),
        high=math.inf if out is None else float(differences[-1 - out]),
        p=mann_whitney_p(first, second),
        detectable=_detectable(first, second),
        n_first=n,
        n_second=m,
    )


def _placed(first: Sequence[float], second: Sequence[float], out: int) -> npt.NDArray[np.float64]:
    """Return all differences, of which the middle and those `out` from each end are in place.

    Sorting a million differences takes a hundred times as long, for three of them.
    """
    differences = np.subtract.outer(
        np.array(second, np.float64), np.array(first, np.float64)
    ).ravel()
    count = len(differences)
    places = {out, count - 1 - out, count // 2, max(0, count // 2 - 1)}
    differences.partition(sorted(places))
    return differences


def _thinned(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    count = len(ordered)
    if count <= _THINNED_MAX:
        return ordered
    return [ordered[(2 * k + 1) * count // (2 * _THINNED_MAX)] for k in range(_THINNED_MAX)]


def _median(placed: npt.NDArray[np.float64]) -> float:
    middle = len(placed) // 2
    upper = float(placed[middle])
    return upper if len(placed) % 2 else (float(placed[middle - 1]) + upper) / 2


def _cut(n: int, m: int) -> int | None:
    """Return how many differences lie outside of the interval on each side; None: too few."""
    tail = (1 - _CONFIDENCE) / 2
    if max(n, m) <= _EXACT_MAX:
        total, below, u = math.comb(n + m, n), 0, -1
        while (below + _ways(n, m, u + 1)) / total <= tail:
            u += 1
            below += _ways(n, m, u)
        return u if u >= 0 else None
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return max(0, math.floor(n * m / 2 + _NORMAL.inv_cdf(tail) * spread))


@cache
def _ways(n: int, m: int, u: int) -> int:
    """Return in how many orders of n and m values Mann and Whitney's U is `u`."""
    if u < 0 or u > n * m:
        return 0
    if n == 0 or m == 0:
        return 1 if u == 0 else 0
    return _ways(n - 1, m, u - m) + _ways(n, m - 1, u)


def mann_whitney_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p value of Mann and Whitney's test."""
    n, m = len(first), len(second)
    ordered = sorted(second)
    u = sum(m - (bisect_left(ordered, a) + bisect_right(ordered, a)) / 2 for a in first)
    lower = min(u, n * m - u)
    tied = Counter([*first, *second])
    if len(tied) == n + m and max(n, m) <= _EXACT_MAX:
        below = sum(_ways(n, m, k) for k in range(round(lower) + 1))
        return min(1.0, 2 * below / math.comb(n + m, n))
    ties = sum(t**3 - t for t in tied.values())
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / max(1, total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = min(0.0, lower + 0.5 - n * m / 2) / math.sqrt(variance)  # 0.5: continuity
    return min(1.0, 2 * _NORMAL.cdf(z))


def _detectable(first: Sequence[float], second: Sequence[float]) -> float | None:
    n, m = len(first), len(second)
    if n + m <= 2 or min(n, m) < 2:  # noqa: PLR2004  # a spread needs two values
        return None
    spread = math.sqrt((_squares(first) + _squares(second)) / (n + m - 2))
    reach = _NORMAL.inv_cdf((1 + _CONFIDENCE) / 2) + _NORMAL.inv_cdf(_POWER)
    # pi/3: what the rank test loses against the t test on normal values
    return reach * spread * math.sqrt((1 / n + 1 / m) * math.pi / 3)


def _squares(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for how many there are (false discovery rate)."""
    count = len(p_values)
    order = sorted(range(count), key=lambda i: p_values[i], reverse=True)
    corrected = [1.0] * count
    least = 1.0
    for place, index in enumerate(order):
        least = min(least, p_values[index] * count / (count - place))
        corrected[index] = least
    return corrected
