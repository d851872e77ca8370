"""`harness.procedure.plan`: which cases a run is made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.procedure.catalogue import CASES, SMOKE
from harness.procedure.plan import load_plan

SHIPPED = Path(__file__).parents[1] / "acceptance/plans"


def test_the_smoke_plan_is_what_runs_without_a_plan() -> None:
    """The file and the default are the same cases."""
    assert load_plan("smoke", SHIPPED).cases == SMOKE
    ids = [case.info.id for case in SMOKE]
    assert ids == ["CANON-001", "THR-001", "CS-REB-001", "CS-ACC-001", "CS-THR-001"]


def test_the_plans_are_the_whole_catalogue() -> None:
    """Nothing that was written is left out; what takes minutes is for a night."""
    planned = [c.info.id for name in ("acceptance", "soak") for c in load_plan(name, SHIPPED).cases]

    assert set(planned) == {case.info.id for case in CASES}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "t"\ncases = []\n', "p.toml: cases: List should have at least 1 item"),
        ('title = "t"\ncases = ["CS-X-1"]\n', "there is no case 'CS-X-1'; there are CANON-001"),
        ("cases = [", "p.toml: not TOML: "),
    ],
)
def test_a_wrong_plan_is_answered_by_key(tmp_path: Path, text: str, message: str) -> None:
    """One line that names the file or the case."""
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as found:
        load_plan("p", tmp_path)

    assert message in str(found.value)


def test_an_unknown_plan_names_those_there_are(tmp_path: Path) -> None:
    """So that nobody has to look."""
    (tmp_path / "soak.toml").touch()

    with pytest.raises(UsageError, match=r"there is no plan 'soap' in .*; there are soak$"):
        load_plan("soap", tmp_path)


def test_a_plan_says_how_often_its_cases_run_and_how_it_is_started(tmp_path: Path) -> None:
    """Once unless it says otherwise; the record holds the command."""
    (tmp_path / "p.toml").write_text('title = "t"\nrepeat = 59\ncases = ["THR-001"]\n', "utf-8")

    plan = load_plan("p", tmp_path)

    assert (plan.repeat, plan.command) == (59, "harness accept --plan p")
    assert load_plan("smoke", SHIPPED).repeat == 1
