"""DL: a router that takes what it must not, or shows what it must not, is seen and named."""

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
    ("defect", "case", "code", "owner", "cause"),
    [
        (
            "accepts_wrong_certificate",
            "CS-DL-004",
            1,
            "router",
            "download.foreign_logins: ",
        ),
        (
            "profile_in_clear",
            "CS-DL-006",
            1,
            "router",
            "download.clear_flows: ",
        ),
        (
            "server_unsigned_profile",
            "CS-DL-001",
            1,
            "access_server",
            "the profile that is served is not signed with the key that the router logs in with",
        ),
        (
            "server_slow_profile",
            "CS-DL-001",
            1,
            "access_server",
            "the tap shows the router calling the access server and no answer",
        ),
        ("download_not_resumed", "CS-DL-002", 1, "router", "download.restarts: "),
        ("accepts_corrupt_profile", "CS-DL-003", 1, "router", "download.wrong_held: "),
        ("accepts_replayed_profile", "CS-DL-005", 1, "router", "download.wrong_held: "),
        ("imsi_in_log", "CS-DL-009", 1, "router", "secrecy.router_log: "),
        ("server_logs_imsi", "CS-DL-009", 1, "access_server", "secrecy.server_log: "),
        (
            "bench_tap_dead",
            "CS-DL-001",
            3,
            "bench",
            "a profile was downloaded and the tap of the seed bearer shows no byte of it",
        ),
        (
            "bench_tap_dead",
            "CS-DL-006",
            3,
            "bench",
            "a profile was downloaded and the tap of the seed bearer shows no byte of it",
        ),
    ],
)
def test_a_wrong_download_is_caught_and_its_party_named(
    tmp_path: Path, defect: str, case: str, code: int, owner: str, cause: str
) -> None:
    """Exit code 1 for the router, 3 for the bench."""
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
    assert (ended.returncode, result["owner"]) == (code, owner), (result, ended.stderr)
    assert result["cause"].startswith(cause)
