"""The canonical test: P0 boot to P7 data up, each phase with its own timer, limit and owner."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import LOG
from harness.core.clock import Deadline
from harness.core.errors import RouterError
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.port.errors import PortLostError
from harness.procedure.case import Case, CaseFailedError, CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.phases import Milestones, Phase
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.verdict.judge import judge

_POLL_S: Final = 0.1
_POWER_OFF_S: Final = 10.0
_CONNECT_S: Final = 20.0
_ERASE_S: Final = 5.0


def run_canonical(run: CaseRun) -> None:
    """Boot a router from cold and follow it to its first byte of data.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The power strip, lab.toml or the AT port is the problem.
    """
    boot(run).write_card()


def boot(
    run: CaseRun,
    *,
    last: Phase = Phase.P7_DATA_UP,
    label: str = "",
    keep_store: bool = False,
) -> Watch:
    """Cut the power, give it back, and follow the router to the end of a phase.

    Args:
        run: The case that is being run.
        last: The phase that ends it.
        label: Tells the boots of one case apart, for example `kddi `.
        keep_store: Leave the profile store as it is.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The power strip, lab.toml or the AT port is the problem.
    """
    if not keep_store:
        empty_the_store(run)
    run.dut.power_off(Deadline.after(_POWER_OFF_S, run.clock))
    watch = Watch(dut=run.dut, result=run.result, clock=run.clock)
    milestones = watch.power_on()
    for phase in Phase:
        if phase <= last:
            _await_phase(run, watch, milestones, phase, label)
    return watch


def empty_the_store(run: CaseRun) -> None:
    """Have the router download its profile anew; a router that cannot be asked stays as it is."""
    run.progress.started("empty profile store", _CONNECT_S)
    erased = False
    try:
        run.dut.ensure_connected(Deadline.after(_CONNECT_S, run.clock))
        erased = run.dut.driver.erase_profile(Deadline.after(_ERASE_S, run.clock))
    except (RouterError, PortLostError) as exc:
        run.result.event("note", f"profile store: {exc}", party=Party.ROUTER)
    state = "emptied" if erased else "left as it was"
    run.result.event("note", f"profile store {state}", party=Party.BENCH)


def _await_phase(
    run: CaseRun, watch: Watch, milestones: Milestones, phase: Phase, label: str
) -> None:
    """Wait for one phase, judge its duration, and find the owner when it does not end."""
    name = f"{label}{phase.short}"
    limit = run.limits[phase.limit_name]
    start_ns = milestones.started_ns(phase)
    end_ns = start_ns + round((limit.high or 0.0) * NS_PER_S)
    deadline = Deadline(clock=run.clock, start_ns=start_ns, end_ns=end_ns)
    run.progress.started(f"{name} {phase.title}", limit.high)
    run.result.phase(name, start_ns, None, limit_s=limit.high)
    while not (milestones.reached(phase) or deadline.passed or watch.hopeless(phase)):
        watch.look(milestones, deadline)
        if milestones.reached(phase) is None:
            run.clock.sleep(min(_POLL_S, deadline.left_s))
    milestone = milestones.reached(phase)
    duration_s = milestones.duration_s(phase)
    if milestone is None or duration_s is None:
        raise _not_ended(run, watch, phase, name, start_ns)
    # What others say may come before the bench has seen the phase before it end.
    run.result.phase(
        name,
        start_ns,
        max(start_ns, milestone.t_ns),
        limit_s=limit.high,
        verdict=judge(limit, duration_s).verdict,
        note=f"told by {milestone.source}",
    )
    run.measured(
        phase.limit_name,
        Measurement(name=phase.limit_name, value=duration_s, unit="s", n=1),
        owner=Party.ROUTER,
        step=f"{name} {phase.title}",
        evidence={"phase": name},
    )


def _not_ended(
    run: CaseRun, watch: Watch, phase: Phase, name: str, start_ns: int
) -> CaseFailedError:
    """Find whose fault it is that a phase did not end, and write it."""
    blame = diagnose(phase, watch)
    failure = run.fail(f"{name} {phase.title}", blame)
    run.result.phase(
        name,
        start_ns,
        None,
        limit_s=run.limits[phase.limit_name].high,
        verdict=run.steps[-1].verdict,
        owner=blame.owner,
        note=blame.cause,
    )
    return failure


CANONICAL: Final = Case(
    info=CaseInfo(
        id="CANON-001",
        version="1",
        title_en="From power-on to the first byte of data, phase by phase",
        title_ja="電源投入から最初のデータまでの各段階",
        requirements=("R01", "R03", "R04", "R05", "R06"),
    ),
    needs=frozenset({"power", "far_end", LOG}),
    limits=frozenset(phase.limit_name for phase in Phase),
    estimated_s=4.0,
    estimated_bytes=40_000,
    run=run_canonical,
)
