"""A run as a table on the terminal: quiet, only what needs a person carries colour and shape."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.core.units import format_duration
from harness.record.reader import RunRecord
from harness.record.rows import ResultRow, UnitRow
from harness.report.html import NOTHING, SYMBOLS, utc_text
from harness.report.page_data import identities
from harness.report.privacy import Screen, masking
from harness.verdict.verdict import Verdict

_STYLES: Final = {"pass": "", "not_run": "dim", "none": "yellow", "inconc": "yellow"}
_LOUD: Final = "bold red"


def table(run_dir: Path, *, screen: Screen | None = None) -> RenderableType:
    """Return what `rich` prints for a run: the results, one a line, then one line of sums."""
    with RunRecord.open(run_dir) as record:
        hidden = screen or Screen(identities(record), masking())
        units = {unit.id: unit for unit in record.units()}
        results = record.results()
        state, run, remark = record.state, record.run, record.remark
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("verdict", "case", "router", "time", "owner", "cause"):
        rows.add_column(name, justify="right" if name == "time" else "left", overflow="fold")
    for row in results:
        rows.add_row(*_cells(row, units[row.unit_id], hidden))
    head = f"{utc_text(run.started_utc_us)} {run.run_id} {run.plan}"
    if run.is_virtual:
        head += " on virtual routers"
    ended = run.verdict.word if state == "finished" else state
    word = "pass" if ended == "pass" else "inconc" if ended == "running" else ended
    foot = Text(f"{SYMBOLS.get(word, NOTHING)} {ended.upper()}", style=style(word))
    foot.append(_sums(results), "dim")
    marks = [Text(f"! {remark}", style=style("inconc"))] if remark else []
    return Group(Text(hidden.text(head), style="dim"), rows, foot, *marks)


def kind(row: ResultRow) -> str:
    """Return the verdict's word, or `not_run`."""
    return "not_run" if row.state == "not_run" else row.verdict.word


def style(word: str) -> str:
    """Return how loud a verdict is printed."""
    return _STYLES.get(word, _LOUD)


def _cells(row: ResultRow, unit: UnitRow, screen: Screen) -> tuple[Text, ...]:
    word = kind(row)
    again = f" #{row.attempt}" if row.attempt > 1 else ""
    took = NOTHING
    if row.finished_ns is not None:
        took = format_duration((row.finished_ns - row.started_ns) / 1e9)
    cause = "never finished" if row.state == "open" else screen.text(row.cause)
    return (
        Text(f"{SYMBOLS[word]} {word.replace('_', ' ')}", style=style(word)),
        Text(row.case_id + again),
        Text(f"{unit.model} {unit.firmware} {screen.text(unit.imei)[-4:]}", style="dim"),
        Text(took),
        Text(row.owner or "", style="" if row.verdict is Verdict.PASS else style(word)),
        Text(cause),
    )


def _sums(results: list[ResultRow]) -> str:
    words = [kind(row) for row in results]
    counts = [f"{words.count(word)} {word.replace('_', ' ')}" for word in SYMBOLS if word in words]
    return f"  {', '.join(counts) or 'no result'}"
