"""Where the ledger's evidence comes from: the access server's lab API, our verdicts, the finder.

What the server says of a SIM is a word, not a measurement: "healthy" leaves it unknown to us, and
a slow or worse word is believed at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from harness.cloud.model import Plan, Sim
from harness.core.units import format_rate
from harness.measure.throttle_test import ThrottleDecision
from harness.pool.contract import Contract, ResetRule, ShortWindow
from harness.pool.ledger import Evidence, Ledger, SimEntry
from harness.pool.state import SimEvent, SimState
from harness.pool.suspicion import SimFinding

_BELIEVED: Final = {
    "throttled": SimState.SUSPECTED,
    "suspected": SimState.SUSPECTED,
    "quarantined": SimState.QUARANTINED,
    "absent": SimState.ABSENT,
}


def ledger_of_server(sims: Iterable[Sim], *, bank: str) -> Ledger:
    """Make a ledger of what an access server tells of its SIMs.

    Args:
        sims: From `harness.cloud`.
        bank: Name of the SIM bank.

    Raises:
        UsageError: A SIM is there twice.
    """
    return Ledger(
        SimEntry(
            sim=sim.iccid,
            contract=contract_of(sim),
            slot=f"{bank}/{'-' if sim.slot is None else sim.slot}",
            state=SimState.ABSENT
            if sim.slot is None
            else _BELIEVED.get(sim.state, SimState.UNKNOWN),
            used_bytes=sim.used_bytes,
        )
        for sim in sims
    )


def contract_of(sim: Sim) -> Contract:
    """Return a SIM's contract as the access server tells it; what it leaves out is not known."""
    plan, window = sim.plan, None
    if plan.window_days is not None and plan.window_bytes is not None:
        window = ShortWindow(days=plan.window_days, limit_bytes=plan.window_bytes)
    return Contract(
        carrier=sim.plmn,
        plan="",
        quota_bytes=plan.quota_bytes,
        reset=_reset(plan),
        throttle_rate_bps=plan.throttle_bps,
        short_window=window,
        source=plan.source or "",
        disclosed=plan.disclosed,
    )


def _reset(plan: Plan) -> ResetRule | None:
    """Read the reset rule; one that is not on a whole hour is not known to us."""
    if plan.reset_day is None or plan.reset_time is None or plan.zone is None:
        return None
    hour, _, minute = plan.reset_time.partition(":")
    if not hour.isdecimal() or minute != "00":
        return None
    return ResetRule(day=plan.reset_day, hour=int(hour), zone=plan.zone)


def evidence_of_decision(sim: str, decision: ThrottleDecision, *, at_us: int) -> Evidence | None:
    """Turn a throttle verdict into evidence; None when it did not decide."""
    if decision.throttled is None:
        return None
    event = SimEvent.MEASURED_SLOW if decision.throttled else SimEvent.MEASURED_FULL
    rate = "" if decision.rate_bps is None else f", {format_rate(decision.rate_bps)}"
    note = f"{decision.reason}{rate}"
    return Evidence(sim=sim, event=event, at_us=at_us, source="verdict", note=note)


def evidence_of_search(findings: Iterable[SimFinding], *, at_us: int) -> Sequence[Evidence]:
    """Turn what the finder decided into evidence; what it left open stays as it was."""
    return [
        Evidence(
            sim=found.sim,
            event=SimEvent.MEASURED_SLOW if found.slow else SimEvent.MEASURED_FULL,
            at_us=at_us,
            source="finder",
            note=found.evidence,
        )
        for found in findings
        if found.slow is not None
    ]
