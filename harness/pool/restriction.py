"""From the store to the list of lines that will come to a monthly amount, with a card for each.

The rule is fitted on the month before, as it stood on the same day, and used on this one. Hours
that nobody counted are in no number: they make a line look lighter, never heavier, and are told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Final

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import format_size
from harness.pool.landing import Floats, Ints
from harness.pool.lines import (
    LineRule,
    RestrictionList,
    explanation_card,
    fit_rule,
    odds,
    restriction_list,
)
from harness.pool.months import DAYS_A_WEEK, TOKYO, first_hour, moment_of, month_of
from harness.pool.usage import UsageStore

_BEFORE_D: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class LineJudgement:
    """What a rule says of every line of the store.

    Attributes:
        on: Day of the decision; the days before it are over.
        rule: The rule, fitted on the month before.
        lines: All lines, in order.
        known: Bytes by line and day, up to `on`.
        chance: The probability of each line.
        listed: Which of them a decision would restrict; indices into `lines`.
        expected: How many of all lines are expected to come to the amount.
        missing_hours: Hours of these days that nobody counted; they are in no number.
    """

    on: date
    rule: LineRule
    lines: Ints
    known: Floats
    chance: Floats
    listed: RestrictionList
    expected: float
    missing_hours: int

    def card(self, line: int, *, name: str, effect: str, appeal: str) -> str:
        """Write the explanation card of one line, under its `name`.

        Raises:
            UsageError: The store has no such line in these days.
        """
        at = int(np.searchsorted(self.lines, line))
        if at >= self.lines.size or int(self.lines[at]) != line:
            msg = f"line {name} used nothing in the {self.known.shape[1]} days before {self.on}"
            raise UsageError(msg)
        text = explanation_card(
            self.rule,
            line=name,
            known=self.known[at],
            on=self.on,
            effect=effect,
            appeal=appeal,
        )
        return f"{text}\n{self._missing}"

    @property
    def _missing(self) -> str:
        return f"hours that nobody counted, and that are in no number: {self.missing_hours}"


def judge_lines(
    store: UsageStore,
    *,
    now_hour: int,
    at_least_bytes: float,
    at_least_chance: float,
    zone: str = TOKYO,
) -> LineJudgement:
    """Say of each line how likely it comes to `at_least_bytes` in the month of `now_hour`.

    Args:
        store: Usage by line and hour, packed up to now.
        now_hour: Hours since 1970; the day that it is in is not over.
        at_least_bytes: The monthly amount in question.
        at_least_chance: From this probability on a line is listed.
        zone: Whose days and months.

    Raises:
        UsageError: The store does not reach back to a week before the last month.
    """
    month, on = month_of(now_hour, zone), moment_of(now_hour, zone).date()
    before = month_of(month.first_hour - 1, zone)
    month_day = (on - month.first_day).days
    fit_day = min(month_day, before.days - 1)
    edges = [
        first_hour(before.first_day + timedelta(days=day), zone)
        for day in range(-_BEFORE_D, before.days + month_day + 1)
    ]
    missing = store.totals(edges[0], edges[-1]).missing_hours
    blank = _blank_days(missing, edges)
    if blank > _BEFORE_D - DAYS_A_WEEK:
        msg = (
            f"the store begins {_BEFORE_D - blank} days before {before.text}; a rule for "
            f"{month.text} is fitted on {before.text} and needs {DAYS_A_WEEK} days before it"
        )
        raise UsageError(msg)
    edges = edges[blank:]
    lines, days = _by_day(store, edges)
    start = _BEFORE_D - blank
    rule = fit_rule(
        days[:, :start],
        days[:, start : start + before.days],
        month_day=fit_day,
        at_least_bytes=at_least_bytes,
        fitted_on=f"{before.text}, day {fit_day}",
    )
    rule = replace(rule, month_day=month_day, month_days=month.days)
    known = days[:, -(_BEFORE_D + month_day) :]
    chance = odds(rule, known)
    return LineJudgement(
        on=on,
        rule=rule,
        lines=lines,
        known=known,
        chance=chance,
        listed=restriction_list(chance, at_least=at_least_chance),
        expected=float(chance.sum()),
        missing_hours=sum(hour >= edges[0] for hour in missing),
    )


def _blank_days(missing: Sequence[int], edges: Sequence[int]) -> int:
    """Count the days at the beginning of which the store has no hour."""
    lacking = set(missing)
    days = enumerate(pairwise(edges))
    blank = (day for day, span in days if not lacking.issuperset(range(*span)))
    return next(blank, len(edges) - 1)


def _by_day(store: UsageStore, edges: Sequence[int]) -> tuple[Ints, Floats]:
    """Return all lines in order, and their bytes by day; a line without a byte used none."""
    lines, _ = store.by_line(edges[0], edges[-1])
    days = np.zeros((lines.size, len(edges) - 1))
    for day, (start, end) in enumerate(pairwise(edges)):
        mine, used = store.by_line(start, end)
        days[np.searchsorted(lines, mine), day] = used
    return lines, days


def judgement_text(found: LineJudgement, name: Callable[[int], str]) -> str:
    """Write the list, likeliest first, with what of it is expected to be wrong."""
    amount = format_size(found.rule.at_least_bytes)
    rows = [
        f"{name(int(found.lines[at])):<16} {100 * chance:>6.1f} %"
        for at, chance in zip(found.listed.lines, found.listed.chance, strict=True)
    ]
    count = len(found.listed.lines)
    return "\n".join(
        [
            *rows,
            (
                f"{count} of {found.lines.size} lines listed for {amount} or more in the month; "
                f"{found.listed.expected_wrong:.1f} of them are expected not to come to it"
            ),
            (
                f"{found.expected:.1f} of all lines are expected to come to it; "
                f"rule {found.rule.version} fitted on {found.rule.fitted_on}, decided {found.on}"
            ),
            f"hours that nobody counted, and that are in no number: {found.missing_hours}",
        ]
    )


def judgement_json(found: LineJudgement, name: Callable[[int], str]) -> dict[str, Any]:
    """Return the list as plain values, with everything that it follows from."""
    return {
        "on": found.on.isoformat(),
        "rule": found.rule.version,
        "fitted_on": found.rule.fitted_on,
        "weights": list(found.rule.weights),
        "at_least_bytes": found.rule.at_least_bytes,
        "lines": found.lines.size,
        "listed": [
            {"line": name(int(found.lines[at])), "chance": chance}
            for at, chance in zip(found.listed.lines, found.listed.chance, strict=True)
        ],
        "expected_wrong": found.listed.expected_wrong,
        "expected": found.expected,
        "missing_hours": found.missing_hours,
    }
