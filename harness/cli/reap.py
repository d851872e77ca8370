"""Keeps the files of runs within their age and room, and says what went."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.core.clock import Clock
from harness.core.units import format_size
from harness.record.reaper import reap

_S_PER_DAY: Final = 86_400.0


def keep_within(
    runs: Path,
    days: int | None,
    room_bytes: int | None,
    *,
    clock: Clock,
    say: Callable[[str], None],
) -> None:
    """Remove the kept files of runs that are too old or too much, oldest first.

    Args:
        runs: Where the runs are.
        days: Files of older runs go; None: none is too old.
        room_bytes: Room that all kept files may take; None: there is room enough.
        clock: What time it is.
        say: Told of each run whose files went.
    """
    if days is None and room_bytes is None:
        return
    age_cap_s = None if days is None else days * _S_PER_DAY
    for gone in reap(runs, clock, age_cap_s=age_cap_s, cap_bytes=room_bytes):
        size = format_size(gone.freed_bytes)
        say(f"removed {gone.files} files of {gone.run} ({size}) for {gone.reason}")
