"""Judges a series of durations as a distribution: median, 95th percentile, extremes, count."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.case import CaseRun
from harness.verdict.verdict import Verdict

_PER_CENT: Final = 100
_HIGH: Final = 95


def judge_times(
    run: CaseRun, limit_name: str, values_s: Sequence[float], *, owner: Party | None = Party.ROUTER
) -> None:
    """Judge the 95th percentile (nearest rank; of few: the longest) and tell the median.

    Args:
        run: The case that is being run.
        limit_name: What the 95th percentile is judged by.
        values_s: The durations, in seconds; at least one.
        owner: Whose fault it is when it is too long.
    """
    ordered = sorted(values_s)
    rank = -(-_HIGH * len(ordered) // _PER_CENT)
    p95 = Measurement(name=limit_name, value=ordered[rank - 1], unit="s", n=len(ordered))
    median_s = statistics.median(ordered)
    run.measured(
        limit_name,
        p95,
        owner=owner,
        step=f"{limit_name} P95",
        evidence={"values_s": ordered, "median_s": median_s},
    )
    text = f"median {median_s:.3f} s, {ordered[0]:.3f} to {ordered[-1]:.3f} s, n = {len(ordered)}"
    run.step(f"{limit_name} median", Verdict.PASS, text)
