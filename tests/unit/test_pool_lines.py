"""``harness.pool.lines``: who will come to 200 GB, how sure that is, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.pool.fleet import Fleet, FleetPlan
from harness.pool.landing import Floats
from harness.pool.lines import (
    calibrate,
    explanation_card,
    fit_rule,
    odds,
    restriction_list,
)

GB = 1e9


def _days(lines: int, days: int) -> Floats:
    fleet = Fleet(FleetPlan(lines=lines, first_day=date(2020, 1, 1), days=days, seed=2))
    found = np.zeros((lines, days))
    for day in range(days):
        for hour in fleet.day(day):
            found[hour.lines, day] += hour.want_bytes
    return found


@pytest.mark.slow
@pytest.mark.parametrize("amount", [25 * GB, 200 * GB])
def test_probabilities_come_true_as_often_as_they_say(amount: float) -> None:
    """Fitted on February, used on 10 March: within 2 % of what came true."""
    days = _days(4000, 91)
    rule = fit_rule(
        days[:, :31], days[:, 31:60], month_day=10, at_least_bytes=amount, fitted_on="2020-02"
    )

    chance = odds(replace(rule, month_days=31), days[:, :70])
    truth = days[:, 60:].sum(axis=1) >= amount
    found = calibrate(chance, truth)
    restricted = restriction_list(chance, at_least=0.5)
    wrong = int((~truth[np.array(restricted.lines)]).sum())

    assert found.error < 0.02
    assert found.brier < 0.05
    assert restricted.expected_wrong == pytest.approx(wrong, abs=0.05 * len(restricted.lines))


def test_a_line_that_is_over_is_certain_and_an_idle_one_is_not_on_the_list() -> None:
    """210 GB in nine days; nothing at all."""
    rule_days = np.zeros((40, 60))
    rule_days[:20] = 10 * GB
    rule = fit_rule(
        rule_days[:, :30], rule_days[:, 30:], month_day=9, at_least_bytes=200 * GB, fitted_on="x"
    )
    known = np.zeros((2, 20))
    known[0, -9:] = 210 * GB / 9

    chance = odds(rule, known)
    found = restriction_list(chance, at_least=0.5)

    assert chance[0] == 1.0
    assert chance[1] < 0.01
    assert (found.lines, found.expected_wrong) == ([0], 0.0)


def test_the_same_numbers_give_the_same_rule() -> None:
    """Reproducible, weight by weight."""
    days = np.outer(np.arange(1.0, 61.0), np.ones(60)) * GB / 10
    one, two = (
        fit_rule(days[:, :30], days[:, 30:], month_day=5, at_least_bytes=90 * GB, fitted_on="x")
        for _ in range(2)
    )

    assert one == two


def test_the_card_names_every_number_japanese_first() -> None:
    """Rule, date, numbers, probability, effect, objection."""
    days = np.outer(np.arange(1.0, 61.0), np.ones(60)) * GB / 10
    rule = fit_rule(
        days[:, :30], days[:, 30:], month_day=5, at_least_bytes=90 * GB, fitted_on="2020-02, day 5"
    )

    card = explanation_card(
        rule,
        line="7",
        known=np.full(20, 12 * GB),
        on=date(2020, 3, 6),
        effect="25 GB",
        appeal="0120-000-000",
    )

    assert card.splitlines()[0] == "回線 7 判定日 2020-03-06 規則 line-odds-1 学習 2020-02, day 5"
    assert "当月利用 60 GB (5日間) 直近7日平均 12 GB/日" in card
    assert "used 60 GB in 5 days, 12 GB a day lately" in card
    assert "probability of 90 GB or more in the month: " in card
    assert "effect: 25 GB; to object: 0120-000-000" in card


def test_too_few_days_cannot_be_judged() -> None:
    """A week is the least, and a day must be left."""
    days = np.ones((4, 20))

    with pytest.raises(UsageError, match="3 days, 2 left: needs a week of days"):
        fit_rule(days[:, :1], days[:, 1:5], month_day=2, at_least_bytes=1.0, fitted_on="too little")


def test_calibration_counts_lines_by_tenth() -> None:
    """Two lines said 0.05 and none came; one said 0.95 and came."""
    found = calibrate(np.array([0.05, 0.05, 0.95]), np.array([False, False, True]))

    assert [(round(said, 2), true, count) for said, true, count in found.bins] == [
        (0.05, 0.0, 2),
        (0.95, 1.0, 1),
    ]
    assert found.error == pytest.approx(0.05)
    assert found.brier == pytest.approx(0.0025)
