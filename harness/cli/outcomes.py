"""What `harness accept` prints at its end: verdicts, what repeats prove, where the record is."""

from __future__ import annotations

import json
import math

import typer

from harness.procedure.acceptance import Acceptance
from harness.procedure.case import Outcome
from harness.report.proof import CONFIDENCE, proven_share
from harness.verdict.verdict import Verdict


def print_outcomes(acceptance: Acceptance, *, spread: bool, as_json: bool) -> None:
    """Print the verdicts to standard output: one line a fact, or JSON.

    Args:
        acceptance: The run.
        spread: The routers are equal, so their runs prove something together.
        as_json: Print one JSON object.
    """
    directory = acceptance.directory
    proofs = proof_lines(acceptance.outcomes, spread=spread)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "run": str(directory),
                    "verdict": acceptance.verdict.word,
                    "owner": acceptance.owner,
                    "results": [_as_json(outcome) for outcome in acceptance.outcomes],
                    "proofs": proofs,
                },
                ensure_ascii=False,
            )
        )
        return
    for outcome in acceptance.outcomes:
        for step in outcome.steps:
            _line(outcome, step.name, step.verdict, step.text)
        _line(outcome, "verdict", outcome.verdict, _why(outcome))
    for line in proofs:
        typer.echo(f"proof      {line}")
    for kind, name in (
        ("record", "journal.sqlite"),
        ("report", "report.html"),
    ):
        typer.echo(f"{kind:<10} {directory / name}")
    for path in sorted(directory.glob("*/*")):
        typer.echo(f"{path.suffix.lstrip('.'):<10} {path}")


def proof_lines(outcomes: list[Outcome], *, spread: bool) -> list[str]:
    """Say what the repeats of each case prove of the share that passes.

    Args:
        outcomes: What ran.
        spread: Count the runs of all routers together.
    """
    runs: dict[tuple[str, str], list[Verdict]] = {}
    for outcome in outcomes:
        if outcome.verdict is not Verdict.NONE:
            router = "" if spread else f" on {outcome.router}"
            runs.setdefault((outcome.case.id, router), []).append(outcome.verdict)
    return [
        f"{case_id}{router}: {proof_text(sum(v is Verdict.PASS for v in verdicts), len(verdicts))}"
        for (case_id, router), verdicts in runs.items()
        if len(verdicts) > 1
    ]


def proof_text(passed: int, n: int) -> str:
    """Say what so many passes prove, for example that 59 of 59 prove 95 %."""
    percent = math.floor(proven_share(passed, n) * 1000) / 10  # never more than is proven
    failures = n - passed
    word = "failure" if failures == 1 else "failures"
    return (
        f"{failures} {word} in {n}: at least {percent:.1f} % pass, "
        f"at {CONFIDENCE:.0%} confidence (Clopper-Pearson)"
    )


def _line(outcome: Outcome, name: str, verdict: Verdict, text: str) -> None:
    typer.echo(
        f"{outcome.case.id:<10} {outcome.router:<4} {name:<26} {verdict.name:<7} {text}".rstrip()
    )


def _why(outcome: Outcome) -> str:
    """Return why a case did not pass or did not run."""
    if outcome.verdict is Verdict.NONE:
        return f" {outcome.cause}"
    return f" owner {outcome.owner.value}: {outcome.cause}" if outcome.owner else ""


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
