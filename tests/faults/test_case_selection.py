"""SEL: a SIM of the wrong carrier, or one that must not be given, is seen and ascribed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACCEPT = (sys.executable, "-m", "harness.cli", "accept", "--json")
PATIENCE_S = 120.0
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("defect", "case", "owner", "cause"),
    [
        (
            "server_unknown_is_healthy",
            "CS-SEL-005",
            "access_server",
            "*0010 is listed as healthy, its terms unknown",
        ),
        (
            "reports_stale_location",
            "CS-SEL-002",
            "router",
            "selection.location_age: 7200 s, limit 600 s",
        ),
        (
            "server_wrong_carrier",
            "CS-SEL-001",
            "access_server",
            "the access server chose 44011 where 44010 has healthy SIMs",
        ),
        (
            "reports_stale_location",
            "CS-SEL-001",
            "router",
            "selection.location_age: 7200 s, limit 600 s",
        ),
        (
            "server_hands_out_quarantined",
            "CS-SEL-003",
            "access_server",
            "the access server gave out a SIM that it lists as quarantined",
        ),
        (
            "server_hands_out_throttled",
            "CS-SEL-003",
            "access_server",
            "the access server gave out a SIM that it lists as throttled",
        ),
    ],
)
def test_a_wrong_choice_is_caught_and_its_party_named(
    tmp_path: Path, defect: str, case: str, owner: str, cause: str
) -> None:
    """Exit code 1: it is not the bench's fault."""
    lab = (ROOT / "lab.toml").read_text(encoding="utf-8")
    planted = f"[virtual]\ndefects = {json.dumps([defect])}"
    (tmp_path / "lab.toml").write_text(lab.replace("[virtual]", planted, 1), encoding="utf-8")
    limits = str(ROOT / "tests/acceptance/limits.toml")

    ended = subprocess.run(
        [*ACCEPT, "--limits", limits, "--case", case],
        cwd=tmp_path,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ended.stdout, ended.stderr
    (result,) = json.loads(ended.stdout)["results"]
    assert (ended.returncode, result["owner"], result["cause"]) == (1, owner, cause), ended.stderr
