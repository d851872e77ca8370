"""SEL: a router that was moved, one that cannot say where it is, and SIMs nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from harness.cloud.adapter import LOG, MARK
from harness.cloud.model import Sim
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.following import follow, power_up, recover
from harness.procedure.phases import Phase
from harness.procedure.reassigned import states_kept
from harness.procedure.selection import PLACE_LIMIT, judge_choice, judge_location, states_of
from harness.procedure.serving import SHOWN, require_desk, step
from harness.procedure.steering import carriers_of, covered_by, seed_imsi, standing_at
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame, Facts
from harness.verdict.verdict import Verdict

AGE_LIMIT: Final = "selection.location_age"
UNDISCLOSED_LIMIT: Final = "selection.undisclosed_given"
RECOVERY_LIMIT: Final = "selection.recovery"
_PLMN_DIGITS: Final = 5


def run_moved(run: CaseRun) -> None:
    """Boot at one carrier's place, then at another's with the profile still held.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    sims = list(run.dut.cloud.sims(step(run)))
    here, there = list(carriers_of(sims))[:2]
    with states_kept(run):
        with standing_at(run, here):
            boot(run, last=Phase.P5_HELD, label="before ")
        states = states_of(run)
        with standing_at(run, there):
            watch = boot(run, last=Phase.P5_HELD, label="moved ", keep_store=True)
        judge_location(run, watch, "moved")
        hit = judge_choice(run, watch, "moved", Facts(phase="P3", place_plmn=there), states)
    share = Measurement(name=PLACE_LIMIT, value=float(hit), unit="1", n=1)
    run.measured(PLACE_LIMIT, share, owner=Party.ACCESS_SERVER)


def run_nowhere(run: CaseRun) -> None:
    """Boot where no carrier can be received: a SIM is given all the same, and serves later.

    Raises:
        CaseFailedError: None is given, or data do not come once there is coverage.
        BenchError: The bench cannot switch or steer.
    """
    seed = seed_imsi(run)[:_PLMN_DIGITS]
    early = (phase for phase in Phase if phase <= Phase.P3_SELECTION)
    longest_s = sum(run.limits[phase.limit_name].high or 0.0 for phase in early)
    with states_kept(run):
        with covered_by(run, {seed}):
            watch, milestones = power_up(run)
            given = follow(
                run,
                watch,
                milestones,
                Deadline.after(longest_s, run.clock),
                until=lambda: milestones.reached(Phase.P3_SELECTION) is not None,
            )
            if not given:
                missing = milestones.current() or Phase.P3_SELECTION
                failure = run.fail(f"nowhere {missing.short}", diagnose(missing, watch))
                raise failure
            said = [event for event in watch.events if event.kind == "selected"]
            text = f"{watch.selected_carrier}, because of {said[-1].detail}" if said else "given"
            run.step("nowhere choice", Verdict.PASS, text)
        recover(run, watch, milestones, limit_name=RECOVERY_LIMIT, phase=Phase.P7_DATA_UP)


def run_undisclosed(run: CaseRun) -> None:
    """Withdraw the terms of the place's SIMs: they count as unknown, and none is given.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    sims = list(run.dut.cloud.sims(step(run)))
    plmn = min(carriers_of(sims))
    theirs = [sim for sim in sims if sim.plmn == plmn and sim.plan.disclosed]
    if not theirs:
        cause = f"the access server lists no SIM of {plmn} whose terms were disclosed"
        failure = run.fail("terms", Blame(owner=None, cause=cause))
        raise failure
    with states_kept(run), standing_at(run, plmn), _withdrawn(run, theirs):
        listed = states_of(run)
        for sim in theirs:
            if listed[sim.iccid] in {"healthy", "near_cap"}:
                cause = f"*{sim.iccid[-SHOWN:]} is listed as {listed[sim.iccid]}, its terms unknown"
                run.fail("unknown terms", Blame(owner=Party.ACCESS_SERVER, cause=cause))
        watch = boot(run, last=Phase.P5_HELD)
    given = watch.selected_iccid in {sim.iccid for sim in theirs}
    count = Measurement(name=UNDISCLOSED_LIMIT, value=float(given), unit="1", n=len(theirs))
    run.measured(UNDISCLOSED_LIMIT, count, owner=Party.ACCESS_SERVER)


@contextmanager
def _withdrawn(run: CaseRun, sims: Sequence[Sim]) -> Iterator[None]:
    """Let the terms of SIMs be unknown for a while."""
    desk = require_desk(run)
    for sim in sims:
        desk.set_disclosed(sim.iccid, step(run), disclosed=False)
    run.result.event("injection", f"terms of {len(sims)} SIMs withdrawn", party=Party.BENCH)
    try:
        yield
    finally:
        for sim in sims:
            desk.set_disclosed(sim.iccid, step(run), disclosed=True)


_EARLY: Final = frozenset(p.limit_name for p in Phase if p <= Phase.P3_SELECTION)
_BOOT: Final = frozenset(p.limit_name for p in Phase if p <= Phase.P5_HELD)

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-SEL-002",
            version="1",
            title_en="A router that was moved says so, and gets a SIM of the new place",
            title_ja="移動した端末は新しい位置を通知し、その場所の SIM を受け取る",
            requirements=("R03",),
        ),
        needs=frozenset({"power", "core", LOG, MARK}),
        injected="another carrier's place while the router is off, its profile still held",
        owner_rule="the access server: it chose; the router: it named another place or an old one",
        limits=_BOOT | {PLACE_LIMIT, AGE_LIMIT},
        estimated_s=8.0,
        estimated_bytes=20_000,
        run=run_moved,
    ),
    Case(
        info=CaseInfo(
            id="CS-SEL-004",
            version="1",
            title_en="A router that hears no carrier is given a SIM, and serves once it hears one",
            title_ja="位置不明でも SIM が割り当てられ、圏内に戻れば通信できる",
            requirements=("R03", "R06"),
        ),
        needs=frozenset({"power", "core", "far_end", LOG, MARK}),
        injected="no coverage but the seed network's, until a SIM was chosen",
        owner_rule="the rules of the phase that does not end",
        limits=_EARLY | {RECOVERY_LIMIT},
        estimated_s=9.0,
        estimated_bytes=20_000,
        run=run_nowhere,
    ),
    Case(
        info=CaseInfo(
            id="CS-SEL-005",
            version="1",
            title_en="A SIM whose terms nobody knows counts as unknown and is not given",
            title_ja="契約条件が不明な SIM は「不明」と扱われ、割り当てられない",
            requirements=("R03", "R09", "R27"),
        ),
        needs=frozenset({"power", "core", "desk", LOG, MARK}),
        injected="the terms of all SIMs of the place's carrier are withdrawn",
        owner_rule="the access server: its own list, and its choice",
        limits=_BOOT | {UNDISCLOSED_LIMIT},
        estimated_s=6.0,
        estimated_bytes=20_000,
        exclusive=True,
        run=run_undisclosed,
    ),
)
