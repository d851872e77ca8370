"""SEL: the access server gives a SIM that suits the place, and only one that it may give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.cloud.adapter import LOG, MARK
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.phases import Phase
from harness.procedure.steering import carriers_of, marked, standing_at
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.verdict.blame import Facts, blame
from harness.verdict.verdict import Verdict

PLACE_LIMIT: Final = "selection.place_share"
AGE_LIMIT: Final = "selection.location_age"
BARRED_LIMIT: Final = "selection.barred_given"
_BARRED: Final = ("quarantined", "throttled", "unknown")
_STEP_S: Final = 5.0
_BOOT_LIMITS: Final = frozenset(p.limit_name for p in Phase if p <= Phase.P5_HELD)


def run_places(run: CaseRun) -> None:
    """Boot where each carrier is the strongest, and see whose SIM the router is given.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    places = carriers_of(list(run.dut.cloud.sims(_step(run))))
    hits = 0
    for plmn, carrier in places.items():
        states = states_of(run)
        with standing_at(run, plmn):
            watch = boot(run, last=Phase.P5_HELD, label=f"{carrier} ")
        judge_location(run, watch, carrier)
        hits += judge_choice(run, watch, carrier, Facts(phase="P3", place_plmn=plmn), states)
    share = Measurement(name=PLACE_LIMIT, value=hits / len(places), unit="1", n=len(places))
    run.measured(PLACE_LIMIT, share, owner=Party.ACCESS_SERVER)


def run_barred(run: CaseRun) -> None:
    """Bar every SIM of the place's carrier in one way after another; none may be given.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    sims = list(run.dut.cloud.sims(_step(run)))
    plmn = min(carriers_of(sims))
    given = 0
    for state in _BARRED:
        of_place = [sim for sim in sims if sim.plmn == plmn]
        with standing_at(run, plmn), marked(run, of_place, state):
            states = states_of(run)
            watch = boot(run, last=Phase.P5_HELD, label=f"{state} ")
        facts = Facts(phase="P3", place_plmn=watch.selected_plmn)
        given += not judge_choice(run, watch, state, facts, states)
    count = Measurement(name=BARRED_LIMIT, value=float(given), unit="1", n=len(_BARRED))
    run.measured(BARRED_LIMIT, count, owner=Party.ACCESS_SERVER)


def judge_location(run: CaseRun, watch: Watch, label: str) -> None:
    """Judge how old the location was on which the choice rests."""
    ages_s = [e.location_age_s for e in watch.events if e.location_age_s is not None]
    age = Measurement(name=AGE_LIMIT, value=ages_s[-1] if ages_s else None, unit="s", n=len(ages_s))
    run.measured(AGE_LIMIT, age, owner=Party.ROUTER, step=f"{label} location age")


def judge_choice(
    run: CaseRun, watch: Watch, label: str, place: Facts, states: Mapping[str, str]
) -> bool:
    """Note whether the choice suits the place and the SIM may be given; tell it."""
    said = [event for event in watch.events if event.kind == "selected"]
    facts = Facts(
        phase=place.phase,
        bench_problem=run.dut.bench_problem(),
        place_plmn=place.place_plmn,
        chosen_plmn=watch.selected_plmn,
        choice_reason=str(said[-1].detail) if said else None,
        chosen_state=states.get(watch.selected_iccid or ""),
    )
    name = f"{label} choice"
    if facts.chosen_plmn == facts.place_plmn and facts.chosen_state in {"healthy", "near_cap"}:
        text = f"{watch.selected_carrier}, {facts.chosen_state}, because of {facts.choice_reason}"
        run.step(name, Verdict.PASS, text)
        return True
    run.fail(name, blame(facts))
    return False


def states_of(run: CaseRun) -> dict[str, str]:
    """Return what the access server lists each SIM as now."""
    return {sim.iccid: sim.state for sim in run.dut.cloud.sims(_step(run))}


def _step(run: CaseRun) -> Deadline:
    return Deadline.after(_STEP_S, run.clock)


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-SEL-001",
            version="1",
            title_en="Each carrier's place gets a SIM of that carrier",
            title_ja="各キャリアの圏内ではそのキャリアの SIM が選ばれる",
            requirements=("R03",),
        ),
        needs=frozenset({"power", "core", "far_end", LOG}),
        injected="place of the router: the strongest cell of each carrier in turn",
        owner_rule="the access server: it chose; the router: it named another place",
        limits=_BOOT_LIMITS | {PLACE_LIMIT, AGE_LIMIT},
        estimated_s=12.0,
        estimated_bytes=20_000,
        run=run_places,
    ),
    Case(
        info=CaseInfo(
            id="CS-SEL-003",
            version="1",
            title_en="A quarantined, throttled or unknown SIM is never given",
            title_ja="隔離・低速化・契約不明の SIM は割り当てられない",
            requirements=("R03", "R13", "R27"),
        ),
        needs=frozenset({"power", "core", "far_end", LOG, MARK}),
        injected="all SIMs of the place quarantined, throttled or unknown, one after another",
        owner_rule="the access server: its own list at the moment of its choice",
        limits=_BOOT_LIMITS | {BARRED_LIMIT},
        estimated_s=9.0,
        estimated_bytes=20_000,
        exclusive=True,
        run=run_barred,
    ),
)
