"""``harness.pool.budget``: no plan runs a lab SIM dry."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.pool.budget import (
    Burnt,
    CaseCost,
    LabSim,
    burnt_by_sim,
    refuse_unless_it_fits,
    spread,
    understated,
)

GB = 1_000_000_000
SIMS = [
    LabSim(sim="S1", carrier="44010", quota_bytes=10 * GB, used_bytes=6 * GB),
    LabSim(sim="S2", carrier="44010", quota_bytes=10 * GB, used_bytes=0, expected_bytes=4 * GB),
    LabSim(sim="S3", carrier="44051", quota_bytes=10 * GB, used_bytes=9 * GB),
]


def test_what_is_left_is_without_the_reserve_and_the_nights_to_come() -> None:
    """10 GB, of which 1 GB is kept."""
    assert [sim.left_bytes for sim in SIMS] == [3 * GB, 5 * GB, 0]


def test_a_plan_goes_on_its_sim_and_then_on_another_of_the_carrier() -> None:
    """Four runs of 2 GB on S1: one fits there, two on S2, and one is refused."""
    plan = spread(
        [CaseCost(case="rate", carrier="44010", run_bytes=2 * GB, runs=4, sim="S1")], SIMS
    )

    assert [(s.sim, s.runs, s.moved) for s in plan.shares] == [("S1", 1, False), ("S2", 2, True)]
    assert plan.refused == {"rate": 1}
    assert plan.text == (
        "rate  S1  1 runs  2 GB\n"
        "rate  S2  2 runs  4 GB  moved\n"
        "rate  -  1 runs  REFUSED\n"
        "plan 8 GB, SIMs have 8 GB until their reset: REFUSED, 2 GB short"
    )
    with pytest.raises(UsageError, match="the plan would run the lab's SIMs dry"):
        refuse_unless_it_fits(plan)


def test_the_costliest_runs_come_first() -> None:
    """5 GB fits on S2 alone, 3 GB on S1 then."""
    plan = spread(
        [
            CaseCost(case="small", carrier="", run_bytes=3 * GB),
            CaseCost(case="large", carrier="", run_bytes=5 * GB),
        ],
        SIMS,
    )

    assert [(s.case, s.sim) for s in plan.shares] == [("large", "S2"), ("small", "S1")]
    assert plan.fits
    assert plan.text.endswith("fits")
    refuse_unless_it_fits(plan)


def test_a_case_that_declares_nothing_is_refused() -> None:
    """Every case declares its megabytes; a SIM must be the lab's."""
    with pytest.raises(UsageError, match="rate: 1 runs of 0 bytes; declare what it burns"):
        spread([CaseCost(case="rate", carrier="", run_bytes=0)], SIMS)
    with pytest.raises(UsageError, match="rate: the lab has no SIM 'S9'; it has S1, S2, S3"):
        spread([CaseCost(case="rate", carrier="", run_bytes=1, sim="S9")], SIMS)


def test_what_was_burnt_is_kept_by_sim() -> None:
    """And a case that burns more than it says is named."""
    runs = [
        Burnt(case="rate", declared_bytes=100, by_sim={"S1": 100}),
        Burnt(case="rate", declared_bytes=100, by_sim={"S1": 60, "S3": 51}),
        Burnt(case="rate", declared_bytes=100, by_sim={"S1": 61, "S3": 51}),
        Burnt(case="probe", declared_bytes=50, by_sim={"S2": 49}),
    ]

    assert list(burnt_by_sim(runs).items()) == [("S1", 221), ("S3", 102), ("S2", 49)]
    assert {case: run.burnt_bytes for case, run in understated(runs).items()} == {"rate": 112}
