"""Lets a story befall a router, and checks after each step what must hold whatever happens."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Final

from harness.cloud.adapter import FAULTS, LOG, MARK, STEER
from harness.cloud.model import Sim
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.power_cycles import RECOVERY_LIMIT
from harness.procedure.reassigned import (
    GAP_LIMIT,
    LEFT_LIMIT,
    change,
    judge_shown,
    left_behind,
    states_kept,
)
from harness.procedure.replaced import REPLACED_LIMIT, Slow, judge_replacement, slowed
from harness.procedure.serving import (
    BOOT_LIMITS,
    SHOWN,
    Serving,
    reboot,
    require_desk,
    serve,
    step,
)
from harness.procedure.steering import covered_by, line_under, server_spoilt
from harness.procedure.story import (
    Outage,
    PowerCut,
    Reassign,
    Reject,
    ServerFault,
    Step,
    Story,
    Throttle,
    TimeJump,
)
from harness.record.rows import CaseInfo
from harness.verdict.verdict import Verdict

_SEEN_S: Final = 3.0
_TIDY_S: Final = 10.0
_LOST_S: Final = 3.0
_MOVED_BYTES: Final = 200_000
_MOST_COUNTED: Final = 2.0
"""How many times the payload a carrier may count: headers, repeats, the router's own talk."""
_USABLE: Final = frozenset({"healthy", "near_cap"})
_US_PER_S: Final = 1_000_000
_S_PER_HOUR: Final = 3600.0


def case_of(story: Story) -> Case:
    """Return a story as a case."""
    whole = any(isinstance(part, TimeJump) for part in story.steps)
    return Case(
        info=CaseInfo(
            id="STORY",
            version="1",
            title_en=story.title,
            title_ja=story.title,
            requirements=("R14", "R16"),
        ),
        needs=frozenset({"power", "core", "far_end", LOG, MARK, STEER, FAULTS, "desk"}),
        injected=", ".join(part.do for part in story.steps),
        owner_rule="the party that had to act: who was waited for, or who holds what must not be",
        limits=BOOT_LIMITS | {REPLACED_LIMIT, GAP_LIMIT, LEFT_LIMIT, RECOVERY_LIMIT},
        estimated_s=10.0 + 12.0 * len(story.steps),
        estimated_bytes=1_000_000 * (1 + len(story.steps)),
        exclusive=whole,
        run=partial(run_story, story=story),
    )


def run_story(run: CaseRun, *, story: Story) -> None:
    """Let the steps befall the router one after another; stop at the first broken promise.

    Raises:
        CaseFailedError: The router does not serve again, or something does not hold.
        BenchError: The bench cannot switch or steer.
    """
    with ExitStack() as stack:
        user = serve(run)
        stack.enter_context(states_kept(run))
        for number, part in enumerate(story.steps, start=1):
            name = f"{number} {part.do}"
            is_cut = isinstance(part, PowerCut)
            user = reboot(run) if is_cut else _befall(user, part, name, stack)
            _settle(user, name)
            _check(user, name)


def _throttle(user: Serving, part: Throttle, name: str) -> Serving:
    run, slow = user.run, user.sim
    limit_s = run.limits[REPLACED_LIMIT].high or 0.0
    with slowed(run, slow, Slow(rate_bps=part.rate)):
        since = Deadline.after(limit_s, run.clock)
        run.progress.started(name, limit_s)
        given = user.download(since.within(_SEEN_S), until_given=False)
        if part.power_cut:
            user = reboot(run)
            given = [user.sim.iccid] if user.sim.iccid != slow.iccid else []
            since = Deadline.after(limit_s, run.clock)
        if not given:
            given = user.download(since, until_given=True)
        judge_replacement(run, slow, given)
        if not user.await_data(given[-1], since):
            raise user.fail(name, f"no byte through *{given[-1][-SHOWN:]} in {limit_s:.0f} s")
        took = Measurement(name=REPLACED_LIMIT, value=since.waited_s, unit="s", n=1)
        run.measured(REPLACED_LIMIT, took, owner=Party.ROUTER, step=name)
    return user


def _reassign(user: Serving, name: str) -> Serving:
    old = user.sim
    change(user, name)
    user.run.dut.cloud.set_sim_state(old.iccid, "healthy", "refilled by the bench", step(user.run))
    return user


def _outage(user: Serving, part: Outage, name: str) -> Serving:
    run = user.run
    with covered_by(run, ()):
        run.progress.started(name, part.lasts)
        run.clock.sleep(part.lasts)
    return user


def _reject(user: Serving, part: Reject, name: str) -> Serving:
    run = user.run
    with line_under(run, user.sim.imsi, {"reject_cause": part.cause}, {"reject_cause": None}):
        run.progress.started(name, part.lasts)
        with covered_by(run, ()):
            run.clock.sleep(_LOST_S)
        run.clock.sleep(part.lasts)
    return user


def _server_fault(user: Serving, part: ServerFault, name: str) -> Serving:
    run = user.run
    with server_spoilt(run, {"path": "/v1", "status": part.status}):
        run.progress.started(name, part.lasts)
        run.clock.sleep(part.lasts)
    return user


def _befall(user: Serving, part: Step, name: str, stack: ExitStack) -> Serving:
    """Let one step befall the router; return it as it serves from then on."""
    match part:
        case Throttle():
            return _throttle(user, part, name)
        case Reassign():
            return _reassign(user, name)
        case Outage():
            return _outage(user, part, name)
        case Reject():
            return _reject(user, part, name)
        case ServerFault():
            return _server_fault(user, part, name)
        case TimeJump():
            _jump(user.run, stack, part)
    return user


def _jump(run: CaseRun, stack: ExitStack, part: TimeJump) -> None:
    """Put the world's clocks on; the date that they had is back at the end of the story."""
    desk = require_desk(run)
    ahead_s = (run.dut.cloud.utc_us(step(run)) - run.clock.utc_us()) / _US_PER_S
    desk.set_date(ahead_s + part.hours * _S_PER_HOUR, step(run))
    stack.callback(lambda: desk.set_date(ahead_s, step(run)))
    run.result.event("injection", f"the world's clocks: {part.hours:+} h", party=Party.BENCH)


def _settle(user: Serving, name: str) -> None:
    """Wait until the router serves its user by the SIM that it was given, which is a good one.

    Raises:
        CaseFailedError: It does not in time.
    """
    run = user.run
    limit_s = run.limits[RECOVERY_LIMIT].high or 0.0
    since = Deadline.after(limit_s, run.clock)
    while not since.passed:
        iccid = user.state().iccid
        is_good = iccid is not None and user.listed(iccid).state in _USABLE
        if iccid is not None and is_good and user.await_data(iccid, since.within(_SEEN_S)):
            took = Measurement(name=RECOVERY_LIMIT, value=since.waited_s, unit="s", n=1)
            run.measured(RECOVERY_LIMIT, took, owner=Party.ROUTER, step=f"{name}: serves")
            return
    iccid = user.state().iccid
    state = user.listed(iccid).state if iccid else "no SIM"
    held = f"it keeps a SIM that is listed as {state}" if iccid and state not in _USABLE else None
    what = f"it did not serve again in {limit_s:.0f} s, with {state}"
    failure = user.fail(f"{name}: serves", what, shows=held)
    raise failure


def _check(user: Serving, name: str) -> None:
    """Check what must hold whatever happened.

    Raises:
        CaseFailedError: It does not.
    """
    run = user.run
    user.await_true(lambda: left_behind(user) == 0, Deadline.after(_TIDY_S, run.clock))
    left = Measurement(name=LEFT_LIMIT, value=float(left_behind(user)), unit="1", n=1)
    run.measured(LEFT_LIMIT, left, owner=None, step=f"{name}: one place")
    judge_shown(user)
    _judge_usage(user, name, user.sim)


def _judge_usage(user: Serving, name: str, sim: Sim) -> None:
    """Move some payload, and note whether the carrier's books hold it, and not far more."""
    before = user.line().dl_bytes
    limit_s = user.run.limits[GAP_LIMIT].high or 0.0
    user.move(_MOVED_BYTES, Deadline.after(limit_s, user.run.clock))
    counted = user.line().dl_bytes - before
    if user.state().iccid != sim.iccid:
        text = "the SIM changed meanwhile; nothing can be said of one SIM's use"
        user.run.step(f"{name}: usage", Verdict.INCONC, text)
        return
    text = f"{counted} B in the carrier's books for {_MOVED_BYTES} B of payload"
    if _MOVED_BYTES <= counted <= _MOST_COUNTED * _MOVED_BYTES:
        user.run.step(f"{name}: usage", Verdict.PASS, text)
        return
    failure = user.fail(f"{name}: usage", text)
    raise failure
