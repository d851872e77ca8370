"""Which runs a word means: a directory, a build, or the days from one to another."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

from harness.core.errors import HarnessError, UsageError
from harness.record.reader import RunRecord
from harness.report.overview import run_dirs

BUILD: Final = "build:"
_DAYS: Final = re.compile(r"(?P<first>\d{4}-\d\d-\d\d)\.\.(?P<last>\d{4}-\d\d-\d\d)", re.ASCII)
_DAY_CHARACTERS: Final = 10  # a run's name begins with its UTC day


def select(word: str, runs_dir: Path) -> list[Path]:
    """Return the runs that a word means, oldest first.

    Args:
        word: A run's directory, its name in `runs_dir`, a directory of runs, `build:VERSION` (the
            runs with this firmware on a router), or `2026-11-01..2026-11-15` (UTC days).
        runs_dir: Where builds and days are looked up.

    Raises:
        UsageError: It means no run.
    """
    for path in (Path(word), runs_dir / word):
        if path.is_dir():
            return list(reversed(run_dirs(path))) or [path]
    listed = list(reversed(run_dirs(runs_dir)))
    if word.startswith(BUILD):
        version = word.removeprefix(BUILD)
        found = [path for path in listed if version in _firmware_of(path)]
    elif days := _DAYS.fullmatch(word):
        first, last = (_day(days[name]) for name in ("first", "last"))
        found = [path for path in listed if first <= path.name[:_DAY_CHARACTERS] <= last]
    else:
        msg = (
            f"{word!r} is no run: name a directory, {BUILD}VERSION or "
            "FIRST-DAY..LAST-DAY as in 2026-11-01..2026-11-15"
        )
        raise UsageError(msg)
    if not found:
        msg = f"{word}: none of the {len(listed)} runs in {runs_dir} is of it"
        raise UsageError(msg)
    return found


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as exc:
        msg = f"{text!r} is not a day: {exc}"
        raise UsageError(msg) from None


def _firmware_of(run_dir: Path) -> set[str]:
    """Return the firmware versions in a run; of one that cannot be read, none."""
    try:
        with RunRecord.open(run_dir) as record:
            return {unit.firmware for unit in record.units()}
    except HarnessError:
        return set()
