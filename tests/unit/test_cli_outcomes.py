"""`harness.cli.outcomes`: what repeats prove, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.cli.outcomes import outcome_lines, proof_lines, proof_text
from harness.core.party import Party
from harness.procedure.case import Outcome, Step
from harness.record.rows import CaseInfo
from harness.verdict.verdict import Verdict

INFO = CaseInfo(id="A", version="1", title_en="a", title_ja="a", requirements=("R01",))


# requirements.md R29: 59 runs for 95/95, 299 for 99/95; 58 and 298 do not do (0.05 ** (1 / n)).
@pytest.mark.parametrize(
    ("passed", "n", "text"),
    [
        (59, 59, "0 failures in 59: at least 95.0 % pass, at 95% confidence (Clopper-Pearson)"),
        (58, 58, "0 failures in 58: at least 94.9 % pass, at 95% confidence (Clopper-Pearson)"),
        (299, 299, "0 failures in 299: at least 99.0 % pass, at 95% confidence (Clopper-Pearson)"),
        (298, 298, "0 failures in 298: at least 98.9 % pass, at 95% confidence (Clopper-Pearson)"),
        (4, 5, "1 failure in 5: at least 34.2 % pass, at 95% confidence (Clopper-Pearson)"),
    ],
)
def test_passes_prove_a_share_and_never_more(passed: int, n: int, text: str) -> None:
    """Rounded down."""
    assert proof_text(passed, n) == text


def outcome(router: str, verdict: Verdict) -> Outcome:
    """Return what case A came to."""
    return Outcome(case=INFO, router=router, verdict=verdict, owner=None, cause="", steps=())


def test_equal_routers_prove_together_and_others_each_for_itself() -> None:
    """A case that was not applicable is no run, and one run proves nothing worth a line."""
    outcomes = [
        outcome("r1", Verdict.PASS),
        outcome("r2", Verdict.PASS),
        outcome("r1", Verdict.PASS),
        outcome("r1", Verdict.NONE),
    ]

    assert [line.partition(":")[0] for line in proof_lines(outcomes, spread=False)] == ["A on r1"]
    assert proof_lines(outcomes, spread=False)[0].startswith("A on r1: 0 failures in 2: ")
    assert proof_lines(outcomes, spread=True)[0].startswith("A: 0 failures in 3: ")


def with_steps(number: int, verdict: Verdict, owner: Party | None = None) -> Outcome:
    """Return a case of two steps, the second of which came to the verdict."""
    return Outcome(
        case=replace(INFO, id=f"C-{number}"),
        router="r1",
        verdict=verdict,
        owner=owner,
        cause="it broke",
        steps=(
            Step(name="first", verdict=Verdict.PASS, text="1 s, limit 2 s"),
            Step(name="second", verdict=verdict, text="3 s, limit 2 s"),
        ),
    )


def test_of_a_few_results_each_step_is_shown() -> None:
    """The sum stands at the end."""
    lines = outcome_lines([with_steps(1, Verdict.PASS)])

    assert [line.split()[2] for line in lines[:-1]] == ["first", "second", "verdict"]
    assert lines[-1] == "results    1 pass"


def test_of_many_results_what_did_not_pass_is_shown_and_summed() -> None:
    """With the owners; a step that passed is in the record."""
    outcomes = [
        *(with_steps(n, Verdict.PASS) for n in range(4)),
        with_steps(4, Verdict.FAIL, Party.CARRIER),
        with_steps(5, Verdict.NONE),
    ]
    lines = outcome_lines(outcomes)

    assert [line.split()[2:4] for line in lines[:-1]] == [
        *[["verdict", "PASS"]] * 4,
        ["second", "FAIL"],
        ["verdict", "FAIL"],
        ["verdict", "NONE"],
    ]
    assert lines[-1] == "results    1 fail, 4 pass, 1 not applicable; owner carrier of 1"


def test_no_result_is_said() -> None:
    """A run that was stopped before its first case."""
    assert outcome_lines([]) == ["results    none"]
