"""Puts the whole world of a lab at another date for a while, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from harness.core.party import Party
from harness.procedure.case import CaseRun
from harness.procedure.serving import require_desk, step

_US_PER_S: Final = 1_000_000
_SAME_S: Final = 2.0

SetDate = Callable[[str], None]


def world_ahead_s(run: CaseRun) -> float:
    """Return how far the world's clock is ahead of the bench's, in seconds."""
    before_us = run.clock.utc_us()
    world_us = run.dut.cloud.utc_us(step(run))
    after_us = run.clock.utc_us()
    return (world_us - (before_us + after_us) / 2) / _US_PER_S


@contextmanager
def dated(run: CaseRun) -> Iterator[SetDate]:
    """Yield what sets the world's date (ISO, Japan); at the end the world's own date is back."""
    desk = require_desk(run)
    ahead_s = world_ahead_s(run)
    before_s = 0.0 if abs(ahead_s) < _SAME_S else ahead_s

    def set_date(date: str) -> None:
        desk.set_date(date, step(run))
        run.result.event("injection", f"the world's date: {date} in Japan", party=Party.BENCH)

    try:
        yield set_date
    finally:
        desk.set_date(before_s, step(run))
        run.result.event("injection", "the world's own date is back", party=Party.BENCH)
