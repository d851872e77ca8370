"""Removes the files of old runs by age and by room; a live run is never touched.

The tables of a run stay: verdicts and numbers are small. What was removed is written beside them,
so that a verification tells removed evidence from lost evidence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.core.clock import Clock
from harness.core.errors import HarnessError
from harness.core.units import US_PER_S
from harness.record.reader import RunRecord, is_live

REAPED_NAME: Final = "reaped.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaped:
    """What was removed from one run.

    Attributes:
        run: Name of the run's directory.
        files: Number of files removed.
        freed_bytes: Room that this made.
        reason: `age` or `room`.
    """

    run: str
    files: int
    freed_bytes: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    directory: Path
    started_utc_us: int
    paths: tuple[Path, ...]
    size_bytes: int


def reap(
    runs_dir: Path, clock: Clock, *, age_cap_s: float | None, cap_bytes: int | None
) -> list[Reaped]:
    """Remove kept files, oldest run first, until age and room are within their caps.

    Args:
        runs_dir: Where the runs are.
        clock: What time it is.
        age_cap_s: Files of runs older than this go; None: none is too old.
        cap_bytes: Room that all kept files may take; None: there is room enough.
    """
    runs = sorted(_runs(runs_dir), key=lambda run: run.started_utc_us)
    total_bytes = sum(run.size_bytes for run in runs)
    done = []
    for run in runs:
        age_s = (clock.utc_us() - run.started_utc_us) / US_PER_S
        too_old = age_cap_s is not None and age_s > age_cap_s
        too_much = cap_bytes is not None and total_bytes > cap_bytes
        if (too_old or too_much) and run.paths and not is_live(run.directory):
            done.append(_remove(run, clock, "age" if too_old else "room"))
            total_bytes -= run.size_bytes
    return done


def _runs(runs_dir: Path) -> list[_Run]:
    runs = []
    for directory in runs_dir.iterdir() if runs_dir.is_dir() else ():
        try:
            with RunRecord.open(directory) as record:
                names = {row.path for row in record.artifacts()}
                started_utc_us = record.run.started_utc_us
        except HarnessError:
            continue  # not a run, or one that only its own harness understands: not ours to touch
        inside = directory.resolve()
        paths = [p for n in sorted(names) if (p := (directory / n).resolve()).is_file()]
        paths = [p for p in paths if p.is_relative_to(inside)]
        runs.append(
            _Run(
                directory=directory,
                started_utc_us=started_utc_us,
                paths=tuple(paths),
                size_bytes=sum(p.stat().st_size for p in paths),
            )
        )
    return runs


def _remove(run: _Run, clock: Clock, reason: str) -> Reaped:
    """Write down what goes, then remove it: a crash in between names too much, never too little."""
    path = run.directory / REAPED_NAME
    files = reaped_files(run.directory)
    inside = run.directory.resolve()
    names = [p.relative_to(inside).as_posix() for p in run.paths]
    for name in names:
        files[name] = {"utc_us": clock.utc_us(), "reason": reason}
    path.write_text(json.dumps(files, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for file in run.paths:
        file.unlink()
    return Reaped(
        run=run.directory.name, files=len(names), freed_bytes=run.size_bytes, reason=reason
    )


def reaped_files(run_dir: Path) -> dict[str, object]:
    """Return what was removed from a run, by path; empty when nothing was."""
    try:
        files = json.loads((run_dir / REAPED_NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return files if isinstance(files, dict) else {}
