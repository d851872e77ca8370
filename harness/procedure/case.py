"""A case: what it shows, what it needs, and the callable that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from harness.core.clock import Clock
from harness.core.errors import (
    BenchError,
    CloudError,
    HarnessError,
    RouterError,
)
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.dut import Dut
from harness.record.result_writer import ResultWriter
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame
from harness.verdict.judge import Judgement, judge
from harness.verdict.limits import LimitSet
from harness.verdict.verdict import Verdict, merge

NOTHING: Final = "nothing: a power cycle"
BY_PHASE: Final = "a phase without an end: the rules of `verdict.blame`"


class Progress(Protocol):
    """Who is told what goes on, for a person who waits."""

    def started(self, step: str, limit_s: float | None) -> None:
        """A step has begun that may take `limit_s` seconds."""
        ...

    def ended(self, step: str, verdict: Verdict, text: str) -> None:
        """A step has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One entry of the catalogue.

    Attributes:
        info: Identity, version, titles EN and JA, requirements.
        needs: Capabilities of the bench without which it is not applicable.
        injected: What the bench does to the router or its world, in words.
        owner_rule: By what a failure's owner is found.
        limits: Names of the limits that it asks for.
        estimated_s: Seconds it takes on the virtual bench.
        estimated_bytes: SIM data that it burns at most, as measured on the virtual bench.
        exclusive: Changes something that all routers of the bench share (the world's clock, the
            server's certificate, a whole carrier), so no other case may run meanwhile.
        run: Does it.
    """

    info: CaseInfo
    needs: frozenset[str] = frozenset()
    injected: str = NOTHING
    owner_rule: str = BY_PHASE
    limits: frozenset[str]
    estimated_s: float
    estimated_bytes: int
    exclusive: bool = False
    run: Callable[[CaseRun], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the verdict table.

    Attributes:
        name: What was looked at, for example `P6` or `throttle.injected_ratio`.
        verdict: What it came to.
        text: The value and its limit, or the problem.
    """

    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a case came to.

    Attributes:
        case: The case.
        router: Name of the router in lab.toml.
        verdict: The greatest verdict of its steps.
        owner: Whose fault it is when it did not pass; None is "don't know".
        cause: Why, in words.
        steps: The lines of the table.
    """

    case: CaseInfo
    router: str
    verdict: Verdict
    owner: Party | None
    cause: str
    steps: tuple[Step, ...]


class CaseFailedError(HarnessError):
    """A case that cannot go on; the failure and its owner are noted already."""


@dataclass(slots=True, kw_only=True)
class CaseRun:
    """A case that is being run on a router.

    Attributes:
        dut: The router with everything the bench has for it.
        limits: What is demanded.
        result: Where everything is written.
        clock: Where time comes from.
        progress: Who is told.
        steps: What was looked at so far.
        blame: Whose fault the first failure is.
    """

    dut: Dut
    limits: LimitSet
    result: ResultWriter
    clock: Clock
    progress: Progress
    steps: list[Step] = field(default_factory=list)
    blame: Blame | None = None

    def step(self, name: str, verdict: Verdict, text: str) -> None:
        """Note one line of the verdict table."""
        self.steps.append(Step(name=name, verdict=verdict, text=text))
        self.progress.ended(name, verdict, text)

    def measured(
        self,
        limit_name: str,
        measurement: Measurement,
        *,
        owner: Party | None,
        step: str | None = None,
        evidence: Mapping[str, object] | None = None,
    ) -> Judgement:
        """Judge a measurement by its limit, write both, and note the line.

        Args:
            limit_name: Name of the limit in limits.toml.
            measurement: What was measured, in the limit's unit.
            owner: Whose fault it is when the value is outside; None is "don't know".
            step: What the line is called; None is the limit's name.
            evidence: From what it can be computed again.
        """
        judgement = judge(
            self.limits[limit_name],
            measurement.value,
            low=measurement.low,
            high=measurement.high,
        )
        self.result.measurement(measurement, judgement, evidence=evidence)
        self.step(step or limit_name, judgement.verdict, judgement.text)
        if judgement.verdict > Verdict.PASS and self.blame is None:
            self.blame = Blame(owner=owner, cause=f"{limit_name}: {judgement.text}")
        return judgement

    def fail(self, name: str, blame: Blame) -> CaseFailedError:
        """Note a failure with its owner; the caller raises what this returns."""
        is_bench = blame.owner is Party.BENCH
        verdict = Verdict.ERROR if is_bench else Verdict.FAIL if blame.owner else Verdict.INCONC
        self.step(name, verdict, blame.cause)
        if self.blame is None:
            self.blame = blame
        return CaseFailedError(blame.cause)


def run_case(case: Case, run: CaseRun) -> Outcome:
    """Run a case to its end and say what it came to; errors of our classes are verdicts."""
    try:
        case.run(run)
    except CaseFailedError:
        pass  # noted with its owner where it was raised
    except CloudError as exc:
        run.fail("cloud", Blame(owner=Party(exc.party), cause=str(exc)))
    except (BenchError, RouterError) as exc:
        party = Party.BENCH if isinstance(exc, BenchError) else Party.ROUTER
        run.fail(type(exc).__name__, Blame(owner=party, cause=str(exc)))
    _rule_out_the_bench(run)
    verdict = merge(step.verdict for step in run.steps)
    blame = run.blame if verdict > Verdict.PASS else None
    return Outcome(
        case=case.info,
        router=run.dut.name,
        verdict=verdict,
        owner=blame.owner if blame else None,
        cause=blame.cause if blame else "",
        steps=tuple(run.steps),
    )


def _rule_out_the_bench(run: CaseRun) -> None:
    """Blame the bench when it was not in order, whatever else was seen: nothing else is sure."""
    problem = run.dut.bench_problem()
    if problem is None:
        return
    run.step("bench", Verdict.ERROR, problem)
    if run.blame is None or run.blame.owner is not Party.BENCH:
        run.blame = Blame(owner=Party.BENCH, cause=problem)
