"""The morning: what is new, whose it is, and which SIMs are slow or running out. From records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.core.errors import HarnessError
from harness.core.party import Party
from harness.core.units import US_PER_S, format_rate, format_size
from harness.pool.ledger import NEAR_CAP_SHARE, Evidence, SimEntry
from harness.pool.ledger_file import load_ledger
from harness.pool.state import SimState
from harness.report.acceptance_data import moment
from harness.report.diff import CaseChange, Comparison
from harness.report.html import NOTHING
from harness.report.privacy import Hide

LEDGER_NAME: Final = "ledger.json"
NOBODY: Final = "nobody named"
_US_PER_HOUR: Final = 3600 * US_PER_S
_COUNTED: Final = ("new", "flaky", "still")
_FIRST: Final = (
    SimState.THROTTLED,
    SimState.SUSPECTED,
    SimState.QUARANTINED,
    SimState.NEAR_CAP,
    SimState.ABSENT,
    SimState.UNKNOWN,
    SimState.HEALTHY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyLine:
    """What one party has to answer for this morning.

    Attributes:
        party: Its name, or `nobody named`.
        new: Failures that were not there before.
        flaky: Cases that passed and failed.
        still: Failures that were there before.
    """

    party: str
    new: int
    flaky: int
    still: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SimLine:
    """One SIM that needs somebody.

    Attributes:
        sim: The card, hidden.
        slot: Where it sits.
        carrier: Its carrier.
        state: What is known of it.
        since: Since when, as text.
        used: What it used of its quota.
        outlook: When it will be used up, or how slow it is.
        evidence: By what that is known.
    """

    sim: str
    slot: str
    carrier: str
    state: str
    since: str
    used: str
    outlook: str
    evidence: str


def parties(comparison: Comparison) -> tuple[PartyLine, ...]:
    """Return each of the five parties with what it has to answer for, and who nobody named.

    A failure of the bench is the bench's, whatever owner a result carries.
    """
    counts: dict[str, dict[str, int]] = {party.value: {} for party in Party}
    for case in comparison.cases:
        change = "new" if case.change == "infrastructure" else case.change
        if change in _COUNTED:
            line = counts.setdefault(_owner(case), {})
            line[change] = line.get(change, 0) + 1
    return tuple(
        PartyLine(
            party=party,
            new=line.get("new", 0),
            flaky=line.get("flaky", 0),
            still=line.get("still", 0),
        )
        for party, line in counts.items()
    )


def _owner(case: CaseChange) -> str:
    return Party.BENCH.value if case.change == "infrastructure" else case.owner or NOBODY


def headline(lines: Sequence[PartyLine]) -> str:
    """Return the one sentence that is read first."""
    new = [f"{line.party.replace('_', ' ')} {line.new}" for line in lines if line.new]
    if not new:
        return "nothing new failed"
    return f"{sum(line.new for line in lines)} new: {', '.join(new)}"


def sims(path: Path, now_us: int, hide: Hide) -> tuple[list[SimLine], dict[str, Any]]:
    """Return the SIMs that need somebody, and a few words on all of them.

    Args:
        path: The ledger, as `harness pool sims --out` writes it.
        now_us: What time it is, UTC in microseconds.
        hide: How identities are hidden.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = f"no SIM ledger: `harness pool sims --out {path}` writes one"
        return [], {"text": hint, "is_known": False}
    try:
        entries = load_ledger(text).entries
    except HarnessError as exc:
        return [], {"text": f"{path.name}: {exc}", "is_known": False}
    troubled = [e for e in entries if e.state is not SimState.HEALTHY or _runs_out_us(e, now_us)]
    troubled.sort(key=lambda e: (_FIRST.index(e.state), _runs_out_us(e, now_us) or 0, e.sim))
    healthy = sum(entry.state is SimState.HEALTHY for entry in entries)
    left = sum(entry.left_bytes for entry in entries)
    written_us = int(path.stat().st_mtime * US_PER_S)
    words = (
        f"{healthy} of {len(entries)} SIMs healthy, {format_size(left)} left on usable ones; "
        f"as of {moment(written_us)}"
    )
    return [_sim_line(entry, now_us, hide) for entry in troubled], {
        "text": words,
        "is_known": True,
    }


def sim_states(path: Path) -> dict[str, int] | None:
    """Return how many SIMs of a ledger are in which state; None without a ledger to read."""
    try:
        entries = load_ledger(path.read_text(encoding="utf-8")).entries
    except (FileNotFoundError, HarnessError):
        return None
    counts = {state.value: 0 for state in SimState}
    for entry in entries:
        counts[entry.state.value] += 1
    return counts


def _runs_out_us(entry: SimEntry, now_us: int) -> int | None:
    """Return when a usable SIM is used up if it goes on as since its reset; None: not before."""
    quota, reset = entry.contract.quota_bytes, entry.contract.reset
    if quota is None or reset is None or not entry.left_bytes or not entry.used_bytes:
        return None
    hour = now_us // _US_PER_HOUR
    began_us, ends_us = (reset.last(hour) * _US_PER_HOUR, reset.next(hour) * _US_PER_HOUR)
    elapsed_us = max(now_us - began_us, _US_PER_HOUR)  # an hour's use says nothing of a month's
    dry_us = now_us + round(entry.left_bytes / entry.used_bytes * elapsed_us)
    return dry_us if dry_us < ends_us else None


def _sim_line(entry: SimEntry, now_us: int, hide: Hide) -> SimLine:
    terms, evidence = entry.contract, entry.evidence
    quota = terms.quota_bytes
    share = "" if not quota else f" ({entry.used_bytes / quota:.0%})"
    return SimLine(
        sim=hide(entry.sim),
        slot=entry.slot,
        carrier=terms.carrier,
        state=entry.state.value.replace("_", " "),
        since=moment(entry.since_us) if entry.since_us else NOTHING,
        used=f"{format_size(entry.used_bytes)} of "
        + ("an unknown quota" if quota is None else format_size(quota))
        + share,
        outlook=_outlook(entry, now_us),
        evidence=NOTHING if evidence is None else _words_of(evidence),
    )


def _words_of(evidence: Evidence) -> str:
    event = evidence.event.value.replace("_", " ")
    return f"{event} ({evidence.source}) {evidence.note}".strip()


def _outlook(entry: SimEntry, now_us: int) -> str:
    if entry.state in {SimState.THROTTLED, SimState.SUSPECTED}:
        rate_bps = entry.contract.throttle_rate_bps
        slow = "slow" if rate_bps is None else f"slow: {format_rate(rate_bps)} by contract"
        return slow if entry.state is SimState.THROTTLED else f"perhaps {slow}"
    dry_us = _runs_out_us(entry, now_us)
    if dry_us is not None:
        return f"used up {moment(dry_us)} at this pace"
    if entry.contract.unknown_terms:
        return f"not counted on: {', '.join(entry.contract.unknown_terms)} not known"
    if entry.state is SimState.NEAR_CAP:
        return f"over {NEAR_CAP_SHARE:.0%} used"
    return NOTHING
