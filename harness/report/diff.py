"""Compares runs: what is new, still, fixed, flaky or the bench's, and which numbers moved.

Paired by router and case; several runs on a side are several samples of the same thing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.core.errors import UsageError
from harness.core.party import Party
from harness.record.reader import RunRecord
from harness.record.rows import ResultRow
from harness.report.acceptance_data import shown
from harness.report.effect import Effect, benjamini_hochberg, effect
from harness.report.html import NOTHING
from harness.report.page_data import finite
from harness.report.privacy import Hide, Screen, masking
from harness.report.welch import welch_p
from harness.verdict.verdict import Verdict

Change = Literal["new", "still", "fixed", "flaky", "infrastructure", "gone", "added", "same"]
CHANGES: Final[tuple[Change, ...]] = (
    "new",
    "flaky",
    "infrastructure",
    "still",
    "fixed",
    "gone",
    "added",
    "same",
)
FALSE_DISCOVERY_RATE: Final = 0.05
_LEAST_SHOWN: Final = 0.001
NUMBER_HEADS: Final = (
    "number",
    "shift",
    "95 % interval",
    "p by ranks",
    "p by means",
    "n",
    "could be seen from",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """One case on one router, before and after.

    Attributes:
        imei: The router.
        case: The case.
        change: `new`: fails now. `still`: failed before as well. `fixed`: failed before. `flaky`:
            passed and did not pass on the later side. `infrastructure`: the later side says
            nothing on the router, because the bench failed. `gone`, `added`: on one side only.
        before: Verdicts of the earlier side, in order.
        after: Verdicts of the later side.
        owner: Who must act now.
        cause: Why.
    """

    imei: str
    case: str
    change: Change
    before: tuple[Verdict, ...]
    after: tuple[Verdict, ...]
    owner: str | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberChange:
    """One measurement of one case, before and after.

    Attributes:
        case: The case.
        name: The measurement.
        unit: Its unit.
        effect: How far apart the two sides are, in that unit.
        p_corrected: Its p value by ranks, corrected for how many numbers were compared.
        welch_corrected: The same by Welch's test of the means; None when a side has one value.
        moved: Whether `p_corrected` is less than one in twenty. One test decides, and it is
            always the same one: whoever may choose afterwards finds something everywhere.
    """

    case: str
    name: str
    unit: str
    effect: Effect
    p_corrected: float
    welch_corrected: float | None
    moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed between two sides.

    Attributes:
        cases: Every case on every router, what needs a person first.
        numbers: Every measurement, what moved first.
        remarks: What is to be said of the records themselves; mostly nothing.
    """

    cases: tuple[CaseChange, ...]
    numbers: tuple[NumberChange, ...]
    remarks: tuple[str, ...] = ()

    def of(self, change: Change) -> tuple[CaseChange, ...]:
        """Return the cases with one kind of change."""
        return tuple(case for case in self.cases if case.change == change)


@dataclass(slots=True)
class _Side:
    results: dict[tuple[str, str], list[ResultRow]]
    values: dict[tuple[str, str, str], list[float]]
    remarks: list[str]


def diff(before: Path | Sequence[Path], after: Path | Sequence[Path]) -> Comparison:
    """Compare one or several runs with one or several later ones.

    Raises:
        UsageError: A side has no run.
        BenchError: A record is damaged.
    """
    first, second = _side(before), _side(after)
    cases = [
        _case_change(key, first.results.get(key, []), second.results.get(key, []))
        for key in {**first.results, **second.results}
    ]
    cases.sort(key=lambda c: (CHANGES.index(c.change), c.case, c.imei))
    return Comparison(
        cases=tuple(cases),
        numbers=_number_changes(first, second),
        remarks=(*first.remarks, *second.remarks),
    )


def _side(runs: Path | Sequence[Path]) -> _Side:
    side = _Side({}, {}, [])
    directories = [runs] if isinstance(runs, Path) else list(runs)
    if not directories:
        msg = "a comparison needs at least one run on each side; name two directories"
        raise UsageError(msg)
    for directory in directories:
        with RunRecord.open(directory) as record:
            if record.remark:
                side.remarks.append(f"{directory.name}: {record.remark}")
            imeis = {unit.id: unit.imei for unit in record.units()}
            for row in record.results():
                if row.state == "finished":
                    side.results.setdefault((imeis[row.unit_id], row.case_id), []).append(row)
            for case, name, unit, value in record.values():
                side.values.setdefault((case, name, unit), []).append(value)
    return side


def _case_change(
    key: tuple[str, str], before: Sequence[ResultRow], after: Sequence[ResultRow]
) -> CaseChange:
    failing = [row for row in after if row.verdict is not Verdict.PASS]
    last = failing[-1] if failing else None
    return CaseChange(
        imei=key[0],
        case=key[1],
        change=_change(before, after),
        before=tuple(row.verdict for row in before),
        after=tuple(row.verdict for row in after),
        owner=last.owner if last else None,
        cause=last.cause if last else "",
    )


def _change(before: Sequence[ResultRow], after: Sequence[ResultRow]) -> Change:
    if not before or not after:
        return "added" if after else "gone"
    judged = [row for row in after if not _is_infrastructure(row)]
    if not judged:
        return "infrastructure"
    passes = [row.verdict is Verdict.PASS for row in judged]
    if any(passes) and not all(passes):
        return "flaky"
    failed_before = any(
        row.verdict is not Verdict.PASS for row in before if not _is_infrastructure(row)
    )
    if all(passes):
        return "fixed" if failed_before else "same"
    return "still" if failed_before else "new"


def _is_infrastructure(row: ResultRow) -> bool:
    return row.owner == Party.BENCH or row.verdict is Verdict.ERROR


def _number_changes(first: _Side, second: _Side) -> tuple[NumberChange, ...]:
    keys = sorted(first.values.keys() & second.values.keys())
    effects = [effect(first.values[key], second.values[key]) for key in keys]
    corrected = benjamini_hochberg([e.p for e in effects])
    by_means = [welch_p(first.values[key], second.values[key]) for key in keys]
    means = iter(benjamini_hochberg([p for p in by_means if p is not None]))
    by_means = [p if p is None else next(means) for p in by_means]
    changes = [
        NumberChange(
            case=case,
            name=name,
            unit=unit,
            effect=found,
            p_corrected=p,
            welch_corrected=mean_p,
            moved=p < FALSE_DISCOVERY_RATE,
        )
        for (case, name, unit), found, p, mean_p in zip(
            keys, effects, corrected, by_means, strict=True
        )
    ]
    return tuple(sorted(changes, key=lambda c: (not c.moved, c.p_corrected, c.case, c.name)))


def table(comparison: Comparison, *, hide: Hide | None = None) -> RenderableType:
    """Return what `rich` prints: changed cases, moved numbers, and what could not be seen."""
    screen = Screen({case.imei for case in comparison.cases}, hide or masking())
    cases = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("change", "case", "router", "before", "after", "owner", "cause"):
        cases.add_column(name, overflow="fold")
    for case in comparison.cases:
        if case.change != "same":
            loud = "bold red" if case.change == "new" else ""
            verdicts = [" ".join(v.word for v in side) for side in (case.before, case.after)]
            texts = [case.case, screen.text(case.imei), *verdicts, case.owner or ""]
            texts.append(screen.text(case.cause))
            cases.add_row(Text(case.change, style=loud), *map(Text, texts))
    numbers = Table(box=None, pad_edge=False, header_style="dim")
    for name in NUMBER_HEADS:
        numbers.add_column(name, justify="left" if name == "number" else "right")
    for number in comparison.numbers:
        numbers.add_row(*map(Text, number_texts(number)), style="bold" if number.moved else "dim")
    counts = [(change, len(comparison.of(change))) for change in CHANGES]
    foot = ", ".join(f"{count} {change}" for change, count in counts if count)
    marks = [Text(f"! {remark}", style="yellow") for remark in comparison.remarks]
    return Group(cases, numbers, Text(foot or "nothing to compare"), *marks)


def number_texts(number: NumberChange) -> tuple[str, ...]:
    """Return a number's change in words, under `NUMBER_HEADS`."""
    found, unit, means = number.effect, number.unit, number.welch_corrected
    reach = "one value only" if found.detectable is None else shown(found.detectable, unit)
    return (
        f"{number.case} {number.name}",
        shown(found.shift, unit),
        _interval(found, unit),
        _probability(number.p_corrected),
        NOTHING if means is None else _probability(means),
        f"{found.n_first}, {found.n_second}",
        reach,
    )


def _probability(p: float) -> str:
    return f"{p:.3f}" if p >= _LEAST_SHOWN else f"< {_LEAST_SHOWN}"


def _interval(found: Effect, unit: str) -> str:
    if math.isinf(found.low):
        return "too few values for one"
    return f"{shown(found.low, unit)} to {shown(found.high, unit)}"


def as_values(comparison: Comparison, *, hide: Hide | None = None) -> dict[str, Any]:
    """Return a comparison as JSON values; an interval without an end has None there."""
    screen = Screen({case.imei for case in comparison.cases}, hide or masking())
    return {
        "remarks": list(comparison.remarks),
        "cases": [
            {
                "change": case.change,
                "case": case.case,
                "router": screen.text(case.imei),
                "before": [v.word for v in case.before],
                "after": [v.word for v in case.after],
                "owner": case.owner,
                "cause": screen.text(case.cause),
            }
            for case in comparison.cases
        ],
        "numbers": [
            {
                "case": number.case,
                "name": number.name,
                "unit": number.unit,
                "shift": number.effect.shift,
                "low": finite(number.effect.low),
                "high": finite(number.effect.high),
                "p_ranks": number.p_corrected,
                "p_means": number.welch_corrected,
                "n": [number.effect.n_first, number.effect.n_second],
                "detectable": number.effect.detectable,
                "moved": number.moved,
            }
            for number in comparison.numbers
        ],
    }
