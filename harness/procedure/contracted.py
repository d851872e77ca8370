"""CAP, RESET, THR-ID: a carrier holds a line to its contract's rates, and no other; who is slow."""

from __future__ import annotations

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
from harness.procedure.reassigned import GAP_LIMIT, change, states_kept
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
    run = user.run
    user.core_news()
    require_core(run).shape(line.imsi, {"used_bytes": line.quota_bytes}, step(run))
    text = f"the carrier counts the quota of {user.shown}, {line.quota_bytes} B, as used"
    run.result.event("injection", text, party=Party.BENCH)


@contextmanager
def _restored(user: Serving) -> Iterator[Subscriber]:
    """Give a line back what its carrier had counted before."""
    run, line = user.run, user.line()
    try:
        yield line
    finally:
        settings = {"used_bytes": line.period_bytes}
        require_core(run).shape(line.imsi, settings, step(run))


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
