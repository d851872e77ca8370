"""QUAR, REG, BANK, THR: which SIM is given next, and what the bank's own list says."""

from __future__ import annotations

from collections import Counter
from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.phases import Phase
from harness.procedure.reassigned import GAP_LIMIT, await_change, change, states_kept
from harness.procedure.replaced import REPLACED_LIMIT, SLOW, slowed
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, reboot, serve, step
from harness.procedure.steering import marked
from harness.record.rows import CaseInfo
from harness.verdict.blame import Facts, blame
from harness.verdict.verdict import Verdict

TWICE_LIMIT: Final = "bank.listed_twice"
UNKNOWN_LIMIT: Final = "bank.unknown_as_healthy"


def run_quarantine(run: CaseRun) -> None:
    """Quarantine the SIM in use; the router is taken off it and is not given it again.

    Raises:
        CaseFailedError: The router does not get up, or stays on the SIM.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    old = user.sim
    with states_kept(run), marked(run, [old], "quarantined"):
        took_s = await_change(user, old, "quarantined", run.limits[GAP_LIMIT].high or 0.0)
        gap = Measurement(name=GAP_LIMIT, value=took_s, unit="s", n=1)
        run.measured(GAP_LIMIT, gap, owner=None)
        _judge_given(user, "first")
        change(user, "ordered change")
        _judge_given(user, "second")
        if user.sim.iccid == old.iccid or user.listed(old.iccid).state != "quarantined":
            held = f"*{old.iccid[-SHOWN:]} as {user.listed(old.iccid).state}"
            user.fail("quarantine", "it was not lifted by anybody", server_holds=held)


def run_throttled_given(run: CaseRun) -> None:
    """Mark all free SIMs of the carrier in use as throttled, and order another SIM.

    Raises:
        CaseFailedError: The router does not get up, or does not change.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    with states_kept(run):
        same = [
            sim
            for sim in run.dut.cloud.sims(step(run))
            if sim.plmn == user.sim.plmn and sim.iccid != user.sim.iccid
        ]
        with marked(run, same, "throttled"):
            change(user, "ordered change")
            _judge_given(user, "given")


def run_remembered(run: CaseRun) -> None:
    """Have the router find a SIM slow, power-cycle it, and see whether it still names that SIM.

    Raises:
        CaseFailedError: The router does not get up, or does not leave the SIM.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    slow = user.sim
    shown = f"*{slow.iccid[-SHOWN:]}"
    with states_kept(run):
        with slowed(run, slow, SLOW):
            since = Deadline.after(run.limits[REPLACED_LIMIT].high or 0.0, run.clock)
            given = user.download(since, until_given=True)
            left = bool(given) and given[0] != slow.iccid
            if not left or slow.iccid not in user.state().named_slow:
                shows = "it never named its slow SIM to the access server"
                failure = user.fail("named slow", f"{shown} is slow", shows=shows)
                raise failure
            run.step("named slow", Verdict.PASS, f"{shown} was named and left")
            user.await_data(given[0], since)
        again = reboot(run)
        change(again, "ordered change")
        if slow.iccid not in again.state().named_slow:
            shows = "it no longer names the SIM that it found slow"
            again.fail("named after a power cycle", f"{shown} was slow", shows=shows)
        else:
            run.step("named after a power cycle", Verdict.PASS, f"{shown} is named still")


def run_terms(run: CaseRun) -> None:
    """A SIM whose terms nobody disclosed is never listed as healthy.

    Raises:
        BenchError: The bench cannot look.
    """
    sims = list(run.dut.cloud.sims(step(run)))
    closed = [sim for sim in sims if not sim.plan.disclosed]
    wrong = [sim for sim in closed if sim.state in {"healthy", "near_cap"}]
    count = Measurement(name=UNKNOWN_LIMIT, value=float(len(wrong)), unit="1", n=len(sims))
    run.measured(UNKNOWN_LIMIT, count, owner=Party.ACCESS_SERVER)
    shown = ", ".join(f"*{sim.iccid[-SHOWN:]} {sim.state}" for sim in closed)
    text = f"terms not disclosed: {shown or 'none'}, of {len(sims)} SIMs"
    run.result.event("note", text, party=Party.BENCH)


def run_list(run: CaseRun) -> None:
    """Each card is in the bank once, and the one that is given answers its carrier.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    sims = list(run.dut.cloud.sims(step(run)))
    keys = Counter(sim.iccid for sim in sims) + Counter(sim.imsi for sim in sims)
    twice = sum(count - 1 for count in keys.values())
    listed = Measurement(name=TWICE_LIMIT, value=float(twice), unit="1", n=len(sims))
    run.measured(TWICE_LIMIT, listed, owner=Party.SIM_BANK)
    boot(run, last=Phase.P6_CARRIER_ATTACH)


def _judge_given(user: Serving, label: str) -> None:
    """Note whether the SIM that was given may be given, by the access server's own list."""
    run, state = user.run, user.listed(user.sim.iccid).state
    if state in {"healthy", "near_cap"}:
        run.step(f"{label} SIM", Verdict.PASS, f"{user.shown} is listed as {state}")
        return
    bench = run.dut.bench_problem()
    run.fail(f"{label} SIM", blame(Facts(phase="P8", bench_problem=bench, chosen_state=state)))


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG, MARK})
_STEERED: Final = _NEEDS | {STEER}


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-QUAR-001",
            version="1",
            title_en="A SIM that is quarantined in use is left, and not given again",
            title_ja="使用中に隔離された SIM から切り替わり、再び割り当てられない",
            requirements=("R27",),
        ),
        needs=_STEERED,
        injected="the SIM in use is quarantined at the access server",
        owner_rule="the party that had to act: bank marks, server chooses, router takes",
        limits=BOOT_LIMITS | {GAP_LIMIT},
        estimated_s=12.0,
        estimated_bytes=80_000,
        run=run_quarantine,
    ),
    Case(
        info=CaseInfo(
            id="CS-THR-AS-001",
            version="1",
            title_en="A SIM that the server lists as throttled is not given to a router in service",
            title_ja="低速化と登録された SIM は稼働中のルーターに割り当てられない",
            requirements=("R13",),
        ),
        needs=_STEERED,
        injected="all free SIMs of the carrier in use are marked as throttled",
        owner_rule="the access server: its own list at the moment of its choice",
        limits=BOOT_LIMITS | {GAP_LIMIT},
        estimated_s=9.0,
        estimated_bytes=60_000,
        exclusive=True,
        run=run_throttled_given,
    ),
    Case(
        info=CaseInfo(
            id="CS-THR-003",
            version="1",
            title_en="A SIM that was found slow is still named after a power cycle",
            title_ja="低速と判定した SIM を電源再投入後も報告し続ける",
            requirements=("R12", "R14"),
        ),
        needs=_STEERED,
        injected="300 kbit/s at the carrier, on the SIM in use; then a power cycle",
        owner_rule="the router: the slow SIMs that it names when it asks for another",
        limits=BOOT_LIMITS | {REPLACED_LIMIT, GAP_LIMIT},
        estimated_s=30.0,
        estimated_bytes=600_000,
        run=run_remembered,
    ),
    Case(
        info=CaseInfo(
            id="CS-REG-001",
            version="1",
            title_en="A SIM whose terms nobody disclosed is never listed as healthy",
            title_ja="契約条件が未開示の SIM は正常と登録されない",
            requirements=("R17", "R30"),
        ),
        needs=frozenset({LOG}),
        injected="nothing: the list of the SIM bank is read",
        owner_rule="the access server: it lists the SIM",
        limits=frozenset({UNKNOWN_LIMIT}),
        estimated_s=1.0,
        estimated_bytes=1_000,
        run=run_terms,
    ),
    Case(
        info=CaseInfo(
            id="CS-BANK-001",
            version="1",
            title_en="Each card is in the bank once, and the one that is given answers",
            title_ja="各 SIM がバンクに一枚だけ存在し、割り当てられた SIM が認証に応答する",
            requirements=("R03", "R05"),
        ),
        needs=_NEEDS,
        injected="nothing: a power cycle",
        owner_rule="the SIM bank: its list, and the rules of `verdict.relay`",
        limits=BOOT_LIMITS | {TWICE_LIMIT},
        estimated_s=5.0,
        estimated_bytes=40_000,
        run=run_list,
    ),
)
