"""SUSP, RESET, TIME: what begins and ends at a date, and the router's clock."""

from __future__ import annotations

import datetime as dt
from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.core.clock import Deadline
from harness.measure.measurement import Measurement
from harness.procedure.capped import LIMITED_BPS, planned, settled_use
from harness.procedure.case import Case, CaseRun
from harness.procedure.dating import dated, world_ahead_s
from harness.procedure.metering import Meter, probe
from harness.procedure.reassigned import GAP_LIMIT, change, states_kept
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, require_desk, serve, step
from harness.record.rows import CaseInfo
from harness.verdict.service_blame import blame_service
from harness.verdict.verdict import Verdict

STOP_LIMIT: Final = "suspension.stop"
RESUME_LIMIT: Final = "suspension.resume"
RESET_LIMIT: Final = "reset.rate_ratio"
HELD_LIMIT: Final = "reset.throttled_ratio"
OFFSET_LIMIT: Final = "time.offset"
ZONE_LIMIT: Final = "time.zone"
_LAST_DAY, _FIRST_DAY = "2028-02-29", "2028-03-01"
_ASKED, _EVE, _MORNING = "2028-05-10T12:00:00", "2028-05-11T08:59:00", "2028-05-11T09:00:00"
_BEGINS: Final = dt.datetime(2028, 5, 11, 0, 0, tzinfo=dt.UTC)  # 09:00 in Japan
_EVE_STEP, _RESET_STEP = "08:59", "after its reset"
_MEASURED_STEP, _CLOCK_STEP = "measured", "clock"
_HEARD_S: Final = 20.0
_LOOK_S: Final = 1.6
_CAP_BYTES: Final = 200_000
_US_PER_S: Final = 1_000_000


def run_suspension(run: CaseRun) -> None:
    """Ask for a suspension; at 08:59 of the next day the line serves, at 09:00 it rests.

    Raises:
        CaseFailedError: The router does not get up, or the line rests at a wrong time.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    desk, imei = require_desk(run), run.dut.router.imei
    with dated(run) as set_date:
        set_date(_ASKED)
        try:
            desk.suspend(imei, run.dut.cloud.utc_us(step(run)), step(run))
            set_date(_EVE)
            _heard(user)
            if user.said("suspended") or not user.reaches():
                held = _wrong_begin(user)
                raise user.fail(_EVE_STEP, "the line rests at 08:59", server_holds=held)
            run.step(_EVE_STEP, Verdict.PASS, "the line serves")
            set_date(_MORNING)
            _judge_rest(user)
        finally:
            desk.suspend(imei, None, step(run))
        _judge_resumed(user)


def _judge_rest(user: Serving) -> None:
    """Judge how long after 09:00 the line still serves."""
    run = user.run
    limit_s = run.limits[STOP_LIMIT].high or 0.0
    since = Deadline.after(limit_s, run.clock)
    run.progress.started(STOP_LIMIT, limit_s)
    rests = user.await_true(lambda: not user.reaches(), since)
    took_s = since.waited_s
    user.news()
    if not rests:
        told = bool(user.said("suspended"))
        wrong = _wrong_begin(user) or (None if told else "the line as serving, and told it so")
        shows = "the router was told that its line rests, and serves on" if told else None
        raise user.fail(STOP_LIMIT, "the line serves at 09:00", server_holds=wrong, shows=shows)
    measured = Measurement(name=STOP_LIMIT, value=took_s, unit="s", n=1)
    run.measured(STOP_LIMIT, measured, owner=None)


def _judge_resumed(user: Serving) -> None:
    """Judge how long it takes from the end of a suspension to the first byte."""
    run = user.run
    since = Deadline.after(run.limits[RESUME_LIMIT].high or 0.0, run.clock)
    run.progress.started(RESUME_LIMIT, since.left_s)
    if not user.await_true(user.reaches, since):
        raise user.fail(RESUME_LIMIT, f"no byte {since.waited_s:.0f} s after the suspension ended")
    measured = Measurement(name=RESUME_LIMIT, value=since.waited_s, unit="s", n=1)
    run.measured(RESUME_LIMIT, measured, owner=None)


def _wrong_begin(user: Serving) -> str | None:
    """Say in words which other begin of the suspension the access server holds."""
    begin = user.state().suspended_from
    if begin is not None and dt.datetime.fromisoformat(begin) == _BEGINS:
        return None
    return f"{begin} as its begin, where {_BEGINS.isoformat()} is 09:00 of the next day in Japan"


def run_plan_reset(run: CaseRun) -> None:
    """Use a plan up on 29 February; it is fast again on 1 March at 00:00 in Japan, not before.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    with dated(run) as set_date:
        set_date(f"{_LAST_DAY}T23:30:00")
        used = settled_use(user)
        plan: dict[str, object] = {"cap_bytes": used + _CAP_BYTES, "limited_bps": LIMITED_BPS}
        with planned(user, plan):
            _heard(user)
            meter = Meter(user=user)
            meter.begin()
            meter.reach(_CAP_BYTES + _CAP_BYTES // 10)
            set_date(f"{_LAST_DAY}T23:59:00")
            _heard(user)
            _judge_plan_rate(user, HELD_LIMIT, "23:59 of 29 February")
            set_date(f"{_FIRST_DAY}T00:00:30")
            _heard(user)
            _judge_plan_rate(user, RESET_LIMIT, "00:00 of 1 March")


def _judge_plan_rate(user: Serving, name: str, label: str) -> None:
    """Judge the rate of a plan that is used up, as a part of its limited rate."""
    run, zone = user.run, user.state().plan.zone
    ratio = Measurement(name=name, value=probe(user) / LIMITED_BPS, unit="1", n=1)
    other = f"a period that begins at 00:00 in {zone}" if zone != "Asia/Tokyo" else None
    used = user.state().used_bytes
    shows = f"the router was told {used} B of use, and its user gets another rate"
    facts = user.facts(f"the rate at {label}", server_holds=other, shows=shows)
    run.measured(name, ratio, owner=blame_service(facts).owner, step=f"{name} {label}")


def run_counted_again(run: CaseRun) -> None:
    """A SIM used up in February is not healthy in March before somebody measured it.

    Raises:
        CaseFailedError: It is counted as healthy by its date.
        BenchError: The bench cannot steer.
    """
    user = serve(run)
    cloud = run.dut.cloud
    free = [s for s in cloud.sims(step(run)) if s.assigned_imei is None and s.state == "healthy"]
    if not free:
        run.step("free SIM", Verdict.INCONC, "no healthy SIM is free")
        return
    sim, shown = free[0], f"*{free[0].iccid[-SHOWN:]}"
    with states_kept(run), dated(run) as set_date:
        set_date(f"{_LAST_DAY}T23:50:00")
        cloud.set_sim_state(sim.iccid, "throttled", "used up by the bench", step(run))
        set_date(f"{_FIRST_DAY}T00:10:00")
        state = user.listed(sim.iccid).state
        if state in {"healthy", "near_cap"}:
            held = f"{shown} as {state} since its reset date, and nobody measured it"
            raise user.fail(_RESET_STEP, f"{shown} was used up", server_holds=held)
        run.step(_RESET_STEP, Verdict.PASS, f"{shown} is listed as {state}")
        cloud.set_sim_state(sim.iccid, "healthy", "measured by the bench", step(run))
        state = user.listed(sim.iccid).state
        if state != "healthy":
            held = f"{shown} as {state} although it was measured healthy"
            raise user.fail(_MEASURED_STEP, f"{shown} was measured", server_holds=held)
        run.step(_MEASURED_STEP, Verdict.PASS, f"{shown} is listed as {state}")


def run_clock(run: CaseRun) -> None:
    """Compare time and zone of the router with the world's, after a change of its SIM.

    Raises:
        CaseFailedError: The router does not get up, does not change, or has no time.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    with states_kept(run):
        user.core_news()
        change(user, "ordered change")
        ahead_s = world_ahead_s(run)
        reading = run.dut.driver.clock_reading(step(run))
        world = dt.datetime.fromtimestamp(run.clock.utc_us() / _US_PER_S + ahead_s, dt.UTC)
        wrong = _wrong_network_time(user)
        if reading is None or (told := reading.utc()) is None:
            sent = wrong or "the network sent its time"
            text = f"the router's clock was never set, and {sent}"
            shows = "it has no time with a zone"
            raise user.fail(_CLOCK_STEP, text, network_time=wrong, shows=shows)
        facts = user.facts("the clock", network_time=wrong, shows="it was told the right time")
        owner = blame_service(facts).owner
        offset = Measurement(name=OFFSET_LIMIT, value=(told - world).total_seconds(), unit="s", n=1)
        run.measured(OFFSET_LIMIT, offset, owner=owner)
        zone_min = reading.offset_min
        zone_s = None if zone_min is None else zone_min * 60.0
        zone = Measurement(name=ZONE_LIMIT, value=zone_s, unit="s", n=1)
        run.measured(ZONE_LIMIT, zone, owner=owner)


def _wrong_network_time(user: Serving) -> str | None:
    """Say in words what is wrong with the time that the carrier sent; None when nothing is."""
    run = user.run
    sent = [event for event in user.core_news() if event.kind == "nitz" and event.utc]
    if not sent or sent[-1].utc is None:
        return None
    limit = run.limits[OFFSET_LIMIT].high or 0.0
    said = dt.datetime.fromisoformat(sent[-1].utc).timestamp()
    off_s = said - sent[-1].utc_us / _US_PER_S
    return f"a time that is {off_s:.0f} s off" if abs(off_s) > limit else None


def _heard(user: Serving) -> None:
    """Wait until the router has heard of a new date: two heartbeats, and a look at its counter."""
    run = user.run
    since = Deadline.after(_HEARD_S, run.clock)
    user.news()
    for _ in range(2):
        user.await_server("heartbeat", since)
    run.clock.sleep(_LOOK_S)


_NEEDS: Final = frozenset({"power", "core", "far_end", "desk", LOG})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-CAP25-002",
            version="1",
            title_en="A plan that is used up on 29 February is fast on 1 March at 00:00 in Japan",
            title_ja="2 月 29 日に使い切ったプランが日本時間 3 月 1 日 0 時に回復する",
            requirements=("R24", "R30"),
        ),
        needs=_NEEDS,
        injected="the world's date: 29 February 23:59, then 1 March 00:00; a cap that is used up",
        owner_rule="the access server: zone and use that it holds; else the router",
        limits=BOOT_LIMITS | {HELD_LIMIT, RESET_LIMIT},
        estimated_s=40.0,
        estimated_bytes=400_000,
        exclusive=True,
        run=run_plan_reset,
    ),
    Case(
        info=CaseInfo(
            id="CS-SUSP-001",
            version="1",
            title_en="A suspended line serves at 08:59 of the next day, rests at 09:00, resumes",
            title_ja="休止申請の翌日 8:59 は使え、9:00 に休止し、解除後に再開する",
            requirements=("R35",),
        ),
        needs=_NEEDS,
        injected="a suspension, and the world's date: 08:59 and 09:00 in Japan of the next day",
        owner_rule="the access server: the begin that it holds, what it told; else the router",
        limits=BOOT_LIMITS | {STOP_LIMIT, RESUME_LIMIT},
        estimated_s=35.0,
        estimated_bytes=40_000,
        exclusive=True,
        run=run_suspension,
    ),
    Case(
        info=CaseInfo(
            id="CS-RESET-002",
            version="1",
            title_en="A SIM used up last month is not healthy before it was measured",
            title_ja="前月に使い切った SIM は実測されるまで正常と見なされない",
            requirements=("R30",),
        ),
        needs=_NEEDS | {MARK},
        injected="a SIM marked as used up on 29 February; the world's date: 1 March",
        owner_rule="the access server: what it lists the SIM as",
        limits=BOOT_LIMITS,
        estimated_s=8.0,
        estimated_bytes=40_000,
        exclusive=True,
        run=run_counted_again,
    ),
    Case(
        info=CaseInfo(
            id="CS-TIME-001",
            version="1",
            title_en="Time and zone are right after a change of the cloud SIM",
            title_ja="クラウド SIM の切替後も時刻とタイムゾーンが正しい",
            requirements=("R06", "R17"),
        ),
        needs=_NEEDS | {MARK, STEER},
        injected="an order of the access server to take another SIM",
        owner_rule="the carrier: the time that its log says it sent; else the router",
        limits=BOOT_LIMITS | {GAP_LIMIT, OFFSET_LIMIT, ZONE_LIMIT},
        estimated_s=10.0,
        estimated_bytes=60_000,
        run=run_clock,
    ),
)
