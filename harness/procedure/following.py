"""Follows a router through trouble and out of it again: what the cases with trouble share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.core.clock import Deadline
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.case import CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.phases import Milestones, Phase
from harness.procedure.watch import Watch

RECOVERY_LIMIT: Final = "download.recovery"
_POLL_S: Final = 0.1
_CLOSE_S: Final = 0.01
_OFF_S: Final = 10.0


def power_up(run: CaseRun) -> tuple[Watch, Milestones]:
    """Cut the power, give it back, and begin to watch.

    Raises:
        BenchError: The power strip does not switch, or the router stays.
    """
    run.dut.power_off(Deadline.after(_OFF_S, run.clock))
    watch = Watch(dut=run.dut, result=run.result, clock=run.clock)
    return watch, watch.power_on()


def follow(
    run: CaseRun,
    watch: Watch,
    milestones: Milestones,
    deadline: Deadline,
    *,
    until: Callable[[], bool] = lambda: False,
    poll_s: float = _POLL_S,
) -> bool:
    """Look everywhere again and again until something is so; False when the time is over."""
    while not until():
        if deadline.passed:
            return False
        watch.look(milestones, deadline)
        run.clock.sleep(min(poll_s, deadline.left_s))
    return True


def heard_so_far(watch: Watch, milestones: Milestones) -> int:
    """Read the access server's log, and return the number of its newest event on the router."""
    watch.hear_server(milestones)
    return max((event.seq for event in watch.events), default=0)


def await_event(
    run: CaseRun,
    watch: Watch,
    milestones: Milestones,
    kind: str,
    deadline: Deadline,
    *,
    after: int = 0,
) -> int | None:
    """Wait for an event of the access server, closely, and look at nothing else meanwhile.

    Args:
        run: The case.
        watch: What is seen of the router.
        milestones: Where phases are noted.
        kind: Kind of the event.
        deadline: When to give up.
        after: Number of the newest event that does not count (`heard_so_far`).

    Returns:
        When it happened, in monotonic nanoseconds; None when it did not in time.
    """
    while True:
        watch.hear_server(milestones)
        for event in watch.events:
            if event.kind == kind and event.seq > after:
                return watch.happened_ns(event)
        if deadline.passed:
            return None
        run.clock.sleep(min(_CLOSE_S, deadline.left_s))


def recover(
    run: CaseRun,
    watch: Watch,
    milestones: Milestones,
    *,
    limit_name: str = RECOVERY_LIMIT,
    phase: Phase = Phase.P5_HELD,
    step: str | None = None,
) -> float:
    """Judge how long it takes from now until a phase has ended; return the seconds.

    Raises:
        CaseFailedError: It does not end in time; the owner is noted.
    """
    start_ns = run.clock.monotonic_ns()
    limit_s = run.limits[limit_name].high or 0.0
    run.progress.started(step or limit_name, limit_s)
    deadline = Deadline.after(limit_s, run.clock)
    follow(run, watch, milestones, deadline, until=lambda: milestones.reached(phase) is not None)
    reached = milestones.reached(phase)
    if reached is None:
        missing = milestones.current() or phase
        failure = run.fail(step or "recovery", diagnose(missing, watch))
        raise failure
    took_s = max(0, reached.t_ns - start_ns) / NS_PER_S
    took = Measurement(name=limit_name, value=took_s, unit="s", n=1)
    run.measured(limit_name, took, owner=Party.ROUTER, step=step)
    return took_s
