"""What the web pages show of many runs: the list, the morning, the live bench, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.core.errors import HarnessError
from harness.core.units import NS_PER_S, US_PER_S
from harness.record.journal import JOURNAL_NAME
from harness.record.reader import RunRecord, is_live
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
        problem: Why it cannot be read, or what is to be said of its record.
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


class Shelf:
    """The runs of a directory, newest first; one that has ended is read once.

    Args:
        runs_dir: Where the runs are.
    """

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._read: dict[str, tuple[object, Overview]] = {}

    def overviews(self) -> Iterator[Overview]:
        """Yield the newest runs; one that cannot be read is there with the reason."""
        for directory in run_dirs(self.runs_dir)[:_RUNS_SHOWN]:
            mark = _mark(directory)
            known = self._read.get(directory.name)
            if mark is None or known is None or known[0] != mark:
                overview = _overview(directory)
                if overview.state == "finished":
                    self._read[directory.name] = (mark, overview)
            else:
                overview = known[1]
            yield overview

    def live(self) -> Iterator[Path]:
        """Yield the directories of the newest runs to which somebody is writing."""
        yield from filter(is_live, run_dirs(self.runs_dir)[:_RUNS_SHOWN])


def _mark(directory: Path) -> object | None:
    """Return what changes with a record; None while it is being written."""
    journal = directory / JOURNAL_NAME
    if journal.with_name(f"{JOURNAL_NAME}-wal").exists():
        return None
    try:
        found = (journal if journal.exists() else directory / TABLES_NAME).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _overview(directory: Path) -> Overview:
    try:
        with RunRecord.open(directory) as record:
            return Overview(
                name=directory.name,
                run=record.run,
                state=record.state,
                counts=tuple(record.counts()),
                problem=record.remark,
            )
    except HarnessError as exc:
        return Overview(name=directory.name, run=None, state="damaged", problem=str(exc))


def line(overview: Overview, hide: Hide) -> dict[str, Any]:
    """Return a run as the list shows it."""
    run, screen = overview.run, Screen((), hide)
    if run is None:
        return {
            "name": overview.name, "class": "error", "symbol": SYMBOLS["error"], "word": "damaged",
            "plan": "", "bench": "", "started": "", "counts": "",
            "owners": screen.text(overview.problem), "remark": "",
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
        "remark": overview.problem,
    }


def morning_pair(shelf: Shelf) -> tuple[Path, Path] | None:
    """Return the last finished run and the finished run of the same plan and bench before it."""
    finished = [o for o in shelf.overviews() if o.run is not None and o.state == "finished"]
    for after in finished[:1]:
        for before in finished[1:]:
            if after.run is None or before.run is None:
                continue
            if (before.run.plan, before.run.bench) == (after.run.plan, after.run.bench):
                return shelf.runs_dir / before.name, shelf.runs_dir / after.name
    return None


def live(shelf: Shelf, now_ns: int, hide: Hide) -> list[dict[str, Any]]:
    """Return what goes on: for each open result of each running run, its phase and the last line.

    Args:
        shelf: The runs.
        now_ns: The bench's monotonic clock.
        hide: How identities are hidden.
    """
    lines: list[dict[str, Any]] = []
    for directory in shelf.live():
        try:
            with RunRecord.open(directory) as record:
                if record.state == "running":
                    lines += _live_lines(record, directory.name, now_ns, hide)
        except HarnessError:
            continue  # it began a moment ago; the list of runs says what is wrong with it
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


def metrics(shelf: Shelf, sims: Mapping[str, int] | None = None) -> str:
    """Return the text that Prometheus reads (exposition format 0.0.4).

    Args:
        shelf: The runs.
        sims: How many SIMs are in which state; None when nobody knows.
    """
    states = dict.fromkeys(_STATES, 0)
    results: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], int] | None = None
    newest = 0
    for overview in shelf.overviews():
        states[overview.state] += 1
        if overview.run is not None and overview.state == "finished" and last is None:
            last = _results_by(overview)
        newest = max(newest, overview.run.started_utc_us if overview.run else 0)
        for key, n in _results_by(overview).items():
            results[key] = results.get(key, 0) + n
    families = [
        _family("runs", f"Runs by state, newest {_RUNS_SHOWN}.", ("state",), states),
        _family("results", "Results of these runs.", ("verdict", "owner"), results),
        _family(
            "last_results", "Results of the last finished run.", ("verdict", "owner"), last or {}
        ),
        _family("newest_run_seconds", "When the newest run began.", (), {(): newest // US_PER_S}),
    ]
    if sims is not None:
        families.append(_family("sims", "SIMs of the ledger by state.", ("state",), sims))
    return "".join(families)


def _results_by(overview: Overview) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for row in overview.counts:
        key = ("not_run" if row.state == "not_run" else row.verdict.word, row.owner or "")
        found[key] = found.get(key, 0) + row.n
    return found


def _family(
    name: str,
    text: str,
    labels: tuple[str, ...],
    values: Mapping[Any, int],
) -> str:
    """Return one gauge; the keys of its values are one text, or as many as there are labels."""
    lines = [f"# HELP cloudsim_{name} {text}", f"# TYPE cloudsim_{name} gauge"]
    for key, value in sorted(values.items()):
        texts = (key,) if isinstance(key, str) else key
        pairs = ",".join(f'{label}="{_label(of)}"' for label, of in zip(labels, texts, strict=True))
        lines.append(f"cloudsim_{name}{{{pairs}}} {value}" if pairs else f"cloudsim_{name} {value}")
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
