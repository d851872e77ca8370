"""A virtual fleet: who uses how much, when. It stands in for the operator's lines in a replay.

Four classes of users, each with a log-normal monthly amount, its own hours of the day and its own
weekend; lines that join and leave; growth; a shock from one day on (a country stays at home). A
line is active in an hour with its class's probability and then asks for a gamma-distributed
amount. All share a mood that wanders, because lines are not independent. Every day is drawn from
(random seed, day) alone, so that all branches of a replay meet the same demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.pool.landing import Floats, Ints
from harness.pool.months import HOURS_A_DAY

_GB: Final = 1_000_000_000
_MONTH_D: Final = 30
_MOST_ACTIVE: Final = 0.85
_BURST_SHAPE: Final = 2.0
_LINE_NOISE: Final = 0.35
_FLEET_NOISE: Final = 0.03
_FLEET_WALK: Final = 0.006
_SATURDAY: Final = 5
_SHOCK_RISE_D: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class UserClass:
    """One kind of user.

    Attributes:
        name: What they do with it.
        share: Share of all lines.
        median_gb: Median of the monthly amount, in GB.
        sigma: Standard deviation of its logarithm.
        weekend: A weekend day against a working day.
        active: Mean share of hours in which such a line is active.
        hours: Relative use by hour of the day, 24 values.
    """

    name: str
    share: float
    median_gb: float
    sigma: float
    weekend: float
    active: float
    hours: tuple[float, ...]


_COMMUTER: Final = (
    3,
    2,
    1,
    1,
    1,
    2,
    5,
    12,
    14,
    9,
    8,
    9,
    14,
    10,
    9,
    9,
    10,
    13,
    16,
    15,
    16,
    17,
    13,
    7,
)
_HOME: Final = (
    *(10, 6, 3, 2, 2, 2, 4, 6, 6, 6, 7, 8),
    *(9, 8, 8, 8, 9, 11, 14, 18, 22, 24, 22, 16),
)
_OFFICE: Final = (
    *(5, 4, 3, 3, 3, 4, 6, 9, 12, 14, 15, 15),
    *(13, 14, 15, 15, 14, 12, 10, 9, 9, 9, 8, 6),
)
_ALWAYS: Final = (11, 10, 9, 8, 8, 8, 8, 8, 9, 9, 10, 10, 10, *([11] * 6), 12, 12, 12, 12, 11)

CLASSES: Final = (
    UserClass(
        name="mail",
        share=0.30,
        median_gb=3.0,
        sigma=1.0,
        weekend=0.70,
        active=0.15,
        hours=_COMMUTER,
    ),
    UserClass(
        name="home", share=0.40, median_gb=22.0, sigma=0.7, weekend=1.35, active=0.28, hours=_HOME
    ),
    UserClass(
        name="office",
        share=0.22,
        median_gb=75.0,
        sigma=0.5,
        weekend=0.60,
        active=0.40,
        hours=_OFFICE,
    ),
    UserClass(
        name="heavy",
        share=0.08,
        median_gb=230.0,
        sigma=0.45,
        weekend=1.0,
        active=0.60,
        hours=_ALWAYS,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """What a fleet is made from.

    Attributes:
        lines: Number of lines.
        first_day: The first day.
        days: Number of days.
        seed: The random seed.
        growth_a_day: Growth of every line's use, such as 0.002.
        joining: Share of lines that join on some day of the run.
        leaving: Share of lines that leave on some day of the run.
        shock_day: Day from which the shock rises over ten days; None for none.
        shock: How much more a line of mean sensitivity uses then, such as 0.18.
    """

    lines: int
    first_day: date
    days: int
    seed: int
    growth_a_day: float = 0.0
    joining: float = 0.0
    leaving: float = 0.0
    shock_day: int | None = None
    shock: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the lines ask for in one hour; only active lines are named.

    Attributes:
        lines: Line numbers, in rising order.
        want_bytes: What each asks for.
    """

    lines: Ints
    want_bytes: Ints


class Fleet:
    """The lines of a plan.

    Attributes:
        plan: What it was made from.
        monthly_bytes: What each line asks for in 30 ordinary days.
    """

    def __init__(self, plan: FleetPlan) -> None:
        self.plan = plan
        random = np.random.default_rng([plan.seed, 0])
        count = plan.lines
        self._class = random.choice(len(CLASSES), count, p=[c.share for c in CLASSES])
        median = np.array([c.median_gb for c in CLASSES])[self._class] * _GB
        sigma = np.array([c.sigma for c in CLASSES])[self._class]
        self.monthly_bytes: Floats = median * np.exp(sigma * random.standard_normal(count))
        day = random.integers(0, max(plan.days, 1), (2, count))
        self._join = np.where(random.random(count) < plan.joining, day[0], 0)
        self._leave = np.where(random.random(count) < plan.leaving, day[1], plan.days + 1)
        self._sensitivity = random.gamma(2.0, 0.5, count)
        hours = np.array([c.hours for c in CLASSES], dtype=np.float64)
        self._hours = hours / hours.sum(axis=1, keepdims=True)
        active = np.array([c.active for c in CLASSES])[:, None]
        self._active = np.clip(self._hours * HOURS_A_DAY * active, 0.0, _MOST_ACTIVE)
        self._weekend = np.array([c.weekend for c in CLASSES])
        self._mood = np.cumsum(_FLEET_WALK * random.standard_normal(plan.days + 1))

    def _factor(self, day: int) -> Floats:
        """Each line's use on `day` against an ordinary day, as expected."""
        weekday = (self.plan.first_day + timedelta(days=day)).weekday()
        mean = (5.0 + 2.0 * self._weekend) / 7.0  # so that 30 days come to the monthly amount
        week = np.where(weekday >= _SATURDAY, self._weekend, 1.0) / mean
        factor = week[self._class] * (1.0 + self.plan.growth_a_day) ** day
        if self.plan.shock_day is not None and day >= self.plan.shock_day:
            rise = min(1.0, (day - self.plan.shock_day) / _SHOCK_RISE_D)
            factor = factor * (1.0 + self.plan.shock * rise * self._sensitivity)
        return np.asarray(factor * ((self._join <= day) & (day < self._leave)))

    def expected_bytes(self, day: int) -> float:
        """Return what the whole fleet is expected to ask for on a day."""
        return float((self.monthly_bytes / _MONTH_D * self._factor(day)).sum())

    def day(self, day: int) -> list[Demand]:
        """Draw the 24 hours of one day, counted from 0."""
        random = np.random.default_rng([self.plan.seed, 1 + day])
        count = self.plan.lines
        noise = _LINE_NOISE * random.standard_normal(count) - _LINE_NOISE**2 / 2
        fleet = np.exp(self._mood[day] + _FLEET_NOISE * random.standard_normal())
        daily = self.monthly_bytes / _MONTH_D * self._factor(day) * np.exp(noise) * fleet
        found: list[Demand] = []
        for hour in range(HOURS_A_DAY):
            chance = self._active[self._class, hour]
            lines = np.flatnonzero((random.random(count) < chance) & (daily > 0))
            mean = daily[lines] * self._hours[self._class[lines], hour] / chance[lines]
            burst = random.standard_gamma(_BURST_SHAPE, lines.size) / _BURST_SHAPE
            want = np.maximum(1, mean * burst).astype(np.int64)
            found.append(Demand(lines=lines, want_bytes=want))
        return found

    def hours_total(self, days: range) -> Floats:
        """Return the fleet's demand by day and hour, in bytes."""
        rows = [[float(hour.want_bytes.sum()) for hour in self.day(day)] for day in days]
        return np.array(rows).reshape(-1, HOURS_A_DAY)


def heavy_lines(fleet: Fleet, at_least_bytes: float) -> npt.NDArray[np.bool_]:
    """Tell of each line whether it asks for `at_least_bytes` or more in an ordinary month."""
    return np.asarray(fleet.monthly_bytes >= at_least_bytes)
