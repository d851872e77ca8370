"""`harness.core.clock`: clocks and deadlines."""

from __future__ import annotations

import threading

import pytest

from harness.core.clock import Deadline, FakeClock, StoppableClock, StoppedError, SystemClock


def test_a_deadline_counts_down_to_zero() -> None:
    """What is left, what was waited, and the end of it."""
    clock = FakeClock()
    deadline = Deadline.after(2.0, clock)

    clock.sleep(0.5)
    assert (deadline.left_s, deadline.waited_s, deadline.passed) == (1.5, 0.5, False)
    clock.sleep(2.0)
    assert (deadline.left_s, deadline.waited_s, deadline.passed) == (0.0, 2.5, True)


def test_a_part_of_a_deadline_never_outlasts_it() -> None:
    """`within` is the earlier of both ends."""
    clock = FakeClock()
    deadline = Deadline.after(2.0, clock)

    assert deadline.within(0.5).left_s == pytest.approx(0.5)
    assert deadline.within(5.0).left_s == pytest.approx(2.0)


def test_a_fake_clock_moves_both_times_by_what_is_slept() -> None:
    """Monotonic and wall time go together; what was slept is kept."""
    clock = FakeClock(monotonic_ns=10, utc_us=20)

    clock.sleep(0.000_002)

    assert (clock.monotonic_ns(), clock.utc_us(), clock.slept_s) == (2010, 22, [0.000_002])


def test_the_hosts_clock_goes_forward_while_it_sleeps() -> None:
    """A sleep of 2 ms takes at least 2 ms of both clocks' kind."""
    clock = SystemClock()
    before_ns, before_us = clock.monotonic_ns(), clock.utc_us()

    clock.sleep(0.002)

    assert clock.monotonic_ns() - before_ns >= 2_000_000
    assert clock.utc_us() >= before_us


def test_a_stoppable_clock_sleeps_as_long_as_the_inner_one() -> None:
    """In slices, and both times are the inner clock's."""
    inner = FakeClock(monotonic_ns=7, utc_us=9)
    clock = StoppableClock(inner)

    clock.sleep(0.25)

    assert sum(inner.slept_s) == pytest.approx(0.25)
    assert max(inner.slept_s) == pytest.approx(0.1)
    assert (clock.monotonic_ns(), clock.utc_us()) == (inner.monotonic_ns(), inner.utc_us())


def test_a_thread_is_ended_once_and_only_where_it_sleeps() -> None:
    """What it waits for while it puts things back is not disturbed; other threads sleep on."""
    inner = FakeClock()
    clock = StoppableClock(inner)

    clock.stop(threading.get_ident())
    with pytest.raises(StoppedError):
        clock.sleep(5.0)
    assert inner.slept_s == []
    clock.sleep(0.05)
    clock.stop(threading.get_ident() + 1)
    clock.sleep(0.05)
    assert inner.slept_s == [0.05, 0.05]
