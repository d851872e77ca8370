"""A throttle that changes while it lasts: a drop after n bytes or seconds, dips, tiers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from harness.core.clock import Clock, Deadline
from harness.core.errors import UsageError
from harness.core.units import NS_PER_S
from harness.userplane.throttle import Applied, Injection, RateLimit, State, Throttle

_LOOK_S: Final = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of the limits, due when its condition holds.

    Attributes:
        uplink: Limit from then on, or None if the schedule leaves this direction alone.
        downlink: The same for the other direction.
        after_s: Seconds after the previous step, or None.
        after_bytes: Bytes, both directions together, after the previous step, or None.
    """

    uplink: RateLimit | None = None
    downlink: RateLimit | None = None
    after_s: float | None = None
    after_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Limits at the start and the steps after it, in order.

    Attributes:
        start: Limits at the start; every step limits the same directions.
        steps: What follows; each waits for the one before.
    """

    start: Injection
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Check the steps.

        Raises:
            UsageError: A step has no condition or two, or limits other directions.
        """
        for number, step in enumerate(self.steps, 1):
            if (step.after_s is None) == (step.after_bytes is None):
                msg = f"schedule: step {number} needs one of after_s and after_bytes"
                raise UsageError(msg)
            same = (step.uplink is None) == (self.start.uplink is None) and (
                step.downlink is None
            ) == (self.start.downlink is None)
            if not same:
                msg = f"schedule: step {number} limits other directions than the start"
                raise UsageError(msg)


def dropping(
    before: RateLimit,
    after: RateLimit,
    *,
    after_bytes: int | None = None,
    after_s: float | None = None,
) -> Schedule:
    """Return the fair-use case: both directions at `before`, and from a point on at `after`."""
    step = Step(uplink=after, downlink=after, after_bytes=after_bytes, after_s=after_s)
    return Schedule(start=Injection(uplink=before, downlink=before), steps=(step,))


def dipping(
    normal: RateLimit, dip: RateLimit, *, every_s: float, lasting_s: float, times: int
) -> Schedule:
    """Return short dips: `normal` for `every_s` seconds, then `dip` for `lasting_s`, so often."""
    pair = (
        Step(uplink=dip, downlink=dip, after_s=every_s),
        Step(uplink=normal, downlink=normal, after_s=lasting_s),
    )
    return Schedule(start=Injection(uplink=normal, downlink=normal), steps=pair * times)


def tiered(limits: tuple[RateLimit, ...], *, tier_bytes: int) -> Schedule:
    """Return tiers: the next limit whenever another `tier_bytes` bytes have passed."""
    steps = tuple(
        Step(uplink=limit, downlink=limit, after_bytes=tier_bytes) for limit in limits[1:]
    )
    return Schedule(start=Injection(uplink=limits[0], downlink=limits[0]), steps=steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A step that was made.

    Attributes:
        step: Its number, from 1.
        at_s: Seconds since the start.
        passed_bytes: Bytes that had passed since the start.
        took_ms: How long the change took, in milliseconds.
    """

    step: int
    at_s: float
    passed_bytes: int
    took_ms: float


def _passed_bytes(state: State) -> int:
    both = (state.uplink_passed, state.downlink_passed)
    return sum(passed.passed_bytes for passed in both if passed is not None)


@dataclass(slots=True)
class ScheduleRun:
    """A schedule on its way through one throttle; whoever measures calls `tick` in its loop."""

    throttle: Throttle
    schedule: Schedule
    clock: Clock
    changes: list[Changed] = field(default_factory=list)
    _start_ns: int = 0
    _step_ns: int = 0
    _start_bytes: int = 0
    _step_bytes: int = 0

    def begin(self) -> Applied:
        """Apply the limits of the start.

        Raises:
            BenchError: They did not take.
        """
        start = self.schedule.start
        changing = bool(self.schedule.steps) or start.changing
        applied = self.throttle.apply(
            Injection(uplink=start.uplink, downlink=start.downlink, changing=changing)
        )
        self._start_ns = self._step_ns = self.clock.monotonic_ns()
        self._start_bytes = self._step_bytes = _passed_bytes(applied.configured)
        return applied

    @property
    def finished(self) -> bool:
        """Whether every step was made."""
        return len(self.changes) == len(self.schedule.steps)

    def tick(self) -> Changed | None:
        """Make the next step if it is due; return it."""
        if self.finished:
            return None
        step = self.schedule.steps[len(self.changes)]
        now_ns = self.clock.monotonic_ns()
        if step.after_s is not None and now_ns - self._step_ns < step.after_s * NS_PER_S:
            return None
        passed = _passed_bytes(self.throttle.state())
        if step.after_bytes is not None and passed - self._step_bytes < step.after_bytes:
            return None
        self.throttle.change(Injection(uplink=step.uplink, downlink=step.downlink, changing=True))
        done_ns = self.clock.monotonic_ns()
        change = Changed(
            step=len(self.changes) + 1,
            at_s=(now_ns - self._start_ns) / NS_PER_S,
            passed_bytes=passed - self._start_bytes,
            took_ms=(done_ns - now_ns) / 1e6,
        )
        self.changes.append(change)
        self._step_ns, self._step_bytes = now_ns, passed
        return change

    def run(self, deadline: Deadline) -> None:
        """Make every step as it falls due, looking every 5 ms, until all are made or time is up."""
        while not self.finished and not deadline.passed:
            if self.tick() is None:
                self.clock.sleep(min(_LOOK_S, deadline.left_s))
