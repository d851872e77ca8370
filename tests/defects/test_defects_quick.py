"""`harness defects`: a fault of each party is planted, caught, and ascribed to its owner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0
pytestmark = pytest.mark.slow


def defects(directory: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run `harness defects` beside the shipped bench file."""
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", "defects", *argv],
        cwd=ROOT,
        env=os.environ | {"XDG_RUNTIME_DIR": str(directory)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_every_fault_has_a_name_of_its_own_a_party_and_a_case(tmp_path: Path) -> None:
    """At least 60, and enough of each party."""
    faults = json.loads(defects(tmp_path, "--list", "--json").stdout)

    assert len({fault["name"] for fault in faults}) == len(faults) >= 60
    parties = [fault["party"] for fault in faults]
    least = {"router": 30, "access_server": 10, "sim_bank": 6, "carrier": 8, "bench": 8}
    assert {party: parties.count(party) >= n for party, n in least.items()} == dict.fromkeys(
        least, True
    )
    assert all(fault["symptom"] and fault["case"] for fault in faults)


def test_a_case_that_does_not_look_for_a_fault_misses_it_and_the_goal(tmp_path: Path) -> None:
    """The goal can be missed: the throttle's case does not see who chose the SIM."""
    ended = defects(tmp_path, "--only", "server_logs_imsi", "--whole", "smoke", "--json")

    result = json.loads(ended.stdout)
    (trial,) = result["trials"]
    assert (ended.returncode, trial["outcome"], trial["blamed"]) == (1, "missed", "not caught")
    assert result["shortfalls"] == [
        "0 of 1 are caught, goal 100%",
        "0 of 1 have the right owner, goal 95%",
    ]


def test_a_fault_that_is_not_in_the_catalogue_is_refused(tmp_path: Path) -> None:
    """A switch that nobody reads proves nothing."""
    ended = defects(tmp_path, "--only", "no_such_thing")

    assert ended.returncode == 2
    assert "no planted fault is called no_such_thing" in ended.stderr


def test_clean_runs_raise_no_alarm(tmp_path: Path) -> None:
    """Two rounds of the canonical test on a healthy bench."""
    ended = defects(tmp_path, "--clean", "2", "--case", "CANON-001", "--jobs", "2")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("0 false alarms in 2 clean case runs: ")
