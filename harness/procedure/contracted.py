"""CAP, RESET, THR-ID: a carrier holds a line to its contract's rates, and no other; who is slow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.cloud.model import Sim, Subscriber
from harness.core.party import Party
from harness.core.units import format_rate
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.dating import dated
from harness.procedure.metering import probe
from harness.procedure.reassigned import GAP_LIMIT, await_change, change, states_kept
from harness.procedure.replaced import SLOW
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, serve, step
from harness.procedure.steering import marked, require_core
from harness.record.rows import CaseInfo
from harness.verdict.service_blame import blame_service
from harness.verdict.verdict import Verdict

HELD_LIMIT: Final = "contract.throttled_ratio"
FREE_LIMIT: Final = "contract.free_ratio"
PRECISION_LIMIT: Final = "slow_sims.precision"
RECALL_LIMIT: Final = "slow_sims.recall"
_LAST_DAY: Final = "2028-02-29T23:50:00"
_FIRST_DAY: Final = "2028-03-01T00:10:00"
_AFTER_WINDOW: Final = "2028-03-08T00:10:00"
_PAIR: Final = 2
_VISITED: Final = 4
_SLOW_BELOW_BPS: Final = 1_000_000
_ID_PROBE_BYTES: Final = 60_000
_WARM_BYTES: Final = 1_200_000
_METERED_S: Final = 2.0  # a carrier looks at its counters now and then


def run_contract_rate(run: CaseRun) -> None:
    """Use a SIM's quota up at its carrier, and measure the rate that it is held to then.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    throttle_bps = _throttle_bps(user)
    if throttle_bps is not None:
        with states_kept(run), _restored(user) as line:
            _use_up(user, line)
            _judge_line(user, HELD_LIMIT, throttle_bps, "over its quota")


def run_carrier_reset(run: CaseRun) -> None:
    """Use a SIM up at its carrier on 29 February; on 1 March its rate is measured as free.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    throttle_bps = _throttle_bps(user)
    if throttle_bps is None:
        return
    with states_kept(run), _restored(user) as line, dated(run) as set_date:
        set_date(_LAST_DAY)
        _use_up(user, line)
        _judge_line(user, HELD_LIMIT, throttle_bps, "on 29 February")
        # A rule of some days looks back over the reset.
        set_date(_FIRST_DAY if user.sim.plan.window_bytes is None else _AFTER_WINDOW)
        _judge_line(user, FREE_LIMIT, throttle_bps, "after its reset")


def run_identified(run: CaseRun) -> None:
    """Slow some SIMs at their carrier, visit them and others, and tell by a probe which are slow.

    All other SIMs are set aside meanwhile, so that slow ones are met.

    Raises:
        CaseFailedError: The router does not get up, or does not change.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    sims = list(run.dut.cloud.sims(step(run)))
    others = [s for s in sims if s.iccid != user.sim.iccid and _may_slow(run, s)]
    near = sorted(others, key=lambda sim: sim.plmn != user.sim.plmn)  # its carrier's come first
    visited = near[: _VISITED - 1]
    slow = visited[::2]
    aside = [sim for sim in others if sim not in visited]
    truth: dict[str, bool] = {}
    found: dict[str, bool] = {}
    with states_kept(run), marked(run, aside, "quarantined"), all_slowed(run, slow):
        run.step("free SIM", Verdict.PASS, f"{user.shown} carries {_WARM_BYTES} B")
        probe(user, _WARM_BYTES)
        run.clock.sleep(_METERED_S)
        for number in range(_VISITED):
            if number:
                change(user, f"visit {number}")
            rate_bps = probe(user, _ID_PROBE_BYTES)
            iccid = user.sim.iccid
            truth[iccid] = iccid in {sim.iccid for sim in slow}
            found[iccid] = rate_bps < _SLOW_BELOW_BPS
            word = "slow" if found[iccid] else "free"
            run.step(f"probe {number}", Verdict.PASS, f"{user.shown}: {word} at {rate_bps:.3g}")
            if found[iccid] and not truth[iccid]:
                _note_secret(user)
    _judge_found(user, truth, found)


def run_partial_reset(run: CaseRun) -> None:
    """Use two SIMs of a carrier up; its reset reaches one of them, and that one alone is counted.

    Neither is healthy before it was measured, and a measurement of one says nothing of the other.

    Raises:
        CaseFailedError: A SIM is counted that nobody measured, or the router does not change.
        BenchError: The bench cannot switch or steer.
    """
    user, cloud = serve(run), run.dut.cloud
    free = [s for s in cloud.sims(step(run)) if s.assigned_imei is None and _is_capped(s)]
    pair = _of_one_carrier(user, free)
    if pair is None:
        run.step("free SIMs", Verdict.INCONC, "no two SIMs of one carrier with a quota are free")
        return
    reset, late = pair
    aside = [sim for sim in free if sim not in pair]
    with (
        states_kept(run),
        _counted(run, pair) as lines,
        dated(run) as set_date,
        marked(run, aside, "quarantined"),
    ):
        set_date(_LAST_DAY)
        for line in lines:
            _count_as_used(run, line)
        with marked(run, list(pair), "throttled"):
            set_date(_FIRST_DAY if late.plan.window_bytes is None else _AFTER_WINDOW)
            require_core(run).subscriber(late.imsi, step(run))  # its carrier looks at the date
            _count_as_used(run, lines[1])
            _judge_uncounted(user, pair, "by its date")
            _visit(user, reset)
            _judge_line(user, FREE_LIMIT, reset.plan.throttle_bps or 0, "of the one that was reset")
            _judge_uncounted(user, [late], "by its neighbour")
            _visit(user, late)
            cloud.set_sim_state(reset.iccid, "healthy", "measured as free", step(run))
            _judge_line(user, HELD_LIMIT, late.plan.throttle_bps or 0, "of the one that was not")
            cloud.set_sim_state(late.iccid, "throttled", "measured as slow", step(run))
            await_change(user, late, "taken back", run.limits[GAP_LIMIT].high or 0.0)


def _is_capped(sim: Sim) -> bool:
    """Tell whether a SIM is healthy and its contract throttles it after a quota."""
    plan = sim.plan
    return sim.state == "healthy" and None not in {plan.quota_bytes, plan.throttle_bps}


def _of_one_carrier(user: Serving, free: Sequence[Sim]) -> tuple[Sim, Sim] | None:
    """Return two SIMs of one carrier, rather not of that in use; None when no carrier has two."""
    by_plmn: defaultdict[str, list[Sim]] = defaultdict(list)
    for sim in sorted(free, key=lambda sim: (sim.plan.window_bytes is not None, sim.iccid)):
        by_plmn[sim.plmn].append(sim)
    pairs = [(sims[0], sims[1]) for sims in by_plmn.values() if len(sims) >= _PAIR]
    pairs.sort(key=lambda pair: (pair[0].plmn == user.sim.plmn, pair[1].plan.throttle_bps or 0))
    return pairs[0] if pairs else None


def _judge_uncounted(user: Serving, sims: Sequence[Sim], label: str) -> None:
    """Note whether the access server counts a SIM as healthy that nobody measured since."""
    name = f"counted {label}"
    states = [(sim, user.listed(sim.iccid).state) for sim in sims]
    listed = ", ".join(f"*{sim.iccid[-SHOWN:]} as {state}" for sim, state in states)
    if any(state in {"healthy", "near_cap"} for _, state in states):
        held = f"{listed} {label}, and nobody measured it"
        raise user.fail(name, "a SIM was used up last month", server_holds=held)
    user.run.step(name, Verdict.PASS, f"it lists {listed}")


def _visit(user: Serving, sim: Sim) -> None:
    """Have the router take the one SIM that is free, to measure it."""
    run, shown = user.run, f"*{sim.iccid[-SHOWN:]}"
    name = f"visit of {shown}"
    run.dut.cloud.set_sim_state(sim.iccid, "healthy", "offered to be measured", step(run))
    change(user, name)
    if user.sim.iccid != sim.iccid:
        held = f"{user.shown} as given, where {shown} alone was free"
        raise user.fail(name, "another SIM was given", server_holds=held)


def _judge_found(user: Serving, truth: dict[str, bool], found: dict[str, bool]) -> None:
    """Judge which SIMs were found slow by which are."""
    run = user.run
    hits = sum(found[iccid] and truth[iccid] for iccid in truth)
    named, slow = sum(found.values()), sum(truth.values())
    for name, share, n in (
        (PRECISION_LIMIT, hits / named if named else None, named),
        (RECALL_LIMIT, hits / slow if slow else None, slow),
    ):
        measured = Measurement(name=name, value=share, unit="1", n=n)
        run.measured(name, measured, owner=None)


def _note_secret(user: Serving) -> None:
    """Note that a line is slow that neither the bench nor its contract slows."""
    line, run = user.line(), user.run
    sets = [event for event in user.core_news() if event.kind == "shaper"]
    rates = [event.dl_bps for event in sets if event.dl_bps is not None]
    wrong = None
    if rates and rates[-1] < _SLOW_BELOW_BPS and line.throttled_bps is None:
        wrong = f"{format_rate(rates[-1])} although {line.period_bytes} B of its quota are used"
    user.fail("slow without a reason", f"{user.shown} is slow", carrier_set=wrong)
    run.result.event("note", f"{user.shown}: the carrier's log says {rates}", party=Party.CARRIER)


def _throttle_bps(user: Serving) -> int | None:
    """Return what the contract of the SIM in use throttles to; None with a step when unknown."""
    throttle_bps = user.sim.plan.throttle_bps
    if throttle_bps is None or user.line().quota_bytes is None:
        user.run.step("quota", Verdict.INCONC, f"{user.shown} has no quota that the lab knows")
        return None
    return throttle_bps


def _use_up(user: Serving, line: Subscriber) -> None:
    """Let the carrier count a quota as used."""
    user.core_news()
    _count_as_used(user.run, line)


def _count_as_used(run: CaseRun, line: Subscriber) -> None:
    """Let the carrier count a quota as used, whether a router holds the SIM or none."""
    require_core(run).shape(line.imsi, {"used_bytes": line.quota_bytes}, step(run))
    text = f"the carrier counts the quota of *{line.imsi[-SHOWN:]}, {line.quota_bytes} B, as used"
    run.result.event("injection", text, party=Party.BENCH)


@contextmanager
def _restored(user: Serving) -> Iterator[Subscriber]:
    """Give a line back what its carrier had counted before."""
    with _counted(user.run, [user.sim]) as (line,):
        yield line


@contextmanager
def _counted(run: CaseRun, sims: Sequence[Sim]) -> Iterator[list[Subscriber]]:
    """Yield the lines of SIMs; at the end their carriers count what they had counted before."""
    core = require_core(run)
    lines = [core.subscriber(sim.imsi, step(run)) for sim in sims]
    try:
        yield lines
    finally:
        for line in lines:
            core.shape(line.imsi, {"used_bytes": line.period_bytes}, step(run))


def _judge_line(user: Serving, name: str, throttle_bps: int, label: str) -> None:
    """Judge a line's rate as a part of its contract's throttle rate."""
    run = user.run
    line = user.line()  # asked first: the carrier then looks at the line's contract
    ratio = Measurement(name=name, value=probe(user) / throttle_bps, unit="1", n=1)
    sets = [event for event in user.core_news() if event.kind == "shaper"]
    rate_bps = sets[-1].dl_bps if sets else None
    wrong = None
    if line.throttled_bps is None and (rate_bps or throttle_bps) <= throttle_bps:
        wrong = f"{throttle_bps} bit/s still, although its period began anew"
    elif line.throttled_bps is not None and rate_bps not in {None, line.throttled_bps}:
        wrong = f"{rate_bps} bit/s where its contract says {line.throttled_bps} bit/s"
    facts = user.facts(f"the rate {label}", carrier_set=wrong)
    run.measured(name, ratio, owner=blame_service(facts).owner, step=f"{name} {label}")


def _may_slow(run: CaseRun, sim: Sim) -> bool:
    """Tell whether a SIM is healthy and nobody else's."""
    return sim.state == "healthy" and sim.assigned_imei in {None, run.dut.router.imei}


@contextmanager
def all_slowed(run: CaseRun, sims: Sequence[Sim]) -> Iterator[None]:
    """Hold SIMs to a rate at their carriers, without a word to the access server."""
    core = require_core(run)
    settings = {"downlink_bps": SLOW.rate_bps, "mode": SLOW.mode}
    try:
        for sim in sims:
            core.shape(sim.imsi, settings, step(run))
        shown = ", ".join(f"*{sim.iccid[-SHOWN:]}" for sim in sims)
        text = f"{format_rate(SLOW.rate_bps)} at the carriers for {shown}"
        run.result.event("injection", text, party=Party.BENCH)
        yield
    finally:
        for sim in sims:
            core.shape(sim.imsi, {"downlink_bps": None, "mode": "shaper"}, step(run))


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG, MARK})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-CAP-002",
            version="1",
            title_en="A SIM over its quota runs at its contract's throttle rate",
            title_ja="容量を超過した SIM は契約どおりの速度に制限される",
            requirements=("R12", "R17"),
        ),
        needs=_NEEDS,
        injected="the carrier counts the quota of the SIM in use as used",
        owner_rule="the carrier: the rate that its log says it set; else unknown",
        limits=BOOT_LIMITS | {HELD_LIMIT},
        estimated_s=8.0,
        estimated_bytes=80_000,
        run=run_contract_rate,
    ),
    Case(
        info=CaseInfo(
            id="CS-RESET-001",
            version="1",
            title_en="A SIM used up on 29 February is measured as free on 1 March",
            title_ja="2 月 29 日に使い切った SIM が 3 月 1 日に実測で回復している",
            requirements=("R30",),
        ),
        needs=_NEEDS | {"desk"},
        injected="a quota used up at the carrier on 29 February; the world's date: 1 March",
        owner_rule="the carrier: the rate that its log says it set; else unknown",
        limits=BOOT_LIMITS | {HELD_LIMIT, FREE_LIMIT},
        estimated_s=10.0,
        estimated_bytes=120_000,
        exclusive=True,
        run=run_carrier_reset,
    ),
    Case(
        info=CaseInfo(
            id="CS-RESET-003",
            version="1",
            title_en="A reset that reaches one SIM of two: only the one measured free is counted",
            title_ja="一部の SIM だけリセットされたとき、実測で回復した SIM だけが正常とされる",
            requirements=("R29", "R30"),
        ),
        needs=_NEEDS | {"desk", STEER},
        injected="two quotas used up on 29 February; the carrier resets one of them on 1 March",
        owner_rule="the access server: what it lists; the carrier: its log's rate; else unknown",
        limits=BOOT_LIMITS | {GAP_LIMIT, HELD_LIMIT, FREE_LIMIT},
        estimated_s=25.0,
        estimated_bytes=200_000,
        exclusive=True,
        run=run_partial_reset,
    ),
    Case(
        info=CaseInfo(
            id="CS-THR-ID-001",
            version="1",
            title_en="Which SIMs are slow is told by measuring, and only those",
            title_ja="低速化された SIM を実測だけで過不足なく特定できる",
            requirements=("R12",),
        ),
        needs=_NEEDS | {STEER},
        injected=f"{format_rate(SLOW.rate_bps)} at the carriers, on every other SIM, unannounced",
        owner_rule="the carrier: a rate in its log that its contract does not have; else unknown",
        limits=BOOT_LIMITS | {GAP_LIMIT, PRECISION_LIMIT, RECALL_LIMIT},
        estimated_s=25.0,
        estimated_bytes=1_600_000,
        exclusive=True,
        run=run_identified,
    ),
)
