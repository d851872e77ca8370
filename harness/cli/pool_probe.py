"""`harness pool probe`: find the slow SIMs of the bench's access server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from harness.bench import open_bench, open_run
from harness.cli.exit_codes import ExitCode, of_verdict
from harness.cli.progress import StepProgress
from harness.cli.records import seal
from harness.cloud.model import Sim
from harness.core.clock import Deadline, StoppableClock, SystemClock
from harness.core.files import read_text
from harness.core.identity import masked
from harness.core.units import (
    format_duration,
    format_rate,
    format_size,
    parse_rate_bps,
    parse_size_bytes,
)
from harness.pool.ledger import Ledger
from harness.pool.ledger_file import dump_ledger, load_ledger
from harness.pool.sources import evidence_of_search, ledger_of_server
from harness.pool.suspicion import Search, SimFinding
from harness.procedure.catalogue import CASES
from harness.procedure.sim_search import SearchPlan, searched_sims, searching

_ASK_S = 10.0


def probe(
    lab: Path, dut: str | None, *, limits: Path, carriers: Sequence[str], slow_below: str,
    budget: str, ledger: Path | None, as_json: bool,
) -> ExitCode:  # fmt: skip
    """Search, print what each SIM is, and return the exit code.

    Raises:
        UsageError: No SIM is free to be probed, or a router, a rate or a size is not known.
        BenchError: The bench cannot be built.
    """
    plan = SearchPlan(
        carriers=carriers,
        slow_below_bps=parse_rate_bps(slow_below),
        budget_bytes=parse_size_bytes(budget),
    )
    clock = StoppableClock(SystemClock())

    def say(text: str) -> None:
        typer.echo(f"harness: {text}", err=True)

    found: list[Search] = []
    with (
        open_bench(lab, say=say, clock=clock) as bench,
        bench.dut(dut) as router,
        StepProgress(clock) as progress,
    ):
        listed = bench.services.cloud.sims(Deadline.after(_ASK_S, clock))
        known = ledger_of_server(listed, bank="bank")
        if ledger is not None and ledger.exists():
            known = load_ledger(read_text(ledger, remedy="name the ledger with --ledger"))
        asked = searched_sims(listed, router.router.imei, carriers)
        most = format_size(plan.budget_bytes)
        say(f"{len(asked)} SIMs to be probed on {router.name}, {most} at most")
        with open_run(
            bench, limits=limits, plan="pool probe", cases=CASES, progress=progress.of("")
        ) as acceptance:
            outcome = acceptance.run(searching(plan, found.append), router)
    for search in found:
        sims = {sim.iccid: sim for sim in listed}
        tell(search, sims, as_json=as_json)
        if ledger is not None:
            learn(known, search, at_us=clock.utc_us())
            ledger.write_text(dump_ledger(known), encoding="utf-8")
            say(f"ledger     {ledger}")
    if not found:
        typer.echo(f"not finished: {outcome.cause}", err=True)
    say(f"record     {acceptance.directory}/journal.sqlite")
    seal(acceptance.directory)
    return of_verdict(outcome.verdict, outcome.owner)


def learn(ledger: Ledger, search: Search, *, at_us: int) -> None:
    """Add what was found to a ledger; SIMs that it does not know are not its business."""
    known = {entry.sim for entry in ledger.entries}
    for evidence in evidence_of_search(search.findings, at_us=at_us):
        if evidence.sim in known:
            ledger.learn(evidence)


def tell(search: Search, sims: Mapping[str, Sim], *, as_json: bool) -> None:
    """Print what each SIM is, slow ones first, and what it cost."""
    order = sorted(search.findings, key=lambda f: (f.slow is False, f.slow is None, f.sim))
    if as_json:
        typer.echo(json.dumps(_as_json(search, order, sims), ensure_ascii=False))
        return
    for finding in order:
        typer.echo(f"{masked(finding.sim)}  {sims[finding.sim].carrier:<10} {_words(finding)}")
    slow, open_ = (sum(f.slow is is_slow for f in order) for is_slow in (True, None))
    typer.echo(
        f"{slow} of {len(order)} SIMs are slow, {open_} not decided: {search.probes} probes, "
        f"{format_size(search.burnt_bytes)}, {format_duration(search.took_s)}"
    )


def _words(finding: SimFinding) -> str:
    if finding.slow is None:
        return f"not decided     {finding.evidence}"
    if not finding.slow:
        return f"not slow        {finding.evidence}"
    rate = "?" if finding.rate_bps is None else format_rate(finding.rate_bps)
    return f"SLOW {rate:<10} {finding.mechanism}: {finding.evidence}"


def _as_json(
    search: Search, order: Sequence[SimFinding], sims: Mapping[str, Sim]
) -> dict[str, object]:
    return {
        "sims": [
            {
                "sim": masked(finding.sim),
                "carrier": sims[finding.sim].carrier,
                "slow": finding.slow,
                "rate_bps": finding.rate_bps,
                "mechanism": finding.mechanism,
                "evidence": finding.evidence,
            }
            for finding in order
        ],
        "probes": search.probes,
        "burnt_bytes": search.burnt_bytes,
        "took_s": search.took_s,
    }
