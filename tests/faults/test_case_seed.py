"""SEED: a router that does wrong on its seed SIM is seen and named; a healthy one is not."""

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
    ("defect", "case", "code", "owner", "words"),
    [
        ("second_port_dead", "CS-SEED-001", 1, "router", "seed.deaf_ports: 1, limit 0"),
        ("urcs_lost", "CS-SEED-001", 1, "router", "seed.reports: 0, at least 1"),
        ("bench_port_stolen", "CS-SEED-001", 3, "bench", "another program talks on the AT port"),
        ("crash_loop_without_seed", "CS-SEED-002", 1, "router", "seed.restarts: "),
        ("user_traffic_over_seed", "CS-SEED-003", 1, "router", "seed.user_packets: "),
        ("ignores_reject_and_hammers", "CS-SEED-004", 1, "router", "seed.attempts: "),
        (None, "CS-SEED-001", 0, None, ""),
        (None, "CS-SEED-004", 0, None, ""),
    ],
)
def test_a_wrong_start_is_caught_and_its_party_named(
    tmp_path: Path, defect: str | None, case: str, code: int, owner: str | None, words: str
) -> None:
    """Exit code 1 for the router, 3 for the bench, 0 for a healthy world."""
    lab = (ROOT / "lab.toml").read_text(encoding="utf-8")
    planted = f"[virtual]\ndefects = {json.dumps([defect] if defect else [])}"
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
    assert (ended.returncode, result["owner"]) == (code, owner), (result, ended.stderr)
    assert words in result["cause"]
