"""``harness.report.morning``: what is new, whose it is, which SIMs are slow or running out."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.core.party import Party
from harness.pool.contract import Contract, ResetRule, ShortWindow
from harness.pool.ledger import Evidence, Ledger, SimEntry
from harness.pool.ledger_file import dump_ledger
from harness.pool.state import SimEvent, SimState
from harness.report.diff import CaseChange, Change, Comparison
from harness.report.morning import headline, parties, sims
from harness.report.privacy import masking
from harness.verdict.verdict import Verdict

GB = 10**9
# noon of 16 November 2026 in Japan: 15.5 of November's 30 days are over
NOW_US = int(datetime(2026, 11, 16, 3, tzinfo=UTC).timestamp()) * 1_000_000
TERMS = Contract(
    carrier="44010",
    plan="",
    quota_bytes=60 * GB,
    reset=ResetRule(day=1, hour=0, zone="Asia/Tokyo"),
    throttle_rate_bps=128_000,
    short_window=ShortWindow(days=3, limit_bytes=10 * GB),
    source="contract.pdf",
    disclosed=True,
)


def case(change: Change, owner: Party | None) -> CaseChange:
    """Return a case of one router, changed."""
    return CaseChange(
        imei="490154203237518",
        case="C",
        change=change,
        before=(Verdict.PASS,),
        after=(Verdict.FAIL,),
        owner=owner,
        cause="",
    )


def sim(number: int, state: SimState, used_bytes: int, terms: Contract = TERMS) -> SimEntry:
    """Return a SIM of the ledger."""
    return SimEntry(
        sim=f"898110000000000{number:04}",
        contract=terms,
        slot=f"bank/{number}",
        state=state,
        used_bytes=used_bytes,
    )


def test_every_party_is_there_and_the_bench_answers_for_its_own() -> None:
    """Whatever owner an infrastructure failure carries; a failure without one is nobody's."""
    found = parties(
        Comparison(
            cases=(
                case("new", Party.ROUTER),
                case("new", None),
                case("infrastructure", Party.CARRIER),
                case("flaky", Party.CARRIER),
                case("still", Party.SIM_BANK),
                case("fixed", None),
                case("same", None),
            ),
            numbers=(),
        )
    )

    assert [(line.party, line.new, line.flaky, line.still) for line in found] == [
        ("router", 1, 0, 0),
        ("access_server", 0, 0, 0),
        ("sim_bank", 0, 0, 1),
        ("carrier", 0, 1, 0),
        ("bench", 1, 0, 0),
        ("nobody named", 1, 0, 0),
    ]
    assert headline(found) == "3 new: router 1, bench 1, nobody named 1"
    assert headline(parties(Comparison(cases=(), numbers=()))) == "nothing new failed"


def test_sims_that_need_somebody_come_with_the_reason(tmp_path: Path) -> None:
    """The slow ones first; a healthy one only when its quota ends before its month."""
    unknown = replace(TERMS, quota_bytes=None, source="")
    measured = Evidence(
        sim="x", event=SimEvent.MEASURED_SLOW, at_us=1, source="verdict", note="128 kbit/s"
    )
    slow = replace(sim(1, SimState.THROTTLED, 61 * GB), evidence=measured, since_us=NOW_US)
    path = tmp_path / "ledger.json"
    path.write_text(
        dump_ledger(
            Ledger(
                [
                    sim(5, SimState.HEALTHY, 20 * GB),  # 38.7 GB by the month's end
                    sim(4, SimState.HEALTHY, 40 * GB),  # dry in another 7.75 days
                    sim(3, SimState.UNKNOWN, 0, unknown),
                    sim(2, SimState.SUSPECTED, GB),
                    slow,
                ]
            )
        )
    )
    os.utime(path, (NOW_US // 1_000_000, NOW_US // 1_000_000))

    lines, words = sims(path, NOW_US, masking())

    assert words["text"] == (
        "2 of 5 SIMs healthy, 60 GB left on usable ones; as of 2026-11-16 12:00:00 JST"
    )
    assert [(line.sim[-4:], line.state, line.outlook) for line in lines] == [
        ("0001", "throttled", "slow: 128 kbit/s by contract"),
        ("0002", "suspected", "perhaps slow: 128 kbit/s by contract"),
        ("0003", "unknown", "not counted on: quota, source not known"),
        ("0004", "healthy", "used up 2026-11-24 06:00:00 JST at this pace"),
    ]
    assert lines[0].used == "61 GB of 60 GB (102%)"
    assert lines[0].evidence == "measured slow (verdict) 128 kbit/s"
    assert lines[0].since == "2026-11-16 12:00:00 JST"
    assert lines[2].used == "0 B of an unknown quota"
    assert "8981" not in lines[0].sim


def test_a_ledger_that_is_not_there_or_no_ledger_is_said(tmp_path: Path) -> None:
    """The page says how to write one, or what is wrong with it."""
    path = tmp_path / "ledger.json"
    lines, words = sims(path, NOW_US, masking())
    path.write_text("[]")

    assert (lines, words["is_known"]) == ([], False)
    assert words["text"] == f"no SIM ledger: `harness pool sims --out {path}` writes one"
    assert sims(path, NOW_US, masking())[1]["text"].startswith("ledger.json: SIM ledger: expected")
