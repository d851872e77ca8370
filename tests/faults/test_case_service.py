"""A router in service: a wrong cap, rate, counter, date or card is seen and ascribed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACCEPT = (sys.executable, "-m", "harness.cli", "accept", "--json")
PATIENCE_S = 240.0
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("defect", "case", "owner", "cause"),
    [
        ("server_cap_at_24", "CS-CAP25-001", "access_server", "plan.rate_before_cap: "),
        ("throttle_bits_for_bytes", "CS-CAP25-003", "router", "plan.tier_ratio: "),
        (
            "server_counts_one_direction",
            "CS-ACC-001",
            "access_server",
            "accounting.booked_ratio: 0, limits 1 to 1",
        ),
        ("carrier_throttle_in_bytes", "CS-CAP-002", "carrier", "contract.throttled_ratio: "),
        ("server_trusts_neighbour", "CS-RESET-003", "access_server", "a SIM was used up last "),
        ("carrier_resets_late", "CS-RESET-001", "carrier", "contract.free_ratio: "),
        ("serves_on_when_suspended", "CS-SUSP-001", "router", "the line serves at 09:00: "),
        ("carrier_clock_off", "CS-TIME-001", "carrier", "time.offset: "),
        ("clock_hour_off", "CS-TIME-001", "router", "time.offset: "),
        ("hammers_when_dry", "CS-DRY-001", "router", "dry.requests: "),
        ("server_hands_out_quarantined", "CS-QUAR-001", "access_server", ""),
        ("bank_duplicate_iccid", "CS-BANK-001", "sim_bank", "bank.listed_twice: 1, limit 0"),
        ("stuck_after_card_pull", "CS-SW-003", "router", "no service by the cloud card after "),
        ("usage_in_gib", "CS-ACC-001", "router", "accounting.reported_ratio: 0.93"),
    ],
)
def test_a_fault_in_service_is_caught_and_its_party_named(
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
    assert (ended.returncode, result["owner"]) == (1, owner), result["cause"]
    assert result["cause"].startswith(cause)
