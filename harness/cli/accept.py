"""`harness accept`: build the bench, run the cases, print the verdicts, say where the record is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import typer

from harness.bench import Bench, open_bench, open_run
from harness.cli.burnt import burnt_of
from harness.cli.exit_codes import ExitCode, of_verdict
from harness.cli.outcomes import print_outcomes
from harness.cli.progress import StepProgress
from harness.cli.reap import keep_within
from harness.cli.records import seal
from harness.core.clock import Deadline, StoppableClock, SystemClock
from harness.core.errors import CloudError, UsageError
from harness.core.units import format_duration, format_size
from harness.pool.budget import CaseCost, LabSim, refuse_unless_it_fits, spread
from harness.procedure.catalogue import CASES, SMOKE, case_by_id
from harness.procedure.plan import Plan, load_plan
from harness.procedure.side_by_side import SideBySide
from harness.procedure.story import load_story
from harness.procedure.telling import case_of
from harness.procedure.turns import Job, Turns, estimated_s, jobs_of

_ASK_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the catalogue is to run, and how.

    Attributes:
        dut: Only this router; None: all of the bench file.
        plan: Name of a plan; None: the smoke cases.
        case_ids: Only these cases.
        repeat: How often each case runs; None: as often as the plan says.
        spread: The routers are equal; each case runs once, on whichever is free.
        keep_going: Go on with the repeats of a case that has failed.
        scenario: File of a story; None: cases.
    """

    dut: str | None = None
    plan: str | None = None
    case_ids: tuple[str, ...] = ()
    repeat: int | None = None
    spread: bool = False
    keep_going: bool = False
    scenario: Path | None = None


def accept(lab: Path, wanted: Wanted, *, limits: Path, as_json: bool) -> ExitCode:
    """Run the acceptance and return the exit code.

    Raises:
        UsageError: A plan, a case, a router or a limit is not known.
        BenchError: The bench cannot be built.
    """
    plan = _plan_of(wanted, limits)
    clock = StoppableClock(SystemClock())

    def say(text: str) -> None:
        typer.echo(f"harness: {text}", err=True)

    with ExitStack() as stack:
        bench = stack.enter_context(open_bench(lab, say=say, clock=clock))
        keep_within(
            bench.runs, bench.lab.bench.keep_days, bench.lab.bench.keep_size, clock=clock, say=say
        )
        names = [wanted.dut] if wanted.dut else list(bench.lab.routers)
        if wanted.spread:
            require_equal(bench, names)
        jobs = jobs_of(plan.cases, names, spread=wanted.spread, repeat=plan.repeat)
        say(time_plan(jobs, len(names)))
        try:
            say(burn_plan(bench, jobs))
        except CloudError as exc:
            say(f"what the SIMs have left is not known: {exc}")  # the cases will name the owner
        duts = [stack.enter_context(bench.dut(name)) for name in names]
        progress = stack.enter_context(StepProgress(clock))
        acceptance = stack.enter_context(
            open_run(bench, limits=limits, plan=plan.command, cases=CASES, progress=progress.of(""))
        )
        SideBySide(
            acceptance,
            Turns(jobs, keep_going=wanted.keep_going),
            clock=clock,
            progress_of=progress.of,
            say=say,
        ).run(duts)
    declared = {job.case.info.id: job.case.estimated_bytes for job in jobs}
    burnt = burnt_of(acceptance.directory, declared)
    print_outcomes(acceptance, burnt, spread=wanted.spread, as_json=as_json)
    if not as_json:
        seal(acceptance.directory)
    return of_verdict(acceptance.verdict, acceptance.owner)


def _plan_of(wanted: Wanted, limits: Path) -> Plan:
    """Return the plan, with what the command line says instead."""
    if wanted.scenario:
        if wanted.plan or wanted.case_ids:
            msg = "--scenario is a case of its own; leave out --plan and --case"
            raise UsageError(msg)
        plan = Plan(title="", cases=(case_of(load_story(wanted.scenario)),))
    elif wanted.plan:
        plan = load_plan(wanted.plan, limits.parent / "plans")
    else:
        plan = Plan(title="", cases=SMOKE)
    if wanted.case_ids:
        plan = replace(plan, cases=tuple(case_by_id(case_id) for case_id in wanted.case_ids))
    return plan if wanted.repeat is None else replace(plan, repeat=wanted.repeat)


def require_equal(bench: Bench, names: Sequence[str]) -> None:
    """Let routers pass that can stand for one another.

    Raises:
        UsageError: They are of several models.
    """
    models = {name: bench.lab.routers[name].model for name in names}
    if len(set(models.values())) > 1:
        listed = ", ".join(f"{name} is {model}" for name, model in models.items())
        msg = f"--spread deals cases over equal routers, and {listed}; leave it out"
        raise UsageError(msg)


def time_plan(jobs: Sequence[Job], routers: int) -> str:
    """Say how many runs there are and how long they will take."""
    alone = sum(job.case.exclusive for job in jobs)
    took = format_duration(estimated_s(jobs, routers))
    many = f"{routers} routers" if routers > 1 else "1 router"
    return f"{len(jobs)} runs on {many}, {alone} of them alone, take about {took}"


def burn_plan(bench: Bench, jobs: Sequence[Job]) -> str:
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
    runs = Counter(job.case.info.id for job in jobs)
    burnt = {job.case.info.id: job.case.estimated_bytes for job in jobs}
    costs = [
        CaseCost(case=case_id, carrier="", run_bytes=burnt[case_id], runs=count)
        for case_id, count in runs.items()
    ]
    plan = spread(costs, known)
    refuse_unless_it_fits(plan)
    asked, left = format_size(plan.asked_bytes), format_size(plan.left_bytes)
    return f"these cases burn about {asked}; {len(known)} SIMs have {left} left until their reset"
