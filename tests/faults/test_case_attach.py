"""ATT and THR: faults of attaching and of staying slow are seen and ascribed."""

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
            "cgpaddr_differs",
            "CS-ATT-001",
            "router",
            "what the router shows by AT is not what the carrier serves: ('address',)",
        ),
        (
            "carrier_slow_attach",
            "CS-ATT-001",
            "carrier",
            "the carrier found the card's answer right, and neither accepts nor rejects",
        ),
        (
            "carrier_black_hole",
            "CS-ATT-001",
            "carrier",
            "the user's packets reach the carrier and nothing comes back from it",
        ),
        (
            "carrier_silent_dns",
            "CS-ATT-001",
            "carrier",
            "data flow, and the carrier's name servers 203.0.113.54 answer nobody",
        ),
        (
            "dns_proxy_dead",
            "CS-ATT-001",
            "router",
            "192.168.43.1 in the router answers no question, its carrier's server does",
        ),
        (
            "cereg_says_one_early",
            "CS-ATT-004",
            "router",
            "attach.early_claims: ",
        ),
        (
            "ignores_reject_and_hammers",
            "CS-ATT-002",
            "router",
            "rejected with EMM cause #3: tried again ",
        ),
        (
            "authenticates_late",
            "CS-ATT-004",
            "router",
            "the carrier's challenge timed out although access server and bank answer at once",
        ),
        (
            "carrier_sqn_stuck",
            "CS-ATT-005",
            "carrier",
            "the carrier goes on with an old SQN after the card's resynchronisation",
        ),
        (
            "no_reattach_after_loss",
            "CS-ATT-006",
            "router",
            "not registered by AT ",
        ),
        (
            "stays_on_slow_card",
            "CS-THR-001",
            "router",
            "the SIM in use was throttled and the router never asked for another",
        ),
        (
            "server_same_sim_again",
            "CS-THR-001",
            "access_server",
            "the access server gave the throttled SIM 0010 again",
        ),
        (
            "flaps_on_short_dip",
            "CS-THR-002",
            "router",
            "carrier_throttle.changes_by_dip: ",
        ),
    ],
)
def test_a_fault_is_caught_and_its_party_named(
    tmp_path: Path, defect: str, case: str, owner: str, cause: str
) -> None:
    """Exit code 1: it is not the bench's fault; what waits for ever may take 25 s here."""
    lab = (ROOT / "lab.toml").read_text(encoding="utf-8")
    planted = f"[virtual]\ndefects = {json.dumps([defect])}"
    (tmp_path / "lab.toml").write_text(lab.replace("[virtual]", planted, 1), encoding="utf-8")
    limits = (ROOT / "tests/acceptance/limits.toml").read_text(encoding="utf-8")
    short = limits.replace("high = 60.0", "high = 25.0")
    (tmp_path / "limits.toml").write_text(short, encoding="utf-8")

    ended = subprocess.run(
        [*ACCEPT, "--limits", "limits.toml", "--case", case],
        cwd=tmp_path,
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ended.stdout, ended.stderr
    (result,) = json.loads(ended.stdout)["results"]
    assert (ended.returncode, result["owner"]) == (1, owner), (result, ended.stderr)
    assert result["cause"].startswith(cause)
