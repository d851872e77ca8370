"""DL: a download is quick, survives trouble on its way, and never installs what is not whole."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final

from harness.cloud.adapter import FAULTS, LOG, MARK
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot, empty_the_store
from harness.procedure.case import Case, CaseRun
from harness.procedure.diagnosis import diagnose
from harness.procedure.following import (
    RECOVERY_LIMIT,
    await_event,
    follow,
    power_up,
    recover,
)
from harness.procedure.phases import Milestones, Phase
from harness.procedure.steering import (
    given_sim,
    line_under,
    marked,
    names_gone,
    seed_imsi,
    server_spoilt,
)
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame
from harness.verdict.verdict import Verdict

TIME_LIMIT: Final = "download.time"
WIRE_LIMIT: Final = "download.wire_ratio"
RESTARTS_LIMIT: Final = "download.restarts"
WRONG_LIMIT: Final = "download.wrong_held"
IMPAIRED_LIMIT: Final = "download.time_impaired"
_STEP_S: Final = 5.0
_TROUBLE_S: Final = 3.0
_HEARD_S: Final = 10.0
_PROFILE: Final = "/v1/profile"
_MIDDLE: Final = 12
"""Requests that are spared before a download is broken off: it is well under way."""
_BAD_BEARERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "64 kbit/s": {"downlink_bps": 64_000, "uplink_bps": 64_000},
    "150 ms delay": {"delay_ms": 150.0},
    "5 % loss": {"loss": 0.05},
}
_GOOD_BEARER: Final = {"downlink_bps": None, "uplink_bps": None, "delay_ms": 0.0, "loss": 0.0}


def run_clean(run: CaseRun) -> None:
    """Boot with an empty store; judge the download's time and its bytes on the seed bearer.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch.
    """
    before = run.dut.server_seen_on_seed()
    watch = boot(run, last=Phase.P5_HELD)
    after = run.dut.server_seen_on_seed()
    since = Milestones(run.clock.monotonic_ns())
    _judge_time(run, watch, since, TIME_LIMIT, "download")
    sizes = [e.profile_bytes for e in watch.events if e.kind == "download_finished"]
    seen = after.total_bytes - before.total_bytes if after and before else 0
    if not seen:
        cause = "a profile was downloaded and the tap of the seed bearer shows no byte of it"
        failure = run.fail("seed tap", Blame(owner=Party.BENCH, cause=cause))
        raise failure
    ratio = seen / sizes[-1] if sizes and sizes[-1] else None
    on_wire = Measurement(name=WIRE_LIMIT, value=ratio, unit="1", n=1)
    run.measured(WIRE_LIMIT, on_wire, owner=Party.ROUTER)


def run_broken_off(run: CaseRun) -> None:
    """Break the connection in the middle of the download: it goes on where it stopped.

    Raises:
        CaseFailedError: The profile is not held in time; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    fault = {"path": _PROFILE, "reset": True, "after": _MIDDLE, "times": 1}
    empty_the_store(run)
    with server_spoilt(run, fault):
        watch, milestones = power_up(run)
        recover(run, watch, milestones)
    begun = sum(event.kind == "download_started" for event in watch.events)
    again = Measurement(name=RESTARTS_LIMIT, value=float(max(0, begun - 1)), unit="1", n=begun)
    run.measured(RESTARTS_LIMIT, again, owner=Party.ROUTER)


def run_corrupted(run: CaseRun) -> None:
    """Damage one chunk of the profile, then every one: only a whole profile is ever held.

    Raises:
        CaseFailedError: The profile is not held in time; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    empty_the_store(run)
    with server_spoilt(run, {"path": _PROFILE, "corrupt": True, "after": _MIDDLE, "times": 1}):
        watch, milestones = power_up(run)
        recover(run, watch, milestones, step="one chunk damaged")
    wrong = sum(event.held_as_offered is False for event in watch.events)
    with server_spoilt(run, {"path": _PROFILE, "corrupt": True}):
        watch, milestones, held = _in_trouble(run)
    recover(run, watch, milestones, step="every chunk damaged, then none")
    count = Measurement(name=WRONG_LIMIT, value=float(wrong + held), unit="1", n=2)
    run.measured(WRONG_LIMIT, count, owner=Party.ROUTER)


def run_replayed(run: CaseRun) -> None:
    """Play the answers of an earlier choice and download again: nothing of it is held.

    Raises:
        CaseFailedError: The router does not recover; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    sim = given_sim(run)
    with ExitStack() as stack:
        stack.enter_context(marked(run, [sim] if sim else [], "quarantined"))
        stack.enter_context(
            server_spoilt(run, {"path": ["/v1/sim", _PROFILE], "replay": True}),
        )
        watch, milestones, held = _in_trouble(run)
    count = Measurement(name=WRONG_LIMIT, value=float(held), unit="1", n=1)
    run.measured(WRONG_LIMIT, count, owner=Party.ROUTER)
    recover(run, watch, milestones)


def run_bad_bearer(run: CaseRun) -> None:
    """Download over a seed bearer that is slow, late or lossy.

    Raises:
        CaseFailedError: The profile is not held in time; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    imsi = seed_imsi(run)
    for name, settings in _BAD_BEARERS.items():
        empty_the_store(run)
        with line_under(run, imsi, settings, {key: _GOOD_BEARER[key] for key in settings}):
            watch, milestones = power_up(run)
            _await_held(run, watch, milestones, name)
            _judge_time(run, watch, milestones, IMPAIRED_LIMIT, name)


def run_server_trouble(run: CaseRun) -> None:
    """Let the access server answer with errors, then late: the router recovers by itself.

    Raises:
        CaseFailedError: The router does not recover; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    with server_spoilt(run, {"path": "/v1", "status": 500}):
        watch, milestones, held = _in_trouble(run)
    _nothing_held(run, "answers of 500", held)
    recover(run, watch, milestones, step="answers of 500, then none")
    empty_the_store(run)
    with server_spoilt(run, {"path": _PROFILE, "delay_s": 1.0, "times": 3}):
        watch, milestones = power_up(run)
        recover(run, watch, milestones, step="three chunks a second late")


def run_server_gone(run: CaseRun) -> None:
    """Take the access server away, then its name: the router recovers by itself.

    Raises:
        CaseFailedError: The router does not recover; the owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    troubles: Mapping[str, AbstractContextManager[None]] = {
        "server down": server_spoilt(run, {"down": True}, shared=True),
        "DNS gone": names_gone(run),
    }
    for name, trouble in troubles.items():
        with trouble:
            watch, milestones, held = _in_trouble(run)
        _nothing_held(run, name, held)
        recover(run, watch, milestones, step=f"{name}, then back")


def _in_trouble(run: CaseRun) -> tuple[Watch, Milestones, int]:
    """Boot with an empty store into trouble; return how many profiles were held in it."""
    empty_the_store(run)
    watch, milestones = power_up(run)
    longest_s = run.limits[Phase.P0_BOOT.limit_name].high or 0.0
    there = follow(
        run,
        watch,
        milestones,
        Deadline.after(longest_s, run.clock),
        until=lambda: milestones.reached(Phase.P0_BOOT) is not None and run.dut.connected,
    )
    if not there:
        failure = run.fail("P0 boot", diagnose(Phase.P0_BOOT, watch))
        raise failure
    follow(run, watch, milestones, Deadline.after(_TROUBLE_S, run.clock))
    told = sum(event.kind == "held" for event in watch.events)
    if run.dut.driver.tells_held:
        stored = run.dut.driver.held_iccid(Deadline.after(_STEP_S, run.clock))
        told = max(told, int(stored is not None))
    return watch, milestones, told


def _nothing_held(run: CaseRun, name: str, held: int) -> None:
    """Note that the trouble was one: no profile can have come through it.

    Raises:
        CaseFailedError: One was held, so the trouble that was ordered did not happen.
    """
    if held:
        cause = f"a profile was held during {name!r}: what was ordered did not happen"
        failure = run.fail(name, Blame(owner=Party.BENCH, cause=cause))
        raise failure
    run.step(name, Verdict.PASS, f"nothing held for {_TROUBLE_S} s")


def _await_held(run: CaseRun, watch: Watch, milestones: Milestones, name: str) -> None:
    """Follow a boot to the profile held.

    Raises:
        CaseFailedError: It is not held in time; the owner is noted.
    """
    longest_s = run.limits[IMPAIRED_LIMIT].high or 0.0
    early = (p for p in Phase if p <= Phase.P3_SELECTION)
    longest_s += sum(run.limits[phase.limit_name].high or 0.0 for phase in early)
    there = follow(
        run,
        watch,
        milestones,
        Deadline.after(longest_s, run.clock),
        until=lambda: milestones.reached(Phase.P5_HELD) is not None,
    )
    if not there:
        missing = milestones.current() or Phase.P5_HELD
        failure = run.fail(f"{name} {missing.short}", diagnose(missing, watch))
        raise failure


def _judge_time(
    run: CaseRun, watch: Watch, milestones: Milestones, limit_name: str, step: str
) -> None:
    """Judge the time from the choice to the profile held, both by the server's clock.

    The router says by AT that it holds the profile before the server has heard of it.
    """
    await_event(run, watch, milestones, "held", Deadline.after(_HEARD_S, run.clock))
    chosen = [event.utc_us for event in watch.events if event.kind == "selected"]
    held = [event.utc_us for event in watch.events if event.kind == "held"]
    took_s = (held[-1] - chosen[0]) * 1000 / NS_PER_S if chosen and held else None
    took = Measurement(name=limit_name, value=took_s, unit="s", n=1)
    run.measured(limit_name, took, owner=None, step=step)


_BOOT: Final = frozenset(p.limit_name for p in Phase if p <= Phase.P5_HELD)
_P0: Final = frozenset({Phase.P0_BOOT.limit_name})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-DL-001",
            version="1",
            title_en="A download on a good bearer takes seconds and little more than its bytes",
            title_ja="良好な回線でのダウンロードは数秒で終わり、余分な通信は少ない",
            requirements=("R04",),
        ),
        needs=frozenset({"power", "tap.seed", LOG}),
        owner_rule="time: nobody, for two share it; bytes: the router, by the tap",
        limits=_BOOT | {TIME_LIMIT, WIRE_LIMIT},
        estimated_s=3.0,
        estimated_bytes=20_000,
        run=run_clean,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-002",
            version="1",
            title_en="A download that breaks off goes on where it stopped",
            title_ja="途中で切れたダウンロードは続きから再開される",
            requirements=("R04",),
        ),
        needs=frozenset({"power", FAULTS, LOG}),
        injected="one connection is broken in the middle of the download",
        owner_rule="the router: the server's log of downloads begun",
        limits=frozenset({RECOVERY_LIMIT, RESTARTS_LIMIT}),
        estimated_s=3.0,
        estimated_bytes=20_000,
        run=run_broken_off,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-003",
            version="1",
            title_en="A damaged profile is never held",
            title_ja="破損したプロファイルは決して保持されない",
            requirements=("R04", "R05"),
        ),
        needs=frozenset({"power", FAULTS, LOG}),
        injected="one chunk is damaged, then every one",
        owner_rule="the router: what it holds is not what was offered",
        limits=_P0 | {RECOVERY_LIMIT, WRONG_LIMIT},
        estimated_s=10.0,
        estimated_bytes=20_000,
        run=run_corrupted,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-005",
            version="1",
            title_en="A replayed choice and profile are refused",
            title_ja="再送された割り当てとプロファイルは拒否される",
            requirements=("R04",),
        ),
        needs=frozenset({"power", FAULTS, LOG, MARK}),
        injected="answers of an earlier choice and download are played again",
        owner_rule="the router: what it holds",
        limits=_P0 | {RECOVERY_LIMIT, WRONG_LIMIT},
        estimated_s=7.0,
        estimated_bytes=20_000,
        run=run_replayed,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-007",
            version="1",
            title_en="A download over a slow, late or lossy seed bearer ends",
            title_ja="低速・遅延・損失のあるシード回線でもダウンロードが完了する",
            requirements=("R04",),
        ),
        needs=frozenset({"power", "core", LOG}),
        injected="the seed bearer is at 64 kbit/s, then 150 ms late, then loses 5 %",
        owner_rule="time: nobody, for two share it; else the phase's rules",
        limits=_BOOT | {IMPAIRED_LIMIT},
        estimated_s=25.0,
        estimated_bytes=20_000,
        run=run_bad_bearer,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-008",
            version="1",
            title_en="Errors and late answers of the access server are survived",
            title_ja="アクセスサーバーのエラーと遅延から自力で復旧する",
            requirements=("R04", "R05"),
        ),
        needs=frozenset({"power", FAULTS, LOG}),
        injected="the server answers 500, then three chunks a second late",
        owner_rule="the phase's rules, once the server is well again",
        limits=_P0 | {RECOVERY_LIMIT},
        estimated_s=15.0,
        estimated_bytes=20_000,
        run=run_server_trouble,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-010",
            version="1",
            title_en="An access server or a name server that is gone for a while is survived",
            title_ja="アクセスサーバーや DNS の一時的な停止から自力で復旧する",
            requirements=("R04", "R05"),
        ),
        needs=frozenset({"power", "core", FAULTS, LOG}),
        injected="the server is down, then the name server silent",
        owner_rule="the phase's rules, once they are back",
        limits=_P0 | {RECOVERY_LIMIT},
        estimated_s=25.0,
        estimated_bytes=20_000,
        exclusive=True,
        run=run_server_gone,
    ),
)
