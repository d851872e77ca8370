"""The SIM ledger: what is known of each SIM, by which evidence, and how old that is.

It is fed with evidence from the access server's lab API, from our own throttle verdicts and
from taps; it never asks anybody itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.core.errors import UsageError
from harness.core.units import US_PER_S
from harness.pool.contract import Contract
from harness.pool.state import SimEvent, SimState, after

NEAR_CAP_SHARE: Final = 0.9
USABLE: Final = frozenset({SimState.HEALTHY, SimState.NEAR_CAP})
_ACCEPTED_SHARE: Final = 0.99
_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing learned of one SIM.

    Attributes:
        sim: Which SIM (ICCID or the bank's own number).
        event: What was learned.
        at_us: When, in microseconds since 1970-01-01T00:00Z.
        source: Who says so, such as ``verdict``, ``tap`` or ``access server``.
        note: The numbers behind it, as text.
    """

    sim: str
    event: SimEvent
    at_us: int
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimEntry:
    """One SIM in the ledger.

    Attributes:
        sim: Which SIM.
        contract: Its terms.
        slot: Where it sits, as ``bank/slot``.
        state: What is known of it.
        since_us: When it came into that state, in microseconds since 1970.
        evidence: What was learned last; None before the first.
        used_bytes: Counted since its last reset.
    """

    sim: str
    contract: Contract
    slot: str
    state: SimState = SimState.UNKNOWN
    since_us: int = 0
    evidence: Evidence | None = None
    used_bytes: int = 0

    @property
    def left_bytes(self) -> int:
        """What may still be counted on: 0 unless usable, with all terms known."""
        quota = self.contract.quota_bytes
        if self.state not in USABLE or quota is None or self.contract.unknown_terms:
            return 0
        return max(0, quota - self.used_bytes)

    def age_s(self, now_us: int) -> float | None:
        """Seconds since the last evidence; None without any."""
        return None if self.evidence is None else (now_us - self.evidence.at_us) / US_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state, kept for the record."""

    before: SimState
    entry: SimEntry


class Ledger:
    """All SIMs of a pool.

    Attributes:
        transitions: Every change of state, in the order in which it was learned.
    """

    def __init__(self, entries: Iterable[SimEntry]) -> None:
        self._entries: dict[str, SimEntry] = {}
        self.transitions: list[Transition] = []
        for entry in entries:
            twin = self._entries.get(entry.sim)
            if twin is not None:
                msg = f"SIM {entry.sim} is in {twin.slot} and in {entry.slot}; pull one of them"
                raise UsageError(msg)
            self._entries[entry.sim] = entry

    def __len__(self) -> int:
        """Return the number of SIMs."""
        return len(self._entries)

    @property
    def entries(self) -> Sequence[SimEntry]:
        """Every SIM, by name."""
        return [self._entries[sim] for sim in sorted(self._entries)]

    def entry(self, sim: str) -> SimEntry:
        """Return what is known of `sim`.

        Raises:
            UsageError: The ledger has no such SIM.
        """
        entry = self._entries.get(sim)
        if entry is None:
            msg = f"SIM {sim!r} is not in the ledger; it has {len(self._entries)} others"
            raise UsageError(msg)
        return entry

    def learn(self, evidence: Evidence) -> SimEntry:
        """Take in one piece of evidence and return the SIM as it is now.

        A contract with unknown terms keeps a SIM from being healthy, whatever was measured.

        Raises:
            UsageError: The SIM is not in the ledger, the evidence is older than what is known,
                or the state allows no such event.
        """
        entry = self.entry(evidence.sim)
        if entry.evidence is not None and evidence.at_us < entry.evidence.at_us:
            late_s = (entry.evidence.at_us - evidence.at_us) / US_PER_S
            msg = f"SIM {evidence.sim}: {evidence.event} is {late_s:.1f} s older than the last one"
            raise UsageError(msg)
        state = after(entry.state, evidence.event)
        if state in USABLE and entry.contract.unknown_terms:
            state = SimState.UNKNOWN
        return self._put(entry, state, evidence)

    def _put(self, entry: SimEntry, state: SimState, evidence: Evidence) -> SimEntry:
        used_bytes = 0 if evidence.event is SimEvent.RESET_DUE else entry.used_bytes
        since_us = entry.since_us if state is entry.state else evidence.at_us
        new = replace(
            entry, state=state, since_us=since_us, evidence=evidence, used_bytes=used_bytes
        )
        self._entries[entry.sim] = new
        if state is not entry.state:
            self.transitions.append(Transition(before=entry.state, entry=new))
        return new

    def count(self, sim: str, used_bytes: int, *, at_us: int, source: str) -> SimEntry:
        """Add what a SIM has carried and draw the conclusion from its quota.

        Args:
            sim: Which SIM.
            used_bytes: What it carried since the last call.
            at_us: When the count ends, in microseconds since 1970.
            source: Who counted.

        Raises:
            UsageError: As `learn`, or the count is negative.
        """
        entry = self.entry(sim)
        if used_bytes < 0:
            msg = f"SIM {sim}: {used_bytes} bytes; a count is never negative, was a counter reset?"
            raise UsageError(msg)
        entry = replace(entry, used_bytes=entry.used_bytes + used_bytes)
        self._entries[sim] = entry
        quota = entry.contract.quota_bytes
        if quota is None or entry.used_bytes < NEAR_CAP_SHARE * quota:
            return entry
        event = SimEvent.CAP_PASSED if entry.used_bytes >= quota else SimEvent.CAP_NEAR
        note = f"{entry.used_bytes} of {quota} bytes"
        return self.learn(Evidence(sim=sim, event=event, at_us=at_us, source=source, note=note))

    def expire(self, now_us: int, *, max_age_s: float) -> Sequence[SimEntry]:
        """Make every SIM unknown whose evidence is older than `max_age_s`; return those."""
        old = [
            entry
            for entry in self.entries
            if entry.evidence is not None
            and (entry.age_s(now_us) or 0) > max_age_s
            and after(entry.state, SimEvent.EVIDENCE_EXPIRED) is not entry.state
        ]
        note = f"older than {max_age_s:.0f} s"
        return [
            self.learn(
                Evidence(
                    sim=entry.sim,
                    event=SimEvent.EVIDENCE_EXPIRED,
                    at_us=now_us,
                    source="ledger",
                    note=note,
                )
            )
            for entry in old
        ]

    def counts(self) -> Mapping[str, Mapping[SimState, int]]:
        """Number of SIMs by carrier and state; every state is named, also with 0."""
        found = Counter((entry.contract.carrier, entry.state) for entry in self._entries.values())
        carriers = sorted({carrier for carrier, _ in found})
        return {c: {state: found[c, state] for state in SimState} for c in carriers}

    def left_bytes(self) -> Mapping[str, int]:
        """What may still be counted on, by carrier, in bytes."""
        left: Counter[str] = Counter()
        for entry in self._entries.values():
            left[entry.contract.carrier] += entry.left_bytes
        return dict(sorted(left.items()))

    def not_counted(self) -> Mapping[str, Sequence[str]]:
        """SIMs whose contract leaves a term open, with the terms: they are in no total."""
        return {e.sim: e.contract.unknown_terms for e in self.entries if e.contract.unknown_terms}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Whether "recovered" may be written down (requirements.md R29).

    Attributes:
        measured: Lines that were measured, chosen by chance.
        slow: How many of them were slow.
        healthy_share_low: The share of healthy lines that the sample proves, at 95 %.
        accepted: Whether that is 99 % or more.
    """

    measured: int
    slow: int
    healthy_share_low: float
    accepted: bool

    @property
    def text(self) -> str:
        """One line for a person."""
        word = "accepted" if self.accepted else "refused"
        return (
            f"recovery {word}: {self.slow} slow of {self.measured} measured lines prove "
            f"{100 * self.healthy_share_low:.2f} % healthy at 95 %, needs 99 %"
        )


def judge_recovery(measured: int, slow: int) -> Recovery:
    """Judge a sample by the exact one-sided binomial bound (Clopper and Pearson, 1934).

    Raises:
        UsageError: There are more slow lines than measured ones, or a number is negative.
    """
    if not 0 <= slow <= measured:
        msg = f"{slow} slow of {measured} measured lines: expected 0 <= slow <= measured"
        raise UsageError(msg)
    share = _healthy_share_low(measured, slow)
    return Recovery(
        measured=measured,
        slow=slow,
        healthy_share_low=share,
        accepted=share >= _ACCEPTED_SHARE,
    )


def _at_most(slow: int, measured: int, share_slow: float) -> float:
    """Probability of at most `slow` slow lines when `share_slow` of all are."""
    if share_slow <= 0.0 or slow == measured:
        return 1.0
    log_p, log_q = math.log(share_slow), math.log1p(-share_slow)
    return sum(
        math.exp(
            math.lgamma(measured + 1)
            - math.lgamma(k + 1)
            - math.lgamma(measured - k + 1)
            + k * log_p
            + (measured - k) * log_q
        )
        for k in range(slow + 1)
    )


def _healthy_share_low(measured: int, slow: int) -> float:
    if slow == measured:
        return 0.0
    low, high = 0.0, 1.0 - 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(slow, measured, middle) > 1 - _CONFIDENCE:
            low = middle
        else:
            high = middle
    return 1.0 - high
