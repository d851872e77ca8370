"""``harness.pool.sources`` and ``feed_store``: what fills the ledger and the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cloud.model import Plan, Sim
from harness.core.errors import BenchError, UsageError
from harness.measure.throttle_test import ThrottleDecision
from harness.pool.contract import ResetRule, ShortWindow
from harness.pool.feed import FeedRow
from harness.pool.feed_store import LineNumbers, store_rows
from harness.pool.sources import evidence_of_decision, evidence_of_search, ledger_of_server
from harness.pool.state import SimEvent, SimState
from harness.pool.suspicion import SimFinding
from harness.pool.usage import UsageStore

PLAN = Plan(
    quota_bytes=100,
    reset_day=1,
    reset_time="00:00",
    zone="Asia/Tokyo",
    throttle_bps=128_000,
    window_bytes=10,
    window_days=3,
    source="contract 7",
    disclosed=True,
)


def _sim(iccid: str, state: SimState, *, slot: int | None = 1, plan: Plan = PLAN) -> Sim:
    return Sim.model_validate(
        {
            "slot": slot,
            "iccid": iccid,
            "imsi": "440101234567890",
            "carrier": "docomo",
            "plmn": "44010",
            "state": state.value,
            "used_bytes": 7,
            "plan": plan,
        }
    )


def test_the_servers_healthy_is_a_word_and_its_throttled_is_believed() -> None:
    """Only what is bad is taken over."""
    ledger = ledger_of_server(
        [
            _sim("1", SimState.HEALTHY),
            _sim("2", SimState.THROTTLED),
            _sim("3", SimState.QUARANTINED),
            _sim("4", SimState.NEAR_CAP),
            _sim("5", SimState.HEALTHY, slot=None),
        ],
        bank="b1",
    )

    assert [str(entry.state) for entry in ledger.entries] == [
        "unknown",
        "suspected",
        "quarantined",
        "unknown",
        "absent",
    ]
    entry = ledger.entry("1")
    assert (entry.slot, entry.used_bytes, entry.contract.unknown_terms) == ("b1/1", 7, ())
    assert entry.contract.reset == ResetRule(day=1, hour=0, zone="Asia/Tokyo")
    assert entry.contract.short_window == ShortWindow(days=3, limit_bytes=10)


@pytest.mark.parametrize("time", ["00:30", "noon", None])
def test_a_reset_that_is_not_on_a_whole_hour_is_not_known(time: str | None) -> None:
    """It counts as an unknown term."""
    plan = PLAN.model_copy(update={"reset_time": time})

    ledger = ledger_of_server([_sim("1", SimState.HEALTHY, plan=plan)], bank="b1")

    assert ledger.entry("1").contract.unknown_terms == ("reset",)


@pytest.mark.parametrize(
    ("throttled", "event"), [(True, SimEvent.MEASURED_SLOW), (False, SimEvent.MEASURED_FULL)]
)
def test_a_throttle_verdict_is_evidence(throttled: object, event: SimEvent) -> None:
    """With the rate and the reason."""
    decision = ThrottleDecision(
        throttled=bool(throttled),
        threshold_bps=3e6,
        bucket_limit_bytes=64_000,
        rate_bps=128_000.0,
        waited_s=0.7,
        bytes_in=49_000,
        reason="steady",
    )

    evidence = evidence_of_decision("1", decision, at_us=5)

    assert evidence is not None
    assert (evidence.event, evidence.at_us, evidence.note) == (event, 5, "steady, 128 kbit/s")


def test_a_verdict_that_did_not_decide_is_none() -> None:
    """Nothing is learned from it."""
    decision = ThrottleDecision(
        throttled=None,
        threshold_bps=3e6,
        bucket_limit_bytes=64_000,
        waited_s=2.0,
        bytes_in=0,
        reason="nothing came",
    )

    assert evidence_of_decision("1", decision, at_us=5) is None


def test_what_the_finder_left_open_is_no_evidence() -> None:
    """Slow, well, undecided."""
    findings = [
        SimFinding(
            sim=sim, slow=slow, rate_bps=None, mechanism=None, since_hour=None, evidence="probe"
        )
        for sim, slow in (("1", True), ("2", False), ("3", None))
    ]

    evidence = evidence_of_search(findings, at_us=9)

    assert [(e.sim, str(e.event)) for e in evidence] == [
        ("1", "measured_slow"),
        ("2", "measured_full"),
    ]


def _row(line: str, used: int, *, sim: str = "S1", carrier: str = "44010") -> FeedRow:
    return FeedRow(line=line, hour=480_000, carrier=carrier, sim=sim, used_bytes=used)


def test_rows_of_a_feed_become_hours_of_the_store(tmp_path: Path) -> None:
    """Two carriers, one line on two SIMs; names keep their numbers after a restart."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010", "44051"])
    rows = [
        _row("L1", 5),
        _row("L2", 0),
        _row("L1", 6, sim="S2"),
        _row("L3", 9, carrier="44051"),
    ]

    written = store_rows(store, rows, LineNumbers.of(store))
    again = LineNumbers.of(store)

    assert written == [(480_000, "44010"), (480_000, "44051")]
    assert [again.known(name) for name in ("L1", "L2", "L3", "L4")] == [0, 1, 2, None]
    assert (again.name(2), again.name(7)) == ("L3", "7")
    assert [store.line(n, 480_000, 480_001).used_bytes for n in range(3)] == [(11,), (0,), (9,)]
    with pytest.raises(UsageError, match="hours are written once"):
        store_rows(store, rows, again)


def test_line_names_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    """Numbers without names would be other lines."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010"])
    (store.root / "lines.json").write_text("[", encoding="utf-8")

    with pytest.raises(BenchError, match=r"lines\.json is not readable"):
        LineNumbers.of(store)
