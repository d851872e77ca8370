"""``harness.lab.host_watch``: a host that stood still, a clock that was stepped."""

from __future__ import annotations

import pytest

from harness.core.clock import FakeClock
from harness.lab.host_watch import HostWatch, Look, doubt_between


def look(at_s: float, *, utc_s: float | None = None, took_s: float = 0.0) -> Look:
    """Return a look `at_s` after the start, when the wall clock says `utc_s` after its own."""
    return Look(
        before_ns=round(at_s * 1e9),
        utc_us=round((at_s if utc_s is None else utc_s) * 1e6),
        after_ns=round((at_s + took_s) * 1e9),
    )


@pytest.mark.parametrize(
    ("now", "doubt"),
    [
        (look(0.1), None),
        (look(2.0), None),
        (look(2.1), "the host stood still for 2.1 s"),
        (look(0.1, utc_s=0.6), None),
        (look(0.1, utc_s=0.7), "the host's clock was stepped by +0.6 s"),
        (look(0.1, utc_s=3600.1), "the host's clock was stepped by +3600.0 s"),
        (look(0.1, utc_s=-3599.9), "the host's clock was stepped by -3600.0 s"),
        (look(0.1, utc_s=0.1, took_s=3.0), "the host stood still for 3.1 s"),
        (look(0.1, utc_s=3.1, took_s=3.0), "the host stood still for 3.1 s"),
    ],
)
def test_a_stall_and_a_step_are_told_apart(now: Look, doubt: str | None) -> None:
    """Wherever in a look the host stood still, it is no step of its clock."""
    assert doubt_between(look(0.0), now) == doubt


def test_only_what_came_after_a_mark_counts() -> None:
    """A case is not blamed on what happened before it."""
    clock = FakeClock()
    watch = HostWatch(clock)
    clock.sleep(5.0)
    mark = watch.count

    assert watch.since(0) == "the host stood still for 5.0 s"
    assert watch.since(mark) is None
    clock.sleep(4.0)
    assert watch.since(mark) == "the host stood still for 4.0 s"
