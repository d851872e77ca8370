"""HOLD: a profile is held whole or not at all, and is gone when it was given back."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import LOG, MARK
from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot, empty_the_store
from harness.procedure.case import Case, CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.following import await_event, follow, heard_so_far, power_up, recover
from harness.procedure.phases import Milestones, Phase
from harness.procedure.serving import suspended
from harness.procedure.steering import given_sim, line_under, marked, seed_imsi
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame
from harness.verdict.verdict import Verdict

STUCK_LIMIT: Final = "hold.stuck"
RECOVERY_LIMIT: Final = "hold.recovery"
LEFT_LIMIT: Final = "hold.left_after_release"
RESET_LIMIT: Final = "hold.left_after_reset"
CUTS: Final = 20
"""Moments of an installation at which the power is cut (requirements R05)."""
_REACH: Final = 1.15
"""The last cut comes a little after the installation."""
_SLOW: Final = {"delay_ms": 15.0}
"""Stretches a download to about a second, so that the cuts lie apart."""
_FAST: Final = {"delay_ms": 0.0}
_STEP_S: Final = 5.0
_OFF_S: Final = 10.0


def run_power_cuts(run: CaseRun) -> None:
    """Cut the power at moments all over an installation; each time the router gets up again.

    Raises:
        CaseFailedError: It does not get up; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    with line_under(run, seed_imsi(run), _SLOW, _FAST):
        took_s = _first_installation(run)
        text = f"choice to held in {took_s:.3f} s, {CUTS} cuts over {took_s * _REACH:.3f} s"
        run.step("installation", Verdict.PASS, text)
        for number in range(CUTS):
            _install_and_cut(run, took_s * _REACH * (number + 1) / CUTS, number)
        watch, milestones = power_up(run)
        recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)
    stuck = Measurement(name=STUCK_LIMIT, value=0.0, unit="1", n=CUTS)
    run.measured(STUCK_LIMIT, stuck, owner=Party.ROUTER)
    held = [e.held_as_offered for e in watch.events if e.held_as_offered is not None]
    if held and not held[-1]:
        cause = "the profile that the router holds after the cuts is not the one it was served"
        run.fail("held profile", Blame(owner=Party.ROUTER, cause=cause))


def run_released(run: CaseRun) -> None:
    """Take the SIM back while it is in use, and look for its profile now and after a boot.

    Raises:
        CaseFailedError: The SIM is not given back, or the router does not come back.
        BenchError: The bench cannot switch or steer.
    """
    watch = boot(run)
    milestones = Milestones(run.clock.monotonic_ns())
    before = heard_so_far(watch, milestones)  # a boot may release the SIM of before
    with suspended(run):
        limit_s = run.limits[RECOVERY_LIMIT].high or 0.0
        deadline = Deadline.after(limit_s, run.clock)
        if await_event(run, watch, milestones, "released", deadline, after=before) is None:
            cause = f"the line was suspended and its SIM was not given back in {limit_s} s"
            told = any(event.kind == "suspended" for event in watch.events)
            owner = Party.ROUTER if told else None
            failure = run.fail("release", Blame(owner=owner, cause=cause))
            raise failure
        left = _held_now(run)
        watch, milestones = power_up(run)
        _follow_to_at(run, watch, milestones)
        left += _held_now(run)
    count = Measurement(name=LEFT_LIMIT, value=float(left), unit="1", n=2)
    run.measured(LEFT_LIMIT, count, owner=Party.ROUTER)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)


def run_reset(run: CaseRun) -> None:
    """Give the router its factory reset: the profile is gone, and is downloaded anew.

    Raises:
        CaseFailedError: The router does not come back; the owner is noted.
        BenchError: The bench cannot switch.
    """
    boot(run, last=Phase.P5_HELD, keep_store=True)
    run.dut.ensure_connected(Deadline.after(_OFF_S, run.clock))
    if not run.dut.driver.erase_profile(Deadline.after(_STEP_S, run.clock)):
        msg = f"{run.dut.model.name}.toml: no command is a factory reset; this needs one"
        raise BenchError(msg)
    watch, milestones = power_up(run)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT)
    anew = sum(event.kind == "download_started" for event in watch.events)
    left = Measurement(name=RESET_LIMIT, value=float(anew == 0), unit="1", n=1)
    run.measured(RESET_LIMIT, left, owner=Party.ROUTER)


def _first_installation(run: CaseRun) -> float:
    """Boot with an empty store; return the seconds from the choice to the profile held."""
    empty_the_store(run)
    watch, milestones = power_up(run)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT, step="first installation")
    chosen, held = milestones.reached(Phase.P3_SELECTION), milestones.reached(Phase.P5_HELD)
    if chosen is None or held is None:
        msg = f"{run.dut.name}: the access server does not tell the choice from the profile held"
        raise BenchError(msg)
    return (held.t_ns - chosen.t_ns) / NS_PER_S


def _install_and_cut(run: CaseRun, offset_s: float, number: int) -> None:
    """Have another profile installed, and cut the power so long after it was chosen.

    Raises:
        CaseFailedError: The router does not get so far after the cut before; the owner is noted.
    """
    sim = given_sim(run)
    run.dut.power_off(Deadline.after(_OFF_S, run.clock))
    watch = Watch(dut=run.dut, result=run.result, clock=run.clock)
    with marked(run, [sim] if sim else [], "quarantined"):
        milestones = watch.power_on()
        limit_s = run.limits[RECOVERY_LIMIT].high or 0.0
        deadline = Deadline.after(limit_s, run.clock)
        chosen_ns = await_event(run, watch, milestones, "selected", deadline)
    if chosen_ns is None:
        follow(run, watch, milestones, Deadline.after(_STEP_S, run.clock))
        missing = milestones.current() or Phase.P3_SELECTION
        name = f"after cut {number}" if number else "before the first cut"
        failure = run.fail(name, diagnose(missing, watch))
        stuck = Measurement(name=STUCK_LIMIT, value=1.0, unit="1", n=number)
        run.measured(STUCK_LIMIT, stuck, owner=run.blame.owner if run.blame else None)
        raise failure
    late_s = offset_s - (run.clock.monotonic_ns() - chosen_ns) / NS_PER_S
    run.clock.sleep(max(0.0, late_s))
    run.dut.power_off(Deadline.after(_OFF_S, run.clock))
    cut_s = (run.clock.monotonic_ns() - chosen_ns) / NS_PER_S
    run.result.event("power", f"cut {number + 1} of {CUTS}, off by {cut_s:.3f} s after the choice")


def _follow_to_at(run: CaseRun, watch: Watch, milestones: Milestones) -> None:
    """Follow a boot until the AT port is open.

    Raises:
        CaseFailedError: It does not open; the owner is noted.
    """
    longest_s = run.limits[Phase.P0_BOOT.limit_name].high or 0.0
    deadline = Deadline.after(longest_s, run.clock)
    if not follow(run, watch, milestones, deadline, until=lambda: run.dut.connected):
        failure = run.fail("P0 boot", diagnose(Phase.P0_BOOT, watch))
        raise failure


def _held_now(run: CaseRun) -> int:
    """Return 1 if the router's store holds a profile, 0 if it is empty.

    Raises:
        BenchError: The model has no command that tells.
    """
    if not run.dut.driver.tells_held:
        msg = f"{run.dut.model.name}.toml: no command tells whose profile is held; this needs one"
        raise BenchError(msg)
    return int(run.dut.driver.held_iccid(Deadline.after(_STEP_S, run.clock)) is not None)


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-HOLD-001",
            version="1",
            title_en="A power cut at any of 20 moments of an installation is survived",
            title_ja="インストール中の 20 の時点で電源を断っても端末は復旧する",
            requirements=("R05",),
        ),
        needs=frozenset({"power", "core", LOG, MARK}),
        injected="the power cut at 20 moments from the choice of a SIM to its profile held",
        owner_rule="the router, unless the phase that it hangs in says otherwise",
        limits=frozenset({STUCK_LIMIT, RECOVERY_LIMIT}),
        estimated_s=50.0,
        estimated_bytes=20_000,
        run=run_power_cuts,
    ),
    Case(
        info=CaseInfo(
            id="CS-HOLD-002",
            version="1",
            title_en="A profile is erased when its SIM is given back",
            title_ja="SIM の返却とともにプロファイルが消去される",
            requirements=("R05", "R35"),
        ),
        needs=frozenset({"power", "far_end", "desk", LOG}),
        injected="the line is suspended while it is in use",
        owner_rule="the router: what its store holds; nobody when the server did not suspend",
        limits=frozenset(phase.limit_name for phase in Phase) | {LEFT_LIMIT, RECOVERY_LIMIT},
        estimated_s=12.0,
        estimated_bytes=20_000,
        run=run_released,
    ),
    Case(
        info=CaseInfo(
            id="CS-HOLD-003",
            version="1",
            title_en="A factory reset erases the profile",
            title_ja="工場出荷時リセットでプロファイルが消去される",
            requirements=("R05",),
        ),
        needs=frozenset({"power", LOG}),
        injected="a factory reset",
        owner_rule="the router: no download after it means that the profile was kept",
        limits=frozenset(p.limit_name for p in Phase if p <= Phase.P5_HELD)
        | {RESET_LIMIT, RECOVERY_LIMIT},
        estimated_s=5.0,
        estimated_bytes=20_000,
        run=run_reset,
    ),
)
