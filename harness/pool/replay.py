"""The replay of an outage: what happened beside what this bench would have said, and when.

Nothing in a report comes from a clock or a machine: the same random seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.pool.branch import BranchResult, Course, DayResult, make_fleet, run_branch
from harness.pool.months import month_of_day
from harness.pool.scenario import Fact, Happening, Scenario
from harness.pool.virtual_pool import Policy

AS_IT_WAS: Final = Course(name="as it was", policy=Policy.BLIND, facts=True, watched=True)
COUNTERFACTUALS: Final = (
    Course(name="blind", policy=Policy.BLIND),
    Course(name="half-sighted", policy=Policy.SEES, visible=0.3),
    Course(name="all-seeing", policy=Policy.SEES),
    Course(name="bought early", policy=Policy.SEES, buy=True),
    Course(name="capped early", policy=Policy.SEES, cap=True),
)
_EARLY_ALARM_D: Final = 10
_P50_WITHIN_D: Final = 2
_P50_LATER_WITHIN_D: Final = 1
_LATER_FROM_DAY: Final = 10
_FEW_SLOW: Final = 0.01
_MANY_SLOW: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assertion of the replay.

    Attributes:
        claim: What must be so.
        found: What was found, with the numbers.
        holds: Whether it is so.
    """

    claim: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfBranch:
    """One line of the table of counterfactuals.

    Attributes:
        branch: Its name.
        month: Year and month.
        few_slow_day: First day with more than 1 % of active line-hours slow; None without one.
        many_slow_day: First day with more than 25 %.
        slow_share: Share of the month's active line-hours that were slow.
        unserved_share: Share of the bytes asked for that did not go through.
        sims: SIMs in the pool at the month's end.
    """

    branch: str
    month: str
    few_slow_day: int | None
    many_slow_day: int | None
    slow_share: float
    unserved_share: float
    sims: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A finished replay.

    Attributes:
        scenario: What was replayed.
        seed: The random seed.
        as_of: The day as whose beginning the bench speaks; facts after it are not shown.
        actual: The branch in which the facts happened.
        true_dry: First day of each story month on which more was asked for than the pool had.
        checks: The assertions.
        months: The counterfactuals, by branch and month.
    """

    scenario: Scenario
    seed: int
    as_of: date
    actual: BranchResult
    true_dry: Sequence[date]
    checks: Sequence[Check]
    months: Sequence[MonthOfBranch]

    @property
    def holds(self) -> bool:
        """Whether every assertion holds."""
        return all(check.holds for check in self.checks)

    def day(self, day: date) -> DayResult:
        """Return what was seen on `day`."""
        return self.actual.days[(day - self.scenario.first_day).days]

    @property
    def facts(self) -> Sequence[Fact]:
        """The facts up to `as_of`."""
        return [fact for fact in self.scenario.facts if fact.day <= self.as_of]


def run_replay(
    scenario: Scenario, *, seed: int = 1, as_of: date | None = None, branches: bool = True
) -> Replay:
    """Replay a scenario in virtual time.

    Args:
        scenario: What to replay.
        seed: The random seed.
        as_of: The day to speak as of; the last day when None.
        branches: Whether to run the counterfactuals, two months each.

    Raises:
        UsageError: `as_of` is not a day of the story.
    """
    until = scenario.end_day if as_of is None else as_of
    if not scenario.story_day <= until <= scenario.end_day:
        msg = (
            f"{until} is not in the story; it runs from {scenario.story_day} to {scenario.end_day}"
        )
        raise UsageError(msg)
    fleet = make_fleet(scenario, seed=seed)
    actual = run_branch(scenario, AS_IT_WAS, fleet=fleet, seed=seed, end_day=scenario.end_day)
    second = month_of_day(scenario.story_day, scenario.zone).next
    end_day = second.next.first_day - timedelta(days=1)
    months: list[MonthOfBranch] = []
    for course in COUNTERFACTUALS if branches else ():
        result = run_branch(scenario, course, fleet=fleet, seed=seed, end_day=end_day)
        months += [
            _month_of(course.name, result.month(month.year, month.month))
            for month in (scenario.story_day, second.first_day)
        ]
    true_dry = _true_dry(scenario, actual)
    return Replay(
        scenario=scenario,
        seed=seed,
        as_of=until,
        actual=actual,
        true_dry=true_dry,
        checks=_checks(scenario, actual, true_dry),
        months=months,
    )


def _true_dry(scenario: Scenario, actual: BranchResult) -> Sequence[date]:
    """Return the day in each of the two months on which the first day's pool was asked for more."""
    second = month_of_day(scenario.story_day, scenario.zone).next
    found: list[date] = []
    for first in (scenario.story_day, second.first_day):
        days = actual.month(first.year, first.month)
        asked = np.cumsum([day.asked_bytes for day in days])
        over = np.flatnonzero(asked > days[0].quota_bytes)
        found.append(days[int(over[0])].day if over.size else second.next.first_day)
    return found


def _month_of(branch: str, days: Sequence[DayResult]) -> MonthOfBranch:
    shares = [day.slow_hours / max(day.active_hours, 1) for day in days]
    asked = sum(day.asked_bytes for day in days)
    return MonthOfBranch(
        branch=branch,
        month=f"{days[0].day:%Y-%m}",
        few_slow_day=_first_above(shares, _FEW_SLOW),
        many_slow_day=_first_above(shares, _MANY_SLOW),
        slow_share=sum(d.slow_hours for d in days) / max(sum(d.active_hours for d in days), 1),
        unserved_share=1.0 - sum(day.used_bytes for day in days) / max(asked, 1),
        sims=days[-1].sims,
    )


def _first_above(shares: Sequence[float], limit: float) -> int | None:
    return next((day for day, share in enumerate(shares, start=1) if share > limit), None)


def alarm_in(actual: BranchResult, first: date, p_dry: float) -> date | None:
    """Return the first day from `first` on, in its month, on which P(dry) was `p_dry` or more."""
    for day in actual.month(first.year, first.month):
        if day.outlook is not None and day.day >= first and day.outlook.p_dry >= p_dry:
            return day.day
    return None


def dry_date(day: DayResult) -> date | None:
    """Return the day on which the gigabytes run out, P50, as said at the beginning of `day`."""
    if day.outlook is None or day.outlook.dry_by_bytes.p50 is None:
        return None
    return day.day + timedelta(days=day.outlook.dry_by_bytes.p50)


def _checks(scenario: Scenario, actual: BranchResult, true_dry: Sequence[date]) -> Sequence[Check]:
    second = month_of_day(scenario.story_day, scenario.zone).next.first_day
    return [
        _alarm_check(actual, scenario.story_day, scenario.model.dry_day, _EARLY_ALARM_D),
        _alarm_check(actual, second, second + timedelta(days=1), 0),
        _dry_check(actual, true_dry[1], second, _P50_WITHIN_D),
        _dry_check(actual, true_dry[1], second.replace(day=_LATER_FROM_DAY), _P50_LATER_WITHIN_D),
        *(_recovery_check(actual, day) for day in scenario.days_of(Happening.RECOVERY_CLAIMED)),
        _affected_check(actual),
    ]


def _alarm_check(actual: BranchResult, first: date, due: date, ahead_d: int) -> Check:
    found = alarm_in(actual, first, 0.8)
    latest = due - timedelta(days=ahead_d)
    return Check(
        claim=f"alarm for {first:%Y-%m} on or before {latest}",
        found=f"alarm on {found}" if found else "no alarm",
        holds=found is not None and found <= latest,
    )


def _dry_check(actual: BranchResult, truth: date, first: date, within_d: int) -> Check:
    """Check every day from `first` to the one before capacity was added or it was dry."""
    spans = []
    for day in actual.month(first.year, first.month):
        if first <= day.day < truth and day.sims == actual.month(first.year, first.month)[0].sims:
            said = dry_date(day)
            spans.append(abs((said - truth).days) if said else within_d + 1)
    worst = max(spans, default=within_d + 1)
    return Check(
        claim=f"dry date P50 within {within_d} d of {truth} on each day from {first}",
        found=f"at most {worst} d off on {len(spans)} days",
        holds=worst <= within_d,
    )


def _recovery_check(actual: BranchResult, claimed: date) -> Check:
    recovery = next(day.recovery for day in actual.days if day.day == claimed)
    return Check(
        claim=f"recovery claimed on {claimed} is refused",
        found=recovery.text if recovery else "nothing was measured",
        holds=recovery is not None and not recovery.accepted,
    )


def _affected_check(actual: BranchResult) -> Check:
    wrong = int((actual.affected_seen != actual.affected_true).sum())
    lines = int((actual.affected_seen > 0).sum())
    hours = int(actual.affected_seen.sum())
    return Check(
        claim="affected lines and their hours are exact",
        found=f"{lines} lines, {hours} line-hours, {wrong} lines wrong",
        holds=wrong == 0,
    )
