"""However a run ends, nothing is left behind, and the next one says what it swept."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.clock import SystemClock
from harness.lab.lease import lease
from harness.record.reader import RunRecord
from tests.faults.started import PATIENCE_S, ROOT, Run, start

pytestmark = pytest.mark.slow


@pytest.fixture
def bench_directory(tmp_path: Path) -> Path:
    """Return a directory with the shipped bench file."""
    (tmp_path / "lab.toml").write_text((ROOT / "lab.toml").read_text(), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(bench_directory: Path) -> Iterator[Run]:
    """Start an acceptance, and end it whatever the test did."""
    started = start(bench_directory)
    yield started
    if started.process.poll() is None:
        started.process.kill()
    started.process.communicate()


def named_namespaces() -> set[str]:
    """Return the named network namespaces of this host."""
    directory = Path("/run/netns")
    return {path.name for path in directory.iterdir()} if directory.is_dir() else set()


def interfaces() -> set[str]:
    """Return the network interfaces of this host."""
    return {path.name for path in Path("/sys/class/net").iterdir()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind(run: Run, number: signal.Signals) -> None:
    """No process, no namespace, no interface, whatever signal ends it in the middle of P4."""
    before = (named_namespaces(), interfaces())
    run.wait_for("P0 boot")
    assert len(run.relatives()) >= 4

    run.process.send_signal(number)
    code = run.process.wait(PATIENCE_S)

    assert code == (-9 if number is signal.SIGKILL else 128 + number)
    assert run.gone() == {}
    assert named_namespaces() <= before[0]
    assert interfaces() <= before[1]


def test_what_was_acknowledged_is_in_the_record_of_a_killed_run(run: Run) -> None:
    """And the run reads as interrupted."""
    run.wait_for("P0 boot")
    run.process.kill()
    run.process.wait(PATIENCE_S)
    run.gone()

    (directory,) = (run.directory / "runs").iterdir()
    with RunRecord.open(directory) as record:
        assert record.state == "interrupted"
        (result,) = record.results()
        phases = record.phases(result.id)
    assert (phases[0].name, phases[0].verdict.word) == ("P0", "pass")


def test_the_next_start_says_what_it_swept(run: Run) -> None:
    """The lease of a killed run is removed and named; the run goes on."""
    run.wait_for("P0 boot")
    run.process.kill()
    run.process.wait(PATIENCE_S)
    run.gone()

    again = start(run.directory)
    try:
        said = again.wait_for("CANON-001")
    finally:
        again.process.terminate()
        again.process.communicate(timeout=PATIENCE_S)
    assert "harness: swept lease of router 0017 left by harness on" in said
    assert again.gone() == {}


def test_a_virtual_bench_that_is_killed_is_the_benchs_fault(run: Run) -> None:
    """The harness ends with the exit code of the bench, and leaves nothing."""
    run.wait_for("P0 boot")
    supervisors = [
        pid for pid, command in run.relatives().items() if "-m devices.virtual --lab" in command
    ]
    for pid in supervisors:
        os.kill(pid, signal.SIGKILL)
    assert supervisors

    out, errors = run.process.communicate(timeout=PATIENCE_S)

    assert run.process.returncode == 3, errors
    assert "owner bench" in out + errors or "harness: error: " in errors
    assert run.gone() == {}


def test_a_router_that_somebody_else_uses_is_refused(bench_directory: Path) -> None:
    """The second harness names the first, and touches nothing."""
    leases = bench_directory / "harness-leases"
    with lease("860000000000017", owner="the nightly run", directory=leases, clock=SystemClock()):
        second = start(bench_directory)
        _, errors = second.process.communicate(timeout=PATIENCE_S)

    assert second.process.returncode == 3
    assert f"router 0017 is in use by the nightly run (process {os.getpid()})" in errors
    assert second.gone() == {}
