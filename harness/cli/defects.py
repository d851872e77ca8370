"""`harness defects`: try the suite against planted faults, and against none."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import typer

from harness.cli.exit_codes import ExitCode
from harness.core.clock import SystemClock
from harness.core.errors import UsageError
from harness.core.party import Party
from harness.procedure.catalogue import CASES
from harness.procedure.trials import Suite, planted_faults, run_clean, try_all
from harness.procedure.virtual_bench import virtual_bench_module
from harness.report import detection
from harness.verdict.detection import PlantedFault, Score, Trial, quick_sample

_QUICK_PER_PARTY: Final = 2
_GIT_S: Final = 10.0


def list_faults(*, as_json: bool) -> None:
    """Print what can be planted: owner, symptom, case."""
    faults = planted_faults(virtual_bench_module())
    if as_json:
        typer.echo(json.dumps([asdict(fault) for fault in faults], indent=2))
        return
    for fault in faults:
        typer.echo(f"{fault.name:<28} {fault.party:<13} {fault.case:<14} {fault.symptom}")


def chosen(*, only: Sequence[str], party: str | None, fast: bool) -> tuple[PlantedFault, ...]:
    """Return the faults that are asked for.

    Raises:
        UsageError: There is no such fault or party.
    """
    faults = planted_faults(virtual_bench_module())
    unknown = sorted(set(only) - {fault.name for fault in faults})
    if unknown:
        msg = f"no planted fault is called {', '.join(unknown)}; `harness defects --list` has them"
        raise UsageError(msg)
    if party is not None and party not in {p.value for p in Party}:
        msg = f"{party!r} is no party; there are {', '.join(Party)}"
        raise UsageError(msg)
    if only:
        faults = tuple(fault for fault in faults if fault.name in only)
    if party:
        faults = tuple(fault for fault in faults if fault.party == party)
    if fast:
        cost_s = {case.info.id: case.estimated_s for case in CASES}
        faults = quick_sample(faults, cost_s, per_party=_QUICK_PER_PARTY)
    return faults


def defects(
    faults: Sequence[PlantedFault], suite: Suite, *, jobs: int, readme: Path | None, as_json: bool
) -> ExitCode:
    """Try each fault, print table and matrix, and say whether the goal is reached."""
    score = Score(trials=[_told(t) for t in try_all(faults, suite, jobs=jobs, clock=SystemClock())])
    shortfalls = score.shortfalls()
    if as_json:
        typer.echo(json.dumps(_as_json(score, shortfalls), ensure_ascii=False))
    else:
        typer.echo(detection.text(score))
    if readme is not None:
        detection.PLANTED.write(readme, detection.markdown(score, commit=_commit()))
    for line in shortfalls:
        typer.echo(f"harness: goal missed: {line}", err=True)
    return ExitCode.FAIL if shortfalls else ExitCode.PASS


def clean_runs(count: int, suite: Suite, *, case_ids: Sequence[str], jobs: int) -> ExitCode:
    """Run the catalogue on a healthy bench until `count` cases were run; count what is not pass."""
    ids = list(case_ids) or [case.info.id for case in CASES]
    rounds = -(-count // len(ids))
    alarms: Counter[str] = Counter()
    n = 0
    for result in run_clean(ids, suite, rounds=rounds, jobs=jobs, clock=SystemClock()):
        if result["verdict"] == "none":
            continue  # not applicable on this bench: nothing was run
        n += 1
        if result["verdict"] != "pass":
            alarms[result["case"]] += 1
            typer.echo(f"alarm {result['case']} {result['owner']}: {result['cause']}", err=True)
    for case_id, times in sorted(alarms.items()):
        typer.echo(f"{case_id:<14} {times} false alarms")
    typer.echo(detection.clean(n, alarms.total()))
    return ExitCode.FAIL if alarms or n == 0 else ExitCode.PASS


def _told(trial: Trial) -> Trial:
    """Say how a try ended, for a person who waits."""
    name, took = trial.fault.name, trial.took_s
    typer.echo(f"harness: {name}: {trial.outcome}, {trial.blamed}, {took:.1f} s", err=True)
    return trial


def _commit() -> str:
    """Return the commit that is checked out, and whether it was changed since."""
    argv = ["git", "describe", "--always", "--dirty"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=_GIT_S, check=False)
    return ended.stdout.strip() or "unknown"


def _as_json(score: Score, shortfalls: list[str]) -> dict[str, object]:
    return {
        "trials": [
            {
                **asdict(trial),
                "verdict": trial.verdict.word if trial.verdict is not None else None,
                "outcome": trial.outcome,
                "blamed": trial.blamed,
            }
            for trial in score.trials
        ],
        "matrix": score.matrix,
        "shortfalls": shortfalls,
    }
