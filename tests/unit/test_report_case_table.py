"""The catalogue as text and as the generated part of a page."""

from __future__ import annotations

from pathlib import Path

from harness.cloud.adapter import LOG
from harness.procedure.case import Case, CaseRun
from harness.procedure.catalogue import CASES
from harness.procedure.plan import load_plan
from harness.record.rows import CaseInfo
from harness.report import case_table
from harness.report.marked import Marked

TESTS = Path(__file__).parents[1]


def nothing(_run: CaseRun) -> None:
    """Do nothing."""


CASE = Case(
    info=CaseInfo(id="CS-X-001", version="1", title_en="a|b", title_ja="ア", requirements=("R01",)),
    needs=frozenset({"power"}),
    injected="a cut",
    owner_rule="the router",
    limits=frozenset({"phase.p0_boot", "phase.p1_seed_attach", "x.y"}),
    estimated_s=7.4,
    estimated_bytes=1_250_000,
    exclusive=True,
    run=nothing,
)


def test_a_case_is_one_row_with_all_that_it_says() -> None:
    """Two phases or more stand as one; a bar in a title does not end the cell."""
    page = case_table.markdown([CASE], {"smoke": ["CS-X-001"]})

    assert "### X\n" in page
    assert (
        r"| CS-X-001* | a\|b (R01)<br>ア | a cut | the router | `phase.*`<br>`x.y` | power | 7 "
        "| 1.25 |"
    ) in page
    assert "| smoke | CS-X-001 |" in page


def test_the_page_that_is_checked_in_is_the_catalogue() -> None:
    """`make docs` writes it; who adds a case runs that."""
    plans = TESTS / "acceptance" / "plans"
    ids = {p.stem: [c.info.id for c in load_plan(p.stem, plans).cases] for p in plans.iterdir()}

    assert case_table.markdown(CASES, ids) in (TESTS / "README.md").read_text(encoding="utf-8")


def test_a_part_is_replaced_and_the_rest_of_the_page_left() -> None:
    """Twice is as good as once."""
    marked = Marked(what="x", command="make x", heading="X")
    first = marked.placed("# Page\n", marked.part("one"))
    second = marked.placed(first + "after\n", marked.part("two"))

    assert first.startswith("# Page\n\n## X\n\n<!-- x: begin, written by `make x` -->\n\none\n\n")
    assert "one" not in second
    assert second.endswith("two\n\n<!-- x: end -->\nafter\n")


def test_who_judges_phases_needs_the_servers_log() -> None:
    """P2 to P5 are told by it, so a server without one makes the case not applicable."""
    without = [
        case.info.id
        for case in CASES
        if {"phase.p3_selection", "phase.p4_download"} & case.limits and LOG not in case.needs
    ]

    assert without == []
