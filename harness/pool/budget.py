"""The lab's own SIMs: what a plan will burn, on which SIM, and whether they last the month.

A plan that would run a SIM dry before its reset is spread over other SIMs of the same carrier;
when that does not do, it is refused, with the sum. What was burnt where is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from harness.core.errors import UsageError
from harness.core.units import format_size

RESERVE_SHARE: Final = 0.1  # kept for the unforeseen: a rerun, a probe


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCost:
    """What one case burns.

    Attributes:
        case: Its name.
        carrier: The carrier that it needs; empty when any will do.
        run_bytes: What one run burns, as the case declares it.
        runs: How often it is to run.
        sim: The SIM that the plan names; empty when any will do.
    """

    case: str
    carrier: str
    run_bytes: int
    runs: int = 1
    sim: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSim:
    """A SIM of the lab.

    Attributes:
        sim: Its name.
        carrier: PLMN code.
        quota_bytes: Its quota.
        used_bytes: What it has used since its reset.
        expected_bytes: What the nights to come will burn on it until its reset, P90.
    """

    sim: str
    carrier: str
    quota_bytes: int
    used_bytes: int
    expected_bytes: int = 0

    @property
    def left_bytes(self) -> int:
        """What a plan may burn: without what is expected and without the reserve."""
        reserve = round(RESERVE_SHARE * self.quota_bytes)
        return max(0, self.quota_bytes - self.used_bytes - self.expected_bytes - reserve)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Runs of a case on one SIM."""

    case: str
    sim: str
    runs: int
    burnt_bytes: int
    moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlan:
    """A plan that was spread over the SIMs, or not.

    Attributes:
        shares: Which runs go on which SIM.
        refused: Runs by case that fit on no SIM.
        asked_bytes: What the plan burns in all.
        left_bytes: What the SIMs had for it.
        short_bytes: What is missing.
    """

    shares: Sequence[Share]
    refused: Mapping[str, int]
    asked_bytes: int
    left_bytes: int
    short_bytes: int

    @property
    def fits(self) -> bool:
        """Whether every run has a SIM."""
        return not self.refused

    @property
    def text(self) -> str:
        """The sum, one line a fact."""
        lines = [
            f"{share.case}  {share.sim}  {share.runs} runs  {format_size(share.burnt_bytes)}"
            f"{'  moved' if share.moved else ''}"
            for share in self.shares
        ]
        for case, runs in sorted(self.refused.items()):
            lines.append(f"{case}  -  {runs} runs  REFUSED")
        word = "fits" if self.fits else f"REFUSED, {format_size(self.short_bytes)} short"
        asked, left = format_size(self.asked_bytes), format_size(self.left_bytes)
        lines.append(f"plan {asked}, SIMs have {left} until their reset: {word}")
        return "\n".join(lines)


def spread(cases: Iterable[CaseCost], sims: Sequence[LabSim]) -> BudgetPlan:
    """Put every run of a plan on a SIM that lasts until its reset, the costliest runs first.

    Raises:
        UsageError: A case declares no megabytes, or names a SIM that the lab has not.
    """
    wanted = sorted(cases, key=lambda cost: (-cost.run_bytes, cost.case))
    left = {sim.sim: sim.left_bytes for sim in sims}
    for cost in wanted:
        if cost.run_bytes <= 0 or cost.runs < 1:
            msg = f"{cost.case}: {cost.runs} runs of {cost.run_bytes} bytes; declare what it burns"
            raise UsageError(msg)
        if cost.sim and cost.sim not in left:
            msg = f"{cost.case}: the lab has no SIM {cost.sim!r}; it has {', '.join(sorted(left))}"
            raise UsageError(msg)
    shares: Counter[tuple[CaseCost, str]] = Counter()
    refused: Counter[str] = Counter()
    short = 0
    for cost in wanted:
        for _ in range(cost.runs):
            sim = _sim_for(cost, sims, left)
            if sim is None:
                refused[cost.case] += 1
                short += cost.run_bytes
            else:
                left[sim] -= cost.run_bytes
                shares[cost, sim] += 1
    return BudgetPlan(
        shares=[
            Share(
                case=cost.case,
                sim=sim,
                runs=runs,
                burnt_bytes=runs * cost.run_bytes,
                moved=bool(cost.sim) and sim != cost.sim,
            )
            for (cost, sim), runs in shares.items()
        ],
        refused=dict(refused),
        asked_bytes=sum(cost.run_bytes * cost.runs for cost in wanted),
        left_bytes=sum(sim.left_bytes for sim in sims),
        short_bytes=short,
    )


def _sim_for(cost: CaseCost, sims: Sequence[LabSim], left: Mapping[str, int]) -> str | None:
    """The SIM that the plan names while it lasts, then the one with most left."""
    if cost.sim and left[cost.sim] >= cost.run_bytes:
        return cost.sim
    able = [
        sim.sim
        for sim in sims
        if (not cost.carrier or sim.carrier == cost.carrier) and left[sim.sim] >= cost.run_bytes
    ]
    return max(sorted(able), key=lambda name: left[name], default=None)


def refuse_unless_it_fits(plan: BudgetPlan) -> None:
    """Let a plan pass that fits.

    Raises:
        UsageError: It does not; the message is the sum.
    """
    if not plan.fits:
        msg = f"the plan would run the lab's SIMs dry:\n{plan.text}"
        raise UsageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Burnt:
    """What one run of a case burnt.

    Attributes:
        case: Its name.
        declared_bytes: What it declares.
        by_sim: What went through each SIM; empty when nobody saw it.
    """

    case: str
    declared_bytes: int
    by_sim: Mapping[str, int]

    @property
    def burnt_bytes(self) -> int:
        """What went through all of its SIMs."""
        return sum(self.by_sim.values())


def burnt_by_sim(burnt: Iterable[Burnt]) -> Mapping[str, int]:
    """Add up what was burnt where; the SIM that burnt most comes first."""
    total: Counter[str] = Counter()
    for run in burnt:
        total.update(run.by_sim)
    return dict(sorted(total.items(), key=lambda entry: (-entry[1], entry[0])))


def understated(burnt: Iterable[Burnt], *, tolerance: float = 0.1) -> Mapping[str, Burnt]:
    """Return the costliest run of each case that burnt more than it declares, by `tolerance`."""
    found: dict[str, Burnt] = {}
    for run in burnt:
        worst = found.get(run.case)
        over = run.burnt_bytes > (1 + tolerance) * run.declared_bytes
        if over and (worst is None or run.burnt_bytes > worst.burnt_bytes):
            found[run.case] = run
    return found
