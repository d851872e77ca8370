"""Reads the logs on both sides of the authentication relay: carrier's, access server's, tap's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.cloud.model import CoreEvent, ServerEvent, Sim
from harness.core.clock import Deadline
from harness.core.errors import BenchError, CloudError
from harness.procedure.watch import Watch
from harness.verdict.relay import Relay

_US_PER_S: Final = 1_000_000
_MAIN: Final = "main"


def core_events(watch: Watch, deadline: Deadline) -> list[CoreEvent]:
    """Return what the carriers say of the router since power-on; nothing without a core network."""
    core = watch.dut.core
    if core is None:
        return []
    try:
        events = core.events(after=watch.dut.core_events_before, deadline=deadline)
    except (CloudError, BenchError):
        return []
    return [event for event in events if event.imei == watch.dut.router.imei]


def last_reject(events: Sequence[CoreEvent], bearer: str) -> int | None:
    """Return the EMM cause of the last reject on one of the modem's stacks."""
    causes = [e.cause for e in events if e.kind == "reject" and e.bearer == bearer]
    return causes[-1] if causes else None


def relay_facts(watch: Watch, events: Sequence[CoreEvent], deadline: Deadline) -> Relay:
    """Put both sides of the relay together."""
    try:
        sims = list(watch.dut.cloud.sims(deadline))
    except CloudError:
        return Relay()
    bank = {sim.imsi for sim in sims}
    attached_as = [e.imsi for e in events if e.kind == "attach_request" and e.bearer == _MAIN]
    used = {imsi for imsi in attached_as if imsi in bank}
    said = [event for event in watch.events if event.kind.startswith("auth_")]
    calls = watch.dut.server_seen_on_seed()
    held = [e.held_as_offered for e in watch.events if e.held_as_offered is not None]
    took_s = [event.bank_s for event in said if event.bank_s is not None]
    return Relay(
        asked=bool(used),
        outcomes=tuple(e.outcome for e in events if e.kind == "auth" and e.outcome),
        bank_said=tuple(event.kind for event in said),
        card_absent=any("card_absent" in str(event.detail) for event in said),
        other_card=bool(used - _given(watch.events, sims)),
        held_as_offered=held[-1] if held else None,
        res_agrees=_res_agrees(events, said),
        carrier_waited_s=_waited_s(events),
        bank_took_s=max(took_s) if took_s else None,
        not_accepted=_not_accepted(events, bank),
        server_answered=calls.left_waiting == 0 if calls else None,
    )


def _given(events: Sequence[ServerEvent], sims: Sequence[Sim]) -> set[str]:
    """Return the subscribers of the cards that the router was given since power-on."""
    iccids = {event.iccid for event in events if event.kind == "selected"}
    return {sim.imsi for sim in sims if sim.iccid in iccids}


def _res_agrees(events: Sequence[CoreEvent], said: Sequence[ServerEvent]) -> bool | None:
    """Tell whether a response that the carrier refused is one that the bank gave."""
    wrong = [e.res_digest for e in events if e.outcome == "wrong response" and e.res_digest]
    given = {event.res_digest for event in said if event.res_digest}
    # The first, for the answer to the newest may not have been read yet.
    return wrong[0] in given if wrong and given else None


def _waited_s(events: Sequence[CoreEvent]) -> float | None:
    """Return how long the carrier waited before it last gave an authentication up."""
    start_us, waited_s = None, None
    for event in events:
        if event.kind == "attach_request" and event.bearer == _MAIN:
            start_us = event.utc_us
        if event.outcome == "timeout" and start_us is not None:
            waited_s = (event.utc_us - start_us) / _US_PER_S
    return waited_s


def _not_accepted(events: Sequence[CoreEvent], bank: set[str]) -> bool:
    """Tell whether the last thing of the bank's cards is an answer that the carrier found right."""
    kinds = {"attach_request", "auth", "attach", "reject"}
    steps = [event for event in events if event.imsi in bank and event.kind in kinds]
    return bool(steps) and steps[-1].outcome == "ok"
