"""From a record to the data of its page: columns for the table, details for the time-lines. Pure.

30,000 results fit in one small file because a column holds small numbers, texts are kept once, and
details are packed only for as many results as the budget allows, failures first.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.record.reader import RunRecord
from harness.record.rows import ResultRow, SeriesRow
from harness.report.privacy import Screen
from harness.report.registrations import registrations
from harness.verdict.verdict import Verdict

NS_PER_MS: Final = 1_000_000
_POINTS_MAX: Final = 2_000
_EVENTS_MAX: Final = 20_000
_STATES: Final = ("open", "finished", "not_run")

Packed = str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageData:
    """Everything that the page's script needs.

    Attributes:
        head: The run: identity, times, verdict, counts; also used by the page's static part.
        table: Columns of the table, packed.
        details: Details of results, packed, by the row's number in the table.
    """

    head: dict[str, Any]
    table: Packed
    details: dict[int, Packed]


class _Interned:
    """Gives each text a small number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]


def pack(value: object) -> Packed:
    """Return a JSON value as deflated base64, as the page's script unpacks it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()


def identities(record: RunRecord) -> set[str]:
    """Return every identity that a record knows."""
    found = {value for unit in record.units() for value in (unit.imei, unit.serial) if value}
    for use in record.sim_uses():
        found |= {use.iccid, use.imsi}
    return found


def page_data(record: RunRecord, screen: Screen, *, detail_budget_bytes: int) -> PageData:
    """Collect the data of a run's page.

    Args:
        record: The run.
        screen: What hides identities.
        detail_budget_bytes: Room for details; results that did not pass come first.
    """
    results = record.results()
    order = sorted(range(len(results)), key=lambda i: (-results[i].verdict, i))
    details: dict[int, Packed] = {}
    left_bytes, smallest_bytes = detail_budget_bytes, 1
    for index in order:
        if left_bytes < smallest_bytes:
            break  # not even one like the smallest so far has room: the rest need not be read
        packed = packed_detail(record, results[index], screen)
        smallest_bytes = min(smallest_bytes, len(packed)) if details else len(packed)
        if details and len(packed) > left_bytes:
            continue
        details[index] = packed
        left_bytes -= len(packed)
    return PageData(
        head=_head(record, results, screen),
        table=pack(_table(record, results, screen)),
        details=details,
    )


def packed_detail(record: RunRecord, row: ResultRow, screen: Screen) -> Packed:
    """Return everything on one result, packed."""
    return pack(_detail(record, row, screen))


def _head(record: RunRecord, results: Sequence[ResultRow], screen: Screen) -> dict[str, Any]:
    run = record.run
    ended_ns = run.finished_ns
    return {
        "id": run.run_id,
        "title": screen.text(run.title),
        "plan": screen.text(run.plan),
        "bench": run.bench,
        "is_virtual": run.is_virtual,
        "harness_version": run.harness_version,
        "state": record.state,
        "remark": record.remark,
        "verdict": run.verdict.word,
        "started_utc_us": run.started_utc_us,
        "started_ns": run.started_ns,
        "duration_s": None if ended_ns is None else (ended_ns - run.started_ns) / 1e9,
        "environment": screen.value(dict(run.environment)),
        "lab_sha256": run.lab_sha256,
        "limit_sets": sorted(record.limit_sets()),
        "counts": {
            **{
                v.word: sum(r.verdict is v and r.state != "not_run" for r in results)
                for v in Verdict
            },
            "not_run": sum(r.state == "not_run" for r in results),
        },
        "units": [
            {
                "imei": screen.text(u.imei),
                "model": u.model,
                "hardware": u.hardware,
                "firmware": u.firmware,
                "firmware_sha256": u.firmware_sha256,
                "serial": screen.text(u.serial),
                "slot": u.slot,
            }
            for u in record.units()
        ],
    }


def _table(record: RunRecord, results: Sequence[ResultRow], screen: Screen) -> dict[str, Any]:
    start_ns = record.run.started_ns
    unit_number = {unit.id: i for i, unit in enumerate(record.units())}
    cases, texts = _Interned(), _Interned()
    titles: list[list[str]] = []
    columns: dict[str, list[Any]] = {
        name: []
        for name in ("case", "unit", "verdict", "state", "attempt", "start", "ms", "owner", "cause")
    }
    for row in results:
        number = cases.number(f"{row.case_id} {row.case_version}")
        if number == len(titles):
            titles.append([row.case_id, row.case_version, row.title_en, row.title_ja])
        columns["case"].append(number)
        columns["unit"].append(unit_number[row.unit_id])
        columns["verdict"].append(int(row.verdict))
        columns["state"].append(_STATES.index(row.state))
        columns["attempt"].append(row.attempt)
        columns["start"].append((row.started_ns - start_ns) // NS_PER_MS)
        columns["ms"].append(_elapsed_ms(row))
        columns["owner"].append(texts.number(row.owner or ""))
        columns["cause"].append(texts.number(screen.text(row.cause)))
    return {"cases": titles, "texts": texts.texts, "columns": columns}


def _elapsed_ms(row: ResultRow) -> int | None:
    return None if row.finished_ns is None else (row.finished_ns - row.started_ns) // NS_PER_MS


def _detail(record: RunRecord, row: ResultRow, screen: Screen) -> dict[str, Any]:
    """Return everything on one result; times are milliseconds since it began."""

    def since(t_ns: int | None) -> float | None:
        return None if t_ns is None else round((t_ns - row.started_ns) / NS_PER_MS, 3)

    events = record.events(row.id)
    return {
        "start_utc_us": row.started_utc_us,
        "end": since(row.finished_ns),
        "requirements": row.requirements,
        "phases": [
            [p.name, since(p.start_ns), since(p.end_ns), p.limit_s, p.verdict, p.owner,
             screen.text(p.note)]
            for p in record.phases(row.id)
        ],
        "measurements": [
            {
                "name": m.name, "value": finite(m.value), "unit": m.unit,
                "low": finite(m.low), "high": finite(m.high),
                "n": m.n, "reliability": m.reliability, "bytes": m.bytes_burnt,
                "limit": m.limit_name,
                "limit_low": finite(m.limit_low), "limit_high": finite(m.limit_high),
                "decision": m.decision, "requirements": m.requirements, "verdict": m.verdict,
                "marginal": m.marginal, "t": since(m.t_ns),
            }
            for m in record.measurements(row.id)
        ],
        "sims": [
            [screen.text(s.iccid), screen.text(s.imsi), s.carrier, s.plmn, since(s.start_ns),
             since(s.end_ns)]
            for s in record.sim_uses(row.id)
        ],
        "events": [
            [since(e.t_ns), e.kind, e.party, screen.text(e.text), screen.value(dict(e.data))]
            for e in events[:_EVENTS_MAX]
        ],
        "registrations": [[since(t_ns), screen.text(text)] for t_ns, text in registrations(events)],
        "events_left_out": max(0, len(events) - _EVENTS_MAX),
        "series": [_curve(s, since) for s in record.series(row.id)],
        "artifacts": [
            [a.kind, screen.text(a.name), screen.text(a.path), a.sha256, a.size_bytes, a.note]
            for a in record.artifacts(row.id)
        ],
    }  # fmt: skip


def _curve(series: SeriesRow, since: Callable[[int | None], float | None]) -> dict[str, Any]:
    points = thinned(sorted(series.points), _POINTS_MAX)
    return {
        "name": series.name,
        "unit": series.unit,
        "t": [since(t_ns) for t_ns, _ in points],
        "v": [finite(value) for _, value in points],
    }


def finite(value: float | None) -> float | None:
    """Return the value; None for what JSON cannot hold (infinite, not a number)."""
    return value if value is not None and math.isfinite(value) else None


def thinned(points: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """Return at most `most` points that draw the same curve: least and greatest of each bucket."""
    if len(points) <= most:
        return list(points)
    buckets = most // 2
    kept: list[tuple[int, float]] = []
    for number in range(buckets):
        bucket = points[number * len(points) // buckets : (number + 1) * len(points) // buckets]
        extremes = {min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])}
        kept += sorted(extremes)
    return kept
