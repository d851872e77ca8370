"""What `harness accept` prints at its end: verdicts, what repeats prove, where the record is."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import typer

from harness.cli.burnt import burnt_lines
from harness.core.identity import masked
from harness.pool.budget import Burnt, burnt_by_sim
from harness.procedure.acceptance import Acceptance
from harness.procedure.case import Outcome
from harness.report.proof import CONFIDENCE, proven_share
from harness.verdict.verdict import Verdict

FEW: Final = 5
"""Of so many results each step and each file is shown."""


def print_outcomes(
    acceptance: Acceptance, burnt: Sequence[Burnt], *, spread: bool, as_json: bool
) -> None:
    """Print the verdicts to standard output: one line a fact, or JSON.

    Args:
        acceptance: The run.
        burnt: What its cases burnt of which SIM.
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
                    "burnt_bytes": {masked(sim): size for sim, size in burnt_by_sim(burnt).items()},
                },
                ensure_ascii=False,
            )
        )
        return
    for line in outcome_lines(acceptance.outcomes):
        typer.echo(line)
    for line in proofs:
        typer.echo(f"proof      {line}")
    for line in burnt_lines(burnt):
        typer.echo(f"burnt      {line}")
    for kind, name in (
        ("record", "journal.sqlite"),
        ("report", "report.html"),
    ):
        typer.echo(f"{kind:<10} {directory / name}")
    paths = sorted(directory.glob("*/*"))
    if len(acceptance.outcomes) > FEW:
        typer.echo(f"evidence   {directory}/*/  {len(paths)} files")
        paths = []
    for path in paths:
        typer.echo(f"{path.suffix.lstrip('.'):<10} {path}")


def outcome_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the table of verdicts and, at its end, the sum of them.

    Args:
        outcomes: What ran. Of a few every step is shown, of many those that did not pass.
    """
    lines = []
    for outcome in outcomes:
        shown = [
            step for step in outcome.steps if len(outcomes) <= FEW or step.verdict > Verdict.PASS
        ]
        lines += [_line(outcome, step.name, step.verdict, step.text) for step in shown]
        lines.append(_line(outcome, "verdict", outcome.verdict, _why(outcome)))
    counts = Counter(outcome.verdict for outcome in outcomes)
    said = {Verdict.NONE: "not applicable"}
    sums = [f"{n} {said.get(v, v.word)}" for v, n in sorted(counts.items(), reverse=True)]
    owners = Counter(o.owner.value for o in outcomes if o.owner is not None)
    whose = "".join(f"; owner {owner} of {n}" for owner, n in owners.most_common())
    return [*lines, f"{'results':<10} {', '.join(sums) or 'none'}{whose}"]


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


def _line(outcome: Outcome, name: str, verdict: Verdict, text: str) -> str:
    return f"{outcome.case.id:<10} {outcome.router:<4} {name:<26} {verdict.name:<7} {text}".rstrip()


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
