"""Is a rate steady: batch means over blocks of time, Student's t for their interval.

A throttled SIM is steady; an unthrottled radio is not. The interval describes the window that was
measured: for ±3 % of a link that moves by ±30 % every 100 ms any tool needs about 12 s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import BITS_PER_BYTE, NS_PER_S
from harness.measure.suffix import Curve

_BLOCKS: Final = 10
_SHORTEST_BLOCK_S: Final = 0.1
_LONGEST_BLOCK_S: Final = 0.25
_FEWEST_BLOCKS: Final = 3
STEADY_WITHIN: Final = 0.05
"""A rate whose batch-means interval is narrower than ±5 % is called steady."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchMeans:
    """Rates of the blocks of a curve.

    Attributes:
        mean_bps: Mean of the blocks' rates, in bit/s.
        half_width_bps: Half the width of the mean's interval, in bit/s.
        blocks: Number of blocks.
        steady: The interval is narrower than ±5 %.
    """

    mean_bps: float
    half_width_bps: float
    blocks: int
    steady: bool


def batch_means(curve: Curve, *, confidence: float = 0.95) -> BatchMeans | None:
    """Cut a curve into blocks of 100 to 250 ms and return the interval of their mean rate.

    Bytes at a block's border are interpolated between packets, so that a few packets a block do
    not look like jumps of a whole packet.

    Args:
        curve: Arrivals of the steady part.
        confidence: Two-sided confidence of the interval.

    Returns:
        None when the curve is shorter than three blocks.

    Raises:
        UsageError: The confidence is not between 0.5 and 1.
    """
    span_s = (int(curve.t_ns[-1]) - int(curve.t_ns[0])) / NS_PER_S if len(curve) > 1 else 0.0
    block_s = min(max(span_s / _BLOCKS, _SHORTEST_BLOCK_S), _LONGEST_BLOCK_S)
    blocks = int(span_s / block_s + 1e-9)
    if blocks < _FEWEST_BLOCKS:
        return None
    borders = curve.t_ns[0] + np.arange(blocks + 1) * (span_s * NS_PER_S / blocks)
    at_borders = np.interp(borders, curve.t_ns, curve.total_bytes)
    rates = np.diff(at_borders) * BITS_PER_BYTE * blocks / span_s
    mean = float(rates.mean())
    spread = float(rates.std(ddof=1)) / math.sqrt(blocks)
    half = student_t(0.5 + confidence / 2, blocks - 1) * spread
    return BatchMeans(
        mean_bps=mean,
        half_width_bps=half,
        blocks=blocks,
        steady=mean > 0 and half <= STEADY_WITHIN * mean,
    )


def student_t(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution.

    Exact for one and two degrees of freedom, Hill's expansion (CACM algorithm 396, in
    Abramowitz and Stegun 26.7.5) above: within 1 % from three degrees on up to 99.9 %.

    Args:
        probability: Probability below the quantile, above 0.5.
        freedom: Degrees of freedom, one or more.

    Raises:
        UsageError: The probability is not between 0.5 and 1, or there is no freedom.
    """
    if not 0.5 < probability < 1 or freedom < 1:  # noqa: PLR2004 - one half is one half
        msg = f"no quantile for probability {probability!r} and {freedom!r} degrees of freedom"
        raise UsageError(msg)
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:  # noqa: PLR2004 - the closed form is for two degrees
        a = 2 * probability - 1
        return a * math.sqrt(2 / (1 - a * a))
    x = NormalDist().inv_cdf(probability)
    g1 = (x**3 + x) / 4
    g2 = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    g3 = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    g4 = (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160
    return x + g1 / freedom + g2 / freedom**2 + g3 / freedom**3 + g4 / freedom**4
