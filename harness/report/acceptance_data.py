"""From records to the content of an acceptance report: words and numbers, no layout. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from harness.core.units import US_PER_S, format_rate
from harness.record.reader import RunRecord
from harness.record.rows import MeasurementRow, ResultRow, RunRow, RunState, UnitRow
from harness.report.dossier import Dossier, Waiver
from harness.report.html import NOTHING, SYMBOLS
from harness.report.messages import Language, messages
from harness.report.privacy import Screen
from harness.report.proof import Box, box, proven_share
from harness.verdict.verdict import Verdict, merge

JST: Final = ZoneInfo("Asia/Tokyo")
_AXIS_ROOM: Final = 0.05
_MS_PER_S: Final = 1000
_SHOWN: Final = 4  # last characters by which a line names a router


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What proves that a record is unchanged.

    Attributes:
        public_key: Who sealed it, in hexadecimal.
        manifest_sha256: Hash of the manifest.
    """

    public_key: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One run as the report needs it; read once, closed before anything is laid out."""

    run: RunRow
    state: RunState
    units: dict[int, UnitRow]
    results: list[ResultRow]
    measurements: dict[int, list[MeasurementRow]]
    limit_hashes: tuple[str, ...]
    seal: Seal | None
    remark: str = ""


def source_of(record: RunRecord, seal: Seal | None) -> Source:
    """Read what the report needs of a record."""
    measurements: dict[int, list[MeasurementRow]] = {}
    for row in record.measurements():
        measurements.setdefault(row.result_id, []).append(row)
    return Source(
        run=record.run,
        state=record.state,
        units={unit.id: unit for unit in record.units()},
        results=record.results(),
        measurements=measurements,
        limit_hashes=tuple(sorted(record.limit_sets())),
        seal=seal,
        remark=record.remark,
    )


def content(
    sources: Sequence[Source],
    dossier: Dossier,
    screen: Screen,
    *,
    language: Language,
    today: date,
) -> dict[str, Any]:
    """Return the content of the report, every text ready to be shown.

    Args:
        sources: The runs, at least one.
        dossier: Waivers, claims, revisions.
        screen: What hides identities.
        language: Of words and titles.
        today: Day by which waivers are valid or expired.
    """
    m = messages(language)
    waivers = {w.case: w for w in dossier.waivers if w.expires >= today}
    rows = [(source, row) for source in sources for row in source.results]
    return {
        "language": language,
        "m": m,
        "product": dossier.product or screen.text(sources[0].run.title),
        "verdict": _decision(sources, waivers, m),
        "is_virtual": any(source.run.is_virtual for source in sources),
        "runs": [_run_line(source, screen, m) for source in sources],
        "counts": _counts(rows, m),
        "deviations": _deviations(sources, dossier, screen, m),
        "waivers": [_waiver_line(w, today, m) for w in dossier.waivers],
        "units": _unit_lines(sources, screen),
        "limits": sorted({h for source in sources for h in source.limit_hashes}),
        "environment": _environment(sources, screen),
        "results": [_result_line(s, r, waivers, screen, m) for s, r in rows],
        "measurements": [
            _measurement_line(s, r, x, screen, m)
            for s, r in rows
            for x in s.measurements.get(r.id, [])
        ],
        "proof": _proof(rows),
        "boxes": _boxes(rows),
        "trace": _trace(rows),
        "claims": _claims(rows, dossier, language, m),
        "revisions": [[r.number, r.day.isoformat(), r.author, r.change] for r in dossier.revisions],
        "seals": [[s.run.run_id, s.seal.public_key, s.seal.manifest_sha256]
                  for s in sources if s.seal],
        "all_sealed": all(source.seal for source in sources),
    }  # fmt: skip


def moment(utc_us: int | None) -> str:
    """Return a moment in Japan's time, to the second."""
    if utc_us is None:
        return NOTHING
    return (
        datetime.fromtimestamp(utc_us // US_PER_S, tz=UTC)
        .astimezone(JST)
        .strftime("%Y-%m-%d %H:%M:%S JST")
    )


def _decision(
    sources: Sequence[Source], waivers: dict[str, Waiver], m: dict[str, str]
) -> dict[str, str]:
    verdict = merge(
        row.verdict
        for source in sources
        for row in source.results
        if row.state != "not_run" and not (row.verdict > Verdict.PASS and row.case_id in waivers)
    )
    unfinished = any(source.state != "finished" for source in sources) or any(
        row.state == "open" for source in sources for row in source.results
    )
    if verdict >= Verdict.FAIL:
        return {"word": m["no_go"], "class": "fail", "symbol": SYMBOLS["fail"]}
    if unfinished or verdict is not Verdict.PASS:
        return {"word": m["undecided"], "class": "inconc", "symbol": SYMBOLS["inconc"]}
    waived = any(
        row.verdict > Verdict.PASS and row.case_id in waivers
        for source in sources
        for row in source.results
    )
    word = m["go_waived"] if waived else m["go"]
    return {"word": word, "class": "pass", "symbol": SYMBOLS["pass"]}


def _word(row: ResultRow) -> str:
    return "not_run" if row.state == "not_run" else row.verdict.word


def _run_line(source: Source, screen: Screen, m: dict[str, str]) -> list[str]:
    run = source.run
    state = "" if source.state == "finished" else m[source.state]
    times = [moment(run.started_utc_us), moment(run.finished_utc_us)]
    plan = screen.text(run.plan)
    return [run.run_id, plan, run.bench, run.harness_version, *times, state]


def _counts(rows: Sequence[tuple[Source, ResultRow]], m: dict[str, str]) -> list[list[str]]:
    words = [_word(row) for _, row in rows]
    return [[SYMBOLS[w], m[w], str(words.count(w))] for w in SYMBOLS if w in words]


def _deviations(
    sources: Sequence[Source], dossier: Dossier, screen: Screen, m: dict[str, str]
) -> list[str]:
    found = list(dossier.deviations)
    for source in sources:
        if source.remark:
            found.append(f"{source.run.run_id}: {m['record_remark']}: {source.remark}")
        if source.state != "finished":
            found.append(f"{source.run.run_id}: {m[source.state]}")
        not_run = {
            f"{row.case_id}: {m['not_run']}: {screen.text(row.cause)}"
            for row in source.results
            if row.state == "not_run"
        }
        found += sorted(not_run)
    return found


def _waiver_line(waiver: Waiver, today: date, m: dict[str, str]) -> list[str]:
    state = m["expired"] if waiver.expires < today else m["waived"]
    return [waiver.case, waiver.reason, waiver.approved_by, waiver.expires.isoformat(), state]


def _unit_lines(sources: Sequence[Source], screen: Screen) -> list[list[str]]:
    lines = {
        (
            unit.model,
            unit.hardware,
            screen.text(unit.imei),
            screen.text(unit.serial),
            unit.firmware,
            unit.firmware_sha256[:16],
            unit.slot,
        )
        for source in sources
        for unit in source.units.values()
    }
    return [[cell or NOTHING for cell in line] for line in sorted(lines)]


def _environment(sources: Sequence[Source], screen: Screen) -> list[list[str]]:
    lines = {
        (screen.text(str(key)), screen.text(str(value)))
        for source in sources
        for key, value in source.run.environment.items()
    }
    lines |= {("lab.toml", source.run.lab_sha256[:16]) for source in sources}
    return [list(line) for line in sorted(lines)]


def _result_line(
    source: Source,
    row: ResultRow,
    waivers: dict[str, Waiver],
    screen: Screen,
    m: dict[str, str],
) -> dict[str, str]:
    unit, word = source.units[row.unit_id], _word(row)
    waived = row.verdict > Verdict.PASS and row.case_id in waivers
    cause = m["open"] if row.state == "open" else screen.text(row.cause)
    return {
        "class": word,
        "verdict": f"{SYMBOLS[word]} {m[word]}" + (f" ({m['waived']})" if waived else ""),
        "case": f"{row.case_id} v{row.case_version}"
        + (f" #{row.attempt}" if row.attempt > 1 else ""),
        "title": row.title_ja if m is messages("ja") else row.title_en,
        "unit": f"{unit.model} {screen.text(unit.imei)[-_SHOWN:]}",
        "when": moment(row.started_utc_us),
        "owner": row.owner or "",
        "cause": cause,
    }


def shown(value: float | None, unit: str) -> str:
    """Return a value with its unit."""
    if value is None:
        return NOTHING
    if unit == "bit/s":
        return format_rate(value)
    if unit == "s" and 0 < abs(value) < 1:
        return f"{value * _MS_PER_S:.4g} ms"
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"


def _measurement_line(
    source: Source, result: ResultRow, row: MeasurementRow, screen: Screen, m: dict[str, str]
) -> dict[str, str]:
    interval = NOTHING
    if row.low is not None:
        interval = f"{shown(row.low, row.unit)} \N{HORIZONTAL ELLIPSIS} {shown(row.high, row.unit)}"
    bounds = [
        f"{sign} {shown(bound, row.unit)}"
        for sign, bound in (("\u2265", row.limit_low), ("\u2264", row.limit_high))
        if bound is not None
    ]
    return {
        "class": row.verdict.word,
        "verdict": SYMBOLS[row.verdict.word] + (f" {m['marginal']}" if row.marginal else ""),
        "case": result.case_id,
        "unit": screen.text(source.units[result.unit_id].imei)[-_SHOWN:],
        "name": row.name,
        "value": shown(row.value, row.unit),
        "interval": interval,
        "n": str(row.n),
        "limit": ", ".join(bounds) or NOTHING,
        "decision": row.decision or "",
        "doubts": "; ".join(row.reliability),
    }


def _judged(rows: Iterable[tuple[Source, ResultRow]]) -> dict[str, list[ResultRow]]:
    by_case: dict[str, list[ResultRow]] = {}
    for _, row in rows:
        if row.state == "finished":
            by_case.setdefault(row.case_id, []).append(row)
    return by_case


def _proof(rows: Sequence[tuple[Source, ResultRow]]) -> list[list[str]]:
    lines = []
    for case, results in sorted(_judged(rows).items()):
        passed = sum(row.verdict is Verdict.PASS for row in results)
        share = proven_share(passed, len(results))
        lines.append([case, str(passed), str(len(results)), f"{share * 100:.1f} %"])
    return lines


def _boxes(rows: Sequence[tuple[Source, ResultRow]]) -> list[dict[str, Any]]:
    """Return a box plot for each rate, with places from 0 to 1 on an axis of its own."""
    samples: dict[tuple[str, str], list[MeasurementRow]] = {}
    for source, result in rows:
        for row in source.measurements.get(result.id, []):
            if row.unit == "bit/s" and row.value is not None:
                samples.setdefault((result.case_id, row.name), []).append(row)
    plots = []
    for (case, name), found in sorted(samples.items()):
        five = box([row.value for row in found if row.value is not None])
        limits = {b for row in found for b in (row.limit_low, row.limit_high) if b is not None}
        place = _axis([five.least, five.most, *limits])
        plots.append(
            {
                "case": case,
                "name": name,
                "n": five.n,
                "text": " / ".join(format_rate(v) for v in _five(five)),
                "places": [place(v) for v in _five(five)],
                "limits": [place(v) for v in sorted(limits)],
            }
        )
    return plots


def _five(five: Box) -> tuple[float, ...]:
    return (five.least, five.q1, five.median, five.q3, five.most)


def _axis(values: Sequence[float]) -> Callable[[float], float]:
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    first, width = low - _AXIS_ROOM * span, span * (1 + 2 * _AXIS_ROOM)
    return lambda value: round((value - first) / width, 4)


def _trace(rows: Sequence[tuple[Source, ResultRow]]) -> list[list[str]]:
    """Return requirement, case and the day of the last pass; of a requirement without one, none."""
    last: dict[tuple[str, str], int | None] = {}
    for _, row in rows:
        for requirement in row.requirements:
            key = (requirement, row.case_id)
            last.setdefault(key, None)
            if row.verdict is Verdict.PASS and row.state == "finished":
                last[key] = max(last[key] or 0, row.finished_utc_us or 0)
    return [[r, case, moment(utc_us)[:10]] for (r, case), utc_us in sorted(last.items())]


def _claims(
    rows: Sequence[tuple[Source, ResultRow]],
    dossier: Dossier,
    language: Language,
    m: dict[str, str],
) -> list[dict[str, str]]:
    by_case = _judged(rows)
    lines = []
    for claim in dossier.claims:
        missing = [case for case in claim.cases if case not in by_case]
        verdict = merge(row.verdict for case in claim.cases for row in by_case.get(case, []))
        word = "inconc" if missing and verdict <= Verdict.PASS else verdict.word
        measured = [
            f"{case}: {sum(r.verdict is Verdict.PASS for r in found)}/{len(found)}"
            for case in claim.cases
            if (found := by_case.get(case))
        ]
        measured += [f"{case}: {m['nothing_measured']}" for case in missing]
        lines.append(
            {
                "class": word,
                "words": claim.words_ja if language == "ja" else claim.words_en,
                "cases": " ".join(claim.cases),
                "verdict": f"{SYMBOLS[word]} {m[word]}",
                "measured": ", ".join(measured),
            }
        )
    return lines
