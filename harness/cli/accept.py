"""`harness accept`: build the bench, run the cases, print the verdicts, say where the record is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from harness.bench import Bench, open_bench, open_run
from harness.cli.exit_codes import ExitCode, of_verdict
from harness.cli.progress import StepProgress
from harness.cli.records import seal
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import CloudError
from harness.core.units import format_size
from harness.pool.budget import CaseCost, LabSim, refuse_unless_it_fits, spread
from harness.procedure.acceptance import Acceptance
from harness.procedure.case import Case, Outcome
from harness.procedure.catalogue import CASES, SMOKE, case_by_id
from harness.procedure.plan import load_plan
from harness.verdict.verdict import Verdict

_ASK_S: Final = 10.0


def accept(
    lab: Path,
    *,
    dut: str | None,
    limits: Path,
    plan: str | None,
    case_ids: list[str],
    as_json: bool,
) -> ExitCode:
    """Run the acceptance and return the exit code.

    Raises:
        UsageError: A plan, a case, a router or a limit is not known.
        BenchError: The bench cannot be built.
    """
    planned = load_plan(plan, limits.parent / "plans").cases if plan else SMOKE
    cases = tuple(case_by_id(case_id) for case_id in case_ids) or planned
    title = f"harness accept --plan {plan}" if plan else "harness accept"
    clock = SystemClock()

    def say(text: str) -> None:
        typer.echo(f"harness: {text}", err=True)

    with open_bench(lab, say=say) as bench:
        names = [dut] if dut else list(bench.lab.routers)
        try:
            say(burn_plan(bench, cases, runs=len(names)))
        except CloudError as exc:
            say(f"what the SIMs have left is not known: {exc}")  # the cases will name the owner
        with (
            StepProgress(clock) as progress,
            open_run(
                bench, limits=limits, plan=title, cases=CASES, progress=progress
            ) as acceptance,
        ):
            for name in names:
                with bench.dut(name) as router:
                    for case in cases:
                        say(f"{case.info.id} {case.info.title_en} on {name}")
                        acceptance.run(case, router)
    _print(acceptance, as_json=as_json)
    if not as_json:
        seal(acceptance.directory)
    return of_verdict(acceptance.verdict, acceptance.owner)


def burn_plan(bench: Bench, cases: Sequence[Case], *, runs: int) -> str:
    """Say what the cases will burn, and refuse what would run the lab's SIMs dry.

    Raises:
        UsageError: The SIMs have less left than the cases need.
        CloudError: The access server does not tell what is left.
    """
    sims = bench.services.cloud.sims(Deadline.after(_ASK_S, bench.clock))
    known = [
        LabSim(
            sim=sim.iccid,
            carrier=sim.plmn,
            quota_bytes=sim.plan.quota_bytes,
            used_bytes=sim.used_bytes,
        )
        for sim in sims
        if sim.plan.quota_bytes is not None  # an unknown quota is never "enough"
    ]
    costs = [
        CaseCost(case=case.info.id, carrier="", run_bytes=case.estimated_bytes, runs=runs)
        for case in cases
    ]
    plan = spread(costs, known)
    refuse_unless_it_fits(plan)
    asked, left = format_size(plan.asked_bytes), format_size(plan.left_bytes)
    return f"these cases burn about {asked}; {len(known)} SIMs have {left} left until their reset"


def _print(acceptance: Acceptance, *, as_json: bool) -> None:
    """Print the verdicts to standard output: one line a fact, or JSON."""
    directory = acceptance.directory
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "run": str(directory),
                    "verdict": acceptance.verdict.word,
                    "owner": acceptance.owner,
                    "results": [_as_json(outcome) for outcome in acceptance.outcomes],
                },
                ensure_ascii=False,
            )
        )
        return
    for outcome in acceptance.outcomes:
        for step in outcome.steps:
            typer.echo(
                f"{outcome.case.id:<10} {outcome.router:<4} {step.name:<26} "
                f"{step.verdict.name:<7} {step.text}"
            )
        owner = f"  owner {outcome.owner.value}: {outcome.cause}" if outcome.owner else ""
        if outcome.verdict is Verdict.NONE:
            owner = f"  {outcome.cause}"
        typer.echo(
            f"{outcome.case.id:<10} {outcome.router:<4} {'verdict':<26} "
            f"{outcome.verdict.name:<7}{owner}"
        )
    for kind, name in (
        ("record", "journal.sqlite"),
        ("report", "report.html"),
    ):
        typer.echo(f"{kind:<10} {directory / name}")
    for path in sorted(directory.glob("*/*")):
        typer.echo(f"{path.suffix.lstrip('.'):<10} {path}")


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "case": outcome.case.id,
        "router": outcome.router,
        "verdict": outcome.verdict.word,
        "owner": outcome.owner,
        "cause": outcome.cause,
        "steps": [
            {"name": step.name, "verdict": step.verdict.word, "text": step.text}
            for step in outcome.steps
        ],
    }
