"""What a case changes in the lab's own network and at the access server, and puts back after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from harness.cloud.core_network import CoreNetwork
from harness.cloud.model import Sim, SimState
from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.procedure.case import CaseRun

_STEP_S: Final = 5.0


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
