"""`harness.lab.lease`: who uses a router now."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.clock import FakeClock
from harness.core.errors import BenchError
from harness.lab.lease import Held, default_directory, held, lease, sweep

IMEI = "490154203237518"


def test_a_second_holder_is_refused_with_the_name_of_the_first(tmp_path: Path) -> None:
    """Two harnesses on one router would both measure rubbish."""
    with (
        lease(IMEI, owner="nightly", directory=tmp_path, clock=FakeClock()),
        pytest.raises(BenchError) as caught,
        lease(IMEI, owner="desk", directory=tmp_path, clock=FakeClock()),
    ):
        pass

    assert str(caught.value) == (
        f"router 7518 is in use by nightly (process {os.getpid()}); wait for it or end it"
    )


def test_a_lease_ends_with_its_context(tmp_path: Path) -> None:
    """And leaves no file."""
    with lease(IMEI, owner="a", directory=tmp_path, clock=FakeClock()) as path:
        assert path.is_file()

    assert list(tmp_path.iterdir()) == []
    with lease(IMEI, owner="b", directory=tmp_path, clock=FakeClock()):
        assert sweep(tmp_path) == []


def test_what_a_killed_owner_leaves_is_swept_and_named(tmp_path: Path) -> None:
    """Kill -9 leaves the file, not the lock."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from harness.core.clock import SystemClock\n"
        "from harness.lab.lease import lease\n"
        "with lease(sys.argv[1], owner='night', directory=Path(sys.argv[2]),"
        " clock=SystemClock()):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, IMEI, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        child.send_signal(signal.SIGKILL)

    assert sweep(tmp_path) == [f"lease of router 7518 left by night (process {child.pid})"]
    assert sweep(tmp_path) == []


def test_a_file_of_somebody_else_is_no_lease(tmp_path: Path) -> None:
    """What says nothing of its owner is swept all the same."""
    (tmp_path / "x.lease").write_text("not json", encoding="utf-8")

    assert sweep(tmp_path) == ["lease of router x left by a process that did not say who it is"]
    assert sweep(tmp_path / "nowhere") == []


def test_a_directory_that_cannot_be_written_is_the_benchs_problem(tmp_path: Path) -> None:
    """With the cure."""
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")

    with (
        pytest.raises(BenchError, match=r"cannot be written: .*; make .* writable"),
        lease(IMEI, owner="a", directory=blocked / "leases", clock=FakeClock()),
    ):
        pass


def test_leases_are_kept_per_host_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the user's run-time directory, or in one named after the user."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert default_directory() == Path("/run/user/7/harness-leases")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_directory().parent.name == f"harness-{os.getuid()}"


def test_leases_that_are_held_can_be_looked_at_without_touching_them(tmp_path: Path) -> None:
    """Who holds it and where its interface is; what nobody holds any more is not shown."""
    left = {"pid": os.getpid(), "owner": "gone", "since_utc_s": 0.0}
    (tmp_path / "356938035643809.lease").write_text(json.dumps(left), encoding="utf-8")
    (tmp_path / "x.lease").write_text("not json", encoding="utf-8")
    with lease(IMEI, owner="desk", directory=tmp_path, clock=FakeClock(), namespace="/proc/1/fd/7"):
        now = held(tmp_path)

    assert now == {IMEI: Held(holder=f"desk (process {os.getpid()})", namespace="/proc/1/fd/7")}
    assert held(tmp_path) == {}
    assert held(tmp_path / "nowhere") == {}
    assert held(tmp_path, locks=tmp_path / "no-proc") == {}
