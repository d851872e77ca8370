"""HOLD and BOOT: a profile that is lost or kept, a boot that is late or none, has its owner."""

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
        ("half_installed_profile", "CS-HOLD-001", 1, "router", "never asked for a SIM"),
        ("profile_not_erased", "CS-HOLD-002", 1, "router", "hold.left_after_release: "),
        ("factory_reset_keeps_profile", "CS-HOLD-003", 1, "router", "hold.left_after_reset: "),
        ("bench_strip_fakes_off", "CS-BOOT-001", 3, "bench", "says it is off"),
        ("bench_usb_drops", "CS-BOOT-001", 3, "bench", "vanished"),
        (None, "CS-HOLD-002", 0, None, ""),
        (None, "CS-BOOT-002", 0, None, ""),
    ],
)
def test_a_loss_is_caught_and_its_party_named(
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
