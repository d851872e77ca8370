"""Computes measurements again from what is recorded. Pure, but for reading the record.

A measurement's `evidence` names how: `{"from": NAME, ...}`, and NAME is looked up in a table of
recomputers. What this table cannot know (captures, for example) is added by whoever wires it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from harness.core.errors import UsageError
from harness.core.units import BITS_PER_BYTE, NS_PER_S
from harness.record.reader import RunRecord
from harness.record.rows import MeasurementRow, SeriesRow

Recomputer = Callable[[RunRecord, MeasurementRow], float | None]


def phase_duration_s(record: RunRecord, row: MeasurementRow) -> float | None:
    """Return how long the phase took that `{"phase": NAME}` names; None when it never ended.

    Raises:
        UsageError: The result has no such phase.
    """
    name = row.evidence.get("phase")
    for phase in record.phases(row.result_id):
        if phase.name == name:
            return None if phase.end_ns is None else (phase.end_ns - phase.start_ns) / NS_PER_S
    msg = f"there is no phase {name!r}"
    raise UsageError(msg)


def rate_bps(record: RunRecord, row: MeasurementRow) -> float | None:
    """Return the mean rate over `start_ns` to `end_ns` of a series of bytes received so far.

    Raises:
        UsageError: There is no such series, or it does not reach over the stretch.
    """
    series = _series(record, row)
    start_ns, end_ns = row.evidence.get("start_ns"), row.evidence.get("end_ns")
    totals = {t_ns: value for t_ns, value in series.points if t_ns in {start_ns, end_ns}}
    if len(totals) != len({start_ns, end_ns}) or start_ns == end_ns:
        msg = f"series {series.name!r} has no points at {start_ns!r} and {end_ns!r} ns"
        raise UsageError(msg)
    (first_ns, first), (last_ns, last) = sorted(totals.items())
    return (last - first) * BITS_PER_BYTE * NS_PER_S / (last_ns - first_ns)


def series_sum(record: RunRecord, row: MeasurementRow) -> float | None:
    """Return the sum of the series that `{"series": NAME}` names.

    Raises:
        UsageError: There is no such series.
    """
    return sum(value for _, value in _series(record, row).points)


def ratio(record: RunRecord, row: MeasurementRow) -> float | None:
    """Return `numerator` over `denominator`: numbers, or names of measurements of the result.

    Raises:
        UsageError: The result has no such measurement, or the denominator is zero.
    """
    numerator, denominator = (_term(record, row, key) for key in ("numerator", "denominator"))
    if numerator is None or denominator is None:
        return None
    if denominator == 0:
        msg = "the denominator is zero"
        raise UsageError(msg)
    return numerator / denominator


def _term(record: RunRecord, row: MeasurementRow, key: str) -> float | None:
    term = row.evidence.get(key)
    if isinstance(term, (int, float)):
        return float(term)
    for other in record.measurements(row.result_id):
        if other.name == term:
            return other.value
    msg = f"{key} is {term!r}, which is neither a number nor a measurement of the result"
    raise UsageError(msg)


def event_count(record: RunRecord, row: MeasurementRow) -> float | None:
    """Return how many events of `{"kind": KIND}` the result has, with `text` in them if given."""
    kind, text = row.evidence.get("kind"), str(row.evidence.get("text", ""))
    return float(
        sum(e.kind == kind and text in e.text for e in record.events(row.result_id)),
    )


def _series(record: RunRecord, row: MeasurementRow) -> SeriesRow:
    name = row.evidence.get("series")
    for series in record.series(row.result_id):
        if series.name == name:
            return series
    msg = f"there is no series {name!r}"
    raise UsageError(msg)


def source_of(row: MeasurementRow) -> str | None:
    """Return the name under which a measurement's recomputer is looked up; None: it names none.

    Evidence that names a phase and nothing else is that phase's duration.
    """
    source = row.evidence.get("from", "phase" if "phase" in row.evidence else None)
    return None if source is None else str(source)


BUILT_IN: Final[Mapping[str, Recomputer]] = MappingProxyType(
    {
        "phase": phase_duration_s,
        "rate": rate_bps,
        "sum": series_sum,
        "ratio": ratio,
        "events": event_count,
    }
)
"""What can be computed from the record's own tables."""
