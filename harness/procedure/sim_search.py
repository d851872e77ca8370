"""Which SIMs of the bank are slow: put on a router one after another, and measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from harness.cloud.adapter import LOG, MARK, STEER
from harness.cloud.model import Sim, SimState
from harness.core.clock import Deadline
from harness.core.errors import UsageError
from harness.core.party import Party
from harness.core.units import format_rate, format_size
from harness.measure.limiter import Limiter
from harness.measure.throttle_test import ThrottlePlan
from harness.pool.finder import find_slow_sims
from harness.pool.sources import contract_of
from harness.pool.suspicion import Place, Probe, Search, SimFinding, SimUnderSuspicion
from harness.procedure.case import Case, CaseRun
from harness.procedure.reassigned import GAP_LIMIT, await_change
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, serve, step
from harness.procedure.steering import standing_at
from harness.record.rows import CaseInfo
from harness.userplane.throttling_check import check_throttling, datagrams_of
from harness.verdict.blame import Blame
from harness.verdict.verdict import Verdict

USABLE: Final = frozenset({"healthy", "near_cap"})
SEARCHED: Final = USABLE | {"suspected", "unknown"}
"""States of SIMs that are worth a probe: what is throttled by its books is known to be slow."""
_FALLBACK_BYTES: Final = 200_000
_FALLBACK_S: Final = 30.0
_FAR_END: Final = "far_end"


@dataclass(slots=True, kw_only=True)
class BenchProber:
    """Measures SIMs on one router: `harness.pool.suspicion.Prober`.

    The access server chooses which SIM it gives, so the others of the carrier are taken out of its
    choice for as long as it takes.

    Attributes:
        user: The router, serving.
        slow_below_bps: Below this rate a line counts as slow, in bit/s.
        undo: Gives each SIM that was marked the state that it had.
    """

    user: Serving
    slow_below_bps: float
    undo: ExitStack
    marked: set[str] = field(default_factory=set)

    def probe(self, sim: str, router: str, server: str) -> Probe:
        """Put the SIM on the router and ask whether its line is slow.

        Raises:
            CaseFailedError: The access server gives another SIM, or the router does not serve by
                it; the owner is noted.
            BenchError: The bench cannot steer or measure.
            RouterError: The path does not carry the traffic.
        """
        user, run = self.user, self.user.run
        since = Deadline.after(run.limits[GAP_LIMIT].high or 0.0, run.clock)
        wanted = user.listed(sim)
        with ExitStack() as stack:
            if run.dut.core is not None:
                stack.enter_context(standing_at(run, wanted.plmn))
            self._put(wanted)
            check = check_throttling(
                user.client(),
                run.dut.require_tap("bench-end"),
                ThrottlePlan(threshold_bps=self.slow_below_bps),
                open_datagrams=datagrams_of(run.dut.namespace.socket),
                clock=run.clock,
            )
            decision, burnt = check.decision, check.bytes_burnt
            rate_bps = decision.rate_bps
            if decision.throttled is None:
                rate_bps = user.move(_FALLBACK_BYTES, Deadline.after(_FALLBACK_S, run.clock))
                burnt += _FALLBACK_BYTES
            elif not decision.throttled:
                rate_bps = max(rate_bps or 0.0, self.slow_below_bps)
        rate = "unknown" if rate_bps is None else format_rate(rate_bps)
        more = " or more" if decision.throttled is False else ""
        text = f"{rate}{more} on {router} to {server} for {format_size(burnt)}: {decision.reason}"
        run.step(f"probe {shown(sim)}", Verdict.PASS, text)
        return Probe(
            rate_bps=rate_bps or 0.0,
            policed=decision.limiter is Limiter.POLICER,
            burnt_bytes=burnt,
            took_s=since.waited_s,
        )

    def _put(self, wanted: Sim) -> None:
        """Have the access server give the router this SIM, and wait until it serves by it."""
        user, run = self.user, self.user.run
        if user.sim.iccid == wanted.iccid:
            return
        for sim in run.dut.cloud.sims(step(run)):
            if sim.iccid == wanted.iccid:
                self._mark(sim, "healthy" if sim.state not in USABLE else sim.state)
            elif sim.plmn == wanted.plmn and sim.assigned_imei is None and sim.state in USABLE:
                self._mark(sim, "quarantined")
        name, old = f"change to {shown(wanted.iccid)}", user.sim
        user.news()  # a choice that was made before the order is not its outcome
        run.dut.cloud.reassign(run.dut.router.imei, "probe", step(run))
        await_change(user, old, name, run.limits[GAP_LIMIT].high or 0.0)
        if user.sim.iccid != wanted.iccid:
            held = f"{shown(wanted.iccid)} as the only free SIM of {wanted.carrier}"
            raise user.fail(name, f"{user.shown} was given", server_holds=held)

    def _mark(self, sim: Sim, state: SimState) -> None:
        if sim.state == state:
            return
        if sim.iccid not in self.marked:
            self.marked.add(sim.iccid)
            self.undo.callback(self._set, sim.iccid, sim.state, "the search is done")
        self._set(sim.iccid, state, "a search of slow SIMs")

    def _set(self, iccid: str, state: SimState, why: str) -> None:
        self.user.run.dut.cloud.set_sim_state(iccid, state, why, step(self.user.run))


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """What is searched.

    Attributes:
        carriers: Names or PLMN codes; empty for all.
        slow_below_bps: Below this rate a SIM counts as slow, in bit/s.
        budget_bytes: When this is burnt, what is left stays undecided.
    """

    carriers: Sequence[str] = ()
    slow_below_bps: float
    budget_bytes: int


def searched_sims(sims: Sequence[Sim], imei: str, carriers: Collection[str] = ()) -> list[Sim]:
    """Return the SIMs that a router can be given and that a probe can tell something of.

    Args:
        sims: All that the access server lists.
        imei: The router.
        carriers: Names or PLMN codes; empty for all.

    Raises:
        UsageError: There is none.
    """
    found = [
        sim
        for sim in sims
        if sim.slot is not None
        and sim.assigned_imei in {None, imei}
        and sim.state in SEARCHED
        and (not carriers or {sim.carrier, sim.plmn} & set(carriers))
    ]
    if not found:
        known = ", ".join(sorted({sim.carrier for sim in sims})) or "none"
        whose = f" of {', '.join(carriers)}" if carriers else ""
        msg = f"no SIM{whose} is free to be probed; the access server has SIMs of {known}"
        raise UsageError(msg)
    return found


def search(run: CaseRun, plan: SearchPlan) -> Search:
    """Search the slow SIMs of the access server and note what each is.

    Raises:
        CaseFailedError: The router does not get up or does not change; its owner is noted.
        UsageError: There is no SIM to probe.
        BenchError: The bench cannot steer or measure.
    """
    sims = searched_sims(run.dut.cloud.sims(step(run)), run.dut.router.imei, plan.carriers)
    user = serve(run)
    place = Place(
        router=run.dut.name,
        cell_of={sim.plmn: f"{sim.plmn} here" for sim in sims},
        signal_dbm={},
    )
    under = [
        SimUnderSuspicion(
            sim=sim.iccid,
            contract=contract_of(sim),
            used_bytes=sim.used_bytes,
            window_bytes=0,
            seen=(),
        )
        for sim in sims
    ]
    with ExitStack() as undo:
        found = find_slow_sims(
            under,
            [place],
            [_FAR_END],
            BenchProber(user=user, slow_below_bps=plan.slow_below_bps, undo=undo),
            slow_below_bps=plan.slow_below_bps,
            budget_bytes=plan.budget_bytes,
        )
    by_iccid = {sim.iccid: sim for sim in sims}
    for finding in found.findings:
        _note(run, by_iccid[finding.sim], finding)
    return found


def _note(run: CaseRun, sim: Sim, finding: SimFinding) -> None:
    """Write what a SIM is; a slow one is its carrier's doing."""
    name = f"{shown(sim.iccid)} {sim.carrier}"
    if finding.slow is False:
        run.step(name, Verdict.PASS, f"not slow: {finding.evidence}")
    elif finding.slow is None:
        run.step(name, Verdict.INCONC, f"not decided: {finding.evidence}")
    else:
        rate = "slow" if finding.rate_bps is None else f"slow, {format_rate(finding.rate_bps)}"
        cause = f"{rate} ({finding.mechanism}): {finding.evidence}"
        run.fail(name, Blame(owner=Party.CARRIER, cause=cause))


def shown(iccid: str) -> str:
    """Return the last digits of a card."""
    return f"*{iccid[-SHOWN:]}"


def searching(plan: SearchPlan, found: Callable[[Search], None]) -> Case:
    """Return the search as a case, so that it leaves a record.

    Args:
        plan: What is searched.
        found: Told what came out.
    """
    return Case(
        info=CaseInfo(
            id="POOL-PROBE",
            version="1",
            title_en="Which SIMs of the bank are slow",
            title_ja="SIM バンクのうち速度制限されている SIM を特定する",
            requirements=("R12",),
        ),
        needs=frozenset({"far_end", LOG, MARK, STEER}),
        injected="SIMs taken out of the access server's choice, one after another put on a router",
        owner_rule="the carrier of a slow SIM; who was waited for when a SIM is not given",
        limits=BOOT_LIMITS | {GAP_LIMIT},
        estimated_s=0.0,
        estimated_bytes=plan.budget_bytes,
        exclusive=True,
        run=lambda run: found(search(run, plan)),
    )
