"""One branch of a replay: a fleet, a pool, a policy, what was done when, and what the bench saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.pool.balance import Bank, Outlook
from harness.pool.fleet import Demand, Fleet, FleetPlan, heavy_lines
from harness.pool.landing import Ints
from harness.pool.ledger import Recovery, judge_recovery
from harness.pool.months import month_of_day
from harness.pool.scenario import Happening, Scenario
from harness.pool.virtual_pool import Policy, VirtualPool
from harness.pool.watch import Terms, Watch

ALARM_P_DRY: Final = 0.8
_SUSPENDED_FROM_HOUR: Final = 9
_SECONDS_AN_HOUR: Final = 3600
_BITS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is different in a branch.

    Attributes:
        name: Its name in the report.
        policy: How the server chooses a SIM.
        visible: Share of SIMs whose state the server can read.
        facts: Whether the dated facts happen in it.
        buy: Whether the SIMs that the bench asks for are bought on its first alarm.
        cap: Whether heavy lines are capped from the day after its first alarm.
        watched: Whether an outlook is made every day.
    """

    name: str
    policy: Policy
    visible: float = 1.0
    facts: bool = False
    buy: bool = False
    cap: bool = False
    watched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """One day of a branch.

    Attributes:
        day: The date.
        asked_bytes: What the lines asked for, within suspension and cap.
        used_bytes: What went through.
        slow_hours: Line-hours on a throttled SIM.
        active_hours: Line-hours in which a line was active.
        healthy: SIMs that the bench counted at full rate as the day began.
        sims: SIMs in the pool.
        quota_bytes: Sum of their quotas.
        outlook: What the bench said as the day began; None when it was not asked.
        recovery: What it made of a claim of recovery on that day; None without one.
        banks: The SIMs as the day began, as the bench counted them; empty without an outlook.
    """

    day: date
    asked_bytes: int
    used_bytes: int
    slow_hours: int
    active_hours: int
    healthy: int
    sims: int
    quota_bytes: int
    outlook: Outlook | None
    recovery: Recovery | None
    banks: Sequence[Bank]


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchResult:
    """What came of a branch.

    Attributes:
        course: What was different in it.
        days: Day by day, from the first day of the scenario.
        affected_seen: The bench's list: hours on a throttled SIM by line, in the story.
        affected_true: The same by the world itself.
        alarm_day: Day of the first alarm in the story; None without one.
        line_days: What each line used, by day.
    """

    course: Course
    days: Sequence[DayResult]
    affected_seen: Ints
    affected_true: Ints
    alarm_day: date | None
    line_days: Sequence[Ints]

    def month(self, year: int, month: int) -> Sequence[DayResult]:
        """Return the days of one month."""
        return [day for day in self.days if (day.day.year, day.day.month) == (year, month)]


@dataclass(slots=True, kw_only=True)
class _Run:
    scenario: Scenario
    course: Course
    fleet: Fleet
    pool: VirtualPool
    watch: Watch
    base_sims: int
    late: Ints
    suspended: npt.NDArray[np.bool_]
    served: Ints  # bytes of each line this month
    affected_true: Ints
    random: np.random.Generator
    capped: npt.NDArray[np.bool_] | None = None
    arriving: dict[date, int] = field(default_factory=dict)
    alarm_day: date | None = None
    cap_day: date | None = None


def make_fleet(scenario: Scenario, *, seed: int) -> Fleet:
    """Make the fleet that all branches of a replay share."""
    days = (scenario.end_day - scenario.first_day).days + 1
    plan = FleetPlan(lines=scenario.model.lines, first_day=scenario.first_day, days=days, seed=seed)
    return Fleet(plan)


def run_branch(
    scenario: Scenario, course: Course, *, fleet: Fleet, seed: int, end_day: date
) -> BranchResult:
    """Run a branch in virtual time, from the scenario's first day to `end_day`."""
    run = _begin(scenario, course, fleet, seed)
    days = (end_day - scenario.first_day).days + 1
    results = [
        _one_day(run, number, scenario.first_day + timedelta(days=number)) for number in range(days)
    ]
    return BranchResult(
        course=course,
        days=results,
        affected_seen=run.watch.slow_hours,
        affected_true=run.affected_true,
        alarm_day=run.alarm_day,
        line_days=run.watch.line_days,
    )


def _begin(scenario: Scenario, course: Course, fleet: Fleet, seed: int) -> _Run:
    model = scenario.model
    until_dry = range(
        (scenario.story_day - scenario.first_day).days, (model.dry_day - scenario.first_day).days
    )
    capacity = sum(fleet.expected_bytes(day) for day in until_dry)
    base_sims = round(capacity / model.quota_bytes)
    pool = VirtualPool(
        seed=seed, policy=course.policy, visible=course.visible, throttle_bps=model.throttle_bps
    )
    shares = np.array(list(model.carriers.values()))
    pool.add(base_sims, quota_bytes=model.quota_bytes, shares=shares)
    pool.add(
        round(base_sims * model.extra_sims_before_story),
        quota_bytes=model.quota_bytes,
        shares=shares,
    )
    random = np.random.default_rng([seed, 1_000_033])
    return _Run(
        scenario=scenario,
        course=course,
        fleet=fleet,
        pool=pool,
        watch=Watch(
            _terms(scenario, pool), lines=model.lines, weekday=scenario.first_day.weekday()
        ),
        base_sims=base_sims,
        late=np.empty(0, np.int64),
        suspended=random.random(model.lines) < model.suspended_share,
        served=np.zeros(model.lines, np.int64),
        affected_true=np.zeros(model.lines, np.int64),
        random=random,
    )


def _terms(scenario: Scenario, pool: VirtualPool) -> Terms:
    names = list(scenario.model.carriers)
    return Terms(carrier=[names[i] for i in pool.carrier], quota_bytes=pool.quota_bytes)


def _one_day(run: _Run, number: int, day: date) -> DayResult:
    _change_the_world(run, day)
    recovery = _claimed_recovery(run, day)
    run.watch.measure_again(run.pool.is_slow)
    healthy = run.watch.healthy
    outlook = _look_ahead(run, day)
    banks = run.watch.banks() if outlook is not None else []
    asked = used = slow = active = 0
    for hour, demand in enumerate(run.fleet.day(number)):
        log, truth = run.pool.serve(_restricted(run, demand, day, hour))
        run.watch.see(log)
        run.served[log.lines] += log.used_bytes
        run.affected_true[log.lines[truth.slow]] += 1
        asked += truth.asked_bytes
        used += int(log.used_bytes.sum())
        slow += int(truth.slow.sum())
        active += log.lines.size
    return DayResult(
        day=day,
        asked_bytes=asked,
        used_bytes=used,
        slow_hours=slow,
        active_hours=active,
        healthy=healthy,
        sims=run.pool.quota_bytes.size,
        quota_bytes=int(run.pool.quota_bytes.sum()),
        outlook=outlook,
        recovery=recovery,
        banks=banks,
    )


def _change_the_world(run: _Run, day: date) -> None:
    scenario, model = run.scenario, run.scenario.model
    if day == scenario.story_day:
        run.pool.remove_last(run.pool.quota_bytes.size - run.base_sims)
        run.watch.new_terms(_terms(scenario, run.pool))
        run.watch.clear_slow_hours()
        run.affected_true[:] = 0
    if day.day == 1 and day != scenario.first_day:
        forgotten = run.course.facts and day in scenario.days_of(Happening.RECOVERY_CLAIMED)
        carrier = list(model.carriers).index(model.late_reset_carrier)
        run.late = run.pool.reset(model.late_reset_share if forgotten else 0.0, carrier)
        run.watch.reset_due(run.pool.is_slow)
        run.served[:] = 0
    if day == model.late_reset_until:
        run.pool.reset_these(run.late)
    more = run.arriving.get(day, 0)
    if run.course.facts and day in scenario.days_of(Happening.CAPACITY_ADDED):
        days = len(scenario.days_of(Happening.CAPACITY_ADDED))
        more += round(run.base_sims * model.added_share / days)
    if more:
        shares = np.array(list(model.carriers.values()))
        run.pool.add(more, quota_bytes=model.quota_bytes, shares=shares)
        run.watch.new_terms(_terms(scenario, run.pool))
    capped = run.course.facts and day in scenario.days_of(Happening.HEAVY_CAPPED)
    if capped or day == run.cap_day:
        run.capped = heavy_lines(run.fleet, model.heavy_bytes)


def _restricted(run: _Run, demand: Demand, day: date, hour: int) -> Demand:
    """Apply suspension and cap to what the lines ask for."""
    lines, want = demand.lines, demand.want_bytes
    offered = run.scenario.days_of(Happening.SUSPENSION_OFFERED)
    if run.course.facts and offered:
        starts = offered[0] + timedelta(days=1)
        if day > starts or (day == starts and hour >= _SUSPENDED_FROM_HOUR):
            keep = ~run.suspended[lines]
            lines, want = lines[keep], want[keep]
    if run.capped is not None:
        model = run.scenario.model
        over = run.capped[lines] & (run.served[lines] >= model.cap_bytes)
        slow_bytes = model.throttle_bps * _SECONDS_AN_HOUR // _BITS
        want = np.where(over, np.minimum(want, slow_bytes), want)
    return Demand(lines=lines, want_bytes=want)


def _claimed_recovery(run: _Run, day: date) -> Recovery | None:
    if not run.course.facts or day not in run.scenario.days_of(Happening.RECOVERY_CLAIMED):
        return None
    count = min(run.scenario.model.sample_lines, run.pool.quota_bytes.size)
    sims = run.random.choice(run.pool.quota_bytes.size, count, replace=False)
    return judge_recovery(count, int(run.pool.is_slow(sims).sum()))


def _look_ahead(run: _Run, day: date) -> Outlook | None:
    acts = (run.course.buy or run.course.cap) and run.alarm_day is None
    if day < run.scenario.story_day or not (run.course.watched or acts):
        return None
    outlook = run.watch.outlook(
        month_day=day.day - 1,
        month_days=month_of_day(day, run.scenario.zone).days,
        lead_days=run.scenario.model.lead_days,
    )
    if run.alarm_day is None and outlook.p_dry >= ALARM_P_DRY:
        run.alarm_day = day
        if run.course.buy:
            arrives = day + timedelta(days=run.scenario.model.lead_days)
            run.arriving[arrives] = outlook.sims_to_buy
        if run.course.cap:
            run.cap_day = day + timedelta(days=1)
    return outlook
