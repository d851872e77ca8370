"""Where a running sum will be at the end of the month, with bands from past landing errors.

The start is a weekday profile and a level with exponentially forgotten weights, half-life 5 days.
Beside it stand other half-lives and one with a damped trend; each member counts by how well *it*
would have landed from the past days of the same series at the same distance. The bands are the
past landing errors of that mixture: hourly quantiles or lines are never added up, because neither
hours nor lines are independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.core.errors import UsageError
from harness.pool.months import DAYS_A_WEEK

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HALF_LIVES_D: Final = (3.0, 5.0, 8.0, 14.0, 28.0)
_START: Final = 1  # index of the half-life of 5 days, which needs no proof
_MEMBERS: Final = len(HALF_LIVES_D) + 4
_PROFILE_HALF_LIFE_D: Final = 42.0
_PROFILE_PRIOR_WEEKS: Final = 0.5
_PROFILE_MIN_D: Final = 14
_TREND_SPAN_D: Final = 14
_WEEK_TREND_SPAN_D: Final = 28
_TREND_LIMIT: Final = 0.02
_WEEK_CENTRE_D: Final = 3
_DAMPING: Final = 0.95
_HISTORY_D: Final = 400
_WARM_UP_D: Final = 10
_ERROR_LIMIT: Final = 1.5
_ERROR_HALF_LIFE_D: Final = 60.0
_POWER: Final = 2.0
_START_PRIOR: Final = 0.2
_LONGEST_D: Final = 45
# The mixture has seen the errors its bands are made of: on hold-out months they were 7 % short.
_WIDENING: Final = 1.07
P10_P90: Final = 1.2815515655446004


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Three quantiles of one number.

    Attributes:
        p10: One time in ten it is less.
        p50: As often less as more.
        p90: One time in ten it is more.
    """

    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A forecast of the days that are left.

    Attributes:
        used: The sum of the days that are over.
        daily: The forecast of each day that is left, P50.
        spread: Standard deviation of the natural logarithm of the sum up to each day left.
        total: The landing.
    """

    used: float
    daily: Floats
    spread: Floats
    total: Band

    def path(self, z: float) -> Floats:
        """Return the running sum after each day left, at `z` standard deviations."""
        running: Floats = self.used + np.cumsum(self.daily) * np.exp(z * self.spread)
        return np.asarray(np.maximum.accumulate(running)) if running.size else running


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What each member knew at the end of each day."""

    levels: Floats  # member by day
    profile: Floats  # day by weekday
    trend: Floats  # growth a day, by day
    week: Floats  # level of the last seven days, by day
    week_trend: Floats  # its growth a day over four weeks


def land(days: Floats, weekday: int, *, month_day: int, month_days: int) -> Landing:
    """Forecast a month from what was used day by day.

    Args:
        days: Amount of each day up to now, oldest first; NaN where nobody counted. The last
            `month_day` of them are of the running month.
        weekday: Weekday of the first of them; Monday is 0.
        month_day: Days of the month that are over.
        month_days: Days of the month.

    Raises:
        UsageError: There are fewer days than `month_day`, none was counted, or the month is over.
    """
    if not 0 <= month_day <= min(month_days, days.size) or not np.isfinite(days).any():
        msg = f"{days.size} days of history, {month_day} of {month_days} days over: nothing to land"
        raise UsageError(msg)
    left = month_days - month_day
    first = max(0, days.size - _HISTORY_D)
    past = _learn(days[first:], (weekday + first) % DAYS_A_WEEK)
    ahead = (weekday + days.size + np.arange(left)) % DAYS_A_WEEK
    used, guessed = _used(days, month_day, past, weekday)
    if not left:
        return Landing(used=used, daily=np.empty(0), spread=np.empty(0), total=_flat(used))
    errors = _past_errors(days[first:], past, weekday + first, left)
    weights = _weights(errors, left)
    daily = weights @ _members(past, past.levels.shape[1] - 1, ahead)
    spread = _spread(errors, weights, left)
    rest = float(daily.sum())
    # What nobody counted is as uncertain as what is to come.
    open_ = rest + guessed
    p10, p90 = (used - guessed + open_ * float(np.exp(z * spread[-1])) for z in (-P10_P90, P10_P90))
    return Landing(
        used=used, daily=daily, spread=spread, total=Band(p10=p10, p50=used + rest, p90=p90)
    )


def _flat(value: float) -> Band:
    return Band(p10=value, p50=value, p90=value)


def _used(days: Floats, month_day: int, past: _Past, weekday: int) -> tuple[float, float]:
    """Add up the month so far; and the part of it that nobody counted, taken from the profile."""
    if not month_day:
        return 0.0, 0.0
    at = np.arange(days.size - month_day, days.size)
    expected = past.levels[_START, -1] * past.profile[-1][(weekday + at) % DAYS_A_WEEK]
    seen = np.isfinite(days[at])
    guessed = float(expected[~seen].sum())
    return float(days[at][seen].sum()) + guessed, guessed


def _learn(days: Floats, weekday: int) -> _Past:
    """Go through the days once; what is known after a day comes from that day and before."""
    count = days.size
    levels, profile = np.empty((len(HALF_LIVES_D), count)), np.empty((count, DAYS_A_WEEK))
    keep = 0.5 ** (1.0 / np.array(HALF_LIVES_D))
    keep_profile = 0.5 ** (1.0 / _PROFILE_HALF_LIFE_D)
    amount, weight = np.zeros(len(HALF_LIVES_D)), np.zeros(len(HALF_LIVES_D))
    of_day, of_week = np.zeros(DAYS_A_WEEK), np.zeros(DAYS_A_WEEK)
    weeks = np.empty(count)
    shape, weeks_seen = np.ones(DAYS_A_WEEK), 0.0
    for t in range(count):
        now = (weekday + t) % DAYS_A_WEEK
        week = days[max(0, t - DAYS_A_WEEK + 1) : t + 1]
        amount, weight = amount * keep, weight * keep
        of_day, of_week = of_day * keep_profile, of_week * keep_profile
        weeks_seen *= keep_profile
        if np.isfinite(days[t]):
            amount, weight = amount + days[t], weight + shape[now]
            if week.size == DAYS_A_WEEK and np.isfinite(week).all():
                # Each day of the week before, against that week's mean.
                places = (now - np.arange(DAYS_A_WEEK)[::-1]) % DAYS_A_WEEK
                of_day[places] += week / DAYS_A_WEEK
                of_week[places] += week.mean() / DAYS_A_WEEK
                weeks_seen += 1.0 / DAYS_A_WEEK
        if t >= _PROFILE_MIN_D:
            shape = _shape(of_day, of_week, weeks_seen)
        levels[:, t] = amount / np.maximum(weight, 1e-12)
        profile[t] = shape
        seen = np.isfinite(week)
        weeks[t] = week[seen].mean() if seen.any() else levels[_START, t]
    return _Past(
        levels=levels,
        profile=profile,
        trend=_trend(levels[_START], _TREND_SPAN_D),
        week=weeks,
        week_trend=_trend(weeks, _WEEK_TREND_SPAN_D),
    )


def _shape(of_day: Floats, of_week: Floats, weeks: float) -> Floats:
    if of_week.sum() <= 0:
        return np.ones(DAYS_A_WEEK)
    prior = _PROFILE_PRIOR_WEEKS * of_week.mean() / weeks
    raw = (of_day + prior) / (of_week + prior)
    return np.asarray(raw / raw.mean())


def _trend(level: Floats, span_d: int) -> Floats:
    growth = np.zeros(level.size)
    first = span_d + _WARM_UP_D  # before it, the level itself is still finding its place
    if level.size > first:
        floor = np.maximum(level, 1e-12)
        span = np.log(floor[first:] / floor[_WARM_UP_D:-span_d]) / span_d
        growth[first:] = np.clip(span, -_TREND_LIMIT, _TREND_LIMIT)
    return growth


def _members(past: _Past, t: int, ahead: Ints) -> Floats:
    """Forecast of each member, made at the end of day `t`, by day ahead."""
    steps = np.arange(1, ahead.size + 1)
    shape = past.profile[t][ahead]
    flat = past.levels[:, t][:, None] * shape
    fading = _DAMPING**steps
    rising = flat[_START] * np.exp(past.trend[t] * np.cumsum(fading))
    falling_back = flat[_START] ** fading * np.maximum(flat[-1], 1e-12) ** (1 - fading)
    weekly = past.week[t] * shape
    growing = weekly * np.exp(past.week_trend[t] * (_WEEK_CENTRE_D + steps))
    return np.vstack([flat, rising, falling_back, weekly, growing])


def _past_errors(days: Floats, past: _Past, weekday: int, left: int) -> Floats:
    """Logarithm of actual over forecast sum: member by day of origin by days ahead, NaN if none."""
    count, ahead_d = days.size, min(max(left, 1), _LONGEST_D)
    errors = np.full((_MEMBERS, count, ahead_d), np.nan)
    for t in range(_WARM_UP_D, count - 1):
        actual = days[t + 1 : t + 1 + ahead_d]
        ahead = (weekday + t + 1 + np.arange(actual.size)) % DAYS_A_WEEK
        forecast = _members(past, t, ahead)
        seen = np.isfinite(actual)
        sums = np.cumsum(np.where(seen, actual, 0.0))
        planned = np.cumsum(np.where(seen, forecast, 0.0), axis=1)
        ratio = np.log(np.maximum(sums, 1e-12) / np.maximum(planned, 1e-12))
        errors[:, t, : actual.size] = np.clip(ratio, -_ERROR_LIMIT, _ERROR_LIMIT)
    return errors


def _near(errors: Floats, left: int) -> tuple[Floats, Floats]:
    """Errors at distances like `left`, as far as the history reaches, and their weights."""
    reach = max(1, min(left, (errors.shape[1] - _WARM_UP_D) // 2, errors.shape[2]))
    near = errors[:, :, max(0, reach // 2 - 1) : reach]
    age = np.arange(errors.shape[1])[::-1]
    weight = np.where(np.isfinite(near[0]), 0.5 ** (age / _ERROR_HALF_LIFE_D)[:, None], 0.0)
    young = _WEEK_TREND_SPAN_D + _WARM_UP_D  # before that day no member has a trend yet
    if errors.shape[1] > young + reach + DAYS_A_WEEK:
        weight[:young] = 0.0
    return near, weight


def _weights(errors: Floats, left: int) -> Floats:
    """How much each member counts: by its squared past errors, with the start as the prior."""
    near, weight = _near(errors, left)
    prior = np.full(_MEMBERS, (1.0 - _START_PRIOR) / _MEMBERS)
    prior[_START] += _START_PRIOR
    if weight.sum() <= 0:
        return prior
    squared = (np.nan_to_num(near) ** 2 * weight).sum(axis=(1, 2)) / weight.sum()
    share = prior / (squared + 0.05 * squared.mean() + 1e-9) ** _POWER
    return np.asarray(share / share.sum())


def _spread(errors: Floats, weights: Floats, left: int) -> Floats:
    """Standard deviation of the logarithm of the sum, by days ahead."""
    mixed = np.nansum(errors * weights[:, None, None], axis=0)
    mixed[~np.isfinite(errors[0])] = np.nan
    age = np.arange(mixed.shape[0])[::-1]
    weight = np.where(np.isfinite(mixed), 0.5 ** (age / _ERROR_HALF_LIFE_D)[:, None], 0.0)
    sums = weight.sum(axis=0)
    squares = (np.nan_to_num(mixed) ** 2 * weight).sum(axis=0)
    # Windows that overlap repeat one another: so many stand on their own.
    steps = np.arange(1, mixed.shape[1] + 1)
    alone = sums / steps
    rms = np.sqrt(squares / np.maximum(sums, 1e-12))
    spread, guess = np.empty(left), 0.1
    for at in range(left):
        k = min(at, mixed.shape[1] - 1)
        grown = guess * (1.0 if at == 0 else np.sqrt((at + 4.0) / (at + 3.0)))
        trust = alone[k] / (alone[k] + 1.0)
        guess = float(np.sqrt(trust * rms[k] ** 2 + (1 - trust) * grown**2))
        spread[at] = _WIDENING * guess
    return spread


def landing_errors(
    days: Floats, weekday: int, months: Sequence[tuple[int, int]], origins: Sequence[int]
) -> Floats:
    """Relative landing error, month by origin, with what was known at each origin only.

    Args:
        days: As in `land`, including the months themselves.
        weekday: Weekday of the first day; Monday is 0.
        months: First and end index of each month in `days`.
        origins: Days of the month that are over.
    """
    errors = np.empty((len(months), len(origins)))
    for row, (first, end) in enumerate(months):
        actual = float(days[first:end].sum())
        for column, origin in enumerate(origins):
            known = days[: first + origin]
            found = land(known, weekday, month_day=origin, month_days=end - first)
            errors[row, column] = (found.total.p50 - actual) / actual
    return errors
