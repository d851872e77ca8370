"""Which router runs which case next: cases side by side, exclusive ones alone and last."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.procedure.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a case.

    Attributes:
        case: The case.
        router: Name of the router that must run it; None: any, they are equal.
        attempt: 1 for the first run of the case on that router.
        repeats: How often the case is to be run.
    """

    case: Case
    router: str | None
    attempt: int = 1
    repeats: int = 1

    def suits(self, router: str) -> bool:
        """Tell whether a router may run it."""
        return self.router in {None, router}


def jobs_of(
    cases: Sequence[Case], routers: Sequence[str], *, spread: bool, repeat: int = 1
) -> list[Job]:
    """Return every run of some cases, round by round.

    Args:
        cases: The cases, in the plan's order.
        routers: Names of the routers.
        spread: The routers are equal: each case runs once, on whichever router is free, the
            longest first. Otherwise every router runs every case.
        repeat: How often each case is run.
    """
    if spread:
        order = sorted(cases, key=lambda case: -case.estimated_s)
        takers: list[str | None] = [None]
    else:
        order, takers = list(cases), list(routers)
    return [
        Job(case=case, router=router, attempt=attempt, repeats=repeat)
        for attempt in range(1, repeat + 1)
        for case in order
        for router in takers
    ]


def estimated_s(jobs: Iterable[Job], routers: int) -> float:
    """Return how long jobs take on so many routers: exclusive ones one after the other."""
    together = alone = 0.0
    longest = 0.0
    for job in jobs:
        if job.case.exclusive:
            alone += job.case.estimated_s
        else:
            together += job.case.estimated_s
            longest = max(longest, job.case.estimated_s)
    return max(together / routers, longest) + alone


class Turns:
    """Hands out jobs to routers; called from a thread a router.

    A shared job goes to the first router that asks and may run it. An exclusive one waits until no
    shared job is left or running, and while it runs nothing else does. So a router waits for the
    others once, not at every exclusive case.
    """

    def __init__(self, jobs: Iterable[Job], *, keep_going: bool = False) -> None:
        """Take the jobs.

        Args:
            jobs: In the order in which they are to run.
            keep_going: Go on with the repeats of a case that has failed; otherwise they are
                dropped, because "no failure in n" is decided.
        """
        self._pending = list(jobs)
        self._keep_going = keep_going
        self._running = 0
        self._exclusive = False
        self._stopped = False
        self._changed = threading.Condition()

    def next(self, router: str) -> Job | None:
        """Wait for a job that a router may run; None when there is none any more."""
        with self._changed:
            while not self._stopped and any(job.suits(router) for job in self._pending):
                job = self._ready(router)
                if job is not None:
                    self._pending.remove(job)
                    self._running += 1
                    self._exclusive = job.case.exclusive
                    return job
                self._changed.wait()
            return None

    def _ready(self, router: str) -> Job | None:
        """Return the first job that a router may begin now."""
        if self._exclusive:
            return None
        shared = [job for job in self._pending if not job.case.exclusive]
        if shared or self._running:
            return next((job for job in shared if job.suits(router)), None)
        return next((job for job in self._pending if job.suits(router)), None)

    def done(self, job: Job, *, passed: bool) -> None:
        """Note that a job has ended; the repeats of a failed one are decided."""
        with self._changed:
            self._running -= 1
            self._exclusive = False
            if not passed and not self._keep_going:
                self._pending = [
                    other
                    for other in self._pending
                    if other.case is not job.case or other.router != job.router
                ]
            self._changed.notify_all()

    def stop(self) -> None:
        """Hand out nothing any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
