"""`harness.procedure.turns`: who runs what next, and what runs alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.procedure.case import Case, CaseRun
from harness.procedure.turns import Job, Turns, estimated_s, jobs_of
from harness.record.rows import CaseInfo


def nothing(_run: CaseRun) -> None:
    """Do nothing."""


def case(case_id: str, *, seconds: float = 1.0, exclusive: bool = False) -> Case:
    """Return a case of the catalogue."""
    return Case(
        info=CaseInfo(
            id=case_id,
            version="1",
            title_en=case_id,
            title_ja=case_id,
            requirements=("R01",),
        ),
        limits=frozenset(),
        estimated_s=seconds,
        estimated_bytes=0,
        exclusive=exclusive,
        run=nothing,
    )


A, B = case("A", seconds=1.0), case("B", seconds=5.0)
X = case("X", seconds=3.0, exclusive=True)


def names(jobs: list[Job]) -> list[tuple[str, str | None, int]]:
    """Return what is told apart of jobs."""
    return [(job.case.info.id, job.router, job.attempt) for job in jobs]


def test_every_router_runs_every_case_round_by_round() -> None:
    """The plan's order is kept; the second round follows the first."""
    assert names(jobs_of([A, B], ["r1", "r2"], spread=False, repeat=2)) == [
        ("A", "r1", 1),
        ("A", "r2", 1),
        ("B", "r1", 1),
        ("B", "r2", 1),
        ("A", "r1", 2),
        ("A", "r2", 2),
        ("B", "r1", 2),
        ("B", "r2", 2),
    ]


def test_spread_cases_run_once_anywhere_the_longest_first() -> None:
    """So that a long one does not begin when all others are done."""
    assert names(jobs_of([A, B], ["r1", "r2"], spread=True)) == [("B", None, 1), ("A", None, 1)]


@pytest.mark.parametrize(("routers", "seconds"), [(1, 9.0), (2, 8.0), (4, 8.0)])
def test_exclusive_cases_are_estimated_one_after_the_other(routers: int, seconds: float) -> None:
    """A 1 s and B 5 s side by side, X 3 s alone; nothing is shorter than its longest case."""
    assert estimated_s(jobs_of([A, B, X], ["r1"], spread=False), routers) == seconds


def test_an_exclusive_case_waits_for_all_others_and_keeps_them_waiting() -> None:
    """It begins when no shared one is left or running, and the other router gets nothing then."""
    turns = Turns(jobs_of([X, A], ["r1", "r2"], spread=False))

    first, second = turns.next("r1"), turns.next("r2")
    assert first is not None
    assert second is not None
    assert (first.case, second.case) == (A, A)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(turns.next, "r1")
        turns.done(second, passed=True)
        assert not waiting.done()
        turns.done(first, passed=True)
        alone = waiting.result()
        assert alone is not None
        assert (alone.case, alone.router) == (X, "r1")
        other = pool.submit(turns.next, "r2")
        assert not other.done()
        turns.done(alone, passed=True)
        last = other.result()
        assert last is not None
        assert (last.case, last.router) == (X, "r2")
    turns.done(last, passed=True)
    assert (turns.next("r1"), turns.next("r2")) == (None, None)


def test_exclusive_cases_never_overlap_anything_whatever_the_threads_do() -> None:
    """Eight routers at once; a shared count is looked at inside each case."""
    jobs = jobs_of([A, X, B], [f"r{n}" for n in range(8)], spread=False, repeat=3)
    turns = Turns(jobs)
    lock = threading.Lock()
    running: list[Job] = []
    ran: list[Job] = []
    seen_beside: list[str] = []

    def work(router: str) -> None:
        while (job := turns.next(router)) is not None:
            with lock:
                running.append(job)
                ran.append(job)
                if len(running) > 1 and any(other.case.exclusive for other in running):
                    seen_beside.append(job.case.info.id)
            with lock:
                running.remove(job)
            turns.done(job, passed=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [f"r{n}" for n in range(8)]))

    assert seen_beside == []
    assert sorted(names(ran), key=str) == sorted(names(jobs), key=str)


def test_the_repeats_of_a_failed_case_are_dropped_unless_they_shall_go_on() -> None:
    """No failure in n is decided by the first failure; other cases and routers go on."""
    jobs = jobs_of([A, B], ["r1"], spread=False, repeat=2)
    decided, kept = Turns(jobs), Turns(jobs, keep_going=True)
    for turns in (decided, kept):
        first = turns.next("r1")
        assert first is not None
        turns.done(first, passed=False)

    assert names(drained(decided)) == [("B", "r1", 1), ("B", "r1", 2)]
    assert names(drained(kept)) == [("B", "r1", 1), ("A", "r1", 2), ("B", "r1", 2)]


def drained(turns: Turns) -> list[Job]:
    """Run all that is left for r1."""
    jobs = []
    while (job := turns.next("r1")) is not None:
        jobs.append(job)
        turns.done(job, passed=True)
    return jobs


def test_nothing_is_handed_out_after_the_end() -> None:
    """Who waits is woken."""
    turns = Turns(jobs_of([X], ["r1", "r2"], spread=False))
    turns.next("r1")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(turns.next, "r2")
        turns.stop()

        assert waiting.result() is None
