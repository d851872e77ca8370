"""``harness.pool.landing`` and ``harness.pool.demand``: where a month lands."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.pool.demand import daily_of_hours, demand_of_hours
from harness.pool.landing import land, landing_errors

MONDAY, SATURDAY = 0, 5


def test_a_flat_series_lands_where_it_must() -> None:
    """60 days of 10, 10 of 31 days over: 310."""
    landing = land(np.full(60, 10.0), MONDAY, month_day=10, month_days=31)

    assert landing.used == 100.0
    assert landing.daily.tolist() == pytest.approx([10.0] * 21)
    assert landing.total.p50 == pytest.approx(310.0)
    assert landing.total.p10 <= landing.total.p50 <= landing.total.p90
    assert landing.total.p90 - landing.total.p10 < 1.0


def test_the_weekend_is_learned() -> None:
    """Working days use 10, weekend days 20; the days left are Saturday, Sunday, Monday."""
    days = np.array([20.0 if day % 7 >= 5 else 10.0 for day in range(54)])

    landing = land(days, MONDAY, month_day=25, month_days=28)

    assert landing.daily.tolist() == pytest.approx([20.0, 20.0, 10.0], rel=0.05)


def test_growth_is_followed() -> None:
    """1 % more every day: the flat forecast would land 7 % low, this one within 2 %."""
    days = np.array([100.0 * 1.01**day for day in range(130)])

    (error,) = landing_errors(days, MONDAY, [(99, 130)], [5])[0]

    assert abs(error) < 0.02


def test_a_month_can_be_landed_before_its_first_day() -> None:
    """Nothing of the month is over yet."""
    landing = land(np.full(40, 7.0), SATURDAY, month_day=0, month_days=30)

    assert landing.used == 0.0
    assert landing.total.p50 == pytest.approx(210.0)


def test_a_month_that_is_over_has_no_band() -> None:
    """Its landing is its sum."""
    landing = land(np.full(40, 7.0), MONDAY, month_day=30, month_days=30)

    assert (landing.total.p10, landing.total.p50, landing.total.p90) == (210.0, 210.0, 210.0)
    assert landing.path(0.0).size == 0


def test_a_day_that_nobody_counted_is_not_a_day_of_zero() -> None:
    """Five unknown days in the month are taken from the profile."""
    days = np.full(60, 10.0)
    days[52:57] = np.nan

    landing = land(days, MONDAY, month_day=10, month_days=31)

    assert landing.used == pytest.approx(100.0)
    assert landing.total.p50 == pytest.approx(310.0)


def test_bands_grow_with_noise_and_hold_most_of_the_time() -> None:
    """Half of the days' noise, less than half of the band."""
    random = np.random.default_rng(7)
    noise = random.standard_normal(120)
    loud, quiet = (
        land(100.0 * np.exp(s * noise), MONDAY, month_day=10, month_days=31) for s in (0.2, 0.02)
    )

    assert loud.total.p90 - loud.total.p10 > 4 * (quiet.total.p90 - quiet.total.p10)


@pytest.mark.parametrize(
    ("days", "month_day"), [(np.full(5, 1.0), 6), (np.full(5, np.nan), 1), (np.empty(0), 0)]
)
def test_nothing_cannot_be_landed(days: np.typing.NDArray[np.float64], month_day: int) -> None:
    """Too few days, or none that was counted."""
    with pytest.raises(UsageError, match="nothing to land"):
        land(days, MONDAY, month_day=month_day, month_days=31)


def test_demand_is_learned_from_unthrottled_lines_only() -> None:
    """40 of 100 active lines are unthrottled and use 80: the demand is 200."""
    demand = demand_of_hours(
        np.array([80.0, 5.0, 9.0]), np.array([40, 10, 3]), np.array([100, 100, 3])
    )

    assert demand[0] == 200.0
    assert np.isnan(demand[1])  # 10 lines tell nothing of 100
    assert demand[2] == 9.0  # all of 3 lines were unthrottled


def test_a_missing_hour_takes_its_usual_share() -> None:
    """Hour 23 carries half of each day; a day without it is worth twice what was seen."""
    hours = np.full((3, 24), 1.0)
    hours[:, 23] = 23.0
    hours[2, 23] = np.nan

    assert daily_of_hours(hours).tolist() == [46.0, 46.0, 46.0]


def test_a_day_of_few_hours_is_unknown() -> None:
    """Five known hours are not enough."""
    hours = np.full((1, 24), np.nan)
    hours[0, :5] = 1.0

    assert np.isnan(daily_of_hours(hours)[0])
    hours[0, :6] = 1.0
    assert daily_of_hours(hours).tolist() == [24.0]
