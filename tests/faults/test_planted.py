"""Planted faults: each is caught, and the right party is named."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.record.reader import RunRecord

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
pytestmark = pytest.mark.slow


def accept(directory: Path, *, defects: tuple[str, ...]) -> tuple[int, dict[str, Any], str]:
    """Run the canonical test with planted defects; phases that hang may take 8 s each."""
    lab = (ROOT / "lab.toml").read_text(encoding="utf-8")
    planted = f"[virtual]\ndefects = {json.dumps(list(defects))}"
    (directory / "lab.toml").write_text(lab.replace("[virtual]", planted, 1), encoding="utf-8")
    limits = (ROOT / "tests/acceptance/limits.toml").read_text(encoding="utf-8")
    short = re.sub(r'(unit = "s"\nhigh = )\d\d+\.0', r"\g<1>8.0", limits)
    (directory / "limits.toml").write_text(short, encoding="utf-8")
    argv = [sys.executable, "-m", "harness.cli", "accept", "--limits", "limits.toml", "--json"]
    ended = subprocess.run(
        [*argv, "--case", "CANON-001"],
        cwd=directory,
        env=os.environ | {"XDG_RUNTIME_DIR": str(directory)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.stdout, ended.stderr
    return ended.returncode, json.loads(ended.stdout), ended.stderr


@pytest.mark.parametrize(
    ("defect", "code", "owner", "last_step", "cause"),
    [
        (
            "server_down",
            1,
            "access_server",
            "P2 location",
            "the tap shows the router calling the access server and no answer",
        ),
        (
            "carrier_rejects",
            1,
            "carrier",
            "P6 carrier attach",
            "the carrier rejects the attach with cause #11",
        ),
        (
            "no_pdn",
            1,
            "router",
            "P7 data up",
            "the router is registered on 44010 and never opened its PDN connection",
        ),
        (
            "usb_drops",
            3,
            "bench",
            "P6 carrier attach",
            "the AT port vanished in the middle, and nobody had cut the power",
        ),
    ],
)
def test_a_planted_fault_is_caught_and_its_party_named(
    tmp_path: Path, defect: str, code: int, owner: str, last_step: str, cause: str
) -> None:
    """From the exit code to the record, everything names the same party."""
    found, result, errors = accept(tmp_path, defects=(defect,))

    assert (found, result["owner"]) == (code, owner), errors
    (case,) = result["results"]
    assert (case["owner"], case["cause"]) == (owner, cause)
    assert case["steps"][-1]["name"] == last_step
    with RunRecord.open(tmp_path / result["run"]) as record:
        (row,) = record.results()
    assert (row.owner, row.cause, row.verdict.word) == (owner, cause, result["verdict"])


def test_without_a_fault_nobody_is_blamed(tmp_path: Path) -> None:
    """The same limits, a healthy world: pass, and no owner."""
    code, result, errors = accept(tmp_path, defects=())

    assert (code, result["verdict"], result["owner"]) == (0, "pass", None), errors
