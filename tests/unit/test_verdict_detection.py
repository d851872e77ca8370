"""``harness.verdict.detection`` and ``harness.report.detection``: caught, blamed, goal."""

from __future__ import annotations

import pytest

from harness.core.party import Party
from harness.report import detection
from harness.verdict.detection import Outcome, PlantedFault, Score, Trial, quick_sample
from harness.verdict.verdict import Verdict


def fault(name: str = "no_pdn", party: Party = Party.ROUTER, case: str = "A-1") -> PlantedFault:
    """Return a fault."""
    return PlantedFault(name=name, title="t", party=party, symptom="s", case=case)


def trial(
    verdict: Verdict | None = Verdict.FAIL,
    owner: Party | None = Party.ROUTER,
    *,
    of: PlantedFault | None = None,
) -> Trial:
    """Return a try that took 2 s."""
    by = "A-1" if verdict and verdict > Verdict.PASS else ""
    return Trial(
        fault=of or fault(), verdict=verdict, owner=owner, by=by, cause="because", took_s=2.0
    )


@pytest.mark.parametrize(
    ("verdict", "owner", "outcome", "blamed"),
    [
        (Verdict.FAIL, Party.ROUTER, Outcome.RIGHT, "router"),
        (Verdict.FAIL, Party.CARRIER, Outcome.WRONG, "carrier"),
        (Verdict.ERROR, Party.BENCH, Outcome.WRONG, "bench"),
        (Verdict.INCONC, None, Outcome.UNKNOWN, "don't know"),
        (Verdict.PASS, None, Outcome.MISSED, "not caught"),
        (Verdict.NONE, None, Outcome.MISSED, "not caught"),
        (None, None, Outcome.BROKE, "not caught"),
    ],
)
def test_a_try_has_one_outcome_and_one_column(
    verdict: Verdict | None, owner: Party | None, outcome: Outcome, blamed: str
) -> None:
    """A case that was not run, or that broke, has caught nothing."""
    tried = trial(verdict, owner)

    assert (tried.outcome, tried.blamed) == (outcome, blamed)


def test_the_goal_is_every_fault_caught_and_19_of_20_owners_right() -> None:
    """19 right and one "don't know" reach it; 18 and two do not."""
    unknown = trial(Verdict.INCONC, None)

    assert Score(trials=[trial()] * 19 + [unknown]).shortfalls() == []
    assert Score(trials=[trial()] * 18 + [unknown] * 2).shortfalls() == [
        "18 of 20 have the right owner, goal 95%"
    ]


def test_one_missed_fault_misses_the_goal() -> None:
    """However many others are caught."""
    score = Score(trials=[trial()] * 99 + [trial(Verdict.PASS, None)])

    assert score.shortfalls() == ["99 of 100 are caught, goal 100%"]


def test_a_wrong_party_for_a_fault_of_the_bench_misses_the_goal() -> None:
    """Even when 99 % of the owners are right."""
    strip = fault("strip", Party.BENCH)
    score = Score(trials=[trial()] * 99 + [trial(of=strip)])

    assert score.shortfalls() == ["strip is a fault of the bench and router is blamed"]


def test_nothing_tried_is_no_goal_reached() -> None:
    """An empty catalogue proves nothing."""
    assert Score(trials=[]).shortfalls() == ["nothing was tried"]


def test_the_matrix_counts_who_was_blamed_for_whom() -> None:
    """Rows are who was at fault."""
    bank = fault("slow", Party.SIM_BANK)
    matrix = Score(trials=[trial(), trial(), trial(of=bank), trial(None, None)]).matrix

    assert (matrix[Party.ROUTER]["router"], matrix[Party.ROUTER]["not caught"]) == (2, 1)
    assert matrix[Party.SIM_BANK]["router"] == 1
    assert sum(sum(row.values()) for row in matrix.values()) == 4


def test_the_quick_sample_takes_the_cheapest_cases_of_each_party_once() -> None:
    """A fault whose case nobody has is left out."""
    faults = [
        fault("a", case="A-1"),
        fault("b", case="A-1"),
        fault("c", case="A-2"),
        fault("d", case="A-3"),
        fault("e", case="none"),
        fault("f", Party.CARRIER, case="A-3"),
    ]

    sample = quick_sample(faults, {"A-1": 9.0, "A-2": 1.0, "A-3": 30.0}, per_party=2)

    assert [found.name for found in sample] == ["c", "a", "f"]


def test_the_text_shows_table_causes_matrix_and_totals() -> None:
    """The cause is shown of what is not right."""
    lines = detection.text(Score(trials=[trial(), trial(Verdict.INCONC, None)])).splitlines()

    assert lines[1].split() == ["no_pdn", "router", "A-1", "A-1", "router", "right", "2.0"]
    assert lines[3] == "no_pdn: don't know: because"
    assert lines[5].split() == ["router", "1", "0", "0", "0", "0", "1", "0"]
    assert lines[-1] == (
        "2 of 2 caught; owner: 1 right, 1 don't know, 0 wrong party, 0 missed, 0 broke"
    )


def test_the_generated_part_of_a_page_is_replaced_and_nothing_else() -> None:
    """A page without a place for it gets one at its end."""
    score = Score(trials=[trial()])
    first = detection.PLANTED.placed("# Tests\n", detection.markdown(score, commit="abc1234"))
    second = detection.PLANTED.placed(
        first + "after\n", detection.markdown(score, commit="def5678")
    )

    assert first.startswith("# Tests\n\n## Planted faults\n\n")
    assert "| no_pdn | router | A-1 | A-1 | router | right | 2.0 |" in first
    assert "abc1234" not in second
    assert "def5678" in second
    assert second.endswith("-->\nafter\n")


def test_clean_runs_say_what_they_prove() -> None:
    """299 without an alarm: at most 1 % with 95 % confidence (1 - 0.05^(1/299))."""
    assert detection.clean(299, 0) == (
        "0 false alarms in 299 clean case runs: with 95% confidence at most 1.00% of clean case "
        "runs are false alarms (Clopper and Pearson)"
    )
