"""BOOT: the router comes up every time, as quickly every time, and whenever the power went."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseFailedError, CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.distribution import judge_times
from harness.procedure.following import await_event, follow, heard_so_far, power_up, recover
from harness.procedure.phases import Phase
from harness.procedure.steering import given_sim, line_under, marked, seed_imsi
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame, Facts, blame
from harness.verdict.verdict import Verdict

ANSWER_LIMIT: Final = "boot.first_answer"
DATA_LIMIT: Final = "boot.data_up"
DROPS_LIMIT: Final = "boot.drops"
RECOVERY_LIMIT: Final = "boot.recovery"
CYCLES: Final = 10
_PATIENCE: Final = 2.0
"""How many times its limit a boot may take before it counts as none at all."""
_SETTLED_S: Final = 4.0
_BLINK_S: Final = 0.05
_CONFIDENCE: Final = 0.95
_STEP_S: Final = 5.0
_OFF_S: Final = 10.0
_WATCHED: Final = 2
_SERIES: Final = 4
_SLOW: Final = {"delay_ms": 15.0}
_FAST: Final = {"delay_ms": 0.0}


def run_cycles(run: CaseRun, cycles: int = CYCLES) -> None:
    """Cycle the power again and again; judge the distribution, not one boot.

    Raises:
        CaseFailedError: It does not come up; the owner is noted.
        BenchError: The bench cannot switch.
    """
    answers_s: list[float] = []
    data_s: list[float] = []
    drops = 0
    for number in range(cycles):
        answer_s, up_s = _cycle(run, number)
        answers_s.append(answer_s)
        data_s.append(up_s)
        if number in {0, cycles - 1}:
            drops += _count_drops(run)
    judge_times(run, ANSWER_LIMIT, answers_s)
    judge_times(run, DATA_LIMIT, data_s)
    _judge_drops(run, drops)
    proven = (1 - _CONFIDENCE) ** (1 / cycles)
    text = f"0 failures in {cycles}: at least {proven:.0%} at {_CONFIDENCE:.0%} confidence"
    run.step("boots", Verdict.PASS, text)


def run_cuts(run: CaseRun) -> None:
    """Cut the power in the middle of a download, of an attach and of a change of SIM.

    Raises:
        CaseFailedError: The router does not get up; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    imsi = seed_imsi(run)
    for name, kind in (("download", "download_started"), ("attach", "held")):
        with line_under(run, imsi, _SLOW, _FAST):
            _cut_at(run, name, kind)
        _come_back(run, name)
    watch, milestones = power_up(run)
    recover(run, watch, milestones, limit_name=RECOVERY_LIMIT, phase=Phase.P7_DATA_UP)
    before = heard_so_far(watch, milestones)
    run.dut.cloud.reassign(run.dut.router.imei, "weak", Deadline.after(_STEP_S, run.clock))
    deadline = Deadline.after(run.limits[RECOVERY_LIMIT].high or 0.0, run.clock)
    if await_event(run, watch, milestones, "selected", deadline, after=before) is None:
        cause = "the router was told to change its SIM and did not ask for another"
        heard = sum(event.kind == "heartbeat" for event in watch.events) > 1
        owner = Party.ROUTER if heard else None
        failure = run.fail("change of SIM", Blame(owner=owner, cause=cause))
        raise failure
    _note_cut(run, "change of SIM")
    _come_back(run, "change of SIM")


def _cut_at(run: CaseRun, name: str, kind: str) -> None:
    """Have another profile installed, and cut the power at an event of the access server.

    Raises:
        CaseFailedError: It does not come to that; the owner is noted.
    """
    sim = given_sim(run)
    with marked(run, [sim] if sim else [], "quarantined"):
        watch, milestones = power_up(run)
        deadline = Deadline.after(run.limits[RECOVERY_LIMIT].high or 0.0, run.clock)
        happened_ns = await_event(run, watch, milestones, kind, deadline)
    if happened_ns is None:
        follow(run, watch, milestones, Deadline.after(_STEP_S, run.clock))
        missing = milestones.current() or Phase.P5_HELD
        failure = run.fail(f"{name} {missing.short}", diagnose(missing, watch))
        raise failure
    _note_cut(run, name)


def _note_cut(run: CaseRun, name: str) -> None:
    run.dut.power_off(Deadline.after(_OFF_S, run.clock))
    run.result.event("power", f"power cut during {name}", party=Party.BENCH)


def _come_back(run: CaseRun, name: str) -> None:
    """Give power, and judge the way to data."""
    watch, milestones = power_up(run)
    recover(
        run,
        watch,
        milestones,
        limit_name=RECOVERY_LIMIT,
        phase=Phase.P7_DATA_UP,
        step=f"after a cut during {name}",
    )


def _cycle(run: CaseRun, number: int) -> tuple[float, float]:
    """Cycle the power once; return seconds to the first answer and to data.

    Raises:
        CaseFailedError: It does not come up, or does so too late; the owner is noted.
    """
    watch, milestones = power_up(run)
    run.progress.started(f"boot {number + 1}", run.limits[DATA_LIMIT].high)
    longest_s = _PATIENCE * (run.limits[ANSWER_LIMIT].high or 0.0)
    follow(
        run,
        watch,
        milestones,
        Deadline.after(longest_s, run.clock),
        until=lambda: milestones.reached(Phase.P0_BOOT) is not None,
    )
    answered_s = milestones.duration_s(Phase.P0_BOOT)
    if answered_s is None:
        raise _none_at_all(run, number, diagnose(Phase.P0_BOOT, watch))
    if answered_s > (run.limits[ANSWER_LIMIT].high or 0.0):
        late = Measurement(name=ANSWER_LIMIT, value=answered_s, unit="s", n=1)
        run.measured(ANSWER_LIMIT, late, owner=Party.ROUTER, step=f"boot {number + 1}")
        msg = f"boot {number + 1} took {answered_s:.1f} s to its first answer"
        raise CaseFailedError(msg)
    deadline = Deadline.after(run.limits[DATA_LIMIT].high or 0.0, run.clock)
    follow(
        run,
        watch,
        milestones,
        deadline,
        until=lambda: (
            milestones.reached(Phase.P7_DATA_UP) is not None or watch.hopeless(Phase.P7_DATA_UP)
        ),
    )
    up = milestones.reached(Phase.P7_DATA_UP)
    if up is None:
        missing = milestones.current() or Phase.P7_DATA_UP
        raise _none_at_all(run, number, diagnose(missing, watch))
    return answered_s, (up.t_ns - milestones.start_ns) / NS_PER_S


def _none_at_all(run: CaseRun, number: int, whose: Blame) -> CaseFailedError:
    return run.fail(f"boot {number + 1}", whose)


def _count_drops(run: CaseRun) -> int:
    """Count how often a router that is up vanishes from USB for a while."""
    drops, was_there = 0, True
    deadline = Deadline.after(_SETTLED_S, run.clock)
    while not deadline.passed:
        is_there = run.dut.plugged_in
        drops += was_there and not is_there
        was_there = is_there
        run.clock.sleep(min(_BLINK_S, deadline.left_s))
    return drops


def _judge_drops(run: CaseRun, drops: int) -> None:
    """Judge the drops: a single one is laid to the bench as everywhere, a series to the router."""
    if 0 < drops < _SERIES:
        facts = Facts(phase="P7", bench_problem=run.dut.bench_problem(), port_lost=True)
        run.fail("drops", blame(facts))
    count = Measurement(name=DROPS_LIMIT, value=float(drops), unit="1", n=_WATCHED)
    run.measured(DROPS_LIMIT, count, owner=Party.ROUTER)


_NEEDS: Final = frozenset({"power", "far_end", LOG})
_LIMITS: Final = frozenset({ANSWER_LIMIT, DATA_LIMIT, DROPS_LIMIT})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-BOOT-001",
            version="1",
            title_en="Ten power cycles: every one ends with data, and the times as a distribution",
            title_ja="電源の入れ直し 10 回: 毎回通信が回復し、所要時間の分布を示す",
            requirements=("R01", "R06"),
        ),
        needs=_NEEDS,
        injected=f"{CYCLES} power cycles",
        owner_rule="the router by its times; a boot without an end: the rules of the phase",
        limits=_LIMITS,
        estimated_s=35.0,
        estimated_bytes=200_000,
        run=run_cycles,
    ),
    Case(
        info=CaseInfo(
            id="CS-BOOT-002",
            version="1",
            title_en="A power cut during download, attach or change of SIM is survived",
            title_ja="ダウンロード・接続・SIM 変更の最中の電源断から復旧する",
            requirements=("R05", "R06", "R14"),
        ),
        needs=_NEEDS | {"core", MARK, STEER},
        injected="the power cut during a download, an attach and a change of SIM",
        owner_rule="the phase that it hangs in",
        limits=frozenset({RECOVERY_LIMIT}),
        estimated_s=20.0,
        estimated_bytes=100_000,
        run=run_cuts,
    ),
)
