"""What the web pages show of many runs: the list, the morning, the live bench, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.core.errors import HarnessError
from harness.core.units import NS_PER_S
from harness.record.journal import JOURNAL_NAME
from harness.record.reader import RunRecord
from harness.record.rows import CountRow, RunRow, RunState
from harness.record.tables import TABLES_NAME
from harness.report.acceptance_data import moment
from harness.report.html import NOTHING, SYMBOLS
from harness.report.page_data import identities
from harness.report.privacy import Hide, Screen
from harness.verdict.verdict import Verdict

_RUNS_SHOWN: Final = 200
_SHOWN: Final = 4  # last characters by which a line names a router
_STATES: Final = ("running", "finished", "interrupted", "damaged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One run in a list.

    Attributes:
        name: Name of its directory.
        run: The run; None when its record cannot be read.
        state: Whether it is going on, ended, was interrupted, or cannot be read.
        counts: How many results came to what.
        problem: Why it cannot be read.
    """

    name: str
    run: RunRow | None
    state: RunState | str
    counts: tuple[CountRow, ...] = ()
    problem: str = ""


def run_dirs(runs_dir: Path) -> list[Path]:
    """Return the directories of runs, newest first (their names begin with the time)."""
    if not runs_dir.is_dir():
        return []
    found = [
        path
        for path in runs_dir.iterdir()
        if (path / JOURNAL_NAME).is_file() or (path / TABLES_NAME).is_dir()
    ]
    return sorted(found, key=lambda path: path.name, reverse=True)


def overviews(runs_dir: Path, most: int = _RUNS_SHOWN) -> Iterator[Overview]:
    """Yield the newest runs; one that cannot be read is there with the reason."""
    for directory in run_dirs(runs_dir)[:most]:
        try:
            with RunRecord.open(directory) as record:
                yield Overview(
                    name=directory.name,
                    run=record.run,
                    state=record.state,
                    counts=tuple(record.counts()),
                )
        except HarnessError as exc:
            yield Overview(name=directory.name, run=None, state="damaged", problem=str(exc))


def line(overview: Overview, hide: Hide) -> dict[str, Any]:
    """Return a run as the list shows it."""
    run, screen = overview.run, Screen((), hide)
    if run is None:
        return {
            "name": overview.name, "class": "error", "symbol": SYMBOLS["error"], "word": "damaged",
            "plan": "", "bench": "", "started": "", "counts": "",
            "owners": screen.text(overview.problem),
        }  # fmt: skip
    finished = overview.state == "finished"
    word = run.verdict.word if finished else "none"
    counted: dict[str, int] = {}
    owners: dict[str, int] = {}
    for row in overview.counts:
        key = "not run" if row.state == "not_run" else row.verdict.word
        counted[key] = counted.get(key, 0) + row.n
        if row.state == "finished" and row.verdict > Verdict.PASS:
            owner = row.owner or "nobody named"
            owners[owner] = owners.get(owner, 0) + row.n
    return {
        "name": overview.name,
        "class": word,
        "symbol": SYMBOLS[word],
        "word": word if finished else overview.state,
        "plan": screen.text(run.plan),
        "bench": run.bench + (" (virtual)" if run.is_virtual else ""),
        "started": moment(run.started_utc_us),
        "counts": ", ".join(f"{n} {key}" for key, n in counted.items()) or NOTHING,
        "owners": ", ".join(f"{n} {key}" for key, n in owners.items()),
    }


def morning_pair(runs_dir: Path) -> tuple[Path, Path] | None:
    """Return the last finished run and the finished run of the same plan and bench before it."""
    finished = [o for o in overviews(runs_dir) if o.run is not None and o.state == "finished"]
    for after in finished[:1]:
        for before in finished[1:]:
            if after.run is None or before.run is None:
                continue
            if (before.run.plan, before.run.bench) == (after.run.plan, after.run.bench):
                return runs_dir / before.name, runs_dir / after.name
    return None


def live(runs_dir: Path, now_ns: int, hide: Hide) -> list[dict[str, Any]]:
    """Return what goes on: for each open result of each running run, its phase and the last line.

    Args:
        runs_dir: Where the runs are.
        now_ns: The bench's monotonic clock.
        hide: How identities are hidden.
    """
    lines: list[dict[str, Any]] = []
    for overview in overviews(runs_dir):
        if overview.state == "running":
            with RunRecord.open(runs_dir / overview.name) as record:
                lines += _live_lines(record, overview.name, now_ns, hide)
    return lines


def _live_lines(record: RunRecord, name: str, now_ns: int, hide: Hide) -> list[dict[str, Any]]:
    screen = Screen(identities(record), hide)
    units = {unit.id: unit for unit in record.units()}
    lines = []
    for row in record.results():
        if row.state != "open":
            continue
        going = [p for p in record.phases(row.id) if p.end_ns is None]
        events = record.events(row.id)
        phase = going[-1] if going else None
        start_ns = phase.start_ns if phase else row.started_ns
        unit = units[row.unit_id]
        lines.append(
            {
                "run": name,
                "case": row.case_id,
                "router": f"{unit.model} {screen.text(unit.imei)[-_SHOWN:]}",
                "phase": phase.name if phase else NOTHING,
                "elapsed_s": round((now_ns - start_ns) / NS_PER_S, 1),
                "limit_s": phase.limit_s if phase else None,
                "last": screen.text(events[-1].text) if events else "",
            }
        )
    return lines


def metrics(runs_dir: Path) -> str:
    """Return the text that Prometheus reads (exposition format 0.0.4)."""
    states = dict.fromkeys(_STATES, 0)
    results: dict[tuple[str, str], int] = {}
    newest = 0
    for overview in overviews(runs_dir):
        states[overview.state] += 1
        newest = max(newest, overview.run.started_utc_us if overview.run else 0)
        for row in overview.counts:
            key = ("not_run" if row.state == "not_run" else row.verdict.word, row.owner or "")
            results[key] = results.get(key, 0) + row.n
    lines = ["# TYPE cloudsim_runs gauge"]
    lines += [f'cloudsim_runs{{state="{state}"}} {n}' for state, n in states.items()]
    lines.append("# TYPE cloudsim_results gauge")
    lines += [
        f'cloudsim_results{{verdict="{_label(verdict)}",owner="{_label(owner)}"}} {n}'
        for (verdict, owner), n in sorted(results.items())
    ]
    lines += ["# TYPE cloudsim_newest_run_seconds gauge"]
    lines += [f"cloudsim_newest_run_seconds {newest / 1e6:.0f}"]
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
