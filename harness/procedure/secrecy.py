"""DL: whoever reads a log learns no subscriber from it."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import FAULTS, LOG
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.phases import Phase
from harness.procedure.steering import server_spoilt
from harness.record.rows import CaseInfo

ROUTER_LIMIT: Final = "secrecy.router_log"
SERVER_LIMIT: Final = "secrecy.server_log"
_STEP_S: Final = 5.0
_WAIT_S: Final = 12.0
_POLL_S: Final = 0.2


def run_logs(run: CaseRun) -> None:
    """Give the router something to log while it is in use, and read what was logged.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch.
    """
    seen = len(_router_lines(run))
    watch = boot(run)
    with server_spoilt(run, {"path": "/v1/heartbeat", "status": 500}):
        deadline = Deadline.after(_WAIT_S, run.clock)
        while len(_router_lines(run)) == seen and not deadline.passed:
            run.clock.sleep(_POLL_S)
    step = Deadline.after(_STEP_S, run.clock)
    sims = run.dut.cloud.sims(step)
    own = {event.iccid for event in watch.events if event.kind == "selected"}
    said = _router_lines(run)[seen:]  # of all routers of the bench: a SIM tells whose a line is
    own_imsis = [sim.imsi for sim in sims if sim.iccid in own]
    _judge(run, ROUTER_LIMIT, said, own_imsis, Party.ROUTER)
    log = run.dut.cloud.log(step)
    all_imsis = [sim.imsi for sim in sims]
    _judge(run, SERVER_LIMIT, (log or "").splitlines(), all_imsis, Party.ACCESS_SERVER)


def _judge(run: CaseRun, limit_name: str, lines: list[str], imsis: list[str], owner: Party) -> None:
    """Judge how many lines of a log show a whole IMSI; a log without a line says nothing."""
    count = sum(any(imsi in line for imsi in imsis) for line in lines)
    value = float(count) if lines else None
    shown = Measurement(name=limit_name, value=value, unit="1", n=len(lines))
    run.measured(limit_name, shown, owner=owner)


def _router_lines(run: CaseRun) -> list[str]:
    return [text for party, text in list(run.dut.lab_log or ()) if party == Party.ROUTER.value]


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-DL-009",
            version="1",
            title_en="No log of router or access server shows an IMSI",
            title_ja="端末とアクセスサーバーのログに IMSI が現れない",
            requirements=("R04", "R05"),
        ),
        needs=frozenset({"power", "far_end", "log.router", FAULTS, LOG}),
        injected="the access server answers heartbeats with 500, which the router may log",
        owner_rule="whose log it is",
        limits=frozenset(phase.limit_name for phase in Phase) | {ROUTER_LIMIT, SERVER_LIMIT},
        estimated_s=8.0,
        estimated_bytes=20_000,
        run=run_logs,
    ),
)
