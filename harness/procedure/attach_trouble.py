"""ATT: late and out-of-step authentication, lost coverage, a silent carrier, attach on attach."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import FAULTS, LOG, MARK
from harness.core.clock import Deadline
from harness.core.errors import RouterError
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.attach_rejects import lose_coverage
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.distribution import judge_times
from harness.procedure.reassigned import states_kept
from harness.procedure.relay_facts import core_events, relay_facts
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, serve, step
from harness.procedure.steering import carrier_under, covered_by, line_under, server_spoilt
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame
from harness.verdict.relay import relay_blame
from harness.verdict.verdict import Verdict

EARLY_LIMIT: Final = "attach.early_claims"
RESYNC_LIMIT: Final = "attach.resyncs"
REATTACH_LIMIT: Final = "attach.reattach"
COVERAGE_LIMIT: Final = "attach.coverage"
OTHER_LIMIT: Final = "attach.other_carrier"
DETACHED_LIMIT: Final = "attach.still_attached"
TURNS: Final = 10
_LATE_S: Final = 1.0
"""Later than one T3460, and well before the fifth."""
_BACK: Final = -24
"""What the carrier's SQN is put back by: the card has seen what comes then (TS 33.102 C.2)."""
_DARK_S: Final = 2.0
_USED_BYTES: Final = 100_000
"""Losing a SIM that was in use is another thing than losing one that never was."""
_STEP_S: Final = 5.0
_ATTACH_S: Final = 60.0
_LOOK_S: Final = 0.1
_LOOK_AFTER_S: Final = 1.0


def run_late(run: CaseRun) -> None:
    """Answer the card's first challenge so late that the carrier asks again: it still attaches.

    Raises:
        CaseFailedError: It does not attach; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    with server_spoilt(run, {"path": "/v1/auth", "delay_s": _LATE_S, "times": 1}):
        watch = boot(run)
    outcomes = _outcomes(run, watch)
    text = f"the first answer was {_LATE_S} s late; the carrier notes {', '.join(outcomes)}"
    run.step("late answer", Verdict.PASS if "ok" in outcomes else Verdict.INCONC, text)
    early = None if watch.claimed_early is None else float(watch.claimed_early)
    claims = Measurement(name=EARLY_LIMIT, value=early, unit="1", n=1)
    run.measured(EARLY_LIMIT, claims, owner=Party.ROUTER)


def run_resync(run: CaseRun) -> None:
    """Put the carrier's SQN back: one resynchronisation, and the card attaches.

    Raises:
        CaseFailedError: It does not attach; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    run.dut.power_off(Deadline.after(2 * _STEP_S, run.clock))
    with line_under(run, user.sim.imsi, {"sqn_jump": _BACK}, {"sqn_jump": 0}):
        watch = boot(run, keep_store=True)
    if watch.selected_iccid != user.sim.iccid:
        cause = "another SIM was given than the one whose SQN was put back, and no log says why"
        relay = relay_facts(watch, core_events(watch, step(run)), step(run))
        whose = relay_blame(relay) or Blame(owner=None, cause=cause)
        failure = run.fail("resynchronisation", whose)
        raise failure
    outcomes = _outcomes(run, watch)
    count = Measurement(
        name=RESYNC_LIMIT, value=float(outcomes.count("resync")), unit="1", n=len(outcomes)
    )
    run.measured(RESYNC_LIMIT, count, owner=None)


def run_coverage(run: CaseRun) -> None:
    """Take away the carrier's coverage, then all coverage: data are back soon after it is.

    Raises:
        CaseFailedError: They do not come back; the owner is noted.
        BenchError: The bench cannot steer.
    """
    user = serve(run)
    with states_kept(run):
        user.move(_USED_BYTES, Deadline.after(_ATTACH_S, run.clock))
        run.clock.sleep(_DARK_S)
        user.core_news()
        lose_coverage(user)
        _come_back(user, "coverage of its carrier")
        with covered_by(run, ()):
            run.clock.sleep(_DARK_S)
        _come_back(user, "all coverage")


def run_outage(run: CaseRun) -> None:
    """Let the carrier in use fall silent: a SIM of another carrier takes over.

    Raises:
        CaseFailedError: None does in time; the owner is noted.
        BenchError: The bench cannot steer.
    """
    user = serve(run)
    silent = user.sim.plmn
    limit_s = run.limits[OTHER_LIMIT].high or 0.0
    user.log.clear()
    with states_kept(run), carrier_under(run, silent, {"outage": True}, {"outage": False}):
        since = Deadline.after(limit_s, run.clock)
        given = _await_carrier(user, silent, since)
        if given is None:
            failure = run.fail("another carrier", _who_keeps(user, silent, since))
            raise failure
        silents = {s.iccid for s in run.dut.cloud.sims(step(run)) if s.plmn == silent}
        if not user.await_given(given, since, but=silents):
            what = f"no byte through *{given[-SHOWN:]} {since.waited_s:.1f} s into the outage"
            failure = user.fail("another carrier", what)
            raise failure
    took = Measurement(name=OTHER_LIMIT, value=since.waited_s, unit="s", n=1)
    run.measured(OTHER_LIMIT, took, owner=None)


def run_turns(run: CaseRun) -> None:
    """Detach and attach again and again by order; judge the times as a distribution.

    Raises:
        CaseFailedError: It does not attach; the owner is noted.
        BenchError: The port is gone.
    """
    user = serve(run)
    took_s: list[float] = []
    kept = 0
    for number in range(1, TURNS + 1):
        run.dut.driver.set_attached(Deadline.after(_ATTACH_S, run.clock), attached=False)
        gone = user.await_true(
            lambda: user.line().attached_imei != run.dut.router.imei,
            Deadline.after(_STEP_S, run.clock),
        )
        kept += not gone
        took_s.append(_attach(user, number))
    judge_times(run, REATTACH_LIMIT, took_s, owner=None)
    count = Measurement(name=DETACHED_LIMIT, value=float(kept), unit="1", n=TURNS)
    run.measured(DETACHED_LIMIT, count, owner=Party.ROUTER)


def _attach(user: Serving, number: int) -> float:
    """Order the router to attach; return the seconds until its carrier has it.

    Raises:
        CaseFailedError: It does not attach; the owner is noted.
    """
    run = user.run
    user.core_news()
    start_ns = run.clock.monotonic_ns()
    try:
        run.dut.driver.set_attached(Deadline.after(_ATTACH_S, run.clock), attached=True)
    except RouterError as exc:
        kinds = [e.kind for e in user.core_news() if e.imsi == user.sim.imsi]
        if "attach_request" not in kinds:
            owner, why = Party.ROUTER, "its carrier's log shows no attempt"
        elif "reject" in kinds:
            owner, why = Party.CARRIER, "its carrier rejected it"
        else:
            owner, why = None, "its carrier saw the attempt and neither accepted nor rejected it"
        failure = run.fail(f"attach {number}", Blame(owner=owner, cause=f"{exc}; {why}"))
        raise failure from exc
    end_ns = run.clock.monotonic_ns()
    if not user.await_data(user.sim.iccid, Deadline.after(_ATTACH_S, run.clock)):
        what = f"attach {number}: the router says that it is attached, and no byte gets through"
        failure = user.fail(f"attach {number}", what)
        raise failure
    return (end_ns - start_ns) / NS_PER_S


def _come_back(user: Serving, name: str) -> None:
    """Judge how long it takes from now to the first byte, by whatever SIM.

    Raises:
        CaseFailedError: It does not come; the owner is noted.
    """
    run = user.run
    user.log.clear()
    user.core_news()
    limit_s = run.limits[COVERAGE_LIMIT].high or 0.0
    run.progress.started(f"{name} is back", limit_s)
    since = Deadline.after(limit_s, run.clock)
    asked, iccid = False, user.sim.iccid
    while not since.passed:
        iccid = (user.given() or [iccid])[-1]
        asked = asked or any(e.kind == "attach_request" for e in user.core_news())
        if user.await_data(iccid, since.within(_LOOK_AFTER_S)) and _is_registered(user):
            took = Measurement(name=COVERAGE_LIMIT, value=since.waited_s, unit="s", n=1)
            run.measured(COVERAGE_LIMIT, took, owner=Party.ROUTER, step=f"{name} is back")
            return
    registered = _is_registered(user)
    lacks = "no byte" if registered else "not registered by AT"
    what = f"{lacks} {since.waited_s:.1f} s after {name} came back"
    shows = None if asked else "its carriers' logs show no attempt to attach"
    raise user.fail(name, what, shows=shows)


def _is_registered(user: Serving) -> bool:
    """Tell whether the router says that it is registered."""
    return user.run.dut.driver.registration(step(user.run)).registered


def _await_carrier(user: Serving, silent: str, since: Deadline) -> str | None:
    """Wait until a SIM of another carrier is given; None when none is in time."""
    while not since.passed:
        for event in user.news():
            if event.kind == "selected" and event.plmn not in {None, silent}:
                return event.iccid
        user.run.clock.sleep(_LOOK_S)
    return None


def _who_keeps(user: Serving, silent: str, since: Deadline) -> Blame:
    """Find out who keeps the router on a carrier that is silent."""
    asked = [event for event in user.log if event.kind in {"selected", "no_sim", "rejected"}]
    if asked:
        cause = f"the router asked, and got no SIM but of {silent} in {since.waited_s:.1f} s"
        return Blame(owner=Party.ACCESS_SERVER, cause=cause)
    cause = f"{silent} was silent and the router asked for no other SIM in {since.waited_s:.1f} s"
    owner = Party.ROUTER if user.said("heartbeat") or user.said("login") else None
    return Blame(owner=owner, cause=cause)


def _outcomes(run: CaseRun, watch: Watch) -> list[str]:
    """Return what the carriers noted of each authentication of a cloud SIM since power-on."""
    known = {sim.imsi for sim in run.dut.cloud.sims(step(run))}
    events = core_events(watch, step(run))
    return [e.outcome for e in events if e.kind == "auth" and e.outcome and e.imsi in known]


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-ATT-004",
            version="1",
            title_en="A late answer of the card does not keep the router from attaching",
            title_ja="認証応答の中継が遅れても接続が完了する",
            requirements=("R06",),
        ),
        needs=_NEEDS | {FAULTS},
        injected=f"the first answer of the card is {_LATE_S} s late",
        owner_rule="both logs of the authentication relay, and the tap; claims: the router",
        limits=BOOT_LIMITS | {EARLY_LIMIT},
        estimated_s=6.0,
        estimated_bytes=40_000,
        run=run_late,
    ),
    Case(
        info=CaseInfo(
            id="CS-ATT-005",
            version="1",
            title_en="A carrier's SQN that fell behind is resynchronised once",
            title_ja="SQN のずれは 1 回の再同期で解消し、接続が完了する",
            requirements=("R06",),
        ),
        needs=_NEEDS,
        injected="the SQN of the card's carrier put back by 24",
        owner_rule="both logs of the authentication relay",
        limits=BOOT_LIMITS | {RESYNC_LIMIT},
        estimated_s=6.0,
        estimated_bytes=40_000,
        run=run_resync,
    ),
    Case(
        info=CaseInfo(
            id="CS-ATT-006",
            version="1",
            title_en="Data come back by themselves after a loss of coverage",
            title_ja="圏外から復帰すると自動的に通信が回復する",
            requirements=("R06",),
        ),
        needs=_NEEDS | {MARK},
        injected="no coverage of the carrier, then none at all, for seconds",
        owner_rule="the router when its carriers' logs show no attempt; else the service's rules",
        limits=BOOT_LIMITS | {COVERAGE_LIMIT},
        estimated_s=15.0,
        estimated_bytes=160_000,
        run=run_coverage,
    ),
    Case(
        info=CaseInfo(
            id="CS-ATT-007",
            version="1",
            title_en="When one carrier falls silent, a SIM of another takes over",
            title_ja="1 キャリアの障害時に別キャリアの SIM へ切り替わる",
            requirements=("R06", "R14"),
        ),
        needs=_NEEDS | {MARK},
        injected="an outage of the carrier in use",
        owner_rule="who was waited for: the router asks, the server chooses",
        limits=BOOT_LIMITS | {OTHER_LIMIT},
        estimated_s=18.0,
        estimated_bytes=60_000,
        exclusive=True,
        run=run_outage,
    ),
    Case(
        info=CaseInfo(
            id="CS-ATT-008",
            version="1",
            title_en="Ten times detached and attached: each in time, as a distribution",
            title_ja="切断・再接続 10 回の所要時間の分布",
            requirements=("R06",),
        ),
        needs=_NEEDS,
        injected=f"{TURNS} orders to detach and to attach (+CGATT)",
        owner_rule="the carrier's log: no attempt, a reject; time: nobody, for three share it",
        limits=BOOT_LIMITS | {REATTACH_LIMIT, DETACHED_LIMIT},
        estimated_s=20.0,
        estimated_bytes=60_000,
        run=run_turns,
    ),
)
