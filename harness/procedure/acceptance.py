"""Runs cases on routers into one record: what the command line and the pytest plugin share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.procedure.case import Case, CaseRun, Outcome, Progress, run_case
from harness.procedure.dut import Dut
from harness.record.journal import RunJournal
from harness.record.rows import UnitInfo
from harness.verdict.limits import LimitSet
from harness.verdict.verdict import Verdict, merge

_IDENTIFY_S: Final = 20.0


@dataclass(slots=True, kw_only=True)
class Acceptance:
    """One run: its journal, what is demanded, and what came out so far.

    Attributes:
        journal: Where everything is written.
        limits: What is demanded.
        clock: Where time comes from.
        progress: Who is told what goes on.
        outcomes: What the cases came to, in order.
    """

    journal: RunJournal
    limits: LimitSet
    clock: Clock
    progress: Progress
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """The run's directory."""
        return self.journal.directory

    def run(
        self, case: Case, dut: Dut, *, attempt: int = 1, progress: Progress | None = None
    ) -> Outcome:
        """Run one case on one router; a case that the bench cannot do is written as not run.

        Any thread may call, one at a time for each router.

        Args:
            case: The case.
            dut: The router.
            attempt: 1 for the first; a later one is its own result.
            progress: Who is told instead of the run's own.
        """
        identity = dut.identify(Deadline.after(_IDENTIFY_S, self.clock))
        unit = self.journal.unit(
            UnitInfo(
                imei=dut.router.imei,
                model=dut.router.model,
                firmware=identity.firmware if identity else "",
                slot=dut.router.usb_path,
                serial=dut.router.serial or "",
            )
        )
        missing = sorted(case.needs - dut.capabilities)
        if missing:
            reason = f"not applicable: this bench has no {', '.join(missing)}"
            self.journal.not_run(case.info, unit, reason)
            outcome = Outcome(
                case=case.info,
                router=dut.name,
                verdict=Verdict.NONE,
                owner=None,
                cause=reason,
                steps=(),
            )
        else:
            result = self.journal.begin_result(case.info, unit, attempt)
            run = CaseRun(
                dut=dut,
                limits=self.limits,
                result=result,
                clock=self.clock,
                progress=progress or self.progress,
            )
            try:
                with dut.recorded(result, self.directory):
                    outcome = run_case(case, run)
                    dut.recording.verdict = outcome.verdict
            except BaseException as exc:
                cause = f"{type(exc).__name__}: {exc}"
                result.finish(Verdict.ERROR, owner=_owner_of(exc), cause=cause)
                raise
            result.finish(outcome.verdict, owner=outcome.owner, cause=outcome.cause)
        self.outcomes.append(outcome)
        return outcome

    @property
    def verdict(self) -> Verdict:
        """The greatest verdict so far; cases that were not run have none."""
        return merge(outcome.verdict for outcome in self.outcomes)

    @property
    def owner(self) -> Party | None:
        """The owner of the first failure among the worst."""
        return next((o.owner for o in self.outcomes if o.verdict is self.verdict and o.owner), None)


def check_limits(limits: LimitSet, cases: Iterable[Case]) -> None:
    """Check that each limit is used by some case, and each case finds its limits.

    Raises:
        UsageError: A limit is missing or unused.
    """
    used = frozenset(name for case in cases for name in case.limits)
    for name in sorted(used):
        limits[name]  # raises when it is missing
    limits.require_all_used(used)


def _owner_of(error: BaseException) -> Party | None:
    """Name the bench for its own errors; an interruption or a fault of ours has no owner."""
    return Party.BENCH if isinstance(error, BenchError) else None
