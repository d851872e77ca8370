"""``/metrics``: what Prometheus reads (text exposition format 0.0.4)."""

from __future__ import annotations

import re
from pathlib import Path

from harness.core.clock import FakeClock
from harness.record.journal import RunJournal
from harness.record.rows import RunInfo
from harness.report.morning import sim_states
from harness.report.overview import Shelf, metrics
from harness.verdict.verdict import Verdict
from tests.report.conftest import write_small

# "Text format details": a comment of HELP or TYPE, or a sample with labels and a value.
LABEL = r"[a-z]+=\"(?:[^\"\\\n]|\\[\\\"n])*\""
LINE = re.compile(
    rf"# HELP [a-z_]+ [^\n]+|# TYPE [a-z_]+ gauge|[a-z_]+(\{{{LABEL}(?:,{LABEL})*\}})? \d+"
)


def test_runs_results_and_sims_are_gauges(tmp_path: Path) -> None:
    """All runs, and apart from them the last one that came to its end."""
    write_small(tmp_path)
    info = RunInfo(id="z", title="", plan="", bench="b", is_virtual=True, harness_version="0")
    clock = FakeClock(utc_us=1_795_660_900_000_000)
    RunJournal.create(tmp_path, info, clock).finish(Verdict.NONE)
    RunJournal.create(tmp_path, info, clock).close()

    lines = metrics(Shelf(tmp_path), {"throttled": 2, "healthy": 6}).splitlines()

    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert {
        'cloudsim_runs{state="finished"} 2',
        'cloudsim_runs{state="interrupted"} 1',
        'cloudsim_results{verdict="fail",owner="carrier"} 1',
        'cloudsim_results{verdict="not_run",owner=""} 1',
        'cloudsim_sims{state="throttled"} 2',
        "cloudsim_newest_run_seconds 1795660900",
    } <= set(lines)
    assert not any(line.startswith("cloudsim_last_results") for line in lines)


def test_the_last_finished_run_is_counted_apart(tmp_path: Path) -> None:
    """Its failures are what an alarm is for; without a ledger nothing is said of SIMs."""
    write_small(tmp_path)

    text = metrics(Shelf(tmp_path), None)

    assert 'cloudsim_last_results{verdict="fail",owner="carrier"} 1\n' in text
    assert "cloudsim_sims" not in text
    assert text.endswith("\n")


def test_a_ledger_that_cannot_be_read_counts_nothing(tmp_path: Path) -> None:
    """Zero throttled SIMs would be a claim."""
    rubbish = tmp_path / "ledger.json"
    rubbish.write_text("rubbish")

    assert sim_states(rubbish) is None
    assert sim_states(tmp_path / "none.json") is None
