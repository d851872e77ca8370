"""The steady end of a transfer: the suffix of a cumulative curve that fits a straight line best.

What is before it (slow start, the free burst of a token bucket) is cut off by the data itself. The
rate is taken from packet edge to packet edge; the bytes of the first packet of a suffix do not
count, they arrived before its time began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.units import BITS_PER_BYTE, NS_PER_S
from harness.measure.packets import Int64

MIN_EDGES: Final = 8
_GROWTH: Final = 1.3
_MIN_LUMPS: Final = 6
_EVEN_LUMPS: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Bytes that had arrived by points in time, the point's own packet included.

    Attributes:
        t_ns: Times of the edges, never falling, in nanoseconds.
        total_bytes: Bytes up to and including each edge.
    """

    t_ns: Int64
    total_bytes: Int64

    def __len__(self) -> int:
        return len(self.t_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The suffix that fits best.

    Attributes:
        rate_bps: Slope of its chord, in bit/s.
        bound: Twice the largest distance from the chord, as a part of the suffix' bytes; no
            sub-rate of the suffix that covers it but for one edge can differ by more.
        span_s: Its duration, in seconds.
        first: Index of its first edge.
        edges: Number of edges in it.
        lumped: Edges are lumps of packets (a scheduler's slots), not packets.
    """

    rate_bps: float
    bound: float
    span_s: float
    first: int
    edges: int
    lumped: bool = False


def best_suffix(curve: Curve, *, min_span_s: float = 0.0) -> Fit | None:
    """Return the suffix of at least eight edges and `min_span_s` with the smallest bound.

    Args:
        curve: Arrivals.
        min_span_s: Shortest suffix to consider, in seconds.
    """
    plain = _best(curve, min_span_s, MIN_EDGES)
    lumps = lumps_of(curve)
    if lumps is None:
        return plain
    folded = _best(lumps, min_span_s, _MIN_LUMPS)
    if folded is None or (plain is not None and plain.bound <= folded.bound):
        return plain
    first = int(np.searchsorted(curve.t_ns, lumps.t_ns[folded.first]))
    return Fit(
        rate_bps=folded.rate_bps,
        bound=folded.bound,
        span_s=folded.span_s,
        first=first,
        edges=folded.edges,
        lumped=True,
    )


def fit_of(curve: Curve, first: int) -> Fit | None:
    """Return the fit of the suffix that starts at edge `first`; None when it takes no time."""
    t_ns = curve.t_ns[first:] - curve.t_ns[first]
    total = curve.total_bytes[first:] - curve.total_bytes[first]
    span_ns, got = int(t_ns[-1]), int(total[-1])
    if span_ns <= 0 or got <= 0:
        return None
    away = float(np.abs(total - got / span_ns * t_ns).max())
    return Fit(
        rate_bps=got * BITS_PER_BYTE * NS_PER_S / span_ns,
        bound=2 * away / got,
        span_s=span_ns / NS_PER_S,
        first=first,
        edges=len(t_ns),
    )


def lumps_of(curve: Curve) -> Curve | None:
    """Fold packets that a scheduler sends in evenly spaced lumps into one edge a lump.

    The edge of a lump is its first packet's time, with the bytes before the lump: from lump to
    lump exactly the bytes of a whole number of slots pass.

    Returns:
        One edge a lump, the last lump left out because it may not have ended; None when the gaps
        are not those of even lumps.
    """
    if len(curve) < 2 * _MIN_LUMPS:
        return None
    gaps = np.diff(curve.t_ns)
    starts = np.flatnonzero(gaps > gaps.max() // 2) + 1
    if len(starts) < _MIN_LUMPS or 2 * len(starts) > len(curve):
        return None
    spacing = np.diff(curve.t_ns[starts])
    if spacing.std() > _EVEN_LUMPS * spacing.mean():
        return None
    return Curve(t_ns=curve.t_ns[starts], total_bytes=curve.total_bytes[starts - 1])


def _best(curve: Curve, min_span_s: float, min_edges: int) -> Fit | None:
    best: Fit | None = None
    for edges in _lengths(min_edges, len(curve)):
        fit = fit_of(curve, len(curve) - edges)
        if (
            fit is not None
            and fit.span_s >= min_span_s
            and (best is None or fit.bound < best.bound)
        ):
            best = fit
    return best


def _lengths(shortest: int, longest: int) -> list[int]:
    """Return suffix lengths to try, each by three tenths longer than the one before."""
    lengths = []
    edges = shortest
    while edges < longest:
        lengths.append(edges)
        edges = max(edges + 1, int(edges * _GROWTH))
    return [*lengths, longest] if longest >= shortest else lengths
