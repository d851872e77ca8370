"""The SIM ledger as JSON: terms, states and evidence, so that a restart forgets nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from harness.core.errors import UsageError
from harness.pool.contract import Contract, ResetRule, ShortWindow
from harness.pool.ledger import Evidence, Ledger, SimEntry
from harness.pool.state import SimEvent, SimState

FORMAT: Final = "cloudsim-sim-ledger-1"


def dump_ledger(ledger: Ledger) -> str:
    """Write every SIM; a quarantine survives (requirements.md R27)."""
    sims = [_entry_json(entry) for entry in ledger.entries]
    return json.dumps({"format": FORMAT, "sims": sims}, indent=1, ensure_ascii=False) + "\n"


def load_ledger(text: str) -> Ledger:
    """Read what `dump_ledger` wrote, or a registry of contracts that names no states.

    Raises:
        UsageError: It is not such a file; the message names the SIM and the key.
    """
    try:
        found = json.loads(text)
    except ValueError as exc:
        msg = f"SIM ledger: not JSON: {exc}"
        raise UsageError(msg) from exc
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        msg = f"SIM ledger: expected the format {FORMAT!r}"
        raise UsageError(msg)
    return Ledger(_entry(sim) for sim in found.get("sims", []))


def _entry_json(entry: SimEntry) -> dict[str, Any]:
    terms, evidence = entry.contract, entry.evidence
    return {
        "sim": entry.sim,
        "slot": entry.slot,
        "carrier": terms.carrier,
        "plan": terms.plan,
        "quota_bytes": terms.quota_bytes,
        "reset": None
        if terms.reset is None
        else {"day": terms.reset.day, "hour": terms.reset.hour, "zone": terms.reset.zone},
        "throttle_rate_bps": terms.throttle_rate_bps,
        "short_window": None
        if terms.short_window is None
        else {"days": terms.short_window.days, "limit_bytes": terms.short_window.limit_bytes},
        "source": terms.source,
        "disclosed": terms.disclosed,
        "state": entry.state.value,
        "since_us": entry.since_us,
        "used_bytes": entry.used_bytes,
        "evidence": None
        if evidence is None
        else {
            "event": evidence.event.value,
            "at_us": evidence.at_us,
            "source": evidence.source,
            "note": evidence.note,
        },
    }


def _entry(found: Mapping[str, Any]) -> SimEntry:
    try:
        sim = found["sim"]
        evidence = found.get("evidence")
        return SimEntry(
            sim=sim,
            contract=_contract(found),
            slot=found["slot"],
            state=SimState(found.get("state", SimState.UNKNOWN)),
            since_us=found.get("since_us", 0),
            used_bytes=found.get("used_bytes", 0),
            evidence=None
            if evidence is None
            else Evidence(
                sim=sim,
                event=SimEvent(evidence["event"]),
                at_us=evidence["at_us"],
                source=evidence["source"],
                note=evidence["note"],
            ),
        )
    except KeyError as exc:
        msg = f"SIM ledger: {found.get('sim', 'a SIM')}: {exc.args[0]} is missing"
        raise UsageError(msg) from exc
    except ValueError as exc:
        msg = f"SIM ledger: {found.get('sim', 'a SIM')}: {exc}"
        raise UsageError(msg) from exc


def _contract(found: Mapping[str, Any]) -> Contract:
    reset, window = found.get("reset"), found.get("short_window")
    return Contract(
        carrier=found["carrier"],
        plan=found.get("plan", ""),
        quota_bytes=found.get("quota_bytes"),
        reset=None if reset is None else ResetRule(**reset),
        throttle_rate_bps=found.get("throttle_rate_bps"),
        short_window=None if window is None else ShortWindow(**window),
        source=found.get("source", ""),
        disclosed=found.get("disclosed", False),
    )
