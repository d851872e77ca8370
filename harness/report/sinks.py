"""Where a record may go besides our own reports: sinks, found by entry point, asked by name.

A sink is an adapter of another program's format. It gets a record and what hides identities, and
writes files; the record stays the only source, so nothing is lost when a sink says less.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Protocol

from harness.core.errors import UsageError
from harness.record.reader import RunRecord
from harness.report.page_data import identities
from harness.report.privacy import Screen, masking

GROUP: Final = "cloudsim_harness.sinks"


class Sink(Protocol):
    """Writes a run in another program's format."""

    def __call__(self, run_dir: Path, screen: Screen, out: Path) -> list[Path]:
        """Write a run into a directory, which exists; return the files.

        Args:
            run_dir: The run's directory.
            screen: What hides identities; every text of a device goes through it.
            out: Where the files go.
        """
        ...


def installed() -> Mapping[str, EntryPoint]:
    """Return the sinks that are installed, by name."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def export(run_dir: Path, name: str, out: Path, *, screen: Screen | None = None) -> list[Path]:
    """Write a run by the sink of a name; return the files.

    Args:
        run_dir: The run's directory.
        name: Name of the sink.
        out: Directory for the files; it is made when there is none.
        screen: What hides identities; None masks all but the last four characters.

    Raises:
        UsageError: There is no such sink, or no record.
        BenchError: The record is damaged.
    """
    known = installed()
    if name not in known:
        msg = f"there is no sink {name!r}; there are {', '.join(sorted(known)) or 'none'}"
        raise UsageError(msg)
    if screen is None:
        with RunRecord.open(run_dir) as record:
            screen = Screen(identities(record), masking())
    sink: Sink = known[name].load()
    out.mkdir(parents=True, exist_ok=True)
    return sink(run_dir, screen, out)
