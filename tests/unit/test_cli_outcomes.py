"""`harness.cli.outcomes`: what repeats prove, in words."""

from __future__ import annotations

import pytest

from harness.cli.outcomes import proof_lines, proof_text
from harness.procedure.case import Outcome
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
