"""REB: on order and on quota a router takes a wholly different SIM, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.cloud.event_log import each_event, last_event
from harness.cloud.model import Sim, SimState
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.serving import (
    BOOT_LIMITS,
    SHOWN,
    Serving,
    require_desk,
    serve,
    step,
)
from harness.procedure.steering import require_core
from harness.record.rows import CaseInfo
from harness.verdict.verdict import Verdict

GAP_LIMIT: Final = "reassign.gap"
REPEATED_LIMIT: Final = "reassign.repeated"
LEFT_LIMIT: Final = "reassign.left_behind"
_MARGIN_BYTES: Final = 500_000
_FEW, _MANY = 4, 50


def run_order(run: CaseRun) -> None:
    """Order another SIM at the access server, follow the change, and compare what all say.

    Raises:
        CaseFailedError: The router does not get up, or does not change.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    with states_kept(run):
        took_s = change(user, "ordered change")
        gap = Measurement(name=GAP_LIMIT, value=took_s, unit="s", n=1)
        run.measured(GAP_LIMIT, gap, owner=None)
        judge_shown(user)


def run_cycles(run: CaseRun, *, cycles: int) -> None:
    """Have the router change its SIM again and again; no SIM comes back used up, none is kept.

    Raises:
        CaseFailedError: The router does not get up, or a change does not happen.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    gaps_s: list[float] = []
    repeated = left = 0
    with states_kept(run):
        for number in range(1, cycles + 1):
            old = user.sim
            gaps_s.append(change(user, f"change {number}"))
            repeated += user.sim.iccid == old.iccid
            left += left_behind(user)
            # The pool is refilled behind the router, or it would be dry after a few changes.
            run.dut.cloud.set_sim_state(old.iccid, "healthy", "refilled by the bench", step(run))
    worst = Measurement(name=GAP_LIMIT, value=max(gaps_s), unit="s", n=cycles)
    run.measured(GAP_LIMIT, worst, owner=None)
    again = Measurement(name=REPEATED_LIMIT, value=float(repeated), unit="1", n=cycles)
    run.measured(REPEATED_LIMIT, again, owner=Party.ACCESS_SERVER)
    kept = Measurement(name=LEFT_LIMIT, value=float(left), unit="1", n=cycles)
    run.measured(LEFT_LIMIT, kept, owner=None)


def run_quota(run: CaseRun) -> None:
    """Let real traffic carry the SIM in use over its quota; it is marked and replaced.

    Raises:
        CaseFailedError: The router does not get up, or keeps the SIM.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    sim, line = user.sim, user.line()
    quota = sim.plan.quota_bytes
    if quota is None or line.quota_bytes is None:
        run.step("quota", Verdict.INCONC, f"{user.shown} has no quota that the lab knows")
        return
    desk, core = require_desk(run), require_core(run)
    used = user.listed(sim.iccid).used_bytes
    with states_kept(run):
        try:
            desk.set_used(sim.iccid, quota - _MARGIN_BYTES, step(run))
            settings = {"used_bytes": line.quota_bytes - _MARGIN_BYTES}
            core.shape(sim.imsi, settings, step(run))
            text = f"{user.shown} is {_MARGIN_BYTES} B below its quota of {quota} B"
            run.result.event("injection", text, party=Party.BENCH)
            user.move(2 * _MARGIN_BYTES, Deadline.after(30.0, run.clock))
            await_change(user, sim, "quota", run.limits[GAP_LIMIT].high or 0.0)
            listed = user.listed(sim.iccid)
            text = f"*{sim.iccid[-SHOWN:]} is listed as {listed.state}"
            if listed.state != "throttled":
                user.fail("used-up SIM", text, server_holds=f"it as {listed.state}")
            else:
                run.step("used-up SIM", Verdict.PASS, text)
        finally:
            desk.set_used(sim.iccid, used, step(run))
            core.shape(sim.imsi, {"used_bytes": line.period_bytes}, step(run))


def change(user: Serving, name: str, reason: str = "cap") -> float:
    """Order another SIM and follow the router to its first byte; return the seconds.

    Raises:
        CaseFailedError: It does not change in time.
    """
    run, old = user.run, user.sim
    user.news()  # a choice that was made before the order is not its outcome
    run.dut.cloud.reassign(run.dut.router.imei, reason, step(run))
    return await_change(user, old, name, run.limits[GAP_LIMIT].high or 0.0)


def await_change(user: Serving, old: Sim, name: str, limit_s: float) -> float:
    """Follow a router to its first byte through another SIM; return the seconds.

    Raises:
        CaseFailedError: It does not change in time.
    """
    run, since = user.run, Deadline.after(limit_s, user.run.clock)
    run.progress.started(name, limit_s)
    user.log.clear()
    shown = f"*{old.iccid[-SHOWN:]}"
    given = user.await_server("selected", since)
    if given is None or given.iccid is None:
        what = f"{shown} was to be replaced"
        raise user.fail(name, what, must_change=True, server_holds=_not_counted(user, old))
    if given.iccid == old.iccid:
        raise user.fail(name, f"{shown} was to be replaced", same_again=True)
    if not user.await_given(given.iccid, since, but={old.iccid}):
        what = f"no byte through *{given.iccid[-SHOWN:]} after {since.waited_s:.1f} s"
        held = any(event.kind == "held" for event in user.log)
        shows = "it holds the new SIM and does not serve by it" if held else None
        raise user.fail(name, what, shows=shows if _carrier_is_innocent(user) else None)
    text = f"{shown} was replaced by {user.shown} after {since.waited_s:.1f} s"
    run.step(name, Verdict.PASS, text)
    return since.waited_s


def _carrier_is_innocent(user: Serving) -> bool:
    """Tell whether no carrier refused the router since the case looked last, as far as it shows."""
    if user.run.dut.core is None:
        return False
    return not any(event.kind in {"reject", "no_answer"} for event in user.core_news())


def _not_counted(user: Serving, old: Sim) -> str | None:
    """Return what the access server makes of a quota that its own books say is used."""
    quota, listed = old.plan.quota_bytes, user.listed(old.iccid)
    if quota is not None and listed.used_bytes >= quota and listed.state == "healthy":
        return f"{listed.used_bytes} B of {quota} B as used, and the SIM as healthy"
    return None


def judge_shown(user: Serving) -> None:
    """Note whether the router shows the SIM that it was given."""
    run, driver = user.run, user.run.dut.driver
    pairs = {
        "ICCID": (driver.iccid(step(run)), user.sim.iccid),
        "IMSI": (driver.imsi(step(run)), user.sim.imsi),
        "PLMN": (driver.registration(step(run)).plmn, user.sim.plmn),
        "address": (driver.pdn_address(step(run)), user.line().address),
    }
    wrong = [name for name, (by_at, by_others) in pairs.items() if by_at != by_others]
    if not wrong:
        run.step("shown SIM", Verdict.PASS, f"the router shows {user.shown} and its address")
        return
    both = {"ICCID", "IMSI"} <= set(wrong)
    text = f"{', '.join(wrong)} by AT is not that of {user.shown}"
    # Both numbers wrong: the profile was another card's. One of them: the router's own doing.
    bank_said = "the profile was that of another card" if both else None
    user.fail("shown SIM", text, bank_said=bank_said, shows="it shows what it had before")


def left_behind(user: Serving) -> int:
    """Count what a change left behind: a SIM still assigned, a line still attached."""
    run, imei = user.run, user.run.dut.router.imei
    core = require_core(run)
    sims = [sim for sim in run.dut.cloud.sims(step(run)) if sim.iccid != user.sim.iccid]
    assigned = sum(sim.assigned_imei == imei for sim in sims)
    attached = sum(core.subscriber(sim.imsi, step(run)).attached_imei == imei for sim in sims)
    return assigned + attached


@contextmanager
def states_kept(run: CaseRun) -> Iterator[None]:
    """Give each SIM that this router was given the state back that it has now, if it lost it.

    What befalls other SIMs of the bank is another router's, or is undone by who did it; so is a
    quarantine, which nobody but a case sets.
    """
    cloud, imei = run.dut.cloud, run.dut.router.imei
    before = {sim.iccid: sim for sim in cloud.sims(step(run))}
    had = {iccid for iccid, sim in before.items() if sim.assigned_imei == imei}
    seen = last_event(cloud, imei, step(run))
    try:
        yield
    finally:
        news = each_event(cloud, after=seen, imei=imei, deadline=step(run))
        had |= {event.iccid for event in news if event.kind == "selected" and event.iccid}
        for sim in cloud.sims(step(run)):
            was = before[sim.iccid].state if sim.iccid in before else sim.state
            mine = sim.iccid in had and sim.assigned_imei in {None, imei}
            if mine and sim.state not in {was, "quarantined"}:
                state: SimState = "healthy" if was == "near_cap" else was
                cloud.set_sim_state(sim.iccid, state, "the bench is done", step(run))


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG, MARK, STEER})


def _cycling(case_id: str, cycles: int) -> Case:
    return Case(
        info=CaseInfo(
            id=case_id,
            version="1",
            title_en=f"{cycles} changes in a row: no used-up SIM comes back, nothing is left",
            title_ja=f"{cycles} 回連続の SIM 交換で、使用済み SIM の再割当も残留もない",
            requirements=("R14", "R16"),
        ),
        needs=_NEEDS,
        injected=f"{cycles} quotas used up, one after another",
        owner_rule="the party that had to act: bank marks, server chooses, router takes",
        limits=BOOT_LIMITS | {GAP_LIMIT, REPEATED_LIMIT, LEFT_LIMIT},
        estimated_s=6.0 + 3.5 * cycles,
        estimated_bytes=40_000 + 12_000 * cycles,
        run=partial(run_cycles, cycles=cycles),
    )


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-REB-001",
            version="1",
            title_en="On order the router takes another SIM, and shows it",
            title_ja="指示により別の SIM に切り替わり、その SIM を正しく表示する",
            requirements=("R14",),
        ),
        needs=_NEEDS,
        injected="an order of the access server to take another SIM",
        owner_rule="who was waited for: order, release, choice, download, attach",
        limits=BOOT_LIMITS | {GAP_LIMIT},
        estimated_s=9.0,
        estimated_bytes=60_000,
        run=run_order,
    ),
    _cycling("CS-REB-002", _MANY),
    _cycling("CS-REB-003", _FEW),
    Case(
        info=CaseInfo(
            id="CS-CAP-001",
            version="1",
            title_en="A SIM whose quota is used up by traffic is marked and replaced",
            title_ja="通信で容量を使い切った SIM は印が付けられ、別の SIM に交換される",
            requirements=("R14", "R16"),
        ),
        needs=_NEEDS | {"desk"},
        injected="a quota that traffic uses up",
        owner_rule="the party that had to act: bank marks, server chooses, router takes",
        limits=BOOT_LIMITS | {GAP_LIMIT},
        estimated_s=10.0,
        estimated_bytes=1_200_000,
        run=run_quota,
    ),
)
