"""THR: a SIM that its carrier throttles is seen, ascribed, replaced by another; a dip is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from harness.cloud.model import Sim
from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.core.units import BITS_PER_BYTE, format_rate
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.phases import Phase
from harness.procedure.steering import require_core
from harness.procedure.throttled import measure_downlink
from harness.record.rows import CaseInfo
from harness.userplane.traffic import TestServerClient, TrafficPlan
from harness.verdict.blame import Facts, blame
from harness.verdict.verdict import Verdict

SLOW_BPS: Final = 300_000
SEEN_LIMIT: Final = "carrier_throttle.seen_ratio"
REPLACED_LIMIT: Final = "carrier_throttle.replaced"
RECOVERED_LIMIT: Final = "carrier_throttle.recovered_ratio"
DIP_LIMIT: Final = "carrier_throttle.changes_by_dip"
_AFTER: Final = "carrier_throttle.goodput_after"
_DIP_S: Final = 3.0
_QUIET_S: Final = 12.0
_SEEN_S: Final = 3.0
_STEP_S: Final = 5.0
_PUMP_S: Final = 0.25
_LOOK_S: Final = 0.1
_SHOWN: Final = 4


@dataclass(slots=True, kw_only=True)
class _User:
    """A user who downloads while the access server's log is read.

    Attributes:
        run: The case that is being run.
        seen: Number of the last event of the access server that was read.
        total_bytes: Payload that the user got.
    """

    run: CaseRun
    seen: int
    total_bytes: int = 0

    def download(self, deadline: Deadline, *, until_given: bool) -> list[str]:
        """Download until the deadline; return the ICCIDs that the server gave meanwhile."""
        far_end, dut = self.run.dut.require_far_end(), self.run.dut
        client = TestServerClient(
            far_end.address,
            far_end.port,
            token=far_end.token,
            connect=dut.namespace.connected,
            clock=self.run.clock,
        )
        given: list[str] = []
        traffic = client.start(TrafficPlan(longest_s=deadline.left_s))
        with traffic:
            while not deadline.passed and not (given and until_given):
                look = Deadline.after(_PUMP_S, self.run.clock)
                while not look.passed and traffic.pump(look.left_s):
                    pass
                given += self.given()
        self.total_bytes += traffic.app_bytes
        return given

    def given(self) -> list[str]:
        """Return the ICCIDs that the access server gave this router since the last look."""
        step = Deadline.after(_STEP_S, self.run.clock)
        dut = self.run.dut
        events = dut.cloud.events(after=self.seen, imei=dut.router.imei, deadline=step)
        self.seen = max((self.seen, *(event.seq for event in events)))
        return [e.iccid for e in events if e.kind == "selected" and e.iccid is not None]


def run_replaced(run: CaseRun) -> None:
    """Throttle the SIM in use at its carrier, and follow its replacement by another.

    Raises:
        CaseFailedError: The router does not get up, or the SIM is not replaced.
        BenchError: The bench cannot switch or steer.
    """
    user, sim = _user_of(run)
    limit_s = run.limits[REPLACED_LIMIT].high or 0.0
    with _throttled(run, sim):
        since = Deadline.after(limit_s, run.clock)
        run.progress.started(REPLACED_LIMIT, limit_s)
        given = user.download(since.within(_SEEN_S), until_given=False)
        under_bps = user.total_bytes * BITS_PER_BYTE / _SEEN_S
        run.measured(SEEN_LIMIT, _ratio(SEEN_LIMIT, under_bps / SLOW_BPS), owner=Party.BENCH)
        if not given and not since.passed:
            given = user.download(since, until_given=True)
        _judge_replacement(run, sim, given)
        _await_data(run, given[0], since)
        took = Measurement(name=REPLACED_LIMIT, value=since.waited_s, unit="s", n=1)
        run.measured(REPLACED_LIMIT, took, owner=Party.ROUTER)
        _judge_ascription(run, sim)
        after = measure_downlink(run, run.dut.require_tap("bench-end"), _AFTER)
        ratio = None if after.wire_bps is None else after.wire_bps / SLOW_BPS
        run.measured(RECOVERED_LIMIT, _ratio(RECOVERED_LIMIT, ratio), owner=None)


def run_dip(run: CaseRun) -> None:
    """Throttle the SIM in use for a few seconds only; the router keeps it.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    user, sim = _user_of(run)
    with _throttled(run, sim):
        given = user.download(Deadline.after(_DIP_S, run.clock), until_given=False)
    end = Deadline.after(_QUIET_S, run.clock)
    while not end.passed:
        given += user.given()
        run.clock.sleep(min(_PUMP_S, end.left_s))
    changes = Measurement(name=DIP_LIMIT, value=float(len(given)), unit="1", n=1)
    run.measured(DIP_LIMIT, changes, owner=Party.ROUTER)


def _user_of(run: CaseRun) -> tuple[_User, Sim]:
    """Boot to data; return a user of the router and the SIM in use."""
    watch = boot(run)
    watch.write_sim_use()
    step = Deadline.after(_STEP_S, run.clock)
    sims = [sim for sim in run.dut.cloud.sims(step) if sim.iccid == watch.selected_iccid]
    if not sims:
        msg = f"{run.dut.name}: the access server does not list the SIM that it gave"
        raise BenchError(msg)
    return _User(run=run, seen=max(event.seq for event in watch.events)), sims[0]


@contextmanager
def _throttled(run: CaseRun, sim: Sim) -> Iterator[None]:
    """Hold a SIM to the slow rate at its carrier; then free it and count it as healthy again."""
    core = require_core(run)
    core.shape(sim.imsi, {"downlink_bps": SLOW_BPS}, Deadline.after(_STEP_S, run.clock))
    text = f"carrier {sim.carrier} holds *{sim.iccid[-_SHOWN:]} to {format_rate(SLOW_BPS)}"
    data = {"rate_bps": SLOW_BPS, "direction": "down"}
    run.result.event("injection", text, party=Party.BENCH, data=data)
    try:
        yield
    finally:
        step = Deadline.after(2 * _STEP_S, run.clock)
        core.shape(sim.imsi, {"downlink_bps": None}, step)
        run.dut.cloud.set_sim_state(sim.iccid, sim.state, "the bench is done", step)
        data = {"rate_bps": None, "direction": "down"}
        run.result.event("injection", "throttle removed", party=Party.BENCH, data=data)


def _judge_replacement(run: CaseRun, sim: Sim, given: list[str]) -> None:
    """Note that another SIM was given.

    Raises:
        CaseFailedError: None was, or the same.
    """
    replaced_by = given[0][-_SHOWN:] if given else None
    facts = Facts(
        phase="P8",
        bench_problem=run.dut.bench_problem(),
        slow_sim=sim.iccid[-_SHOWN:],
        replaced_by=replaced_by,
    )
    if not given or given[0] == sim.iccid:
        failure = run.fail("another SIM", blame(facts))
        raise failure
    run.step("another SIM", Verdict.PASS, f"*{facts.slow_sim} was replaced by *{replaced_by}")


def _judge_ascription(run: CaseRun, sim: Sim) -> None:
    """Note that the access server no longer counts the slow SIM as healthy."""
    sims = run.dut.cloud.sims(Deadline.after(_STEP_S, run.clock))
    state = next((other.state for other in sims if other.iccid == sim.iccid), "not listed")
    shown = f"*{sim.iccid[-_SHOWN:]} is listed as {state}"
    if state == "healthy":
        facts = Facts(phase="P8", slow_sim=sim.iccid[-_SHOWN:], chosen_state=state)
        run.fail("slow SIM", blame(facts))
    else:
        run.step("slow SIM", Verdict.PASS, shown)


def _await_data(run: CaseRun, iccid: str, deadline: Deadline) -> None:
    """Wait for a first byte through the new SIM, or for the deadline.

    The old SIM serves on until the new one is attached, so the carrier is asked who carries it.
    """
    step = Deadline.after(_STEP_S, run.clock)
    imsi = next(sim.imsi for sim in run.dut.cloud.sims(step) if sim.iccid == iccid)
    core = require_core(run)
    while not deadline.passed:
        run.clock.sleep(min(_LOOK_S, deadline.left_s))
        line = core.subscriber(imsi, Deadline.after(_STEP_S, run.clock))
        if line.attached_imei != run.dut.router.imei or line.address is None:
            continue
        try:
            run.dut.first_byte(deadline.within(1.0))
        except BenchError:
            continue
        return


def _ratio(name: str, value: float | None) -> Measurement:
    return Measurement(name=name, value=value, unit="1", n=1)


_BOOT_LIMITS: Final = frozenset(phase.limit_name for phase in Phase)

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-THR-001",
            version="1",
            title_en="A SIM throttled by its carrier is replaced by another, and the line recovers",
            title_ja="キャリア側で低速化された SIM が別の SIM に交換され、速度が回復する",
            requirements=("R12", "R14"),
        ),
        needs=frozenset({"power", "core", "far_end"}),
        limits=_BOOT_LIMITS | {SEEN_LIMIT, REPLACED_LIMIT, RECOVERED_LIMIT},
        estimated_s=20.0,
        estimated_bytes=5_000_000,
        run=run_replaced,
    ),
    Case(
        info=CaseInfo(
            id="CS-THR-002",
            version="1",
            title_en="A throttle of three seconds changes nothing",
            title_ja="3 秒間の速度低下では SIM を変更しない",
            requirements=("R14",),
        ),
        needs=frozenset({"power", "core", "far_end"}),
        limits=_BOOT_LIMITS | {DIP_LIMIT},
        estimated_s=20.0,
        estimated_bytes=1_000_000,
        run=run_dip,
    ),
)
