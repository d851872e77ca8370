"""``harness.pool.state`` and ``harness.pool.ledger``: what is known of each SIM."""

from __future__ import annotations

import itertools

import pytest

from harness.core.errors import UsageError
from harness.pool.contract import NO_SHORT_WINDOW, Contract, ResetRule, ShortWindow
from harness.pool.ledger import Evidence, Ledger, SimEntry, judge_recovery
from harness.pool.state import TRANSITIONS, SimEvent, SimState, after

DAY_US = 86_400_000_000
TERMS = Contract(
    carrier="44010",
    plan="60 GB",
    quota_bytes=60_000_000_000,
    reset=ResetRule(day=1, hour=0, zone="Asia/Tokyo"),
    throttle_rate_bps=128_000,
    short_window=NO_SHORT_WINDOW,
    source="contract 7",
    disclosed=True,
)


def _ledger_of(*sims: str, contract: Contract = TERMS) -> Ledger:
    return Ledger(SimEntry(sim=sim, contract=contract, slot=f"b1/{sim}") for sim in sims)


def _learned(event: SimEvent, *, sim: str = "S1", at_us: int = 0) -> Evidence:
    return Evidence(sim=sim, event=event, at_us=at_us, source="verdict")


def test_only_a_measurement_makes_a_sim_healthy() -> None:
    """No event but a measurement at full rate leads to healthy from another state."""
    ways = {
        event
        for (state, event), follows in TRANSITIONS.items()
        if follows is SimState.HEALTHY and state is not SimState.HEALTHY
    }

    assert ways == {SimEvent.MEASURED_FULL}


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (SimState.THROTTLED, SimEvent.RECOVERY_REPORTED, SimState.THROTTLED),
        (SimState.THROTTLED, SimEvent.RESET_DUE, SimState.SUSPECTED),
        (SimState.NEAR_CAP, SimEvent.RESET_DUE, SimState.UNKNOWN),
        (SimState.NEAR_CAP, SimEvent.MEASURED_FULL, SimState.NEAR_CAP),
        (SimState.QUARANTINED, SimEvent.RESET_DUE, SimState.QUARANTINED),
        (SimState.QUARANTINED, SimEvent.MEASURED_FULL, SimState.HEALTHY),
        (SimState.HEALTHY, SimEvent.EVIDENCE_EXPIRED, SimState.UNKNOWN),
        (SimState.ABSENT, SimEvent.INSERTED, SimState.UNKNOWN),
    ],
)
def test_a_word_is_no_measurement(state: SimState, event: SimEvent, expected: SimState) -> None:
    """Reports and resets lead nowhere near healthy."""
    assert after(state, event) is expected


def test_a_pair_that_is_not_in_the_table_is_an_error() -> None:
    """An absent SIM cannot be measured."""
    with pytest.raises(UsageError, match="a SIM that is absent cannot have measured_full"):
        after(SimState.ABSENT, SimEvent.MEASURED_FULL)


def test_every_present_state_has_every_event_but_inserted() -> None:
    """The table leaves out only what cannot happen."""
    missing = set(itertools.product(SimState, SimEvent)) - set(TRANSITIONS)

    assert missing == {(s, SimEvent.INSERTED) for s in SimState if s is not SimState.ABSENT} | {
        (SimState.ABSENT, SimEvent.MEASURED_FULL),
        (SimState.ABSENT, SimEvent.MEASURED_SLOW),
        (SimState.ABSENT, SimEvent.TRAFFIC_SLOW),
        (SimState.ABSENT, SimEvent.CAP_NEAR),
        (SimState.ABSENT, SimEvent.CAP_PASSED),
    }


def test_a_new_sim_is_unknown_and_counts_for_nothing() -> None:
    """Before any evidence there is no capacity."""
    ledger = _ledger_of("S1")

    assert ledger.entry("S1").state is SimState.UNKNOWN
    assert ledger.left_bytes() == {"44010": 0}
    assert ledger.entry("S1").age_s(5_000_000) is None


def test_use_leads_to_near_cap_and_then_to_throttled() -> None:
    """90 % of the quota is near the cap, all of it is past it."""
    ledger = _ledger_of("S1")
    ledger.learn(_learned(SimEvent.MEASURED_FULL))
    ledger.count("S1", 53_999_999_999, at_us=1, source="tap")
    assert ledger.entry("S1").state is SimState.HEALTHY
    ledger.count("S1", 1, at_us=2, source="tap")
    assert ledger.entry("S1").state is SimState.NEAR_CAP
    assert ledger.left_bytes() == {"44010": 6_000_000_000}

    entry = ledger.count("S1", 6_000_000_000, at_us=3, source="tap")

    assert entry.state is SimState.THROTTLED
    assert entry.evidence is not None
    assert entry.evidence.note == "60000000000 of 60000000000 bytes"
    assert ledger.left_bytes() == {"44010": 0}
    assert [str(t.entry.state) for t in ledger.transitions] == ["healthy", "near_cap", "throttled"]


def test_an_unknown_term_keeps_a_sim_unknown_after_a_good_measurement() -> None:
    """A SIM whose reset rule nobody knows is not capacity."""
    terms = Contract(
        carrier="44051",
        plan="?",
        quota_bytes=60_000_000_000,
        reset=None,
        throttle_rate_bps=None,
        short_window=ShortWindow(days=3, limit_bytes=6_000_000_000),
        source="",
        disclosed=False,
    )
    ledger = _ledger_of("S1", contract=terms)

    assert ledger.learn(_learned(SimEvent.MEASURED_FULL)).state is SimState.UNKNOWN
    assert ledger.not_counted() == {"S1": ("reset", "throttle_rate", "source")}


def test_old_evidence_makes_a_sim_unknown() -> None:
    """What was healthy yesterday is not known to be healthy today."""
    ledger = _ledger_of("S1", "S2")
    ledger.learn(_learned(SimEvent.MEASURED_FULL, sim="S1", at_us=0))
    ledger.learn(_learned(SimEvent.MEASURED_FULL, sim="S2", at_us=DAY_US))

    expired = ledger.expire(DAY_US + 1, max_age_s=86_400.0)

    assert [entry.sim for entry in expired] == ["S1"]
    assert ledger.counts()["44010"][SimState.UNKNOWN] == 1
    assert ledger.counts()["44010"][SimState.HEALTHY] == 1


def test_evidence_that_comes_late_is_refused() -> None:
    """Time does not go backwards in the ledger."""
    ledger = _ledger_of("S1")
    ledger.learn(_learned(SimEvent.MEASURED_FULL, at_us=2_500_000))

    with pytest.raises(UsageError, match=r"measured_slow is 2\.5 s older than the last one"):
        ledger.learn(_learned(SimEvent.MEASURED_SLOW, at_us=0))


def test_a_sim_in_two_slots_is_refused() -> None:
    """One SIM cannot be in two places."""
    with pytest.raises(UsageError, match="SIM S1 is in b1/S1 and in b1/S1"):
        _ledger_of("S1", "S1")


@pytest.mark.parametrize(
    ("measured", "slow", "accepted", "text"),
    [
        (299, 0, True, "recovery accepted: 0 slow of 299 measured lines prove 99.00 % healthy"),
        (298, 0, False, "recovery refused: 0 slow of 298 measured lines prove 99.00 % healthy"),
        (299, 1, False, "recovery refused: 1 slow of 299 measured lines prove 98.42 % healthy"),
        (473, 1, True, "recovery accepted: 1 slow of 473 measured lines prove 99.00 % healthy"),
        (0, 0, False, "recovery refused: 0 slow of 0 measured lines prove 0.00 % healthy"),
    ],
)
def test_recovery_needs_299_lines_without_a_slow_one(
    measured: int, slow: int, accepted: object, text: str
) -> None:
    """0.99 to the power of 299 is just below 5 %."""
    recovery = judge_recovery(measured, slow)

    assert recovery.accepted is accepted
    assert recovery.text.startswith(text)


def test_a_sample_with_more_slow_lines_than_lines_is_refused() -> None:
    """It cannot be counted."""
    with pytest.raises(UsageError, match="4 slow of 3 measured lines"):
        judge_recovery(3, 4)
