"""What a case changes in the lab's own network and at the access server, and puts back after it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from harness.cloud.core_network import CoreNetwork
from harness.cloud.model import Sim, SimState
from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.procedure.case import CaseRun

_STEP_S: Final = 5.0
_SHOWN: Final = 4


def require_core(run: CaseRun) -> CoreNetwork:
    """Return the lab's core network.

    Raises:
        BenchError: This bench has none.
    """
    if run.dut.core is None:
        msg = f"{run.dut.name}: this bench has no core network of its own to steer"
        raise BenchError(msg)
    return run.dut.core


def carriers_of(sims: list[Sim]) -> dict[str, str]:
    """Return the carriers of a SIM bank: names by PLMN code."""
    return {sim.plmn: sim.carrier for sim in sorted(sims, key=lambda sim: sim.plmn)}


@contextmanager
def standing_at(run: CaseRun, plmn: str) -> Iterator[None]:
    """Let the router stand where a carrier's cell is the strongest, and put it back."""
    core, imei = require_core(run), run.dut.router.imei
    before = core.place_of(imei, _step(run))
    core.place(imei, {"mcc": plmn[:3], "mnc": plmn[3:]}, _step(run))
    _note(run, f"the router stands where {plmn} is the strongest")
    try:
        yield
    finally:
        core.place(imei, {"mcc": before.mcc, "mnc": before.mnc}, _step(run))


@contextmanager
def carrier_under(
    run: CaseRun, plmn: str, settings: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[None]:
    """Change a carrier for a while.

    Args:
        run: The case that is being run.
        plmn: The carrier.
        settings: What is changed.
        after: What is set when it is over.
    """
    core = require_core(run)
    core.set_carrier(plmn, settings, _step(run))
    _note(run, f"carrier {plmn}: {_words(settings)}")
    try:
        yield
    finally:
        core.set_carrier(plmn, after, _step(run))
        _note(run, f"carrier {plmn}: {_words(after)}")


@contextmanager
def line_under(
    run: CaseRun, imsi: str, settings: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[None]:
    """Change a subscriber at its carrier for a while.

    Args:
        run: The case that is being run.
        imsi: The subscriber.
        settings: What is changed.
        after: What is set when it is over.
    """
    core = require_core(run)
    core.shape(imsi, settings, _step(run))
    _note(run, f"subscriber *{imsi[-_SHOWN:]}: {_words(settings)}")
    try:
        yield
    finally:
        core.shape(imsi, after, _step(run))
        _note(run, f"subscriber *{imsi[-_SHOWN:]}: {_words(after)}")


@contextmanager
def covered_by(run: CaseRun, plmns: Collection[str]) -> Iterator[None]:
    """Let a router receive these networks only, and give it its coverage back."""
    core, imei = require_core(run), run.dut.router.imei
    before = core.place_of(imei, _step(run))
    core.place(imei, {"covered": [plmn for plmn in before.covered if plmn in plmns]}, _step(run))
    _note(run, f"coverage of {', '.join(sorted(plmns)) or 'nothing'} only")
    try:
        yield
    finally:
        core.place(imei, {"covered": list(before.covered)}, _step(run))
        _note(run, f"coverage of {', '.join(before.covered)} again")


@contextmanager
def server_spoilt(
    run: CaseRun, fault: Mapping[str, Any], *, shared: bool = False
) -> Iterator[None]:
    """Let the access server's device side go wrong for a while.

    Args:
        run: The case that is being run.
        fault: The order, as `CloudAdapter.spoil` takes it.
        shared: It concerns every router, not this one alone.
    """
    whose = {} if shared else {"imei": run.dut.router.imei}
    run.dut.cloud.spoil({**fault, **whose}, _step(run))
    _note(run, f"access server: {_words(fault)}")
    try:
        yield
    finally:
        run.dut.cloud.spoil(whose, _step(run))
        _note(run, "access server: well again")


@contextmanager
def names_gone(run: CaseRun) -> Iterator[None]:
    """Let the name server of all networks be silent for a while."""
    core = require_core(run)
    core.set_name_server({"silent": True}, _step(run))
    _note(run, "the name server is silent")
    try:
        yield
    finally:
        core.set_name_server({"silent": False}, _step(run))
        _note(run, "the name server answers again")


def given_sim(run: CaseRun) -> Sim | None:
    """Return the SIM that the access server lists as this router's; None when it has none."""
    imei = run.dut.router.imei
    return next((s for s in run.dut.cloud.sims(_step(run)) if s.assigned_imei == imei), None)


def seed_imsi(run: CaseRun) -> str:
    """Return the subscriber of the router's seed SIM, as its network saw it attach last.

    Raises:
        BenchError: The network's log does not show it.
    """
    events = require_core(run).events(after=0, deadline=_step(run))
    for event in reversed(events):
        is_ours = event.imei == run.dut.router.imei and event.bearer == "seed"
        if is_ours and event.kind == "attach_request" and event.imsi:
            return event.imsi
    msg = f"{run.dut.name}: the core network's log shows no attach of its seed SIM"
    raise BenchError(msg)


@contextmanager
def marked(run: CaseRun, sims: list[Sim], state: SimState) -> Iterator[None]:
    """Mark SIMs at the access server, and give each its state back."""
    cloud = run.dut.cloud
    for sim in sims:
        cloud.set_sim_state(sim.iccid, state, "set by the bench", _step(run))
    _note(run, f"{len(sims)} SIMs are {state}")
    try:
        yield
    finally:
        for sim in sims:
            cloud.set_sim_state(sim.iccid, sim.state, "the bench is done", _step(run))


def _step(run: CaseRun) -> Deadline:
    return Deadline.after(_STEP_S, run.clock)


def _words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def _note(run: CaseRun, text: str) -> None:
    run.result.event("injection", text, party=Party.BENCH)
