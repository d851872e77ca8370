"""`harness cases`: the catalogue, for a person, a program or a page."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from harness.procedure.catalogue import CASES
from harness.procedure.plan import load_plan
from harness.report import case_table


def print_cases(*, as_json: bool) -> None:
    """Print every case of the catalogue."""
    if as_json:
        cases = [case_table.as_json(case) for case in CASES]
        typer.echo(json.dumps(cases, ensure_ascii=False, indent=2))
        return
    typer.echo(case_table.text(CASES))


def write_cases(page: Path, plans: Path) -> None:
    """Replace the generated part of a Markdown page, and leave the rest.

    Args:
        page: The page; it is made when there is none.
        plans: Directory of the plans.
    """
    ids = {
        path.stem: [case.info.id for case in load_plan(path.stem, plans).cases]
        for path in plans.glob("*.toml")
    }
    case_table.CATALOGUE.write(page, case_table.markdown(CASES, ids))
