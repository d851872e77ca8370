"""SEED: the router starts on a SIM of its own, does without it in bounds, lends it to nobody."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import FAULTS, LOG
from harness.cloud.model import Place
from harness.core.clock import Deadline
from harness.core.errors import BenchError, RouterError
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.port.holder import holders_of
from harness.procedure.canonical import empty_the_store
from harness.procedure.case import Case, CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.following import follow, power_up, recover
from harness.procedure.phases import Milestones, Phase
from harness.procedure.recording import TAP
from harness.procedure.steering import (
    covered_by,
    line_under,
    require_core,
    seed_imsi,
    server_spoilt,
)
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.userplane.dissect import Capture
from harness.verdict.blame import Blame
from harness.verdict.verdict import Verdict

ATTACH_LIMIT: Final = "seed.attach"
OWN_CARD_LIMIT: Final = "seed.cards_of_carriers"
PORTS_LIMIT: Final = "seed.deaf_ports"
REPORTS_LIMIT: Final = "seed.reports"
RESTARTS_LIMIT: Final = "seed.restarts"
ATTEMPTS_LIMIT: Final = "seed.attempts"
RECOVERY_LIMIT: Final = "seed.recovery"
USER_LIMIT: Final = "seed.user_packets"
_HELD_UP: Final = {"path": "/v1/login", "status": 503}
"""The router reaches the access server and gets no further: it stays on its seed SIM."""
_STEP_S: Final = 5.0
_WITHOUT_S: Final = 8.0
_REJECTED_S: Final = 4.0
_REJECT_CAUSE: Final = 15
"""No suitable cells in tracking area: what a network says that bars roaming (TS 24.301 annex A)."""
_BLINK_S: Final = 0.05
_TRY_S: Final = 1.0
_TRIES: Final = 3
_LOOPING: Final = 2
_REPORT_S: Final = 3.0
_BOOT_WORDS: Final = ("RDY", "RING", "NO CARRIER", "SMS", "Call", "PB", "APP")
"""What modems say unasked without a sign in front."""
_SILENCE_S: Final = 1.5


def run_cold(run: CaseRun) -> None:
    """Boot with an empty store, hold the router on its seed SIM, and look at it there.

    Raises:
        CaseFailedError: It does not get that far; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    with server_spoilt(run, _HELD_UP):
        watch, milestones = _on_seed(run)
        attached = milestones.reached(Phase.P1_SEED_ATTACH)
        boot_ns = milestones.started_ns(Phase.P1_SEED_ATTACH)
        took_s = (attached.t_ns - boot_ns) / 1e9 if attached else None
        took = Measurement(name=ATTACH_LIMIT, value=took_s, unit="s", n=1)
        run.measured(ATTACH_LIMIT, took, owner=Party.ROUTER)
        _judge_company(run)  # what a stranger is answered must not be taken for ours
        _judge_card(run)
        _judge_ports(run)
        before = watch.reports
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)
    # Who told of the profile may have been quicker than what the router says on its port.
    later = Deadline.after(_REPORT_S, run.clock)
    follow(run, watch, milestones, later, until=lambda: watch.reports > before)
    count = Measurement(name=REPORTS_LIMIT, value=float(watch.reports - before), unit="1", n=1)
    run.measured(REPORTS_LIMIT, count, owner=Party.ROUTER)


def run_uncovered(run: CaseRun) -> None:
    """Boot where the seed network cannot be received: no restart, and up once it can.

    Raises:
        CaseFailedError: It does not get up; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    imsi = seed_imsi(run)
    seed_plmn = imsi[:5]
    place = require_core(run).place_of(run.dut.router.imei, _step(run))
    run.dut.power_off(Deadline.after(2 * _STEP_S, run.clock))
    with covered_by(run, _without(place, seed_plmn)):
        watch = Watch(dut=run.dut, result=run.result, clock=run.clock)
        milestones = watch.power_on()
        restarts = _count_restarts(run, Deadline.after(_WITHOUT_S, run.clock))
        owner = Party.ROUTER if restarts >= _LOOPING else None
        count = Measurement(name=RESTARTS_LIMIT, value=float(restarts), unit="1", n=1)
        run.measured(RESTARTS_LIMIT, count, owner=owner)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)


def run_rejected(run: CaseRun) -> None:
    """Let the seed network reject the router: few attempts, and up after the next power-on.

    Raises:
        CaseFailedError: It does not get up; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    core, imsi = require_core(run), seed_imsi(run)
    with line_under(run, imsi, {"reject_cause": _REJECT_CAUSE}, {"reject_cause": None}):
        watch, milestones = power_up(run)
        before = run.dut.core_events_before
        up = follow(
            run,
            watch,
            milestones,
            Deadline.after(run.limits[Phase.P0_BOOT.limit_name].high or 0.0, run.clock),
            until=lambda: milestones.reached(Phase.P0_BOOT) is not None,
        )
        if not up:
            failure = run.fail("P0 boot", diagnose(Phase.P0_BOOT, watch))
            raise failure
        follow(run, watch, milestones, Deadline.after(_REJECTED_S, run.clock))
    events = core.events(after=before, deadline=_step(run))
    tried = [e for e in events if e.kind == "attach_request" and e.imsi == imsi]
    if not tried:
        cause = "the seed network's log shows no attempt to attach, and so no reaction to a reject"
        failure = run.fail("seed attempts", Blame(owner=None, cause=cause))
        raise failure
    count = Measurement(name=ATTEMPTS_LIMIT, value=float(len(tried)), unit="1", n=1)
    run.measured(ATTEMPTS_LIMIT, count, owner=Party.ROUTER)
    watch, milestones = power_up(run)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)


def run_private(run: CaseRun) -> None:
    """Hold the router on its seed SIM and use it as its user would: nothing may pass.

    Raises:
        CaseFailedError: It does not get that far; the owner is noted.
        BenchError: The bench cannot switch, or sees no seed bearer.
    """
    far_end, where = run.dut.require_far_end(), run.dut.seed_tap
    if where is None:
        msg = f"{run.dut.name}: this bench has no tap of the seed bearer"
        raise BenchError(msg)
    with (
        server_spoilt(run, _HELD_UP),
        run.dut.tapped("seed-user", TAP, where=where) as tap,
    ):
        watch, milestones = _on_seed(run)
        has_lease = run.dut.lease_address(_step(run))
        reached = sum(has_lease and _gets_through(run) for _ in range(_TRIES))
    text = f"lease {'given' if has_lease else 'not given'}, {reached} of {_TRIES} tries got through"
    run.step("user on the seed", Verdict.PASS if not reached else Verdict.FAIL, text)
    if tap.path is None:
        msg = f"{run.dut.name}: the tap of the seed bearer keeps no file"
        raise BenchError(msg)
    known = run.dut.seed_addresses()
    capture = Capture.read(tap.path)
    flows = (capture.without(known.others) if known else capture).flows
    if not flows:
        cause = "the router called the access server and the tap of the seed bearer shows nothing"
        failure = run.fail("seed tap", Blame(owner=Party.BENCH, cause=cause))
        raise failure
    users = [flow for flow in flows if far_end.address in {flow.client, flow.server}]
    packets = sum(flow.sent.packets + flow.answered.packets for flow in users)
    count = Measurement(name=USER_LIMIT, value=float(packets), unit="1", n=len(flows))
    run.measured(USER_LIMIT, count, owner=Party.ROUTER)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)


def _on_seed(run: CaseRun) -> tuple[Watch, Milestones]:
    """Boot with an empty store, and wait until the router is attached with its seed SIM."""
    empty_the_store(run)
    watch, milestones = power_up(run)
    longest_s = sum(
        run.limits[phase.limit_name].high or 0.0 for phase in Phase if phase <= Phase.P1_SEED_ATTACH
    )
    there = follow(
        run,
        watch,
        milestones,
        Deadline.after(longest_s, run.clock),
        until=lambda: milestones.reached(Phase.P1_SEED_ATTACH) is not None and run.dut.connected,
    )
    if not there:
        missing = milestones.current() or Phase.P1_SEED_ATTACH
        failure = run.fail(f"{missing.short} {missing.title}", diagnose(missing, watch))
        raise failure
    return watch, milestones


def _count_restarts(run: CaseRun, deadline: Deadline) -> int:
    """Count how often the router vanishes from USB after it was there."""
    restarts, was_there = 0, False
    while not deadline.passed:
        is_there = run.dut.plugged_in
        restarts += was_there and not is_there
        was_there = is_there
        run.clock.sleep(min(_BLINK_S, deadline.left_s))
    return restarts


def _judge_card(run: CaseRun) -> None:
    """Judge that the card in use is none of the carriers', and the one its network knows."""
    deadline = _step(run)
    bank = {name for sim in run.dut.cloud.sims(deadline) for name in (sim.iccid, sim.imsi)}
    imsi, iccid = run.dut.driver.imsi(deadline), run.dut.driver.iccid(deadline)
    foreign = float(len({imsi, iccid} & bank))
    count = Measurement(name=OWN_CARD_LIMIT, value=foreign if imsi else None, unit="1", n=2)
    run.measured(OWN_CARD_LIMIT, count, owner=Party.ROUTER)
    known = seed_imsi(run)
    if imsi == known:
        run.step("seed IMSI", Verdict.PASS, "AT and seed network name one subscriber")
    else:
        cause = "AT names another subscriber than the seed network served"
        run.fail("seed IMSI", Blame(owner=Party.ROUTER, cause=cause))


def _judge_ports(run: CaseRun) -> None:
    """Judge that every AT port of the model answers."""
    deaf = 0
    ports = len(run.dut.session.ports)
    for number in range(ports):
        try:
            run.dut.session.execute("AT", Deadline.after(_TRY_S, run.clock), port=number)
        except RouterError as exc:
            deaf += 1
            run.result.event("note", f"AT port {number}: {exc}", party=Party.ROUTER)
    count = Measurement(name=PORTS_LIMIT, value=float(deaf), unit="1", n=ports)
    run.measured(PORTS_LIMIT, count, owner=Party.ROUTER)


def _judge_company(run: CaseRun) -> None:
    """Judge that the AT ports are ours alone: while nothing is asked, nothing is answered."""
    session = run.dut.session
    lines = session.subscribe()
    session.listen(_SILENCE_S)
    session.unsubscribe(lines)
    strange = [urc.line for urc in lines if not urc.line.startswith((*"+^%*$#", *_BOOT_WORDS))]
    holders = [name for node in run.dut.at_nodes for name in holders_of(node)]
    if not strange:
        run.step("own port", Verdict.PASS, f"no answer to anybody else in {_SILENCE_S} s")
    elif holders:
        cause = f"another program talks on the AT port: {', '.join(holders)}; heard {strange}"
        failure = run.fail("own port", Blame(owner=Party.BENCH, cause=cause))
        raise failure
    else:
        cause = "an AT port answers commands that this bench did not send, and nobody else has it"
        run.fail("own port", Blame(owner=None, cause=cause))


def _gets_through(run: CaseRun) -> bool:
    """Tell whether the router's user reaches the test server now."""
    try:
        run.dut.first_byte(Deadline.after(_TRY_S, run.clock))
    except BenchError:
        return False
    return True


def _without(place: Place, plmn: str) -> set[str]:
    return set(place.covered) - {plmn}


def _step(run: CaseRun) -> Deadline:
    return Deadline.after(_STEP_S, run.clock)


_BOOT: Final = frozenset({Phase.P0_BOOT.limit_name, Phase.P1_SEED_ATTACH.limit_name})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-SEED-001",
            version="1",
            title_en="A cold boot ends on the router's own seed SIM, with every AT port alive",
            title_ja="空の状態からの起動でシード SIM に接続し、全 AT ポートが応答する",
            requirements=("R01",),
        ),
        needs=frozenset({"power", "core", FAULTS, LOG}),
        injected="access server refuses to log the router in, so that it stays on its seed SIM",
        owner_rule="the router, but the bench when another program has its port",
        limits=_BOOT | {ATTACH_LIMIT, OWN_CARD_LIMIT, PORTS_LIMIT, REPORTS_LIMIT, RECOVERY_LIMIT},
        estimated_s=5.0,
        estimated_bytes=20_000,
        run=run_cold,
    ),
    Case(
        info=CaseInfo(
            id="CS-SEED-002",
            version="1",
            title_en="Without coverage of the seed network the router stays up and recovers",
            title_ja="シード網が圏外でも再起動を繰り返さず、圏内に戻ると復旧する",
            requirements=("R01",),
        ),
        needs=frozenset({"power", "core", LOG}),
        injected="no coverage of the seed network, given back after a while",
        owner_rule="the router: its place on USB; a single restart is nobody's",
        limits=frozenset({RESTARTS_LIMIT, RECOVERY_LIMIT}),
        estimated_s=12.0,
        estimated_bytes=20_000,
        run=run_uncovered,
    ),
    Case(
        info=CaseInfo(
            id="CS-SEED-003",
            version="1",
            title_en="No traffic of the user leaves by the seed bearer",
            title_ja="利用者の通信はシード回線に流れない",
            requirements=("R01", "R04"),
        ),
        needs=frozenset({"power", "core", "far_end", "tap.seed", FAULTS, LOG}),
        injected="the router is held on its seed SIM and its user calls the test server",
        owner_rule="the router: the tap on the seed bearer",
        limits=_BOOT | {USER_LIMIT, RECOVERY_LIMIT},
        estimated_s=8.0,
        estimated_bytes=20_000,
        run=run_private,
    ),
    Case(
        info=CaseInfo(
            id="CS-SEED-004",
            version="1",
            title_en="A rejected seed SIM is tried a bounded number of times",
            title_ja="シード SIM が拒否されたときの接続試行は有限回である",
            requirements=("R01",),
        ),
        needs=frozenset({"power", "core", LOG}),
        injected="the seed network rejects the router with cause 15",
        owner_rule="the router: the attempts in the seed network's log",
        limits=frozenset({Phase.P0_BOOT.limit_name, ATTEMPTS_LIMIT, RECOVERY_LIMIT}),
        estimated_s=10.0,
        estimated_bytes=20_000,
        run=run_rejected,
    ),
)
