"""``harness.pool.replay``: the outage of 2020, and the world it is replayed in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.pool.fleet import Demand, Fleet, FleetPlan, heavy_lines
from harness.pool.replay import Replay, run_replay
from harness.pool.replay_text import affected_csv, replay_json, replay_text
from harness.pool.scenario import Happening, Scenario, load_scenario, parse_scenario
from harness.pool.virtual_pool import Policy, VirtualPool
from harness.pool.watch import HourLog, Terms, Watch


def _small() -> Scenario:
    scenario = load_scenario("outage-2020")
    return replace(scenario, model=replace(scenario.model, lines=1500))


@pytest.fixture(scope="module")
def replay() -> Replay:
    """The whole story with a quarter of the lines."""
    return run_replay(_small(), seed=1)


@pytest.mark.slow
def test_every_assertion_of_the_replay_holds(replay: Replay) -> None:
    """Early alarms, dry dates, both false recoveries refused, the affected lines exact."""
    assert [check.claim for check in replay.checks if not check.holds] == []
    assert len(replay.checks) == 7


@pytest.mark.slow
def test_the_alarm_comes_ten_days_before_the_users(replay: Replay) -> None:
    """Users noticed on 21 February."""
    assert replay.actual.alarm_day == date(2020, 2, 1)


@pytest.mark.slow
def test_buying_early_spares_the_lines_and_seeing_alone_does_not(replay: Replay) -> None:
    """Seeing changes who suffers and when, capacity how much."""
    february = {month.branch: month for month in replay.months if month.month == "2020-02"}

    assert february["bought early"].slow_share < 0.01
    assert february["all-seeing"].unserved_share > 0.15
    assert february["half-sighted"].slow_share > february["blind"].slow_share
    assert (february["blind"].few_slow_day or 0) < (february["all-seeing"].few_slow_day or 0)


@pytest.mark.slow
def test_the_list_of_affected_lines_has_every_slow_hour(replay: Replay) -> None:
    """Most first; the hours add up to the world's own count."""
    head, first, *rest = affected_csv(replay).splitlines()
    hours = [int(row.split(",")[1]) for row in [first, *rest]]

    assert head == "line,hours_on_a_throttled_sim"
    assert hours == sorted(hours, reverse=True)
    assert sum(hours) == int(replay.actual.affected_true.sum())
    assert min(hours) >= 1


@pytest.mark.slow
def test_the_same_random_seed_gives_the_same_bytes() -> None:
    """Text and JSON; another seed gives others."""
    scenario = _small()
    once, again, other = (run_replay(scenario, seed=s, branches=False) for s in (3, 3, 4))

    assert replay_text(once) == replay_text(again)
    assert replay_json(once) == replay_json(again)
    assert replay_text(once) != replay_text(other)


@pytest.mark.slow
def test_as_of_a_day_nothing_later_is_told(replay: Replay) -> None:
    """On 1 March the reader sees the dry date and no fact of the 2nd."""
    early = replace(replay, as_of=date(2020, 3, 1))
    text = replay_text(early)

    assert "dry on 3/" in text
    assert "2020-03-02" not in text
    assert "assertions" not in text
    assert "recovery refused" in text


def test_a_day_outside_the_story_is_refused() -> None:
    """The story begins on 1 February."""
    with pytest.raises(UsageError, match="2020-01-31 is not in the story; it runs from 2020-02-01"):
        run_replay(_small(), as_of=date(2020, 1, 31))


def test_every_fact_has_a_date_and_a_source() -> None:
    """15 facts, three days of added capacity, two claims of recovery."""
    scenario = load_scenario("outage-2020")

    assert len(scenario.facts) == 15
    assert all(fact.source for fact in scenario.facts)
    assert scenario.days_of(Happening.RECOVERY_CLAIMED) == [date(2020, 2, 26), date(2020, 3, 1)]
    assert len(scenario.days_of(Happening.CAPACITY_ADDED)) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "scenario: fact is missing"),
        ("x =", "scenario: Invalid value"),
        ('[[fact]]\ndate = 2020-01-01\nevent = "slow"\nwhat = ""\nsource = ""', "needs a source"),
    ],
)
def test_a_scenario_that_cannot_be_replayed_is_refused(text: str, message: str) -> None:
    """The message says which key or date."""
    with pytest.raises(UsageError, match=message):
        parse_scenario(text)
    with pytest.raises(UsageError, match="'outage-1999' is not a scenario; there is outage-2020"):
        load_scenario("outage-1999")


def test_a_sim_past_its_quota_is_slow_and_the_watch_knows_by_its_own_count() -> None:
    """Quota 1,000 bytes, 57,600 bytes an hour past it."""
    pool = VirtualPool(seed=1, policy=Policy.SEES, visible=1.0, throttle_bps=128)
    pool.add(1, quota_bytes=1000, shares=np.array([1.0]))
    watch = Watch(Terms(carrier=["44010"], quota_bytes=pool.quota_bytes), lines=3, weekday=0)
    demand = Demand(lines=np.array([2]), want_bytes=np.array([900]))

    first, before = pool.serve(demand)
    watch.see(first)
    assert (first.used_bytes.tolist(), before.slow.tolist()) == ([900], [False])
    assert watch.affected_lines.tolist() == []
    second, after = pool.serve(Demand(lines=np.array([2]), want_bytes=np.array([900_000])))
    watch.see(second)

    assert second.used_bytes.tolist() == [100 + 57_600]
    assert after.slow.tolist() == [True]
    assert watch.affected_lines.tolist() == [2]
    assert watch.healthy == 0


def test_a_sim_that_was_not_reset_is_suspected_until_it_is_measured() -> None:
    """One of two SIMs is still slow after the reset."""
    terms = Terms(carrier=["44010", "44010"], quota_bytes=np.array([10, 10]))
    watch = Watch(terms, lines=2, weekday=0)
    log = HourLog(lines=np.array([0, 1]), sims=np.array([0, 1]), used_bytes=np.array([20, 20]))
    watch.see(log)
    assert watch.healthy == 0

    assert watch.reset_due(lambda sims: sims == 1) == 1
    assert watch.healthy == 1
    assert [(bank.used_bytes.size, bank.unknown) for bank in watch.banks()] == [(1, 1)]
    watch.measure_again(lambda sims: np.zeros(sims.size, np.bool_))

    assert watch.healthy == 2


def test_a_sim_without_a_contract_is_an_error() -> None:
    """Nothing is counted for it."""
    watch = Watch(Terms(carrier=["44010"], quota_bytes=np.array([10])), lines=1, weekday=0)

    with pytest.raises(UsageError, match="SIM 4 has no contract; there are 1"):
        watch.see(HourLog(lines=np.array([0]), sims=np.array([4]), used_bytes=np.array([1])))


def test_a_fleet_asks_for_what_its_plan_expects() -> None:
    """Ten days of 2,000 lines, within 10 % of the expectation; the same seed gives the same day."""
    plan = FleetPlan(lines=2000, first_day=date(2020, 2, 3), days=10, seed=5)
    fleet = Fleet(plan)
    asked = sum(float(hour.want_bytes.sum()) for day in range(10) for hour in fleet.day(day))
    expected = sum(fleet.expected_bytes(day) for day in range(10))

    assert asked == pytest.approx(expected, rel=0.1)
    again = Fleet(plan).day(3)[12]
    assert again.want_bytes.tolist() == fleet.day(3)[12].want_bytes.tolist()
    assert 0.02 < heavy_lines(fleet, 200e9).mean() < 0.10
    assert fleet.hours_total(range(2)).shape == (2, 24)


def test_a_shock_and_churn_change_the_fleet() -> None:
    """18 % more after ten days; lines that left ask for nothing."""
    calm = FleetPlan(lines=2000, first_day=date(2020, 2, 3), days=40, seed=5)
    shaken = Fleet(replace(calm, shock_day=10, shock=0.18))
    left = Fleet(replace(calm, leaving=1.0))

    assert shaken.expected_bytes(9) == Fleet(calm).expected_bytes(9)
    assert shaken.expected_bytes(30) == pytest.approx(
        1.18 * Fleet(calm).expected_bytes(30), rel=0.03
    )
    assert left.expected_bytes(39) < 0.1 * Fleet(calm).expected_bytes(39)
