"""JUnit XML as Jenkins and GitLab read it; strict by default, numbers as properties by flag."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from harness.record.reader import RunRecord
from harness.record.rows import MeasurementRow, ResultRow
from harness.report.html import utc_text
from harness.report.page_data import identities
from harness.report.privacy import Screen, masking
from harness.verdict.verdict import Verdict

# XML 1.0, 2.2: everything else cannot stand in a document, not even as a reference.
_NOT_XML: Final = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(
    run_dir: Path, out: Path, *, with_measurements: bool = False, screen: Screen | None = None
) -> Path:
    """Write a run as JUnit XML.

    A case that was not run is skipped with its reason, an open one is an error, an inconclusive
    one a failure of type `inconc`: only a pass is a pass.

    Args:
        run_dir: The run's directory.
        out: The file to write.
        with_measurements: Also write each measurement as a property; the common schema does not
            know properties of a test case.
        screen: What hides identities; None masks all but the last four characters.
    """
    with RunRecord.open(run_dir) as record:
        hidden = screen or Screen(identities(record), masking())
        out.write_bytes(_document(record, hidden, with_measurements=with_measurements))
    return out


def _document(record: RunRecord, screen: Screen, *, with_measurements: bool) -> bytes:
    run, results = record.run, record.results()
    units = {unit.id: unit for unit in record.units()}
    numbers: dict[int, list[MeasurementRow]] = {}
    if with_measurements:
        for m in record.measurements():
            numbers.setdefault(m.result_id, []).append(m)
    suite = Element("testsuite", name=_clean(screen.text(run.title)), hostname=_clean(run.bench))
    suite.set("timestamp", utc_text(run.started_utc_us).removesuffix("Z"))
    for row in results:
        unit = units[row.unit_id]
        case = SubElement(
            suite,
            "testcase",
            classname=_clean(f"{unit.model}.{unit.firmware}.{screen.text(unit.imei)}"),
            name=_clean(f"{row.case_id} {row.title_en}" + _again(row)),
            time=f"{_seconds(row):.3f}",
        )
        _properties(case, numbers.get(row.id, []))
        _outcome(case, row, screen)
    tags = [child.tag for case in suite for child in case]
    if record.remark:
        SubElement(suite, "system-err").text = _clean(record.remark)
    suite.set("tests", str(len(results)))
    suite.set("failures", str(tags.count("failure")))
    suite.set("errors", str(tags.count("error")))
    suite.set("skipped", str(tags.count("skipped")))
    suite.set("time", f"{sum(map(_seconds, results)):.3f}")
    root = Element("testsuites")
    root.append(suite)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _properties(case: Element, measurements: list[MeasurementRow]) -> None:
    if measurements:
        holder = SubElement(case, "properties")
        for m in measurements:
            value = "" if m.value is None else f"{m.value:g} {m.unit}"
            SubElement(holder, "property", name=_clean(m.name), value=_clean(value))


def _outcome(case: Element, row: ResultRow, screen: Screen) -> None:
    if row.state == "not_run":
        SubElement(case, "skipped", message=_clean(screen.text(row.cause)))
        return
    if row.state == "open":
        SubElement(case, "error", type="interrupted", message="never finished")
        return
    if row.verdict is Verdict.PASS:
        return
    tag = "failure" if row.verdict in {Verdict.FAIL, Verdict.INCONC} else "error"
    text = f"{row.owner}: {row.cause}" if row.owner else row.cause
    SubElement(case, tag, type=row.verdict.word, message=_clean(screen.text(text)))


def _again(row: ResultRow) -> str:
    return f" (attempt {row.attempt})" if row.attempt > 1 else ""


def _seconds(row: ResultRow) -> float:
    return 0.0 if row.finished_ns is None else (row.finished_ns - row.started_ns) / 1e9


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
