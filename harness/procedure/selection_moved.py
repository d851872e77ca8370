"""SEL: a router that was moved, and one that cannot say where it is, get a SIM all the same."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import LOG, MARK
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
from harness.procedure.steering import carriers_of, covered_by, seed_imsi, standing_at
from harness.record.rows import CaseInfo
from harness.verdict.blame import Facts
from harness.verdict.verdict import Verdict

AGE_LIMIT: Final = "selection.location_age"
RECOVERY_LIMIT: Final = "selection.recovery"
_PLMN_DIGITS: Final = 5
_STEP_S: Final = 5.0


def run_moved(run: CaseRun) -> None:
    """Boot at one carrier's place, then at another's with the profile still held.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    sims = list(run.dut.cloud.sims(Deadline.after(_STEP_S, run.clock)))
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
)
