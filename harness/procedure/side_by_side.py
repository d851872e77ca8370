"""Routers side by side: a thread a router, all of them into one record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Final

from harness.core.clock import StoppableClock, StoppedError
from harness.procedure.acceptance import Acceptance
from harness.procedure.case import Progress
from harness.procedure.dut import Dut
from harness.procedure.turns import Job, Turns
from harness.verdict.verdict import Verdict

_GRACE_S: Final = 15.0
"""Longest wait for routers that are told to end; they put back what they changed."""


class SideBySide:
    """Runs jobs on routers, each in a thread of its own.

    Args:
        acceptance: Where results go.
        turns: Who runs what next.
        clock: The bench's clock: it ends a router's thread where that waits.
        progress_of: Who is told what goes on, by a router's name.
        say: Told when a job begins.
    """

    def __init__(
        self,
        acceptance: Acceptance,
        turns: Turns,
        *,
        clock: StoppableClock,
        progress_of: Callable[[str], Progress],
        say: Callable[[str], None],
    ) -> None:
        self._acceptance = acceptance
        self._turns = turns
        self._clock = clock
        self._progress_of = progress_of
        self._say = say
        self._threads: set[int] = set()

    def run(self, duts: Sequence[Dut]) -> None:
        """Run every job; whatever ends one router's thread early ends all of them.

        Raises:
            BenchError: Another router is plugged in, or the record cannot be written.
        """
        running: list[Future[None]] = []
        try:
            for dut in duts:
                running.append(Future())
                threading.Thread(
                    target=self._thread,
                    args=(dut, running[-1]),
                    name=f"router {dut.name}",
                    daemon=True,  # a thread that the kernel keeps cannot keep the process
                ).start()
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()  # raises what ended the thread
        finally:
            self._end(running)

    def _thread(self, dut: Dut, ended: Future[None]) -> None:
        """Work in a thread; what ends it is raised where it is waited for."""
        try:
            self._work(dut)
        except BaseException as exc:  # noqa: BLE001 - handed on whole
            ended.set_exception(exc)
        else:
            ended.set_result(None)

    def _work(self, dut: Dut) -> None:
        """Run what this router is given until nothing is left."""
        self._threads.add(threading.get_ident())
        progress = self._progress_of(dut.name)
        try:
            while (job := self._turns.next(dut.name)) is not None:
                self._say(f"{title(job)} on {dut.name}")
                outcome = self._acceptance.run(
                    job.case, dut, attempt=job.attempt, progress=progress
                )
                self._turns.done(job, passed=outcome.verdict is Verdict.PASS)
        except StoppedError:
            return  # somebody else's end, or Ctrl-C: the result says so already

    def _end(self, running: Sequence[Future[None]]) -> None:
        """Have every thread end that has not, and wait for it."""
        self._turns.stop()
        for thread in self._threads if any(not future.done() for future in running) else ():
            self._clock.stop(thread)
        wait(running, timeout=_GRACE_S)


def title(job: Job) -> str:
    """Return how a job is called while it runs."""
    count = f" ({job.attempt} of {job.repeats})" if job.repeats > 1 else ""
    return f"{job.case.info.id}{count} {job.case.info.title_en}"
