"""DRY, THR: no healthy SIM is left, or every SIM is slow; the router stays in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.contracted import all_slowed
from harness.procedure.phases import Phase
from harness.procedure.reassigned import states_kept
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, from_now_on, serve, step
from harness.procedure.steering import require_core
from harness.record.rows import CaseInfo
from harness.verdict.verdict import Verdict

ASKED_LIMIT: Final = "dry.requests"
ATTACH_LIMIT: Final = "dry.attaches"
RECOVERY_LIMIT: Final = "dry.recovery"
CHANGES_LIMIT: Final = "dry.changes_all_slow"
_DRY_S: Final = 10.0
_LEAVE_S: Final = 30.0
_ALL_SLOW_S: Final = 30.0


def run_dry(run: CaseRun) -> None:
    """Take every SIM out of the pool, that in use too; give them back after a while.

    Raises:
        CaseFailedError: The router does not get up, or goes on as if it had a SIM.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    with states_kept(run):
        sims = [s for s in run.dut.cloud.sims(step(run)) if s.state in {"healthy", "near_cap"}]
        with _quarantined(run, [sim.iccid for sim in sims]):
            since = Deadline.after(_LEAVE_S, run.clock)
            if user.await_server("no_sim", since) is None:
                held = _given_out(user)
                what = f"no SIM is left and {user.shown} was not asked back"
                failure = user.fail("dry pool", what, must_change=True, server_holds=held)
                raise failure
            run.step(
                "dry pool", Verdict.PASS, f"no SIM for the router after {since.waited_s:.1f} s"
            )
            _judge_storm(user)
            _judge_word(user)
        _judge_recovery(user)


def _judge_storm(user: Serving) -> None:
    """Count for a while how often the router asks for a SIM and how often it attaches."""
    run = user.run
    user.news()
    user.core_news()
    before = len(user.said("no_sim"))
    run.progress.started(ASKED_LIMIT, _DRY_S)
    run.clock.sleep(_DRY_S)
    user.news()
    asked = len(user.said("no_sim")) - before
    attaches = sum(event.kind == "attach_request" for event in user.core_news())
    for name, count in ((ASKED_LIMIT, asked), (ATTACH_LIMIT, attaches)):
        measured = Measurement(name=name, value=float(count), unit="1", n=1)
        run.measured(name, measured, owner=Party.ROUTER)


def _judge_word(user: Serving) -> None:
    """Note whether the router says that it has no cloud SIM: no word of service it has not."""
    run = user.run
    run.dut.driver.cloud_sim_reports()  # what was reported unasked is not the answer
    state = run.dut.driver.cloud_sim(step(run))
    serves = user.reaches()
    if state is None:
        run.step("its word", Verdict.INCONC, "the model has no word for its cloud SIM")
        return
    says_data = state.phase == Phase.P7_DATA_UP
    text = f"{state.card.name.lower()} card, P{state.phase}, user {'served' if serves else 'waits'}"
    if says_data != serves:
        user.fail("its word", text, shows="it says by AT what its user does not get")
    else:
        run.step("its word", Verdict.PASS, text)


def _judge_recovery(user: Serving) -> None:
    """Judge how long it takes from a pool that is full again to the first byte."""
    run = user.run
    since = Deadline.after(run.limits[RECOVERY_LIMIT].high or 0.0, run.clock)
    run.progress.started(RECOVERY_LIMIT, since.left_s)
    if not user.await_true(lambda: _gets_byte(user), since):
        given = bool(user.given())
        shows = "it was given a SIM and does not serve" if given else None
        what = f"no byte {since.waited_s:.0f} s after the pool was full again"
        raise user.fail(RECOVERY_LIMIT, what, shows=shows)
    took = Measurement(name=RECOVERY_LIMIT, value=since.waited_s, unit="s", n=1)
    run.measured(RECOVERY_LIMIT, took, owner=Party.ROUTER)


def _gets_byte(user: Serving) -> bool:
    """Tell whether the user gets an address and a byte."""
    return user.run.dut.lease_address(step(user.run)) and user.reaches()


def _given_out(user: Serving) -> str | None:
    """Say in words which quarantined SIM was given since; None when none was."""
    given = [event.iccid for event in user.said("selected") if event.iccid is not None]
    if not given:
        return None
    return f"*{given[-1][-SHOWN:]} as quarantined, and gave it"


@contextmanager
def _quarantined(run: CaseRun, iccids: list[str]) -> Iterator[None]:
    """Take SIMs out of the pool, and count them as healthy again after it."""
    cloud = run.dut.cloud
    try:
        for iccid in iccids:
            cloud.set_sim_state(iccid, "quarantined", "set by the bench", step(run))
        run.result.event("injection", f"{len(iccids)} SIMs are quarantined", party=Party.BENCH)
        yield
    finally:
        for iccid in iccids:
            cloud.set_sim_state(iccid, "healthy", "the bench is done", step(run))
        run.result.event("injection", f"{len(iccids)} SIMs are healthy", party=Party.BENCH)


def run_all_slow(run: CaseRun) -> None:
    """Slow every SIM at its carrier while the user downloads; the router does not thrash.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    core = require_core(run)
    sims = [
        sim
        for sim in run.dut.cloud.sims(step(run))
        if core.subscriber(sim.imsi, step(run)).downlink_bps is None
    ]
    with states_kept(run), all_slowed(run, sims):
        given = user.download(Deadline.after(_ALL_SLOW_S, run.clock), until_given=False)
        changes = Measurement(name=CHANGES_LIMIT, value=float(len(given)), unit="1", n=1)
        run.measured(CHANGES_LIMIT, changes, owner=Party.ROUTER)
    user.await_true(user.reaches, Deadline.after(_LEAVE_S, run.clock))


def run_boot_dry(run: CaseRun) -> None:
    """Boot the router while no SIM is left; it waits in order, and serves once there is one.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    with states_kept(run):
        sims = [s for s in run.dut.cloud.sims(step(run)) if s.state in {"healthy", "near_cap"}]
        with _quarantined(run, [sim.iccid for sim in sims]):
            boot(run, last=Phase.P2_LOCATION)
            user = from_now_on(run, sims[0])
            _judge_storm(user)
        _judge_recovery(user)


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG, MARK})
_OWNER_RULE: Final = "the router: what it asks and says; the access server: what it gave or told"

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-DRY-001",
            version="1",
            title_en="Without any SIM left a router waits in order, and serves once there is one",
            title_ja="SIM が枯渇した状態の起動で要求を乱発せず、補充後に接続する",
            requirements=("R15",),
        ),
        needs=_NEEDS,
        injected="every SIM quarantined at power-on, and given back",
        owner_rule=_OWNER_RULE,
        limits=BOOT_LIMITS | {ASKED_LIMIT, ATTACH_LIMIT, RECOVERY_LIMIT},
        estimated_s=30.0,
        estimated_bytes=40_000,
        exclusive=True,
        run=run_boot_dry,
    ),
    Case(
        info=CaseInfo(
            id="CS-DRY-002",
            version="1",
            title_en="The last healthy SIM goes: no storm, a clear state, and service after refill",
            title_ja="最後の正常な SIM が無くなっても秩序を保ち、補充後に復旧する",
            requirements=("R15", "R27"),
        ),
        needs=_NEEDS,
        injected="every SIM quarantined, that in use too, and given back",
        owner_rule=_OWNER_RULE,
        limits=BOOT_LIMITS | {ASKED_LIMIT, ATTACH_LIMIT, RECOVERY_LIMIT},
        estimated_s=40.0,
        estimated_bytes=60_000,
        exclusive=True,
        run=run_dry,
    ),
    Case(
        info=CaseInfo(
            id="CS-THR-004",
            version="1",
            title_en="When every SIM is slow the router does not change again and again",
            title_ja="全 SIM が低速でも SIM の交換を繰り返さない",
            requirements=("R14",),
        ),
        needs=_NEEDS | {STEER},
        injected="300 kbit/s at the carriers, on every SIM",
        owner_rule="the router: it asked for the changes",
        limits=BOOT_LIMITS | {CHANGES_LIMIT},
        estimated_s=45.0,
        estimated_bytes=1_500_000,
        exclusive=True,
        run=run_all_slow,
    ),
)
