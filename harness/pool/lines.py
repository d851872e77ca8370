"""The probability that a line comes to a monthly amount, with the card that explains it.

The rule is fitted on the month before, at the same day of the month, and kept with a version, so
that the same numbers give the same answer: each line wrongly on a list is a customer restricted
for nothing (requirements.md R25, R26).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.core.errors import UsageError
from harness.core.units import format_size
from harness.pool.landing import Floats

RULE_VERSION: Final = "line-odds-1"
_RECENT_D: Final = 7
_LONG_D: Final = 28
_FLOOR: Final = 1e6  # bytes; below it a line is as good as idle
_RIDGE: Final = 1e-3
_ROUNDS: Final = 40
_HALVINGS: Final = 20
_LIMIT: Final = 30.0
_SPAN: Final = 4.0
_FITTED_LINES: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRule:
    """A fitted rule.

    Attributes:
        version: The kind of rule.
        fitted_on: What it was fitted on, such as ``2020-02, day 10``.
        at_least_bytes: The monthly amount in question.
        month_day: Days of the month that are over when it is used.
        month_days: Days of the month.
        weights: Of the constant, the recent projection, the long one and the square of the first.
    """

    version: str
    fitted_on: str
    at_least_bytes: float
    month_day: int
    month_days: int
    weights: tuple[float, ...]


def fit_rule(
    before: Floats, month: Floats, *, month_day: int, at_least_bytes: float, fitted_on: str
) -> LineRule:
    """Fit the rule on a month that is over.

    Args:
        before: Bytes by line and day, before that month; at least a week.
        month: Bytes by line and day of that month.
        month_day: Days that are to be over when the rule is used.
        at_least_bytes: The monthly amount in question.
        fitted_on: What this month is, for the card.

    Raises:
        UsageError: There is less than a week before it, or no day of it is left.
    """
    month_days = month.shape[1]
    every = max(1, month.shape[0] // _FITTED_LINES)  # four weights need no million lines
    before, month = before[::every], month[::every]
    known = np.concatenate([before, month[:, :month_day]], axis=1)
    features, over = _features(known, month_day, month_days, at_least_bytes)
    truth = month.sum(axis=1) >= at_least_bytes
    open_ = ~over
    weights = _logistic(features[open_], truth[open_].astype(np.float64))
    return LineRule(
        version=RULE_VERSION,
        fitted_on=fitted_on,
        at_least_bytes=at_least_bytes,
        month_day=month_day,
        month_days=month_days,
        weights=tuple(float(weight) for weight in weights),
    )


def odds(rule: LineRule, known: Floats) -> Floats:
    """Return for each line the probability that it comes to the rule's amount.

    Args:
        rule: From `fit_rule`, for the same day of the month.
        known: Bytes by line and day up to now; the last `rule.month_day` are of the month.

    Raises:
        UsageError: There is less than a week of days, or no day is left.
    """
    features, over = _features(known, rule.month_day, rule.month_days, rule.at_least_bytes)
    chance = _sigmoid(features @ np.array(rule.weights))
    return np.where(over, 1.0, chance)


def _features(
    known: Floats, month_day: int, month_days: int, at_least_bytes: float
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    left = month_days - month_day
    if known.shape[1] < _RECENT_D or left <= 0 or month_day < 0:
        msg = f"{known.shape[1]} days, {left} left: needs a week of days and a day that is left"
        raise UsageError(msg)
    used = known[:, known.shape[1] - month_day :].sum(axis=1) if month_day else 0.0
    recent = known[:, -_RECENT_D:].mean(axis=1)
    long = known[:, -_LONG_D:].mean(axis=1)
    near, far = (
        np.clip(np.log((used + rate * left + _FLOOR) / at_least_bytes), -_SPAN, _SPAN)
        for rate in (recent, long)
    )
    features = np.stack([np.ones_like(near), near, far, near**2], axis=1)
    return features, np.asarray(used >= at_least_bytes) & np.ones(near.size, np.bool_)


def _sigmoid(z: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(z, -_LIMIT, _LIMIT))))


def _logistic(features: Floats, truth: Floats) -> Floats:
    """Fit by Newton's method with a small ridge; the same numbers give the same weights."""
    weights = np.zeros(features.shape[1])
    ridge = _RIDGE * np.eye(features.shape[1])
    loss = _loss(features, truth, weights)
    for _ in range(_ROUNDS):
        chance = _sigmoid(features @ weights)
        slope = features.T @ (truth - chance) - ridge @ weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        step = np.linalg.solve(curve, slope)
        # Far from the optimum a whole step overshoots: half of it, until it gains.
        for _ in range(_HALVINGS):
            found = _loss(features, truth, weights + step)
            if found < loss:
                break
            step = step / 2
        else:
            break
        weights, loss = weights + step, found
    return weights


def _loss(features: Floats, truth: Floats, weights: Floats) -> float:
    z = features @ weights
    return float((np.logaddexp(0.0, z) - truth * z).sum() + _RIDGE * (weights @ weights) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How far a probability may be believed.

    Attributes:
        bins: (mean probability said, share that came true, lines) for each tenth.
        error: Mean distance of the two, weighted by lines.
        brier: Mean squared distance from what came true.
    """

    bins: Sequence[tuple[float, float, int]]
    error: float
    brier: float


def calibrate(chance: Floats, truth: npt.NDArray[np.bool_]) -> Calibration:
    """Compare what was said with what came true."""
    tenth = np.minimum((chance * 10).astype(int), 9)
    bins = [
        (float(chance[tenth == k].mean()), float(truth[tenth == k].mean()), int((tenth == k).sum()))
        for k in range(10)
        if (tenth == k).any()
    ]
    lines = max(1, chance.size)
    return Calibration(
        bins=bins,
        error=sum(abs(said - true) * count for said, true, count in bins) / lines,
        brier=float(((chance - truth) ** 2).mean()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictionList:
    """Lines that a rule would restrict.

    Attributes:
        lines: Their indices, likeliest first.
        chance: The probability of each.
        expected_wrong: How many of them are expected not to come to the amount.
    """

    lines: Sequence[int]
    chance: Sequence[float]
    expected_wrong: float


def restriction_list(chance: Floats, *, at_least: float) -> RestrictionList:
    """List the lines whose probability is `at_least`, with the wrong ones to expect."""
    chosen = np.flatnonzero(chance >= at_least)
    order = chosen[np.argsort(-chance[chosen], kind="stable")]
    return RestrictionList(
        lines=[int(line) for line in order],
        chance=[float(c) for c in chance[order]],
        expected_wrong=float((1.0 - chance[order]).sum()),
    )


def explanation_card(
    rule: LineRule, *, line: str, known: Floats, on: date, effect: str, appeal: str
) -> str:
    """Write the card of one line, Japanese first, with every number that was used.

    Args:
        rule: The rule.
        line: The line's name.
        known: Its bytes by day up to now.
        on: The date of the decision.
        effect: What the decision does to the line.
        appeal: How to object.
    """
    chance = 100 * float(odds(rule, known[None, :])[0])
    used = format_size(float(known[known.size - rule.month_day :].sum()))
    recent = format_size(float(known[-_RECENT_D:].mean()))
    amount, day = format_size(rule.at_least_bytes), on.isoformat()
    days = rule.month_day
    return "\n".join(
        [
            f"回線 {line} 判定日 {day} 規則 {rule.version} 学習 {rule.fitted_on}",
            f"当月利用 {used} ({days}日間) 直近7日平均 {recent}/日",
            f"月間 {amount} 以上となる見込み {chance:.1f} %",
            f"影響: {effect} 異議: {appeal}",
            f"line {line}, decided {day}, rule {rule.version} fitted on {rule.fitted_on}",
            f"used {used} in {days} days, {recent} a day lately",
            f"probability of {amount} or more in the month: {chance:.1f} %",
            f"effect: {effect}; to object: {appeal}",
        ]
    )
