"""From what a watch has gathered to the facts that name the owner of a failure."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from harness.cloud.model import CoreEvent
from harness.core.clock import Deadline
from harness.core.errors import BenchError, CloudError
from harness.core.party import Party
from harness.procedure.phases import Phase
from harness.procedure.relay_facts import core_events, last_reject, relay_facts
from harness.procedure.watch import Watch
from harness.verdict.blame import Blame, Facts, blame
from harness.verdict.relay import relay_blame

_STEP_S: Final = 5.0
_TRY_S: Final = 2.0


def diagnose(phase: Phase, watch: Watch) -> Blame:
    """Return whose fault it is that a phase did not end."""
    facts = gather(phase, watch)
    if phase is Phase.P6_CARRIER_ATTACH and facts.bench_problem is None and not facts.port_lost:
        deadline = Deadline.after(_STEP_S, watch.clock)
        relay = relay_facts(watch, core_events(watch, deadline), deadline)
        return relay_blame(relay) or blame(facts)
    return blame(facts)


def gather(phase: Phase, watch: Watch) -> Facts:
    """Put together what is known, and look at what has not been looked at."""
    deadline = Deadline.after(_STEP_S, watch.clock)
    registration = watch.registration
    calls = watch.dut.server_seen_on_seed()
    carriers = core_events(watch, deadline)
    got, gave = _through_carrier(watch, deadline) if phase is Phase.P7_DATA_UP else (None, None)
    bearer = "seed" if phase < Phase.P6_CARRIER_ATTACH else "main"
    return Facts(
        phase=phase.short,
        bench_problem=watch.dut.bench_problem(),
        port_lost=watch.port_lost is not None or _left_usb_alive(watch),
        at_answers=watch.dut.connected and watch.at_problem is None,
        interface_present=watch.dut.interface_present(),
        registered_on=registration.plmn if registration and registration.registered else None,
        reject_cause=watch.reject_cause or last_reject(carriers, bearer),
        reject_from_card=_card_is_used_twice(watch, deadline),
        cloud_problem=Party(watch.cloud_problem.party) if watch.cloud_problem else None,
        router_asked_server=calls.connections > 0 if calls else None,
        server_answered=calls.left_waiting == 0 if calls else None,
        refused_because=_refused_because(watch),
        server_said=tuple(
            "suspended" if event.detail == "suspended" else event.kind for event in watch.events
        ),
        healthy_sims_left=_healthy_sims_left(watch, deadline),
        pdn_address=watch.pdn_address,
        pdn_asked=_pdn_asked(watch, carriers),
        lan_lease=watch.lan_lease,
        uplink_works=watch.dut.uplink_works(deadline) if phase is Phase.P7_DATA_UP else None,
        carrier_got=got,
        carrier_gave=gave,
    )


def _refused_because(watch: Watch) -> str | None:
    """Return why the router refused the last profile that it did, in its own word."""
    said = [str(event.detail) for event in watch.events if event.kind == "profile_refused"]
    return said[-1] if said else None


def _left_usb_alive(watch: Watch) -> bool:
    """Tell whether the router is gone from USB while the access server still hears it.

    A router that died is heard by nobody; one that is heard lost its cable, hub or port.
    """
    gone_ns = watch.dut.plug.gone_since_ns
    return gone_ns is not None and any(watch.happened_ns(e) > gone_ns for e in watch.events)


def _healthy_sims_left(watch: Watch, deadline: Deadline) -> int | None:
    """Count the SIMs that the server could give away; None when it does not say."""
    try:
        sims = watch.dut.cloud.sims(deadline)
    except CloudError:
        return None
    return sum(sim.state == "healthy" and sim.assigned_imei is None for sim in sims)


def _card_is_used_twice(watch: Watch, deadline: Deadline) -> bool | None:
    """Tell whether the chosen card stands in the bank more than once."""
    if watch.selected_iccid is None:
        return None
    try:
        sims = watch.dut.cloud.sims(deadline)
    except CloudError:
        return None
    return sum(sim.iccid == watch.selected_iccid for sim in sims) > 1


def _pdn_asked(watch: Watch, carriers: Sequence[CoreEvent]) -> bool | None:
    """Tell whether the carrier saw a PDN request; None where the lab has no core network."""
    if watch.dut.core is None:
        return None
    plmn = watch.selected_plmn
    return any(e.plmn == plmn and e.kind in {"pdn", "pdn_reject"} for e in carriers)


def _through_carrier(watch: Watch, deadline: Deadline) -> tuple[bool | None, bool | None]:
    """Try a first byte and tell which directions its carrier counts; None when it cannot tell."""
    dut = watch.dut
    if dut.core is None or not watch.lan_lease or watch.pdn_address is None:
        return None, None
    try:
        imsis = [s.imsi for s in dut.cloud.sims(deadline) if s.iccid == watch.selected_iccid]
        if not imsis:
            return None, None
        before = dut.core.subscriber(imsis[0], deadline)
        with contextlib.suppress(BenchError):
            dut.first_byte(Deadline.after(_TRY_S, watch.clock))
        after = dut.core.subscriber(imsis[0], Deadline.after(_STEP_S, watch.clock))
    except CloudError:
        return None, None
    return after.ul_bytes > before.ul_bytes, after.dl_bytes > before.dl_bytes
