"""What a forecast is judged on: the generator in seven tempers, and hourly series of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from harness.pool.demand import daily_of_hours
from harness.pool.fleet import Fleet, FleetPlan
from harness.pool.landing import Floats
from harness.pool.months import HOURS_A_DAY, month_of_day
from harness.pool.public_series import HourlySeries
from harness.pool.virtual_pool import Policy, VirtualPool
from harness.pool.watch import Terms, Watch

_DAYS: Final = 152
_FIRST_DAY: Final = date(2019, 10, 1)
_LINES: Final = 600
_QUOTA: Final = 60_000_000_000
_THROTTLE_BPS: Final = 128_000
_SHOCK_DAY: Final = 95
_LATE_SHARE: Final = 0.15
_LATE_D: Final = 4
_DRY_AFTER_D: Final = 20
_MISSING_SHARE: Final = 0.05
_BLOCK_H: Final = 6
_MOST_MISSING_H: Final = 6
_MOST_LACKING: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchCase:
    """One series with its truth.

    Attributes:
        name: The set that it is counted in.
        first_day: Day of the first value.
        seen: What a plain feed shows, by day.
        known: What we make of it, by day; NaN where nothing is known.
        truth: What was asked for, by day; a month with a NaN is not judged.
        licence: Terms of the data.
    """

    name: str
    first_day: date
    seen: Floats
    known: Floats
    truth: Floats
    licence: str


def case_of(series: HourlySeries, *, name: str | None = None) -> BenchCase:
    """Turn somebody's series into a case; a day with more than six hours missing is unknown."""
    days = daily_of_hours(series.hours)
    days[np.isnan(series.hours).sum(axis=1) > _MOST_MISSING_H] = np.nan
    return BenchCase(
        name=name or series.name,
        first_day=series.first_day,
        seen=days,
        known=days,
        truth=days,
        licence=series.licence,
    )


def generated_cases(seeds: Sequence[int]) -> Sequence[BenchCase]:
    """Return the seven tempers of the generator, each with every seed."""
    return [make(name, seed) for name, make in _TEMPERS.items() for seed in seeds]


def _plan(seed: int) -> FleetPlan:
    return FleetPlan(lines=_LINES, first_day=_FIRST_DAY, days=_DAYS, seed=seed)


def _plain(name: str, plan: FleetPlan) -> BenchCase:
    days = Fleet(plan).hours_total(range(plan.days)).sum(axis=1)
    return BenchCase(
        name=name, first_day=plan.first_day, seen=days, known=days, truth=days, licence="ours"
    )


def _quiet(name: str, seed: int) -> BenchCase:
    return _plain(name, _plan(seed))


def _growth(name: str, seed: int) -> BenchCase:
    return _plain(name, replace(_plan(seed), growth_a_day=0.003))


def _shock(name: str, seed: int) -> BenchCase:
    return _plain(name, replace(_plan(seed), shock_day=_SHOCK_DAY, shock=0.18))


def _churn(name: str, seed: int) -> BenchCase:
    return _plain(name, replace(_plan(seed), joining=0.4, leaving=0.3))


def _missing(name: str, seed: int) -> BenchCase:
    plan = _plan(seed)
    hours = Fleet(plan).hours_total(range(plan.days))
    random = np.random.default_rng([seed, 77])
    flat = hours.ravel().copy()
    for start in random.integers(0, flat.size, round(flat.size * _MISSING_SHARE / _BLOCK_H)):
        flat[start : start + _BLOCK_H] = np.nan
    seen = flat.reshape(-1, HOURS_A_DAY)
    return BenchCase(
        name=name,
        first_day=plan.first_day,
        seen=np.nansum(seen, axis=1),
        known=daily_of_hours(seen),
        truth=hours.sum(axis=1),
        licence="ours",
    )


def _censored(name: str, seed: int) -> BenchCase:
    return _pooled(name, seed, late_share=0.0)


def _late_reset(name: str, seed: int) -> BenchCase:
    return _pooled(name, seed, late_share=_LATE_SHARE)


def _pooled(name: str, seed: int, *, late_share: float) -> BenchCase:
    """A fleet on a pool that is dry after 20 days of every month: its use is not its demand."""
    plan = _plan(seed)
    fleet = Fleet(plan)
    capacity = sum(fleet.expected_bytes(day) for day in range(_DRY_AFTER_D))
    sims = round(capacity / _QUOTA)
    pool = VirtualPool(seed=seed, policy=Policy.BLIND, visible=1.0, throttle_bps=_THROTTLE_BPS)
    pool.add(sims, quota_bytes=_QUOTA, shares=np.array([1.0]))
    terms = Terms(carrier=["44020"] * sims, quota_bytes=pool.quota_bytes)
    watch = Watch(terms, lines=plan.lines, weekday=plan.first_day.weekday())
    seen, truth = np.zeros(plan.days), np.zeros(plan.days)
    late = np.empty(0, np.int64)
    month = month_of_day(plan.first_day)
    for number in range(plan.days):
        day = month.day(number + 1)
        if day.day == 1 and number:
            late = pool.reset(late_share, 0)
            watch.reset_due(pool.is_slow)
        if day.day == 1 + _LATE_D:
            pool.reset_these(late)
        watch.measure_again(pool.is_slow)
        for demand in fleet.day(number):
            log, hour = pool.serve(demand)
            watch.see(log)
            seen[number] += log.used_bytes.sum()
            truth[number] += hour.asked_bytes
    return BenchCase(
        name=name,
        first_day=plan.first_day,
        seen=seen,
        known=watch.daily_demand(),
        truth=truth,
        licence="ours",
    )


_TEMPERS: Final[Mapping[str, Callable[[str, int], BenchCase]]] = {
    "quiet": _quiet,
    "growth": _growth,
    "shock": _shock,
    "churn": _churn,
    "late-reset": _late_reset,
    "censored": _censored,
    "missing-hours": _missing,
}


def cases_of_file(
    series: Sequence[HourlySeries], *, name: str, most: int | None = None
) -> Sequence[BenchCase]:
    """Return the sum of a file's series as one set and the series themselves as another.

    Args:
        series: From `harness.pool.any_csv.read_any_csv`.
        name: Name of the sets.
        most: At most so many of the series, evenly chosen; None for all.
    """
    step = 1 if most is None else max(1, -(-len(series) // most))
    each = [case_of(one, name=f"{name} each") for one in series[::step]]
    if len(series) == 1:
        return each
    first = min(one.first_day for one in series)
    days = max((one.first_day - first).days + one.hours.shape[0] for one in series)
    total = np.zeros((days, HOURS_A_DAY))
    for one in series:
        start = (one.first_day - first).days
        total[start : start + one.hours.shape[0]] += np.nan_to_num(one.hours)
    # What one series lacks is a small part of the sum; what many lack is a missing hour.
    lacking = np.sum([_lacking(one, first, days) for one in series], axis=0)
    total[lacking > _MOST_LACKING * len(series)] = np.nan
    whole = HourlySeries(name=name, first_day=first, hours=total, licence=series[0].licence)
    return [case_of(whole, name=f"{name} sum"), *each]


def _lacking(one: HourlySeries, first: date, days: int) -> Floats:
    lacking = np.ones((days, HOURS_A_DAY))
    start = (one.first_day - first).days
    lacking[start : start + one.hours.shape[0]] = np.isnan(one.hours)
    return lacking
