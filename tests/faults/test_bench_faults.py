"""The bench itself under faults: the right verdict or a refusal, nothing lost, nothing left."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.bench import open_bench, open_run
from harness.core.clock import SystemClock
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.procedure.canonical import CANONICAL
from harness.procedure.case import Outcome
from harness.procedure.catalogue import CASES
from harness.record.reader import RunRecord
from harness.verdict.verdict import Verdict
from tests.faults.started import PATIENCE_S, ROOT, Run, start

LIMITS = ROOT / "tests/acceptance/limits.toml"
HOUR_US = 3_600_000_000
DISK_FULL = """
mkdir runs && mount -t tmpfs -o size={size} tmpfs runs || exit 77
{python} -m harness.cli accept --limits {limits} --case CANON-001; code=$?
cp -r runs kept; exit $code
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a directory with the shipped bench file."""
    shutil.copy(ROOT / "lab.toml", tmp_path)
    return tmp_path


def accepted(desk: Path, *, planted: str) -> dict[str, Any]:
    """Run the canonical test with a fault planted; return what it printed, as JSON."""
    lab = (ROOT / "lab.toml").read_text(encoding="utf-8")
    text = lab.replace("[virtual]", f'[virtual]\ndefects = ["{planted}"]', 1)
    (desk / "lab.toml").write_text(text, encoding="utf-8")
    run = start(desk, "--json", "--case", "CANON-001")
    out, errors = run.process.communicate(timeout=PATIENCE_S)
    assert run.gone() == {}
    assert run.process.returncode == 3, errors
    result: dict[str, Any] = json.loads(out)
    return result


@pytest.mark.parametrize("phase", [1, 2, 3, 4, 5, 7])
def test_usb_that_drops_in_a_phase_is_the_benchs_fault(desk: Path, phase: int) -> None:
    """What others tell of the router is still judged; then the lost port is named."""
    result = accepted(desk, planted=f"usb_drops_in_p{phase}")

    (case,) = result["results"]
    assert (case["verdict"], case["owner"]) == ("error", "bench")
    assert case["cause"] == "the AT port vanished in the middle, and nobody had cut the power"


@pytest.mark.parametrize("phase", range(7))
def test_a_harness_that_is_killed_in_a_phase_loses_and_leaves_nothing(
    desk: Path, phase: int
) -> None:
    """Every phase that was acknowledged is in the record, which reads as interrupted."""
    run = start(desk, "--case", "CANON-001")
    run.wait_for(f"P{phase} ")
    run.process.kill()
    run.process.communicate(timeout=PATIENCE_S)

    assert run.gone() == {}
    (directory,) = (desk / "runs").iterdir()
    with RunRecord.open(directory) as record:
        assert record.state == "interrupted"
        (result,) = record.results()
        passed = [p.name for p in record.phases(result.id) if p.verdict is Verdict.PASS]
    assert passed[: phase + 1] == [f"P{number}" for number in range(phase + 1)]


@pytest.mark.parametrize("size", ["64k", "400k", "700k"])
def test_a_full_disk_is_named_and_what_was_written_can_be_read(desk: Path, size: str) -> None:
    """The bench is blamed with exit code 3; a journal that was begun is whole."""
    script = DISK_FULL.format(size=size, python=sys.executable, limits=LIMITS)
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=desk,
        env=os.environ | {"XDG_RUNTIME_DIR": str(desk)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ended.returncode == 3, ended.stderr
    assert re.search(r"harness: error: .*(No space left|bytes are free)", ended.stderr)
    for journal in (desk / "kept").glob("*/journal.sqlite"):
        with RunRecord.open(journal.parent) as record:
            assert state_of(record) in {"interrupted", "finished", "not begun"}
            assert all(event.text for event in record.events())


def state_of(record: RunRecord) -> str:
    """Return a record's state; one that was cut off before its first row says so."""
    try:
        return record.state
    except BenchError as exc:
        return "not begun" if "killed before its first row" in str(exc) else str(exc)


class SteppedClock(SystemClock):
    """The host's clocks, whose wall clock is set once while a case runs."""

    def __init__(self, step_us: int) -> None:
        self._step_us = step_us
        self.is_stepped = False

    def utc_us(self) -> int:
        """Return the wall clock, stepped or not."""
        return super().utc_us() + (self._step_us if self.is_stepped else 0)


class StepIn:
    """Progress that steps a clock when a phase begins."""

    def __init__(self, phase: str, clock: SteppedClock) -> None:
        self._phase, self._clock = phase, clock

    def started(self, step: str, limit_s: float | None) -> None:
        """Step the clock in the phase it is for."""
        assert limit_s is None or limit_s > 0
        if step.startswith(self._phase):
            self._clock.is_stepped = True

    def ended(self, step: str, verdict: Verdict, text: str) -> None:
        """Take no notice."""


def stepped(desk: Path, step_us: int, phase: str) -> tuple[Outcome, Path]:
    """Run the canonical test while the wall clock is set in a phase."""
    clock = SteppedClock(step_us)
    with (
        open_bench(desk / "lab.toml", say=print, runs=desk / "runs", clock=clock) as bench,
        open_run(
            bench, limits=LIMITS, plan="p", cases=CASES, progress=StepIn(phase, clock)
        ) as acceptance,
        bench.dut("r1") as dut,
    ):
        return acceptance.run(CANONICAL, dut), acceptance.directory


@pytest.mark.parametrize("phase", ["P0", "P4", "P7"])
@pytest.mark.parametrize(("step_us", "words"), [(HOUR_US, "+3600"), (-HOUR_US, "-3600")])
def test_a_step_of_the_hosts_clock_is_the_benchs_fault(
    desk: Path, monkeypatch: pytest.MonkeyPatch, step_us: int, words: str, phase: str
) -> None:
    """Every phase is still timed by the clock that does not step; the case is done again."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(desk))

    outcome, directory = stepped(desk, step_us, phase)

    assert (outcome.verdict, outcome.owner) == (Verdict.ERROR, Party.BENCH)
    assert outcome.cause.startswith(f"the host's clock was stepped by {words}.")
    assert [step.verdict for step in outcome.steps[:8]] == [Verdict.PASS] * 8
    with RunRecord.open(directory) as record:
        assert record.state == "finished"
        (result,) = record.results()
        assert (result.verdict, result.owner) == (Verdict.ERROR, "bench")


def firmware_of(run: Run) -> int:
    """Return the process that is the virtual router."""
    found = [pid for pid, words in run.relatives().items() if "devices.virtual.firmware" in words]
    assert len(found) == 1
    return found[0]


def test_a_router_that_stands_still_for_5_s_is_never_somebody_elses_fault(desk: Path) -> None:
    """It passes late, within its limits, or the router is named."""
    run = start(desk, "--json", "--case", "CANON-001")
    run.wait_for("P0 boot")
    pid = firmware_of(run)
    os.kill(pid, signal.SIGSTOP)
    subprocess.run(["sleep", "5"], check=True)
    os.kill(pid, signal.SIGCONT)
    out, errors = run.process.communicate(timeout=PATIENCE_S)

    result = json.loads(out)
    assert run.gone() == {}
    assert (result["verdict"], result["owner"]) in {("pass", None), ("fail", "router")}, errors


def test_of_two_harnesses_on_one_router_one_works_and_one_is_refused(desk: Path) -> None:
    """The second names who has it; the first is not disturbed."""
    runs = [start(desk, "--case", "CANON-001") for _ in range(2)]
    ends = [run.process.communicate(timeout=PATIENCE_S) for run in runs]

    assert sorted(run.process.returncode for run in runs) == [0, 3]
    refused = next(
        errors for run, (_, errors) in zip(runs, ends, strict=True) if run.process.returncode
    )
    assert "router 0017 is in use by harness on" in refused
    assert [run.gone() for run in runs] == [{}, {}]
