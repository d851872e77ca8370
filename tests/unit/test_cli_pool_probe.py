"""`harness pool probe`: which SIMs it takes, what it prints, what a ledger learns."""

from __future__ import annotations

import json

import pytest

from harness.cli.pool_probe import learn, tell
from harness.cloud.model import Sim
from harness.core.errors import UsageError
from harness.pool.sources import ledger_of_server
from harness.pool.state import SimState
from harness.pool.suspicion import Mechanism, Search, SimFinding
from harness.procedure.sim_search import searched_sims

IMEI = "860000000000017"


def sim(number: int, **other: object) -> Sim:
    """Return a free, healthy docomo SIM."""
    known: dict[str, object] = {
        "slot": number,
        "iccid": f"898110000000000{number:04d}",
        "imsi": f"44010100000{number:04d}",
        "carrier": "docomo",
        "plmn": "44010",
        "state": "healthy",
        "plan": {
            "quota_bytes": 50_000_000_000,
            "reset_day": 1,
            "reset_time": "00:00",
            "zone": "Asia/Tokyo",
            "throttle_bps": 128_000,
            "window_bytes": 10_000_000_000,
            "window_days": 3,
            "source": "contract",
            "disclosed": True,
        },
    }
    return Sim.model_validate(known | other)


def finding(of: Sim, *, slow: bool | None) -> SimFinding:
    """Return what was found of a SIM."""
    return SimFinding(
        sim=of.iccid,
        slow=slow,
        rate_bps=200_000.0 if slow else None,
        mechanism=Mechanism.SHAPER if slow else None,
        since_hour=None,
        evidence="for this test",
    )


SIMS = [sim(1), sim(2), sim(3)]
SEARCH = Search(
    findings=[finding(one, slow=slow) for one, slow in zip(SIMS, (False, True, None), strict=True)],
    causes={},
    probes=5,
    burnt_bytes=1_200_000,
    took_s=17.4,
)


def test_only_sims_that_can_be_given_and_told_something_of_are_probed() -> None:
    """Another router's, a quarantined, a used-up and an absent one are left alone."""
    listed = [
        sim(1),
        sim(2, assigned_imei=IMEI, state="near_cap"),
        sim(3, assigned_imei="860000000000025"),
        sim(4, state="quarantined"),
        sim(5, state="throttled"),
        sim(6, slot=None),
        sim(7, carrier="kddi", plmn="44051", state="suspected"),
        sim(8, state="unknown"),
    ]

    assert [s.slot for s in searched_sims(listed, IMEI)] == [1, 2, 7, 8]
    assert [s.slot for s in searched_sims(listed, IMEI, ["44051"])] == [7]
    assert [s.slot for s in searched_sims(listed, IMEI, ["docomo"])] == [1, 2, 8]
    with pytest.raises(UsageError, match=r"no SIM of rakuten is free .* SIMs of docomo, kddi"):
        searched_sims(listed, IMEI, ["rakuten"])
    with pytest.raises(UsageError, match=r"no SIM is free to be probed; .* has SIMs of none"):
        searched_sims([], IMEI)


def test_slow_sims_are_printed_first_and_nobody_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Then what is open, then what is well; the cost is the last line."""
    tell(SEARCH, {s.iccid: s for s in SIMS}, as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0].lstrip("*") for line in lines[:3]] == ["0002", "0003", "0001"]
    assert "SLOW 200 kbit/s" in lines[0]
    assert "shaper: for this test" in lines[0]
    assert "not decided" in lines[1]
    assert "not slow" in lines[2]
    assert lines[3] == "1 of 3 SIMs are slow, 1 not decided: 5 probes, 1.2 MB, 17.4 s"
    assert SIMS[1].iccid not in "".join(lines)


def test_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object, with numbers as numbers."""
    tell(SEARCH, {s.iccid: s for s in SIMS}, as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert [(s["slow"], s["rate_bps"], s["mechanism"]) for s in told["sims"]] == [
        (True, 200_000.0, "shaper"), (None, None, None), (False, None, None),
    ]  # fmt: skip
    assert (told["probes"], told["burnt_bytes"], told["took_s"]) == (5, 1_200_000, 17.4)


def test_a_ledger_learns_what_was_decided_of_sims_that_it_knows() -> None:
    """A word of the server left them unknown; the measurement does not."""
    ledger = ledger_of_server(SIMS[:2], bank="bank")
    assert {entry.state for entry in ledger.entries} == {SimState.UNKNOWN}

    learn(ledger, SEARCH, at_us=1)

    assert [ledger.entry(s.iccid).state for s in SIMS[:2]] == [
        SimState.HEALTHY,
        SimState.THROTTLED,
    ]
