"""(limit, value) → judgement. Pure; the same numbers give the same judgement for ever."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.units import format_duration, format_rate, format_size
from harness.verdict.limits import Limit, Unit
from harness.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a value came to under its limit.

    Attributes:
        limit: The limit that judged.
        verdict: PASS, FAIL, or INCONC when the value says too little.
        marginal: The interval of the value reaches over a bound.
        text: The value and the bound, in words.
    """

    limit: Limit
    verdict: Verdict
    marginal: bool
    text: str


def judge(
    limit: Limit, value: float | None, *, low: float | None = None, high: float | None = None
) -> Judgement:
    """Compare a value with its limit.

    Args:
        limit: Bounds and decision rule.
        value: What was measured, in the limit's unit; None when it could not be measured.
        low: Lower end of the value's own interval, None when it is exact.
        high: Upper end of it.
    """
    if value is None:
        text = f"not measured, {demand(limit)}"
        return Judgement(limit=limit, verdict=Verdict.INCONC, marginal=False, text=text)
    least = value if low is None else low
    most = value if high is None else high
    inside = _inside(limit, least) and _inside(limit, most)
    outside = _beyond(limit, least, most)
    marginal = not inside and not outside
    if limit.decision == "guarded":
        verdict = Verdict.PASS if inside else Verdict.FAIL if outside else Verdict.INCONC
    else:
        verdict = Verdict.PASS if _inside(limit, value) else Verdict.FAIL
    text = f"{quantity(value, limit.unit)}, {demand(limit)}"
    return Judgement(limit=limit, verdict=verdict, marginal=marginal, text=text)


def quantity(value: float, unit: Unit) -> str:
    """Write a value with its unit as tables show it."""
    if unit == "s":
        return format_duration(value)
    if unit == "bit/s":
        return format_rate(value)
    if unit == "B":
        return format_size(value)
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"


def demand(limit: Limit) -> str:
    """Write the bounds of a limit as tables show them."""
    if limit.low is None and limit.high is not None:
        return f"limit {quantity(limit.high, limit.unit)}"
    if limit.high is None and limit.low is not None:
        return f"at least {quantity(limit.low, limit.unit)}"
    low, high = limit.low or 0.0, limit.high or 0.0
    return f"limits {quantity(low, limit.unit)} to {quantity(high, limit.unit)}"


def _inside(limit: Limit, value: float) -> bool:
    return not (
        (limit.low is not None and value < limit.low)
        or (limit.high is not None and value > limit.high)
    )


def _beyond(limit: Limit, least: float, most: float) -> bool:
    """Whether the whole interval is on the wrong side of one bound."""
    return (limit.low is not None and most < limit.low) or (
        limit.high is not None and least > limit.high
    )
