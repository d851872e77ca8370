"""``harness.report.sinks`` and the sinks that are shipped: other programs' formats, from records.

OTLP's JSON form: opentelemetry-proto 1.x, trace.proto, and the OTLP specification on JSON.
Allure 2: the keys and words of its `TestResult`. JUnit XML has tests of its own.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.core.errors import UsageError
from harness.report.sinks import export, installed
from tests.report.conftest import ICCID, IMEI, IMSI

START_NS = 1_795_660_800_000_000_000


def spans_of(run: Path, out: Path) -> list[dict[str, Any]]:
    """Export a run as a trace and return its spans."""
    (path,) = export(run, "opentelemetry", out)
    (resource,) = json.loads(path.read_text())["resourceSpans"]
    (scope,) = resource["scopeSpans"]
    return list(scope["spans"])


def test_a_trace_has_the_run_its_results_and_their_phases(small_run: Path, tmp_path: Path) -> None:
    """Each below the other, by ids of the lengths that OTLP wants, on one clock."""
    spans = spans_of(small_run, tmp_path / "out")

    by_id = {span["spanId"]: span for span in spans}
    assert len(by_id) == len(spans) == 1 + 3 + 8
    assert {len(span["spanId"]) for span in spans} == {16}
    assert {len(span["traceId"]) for span in spans} == {32}
    assert len({span["traceId"] for span in spans}) == 1
    (root,) = [span for span in spans if "parentSpanId" not in span]
    assert (root["startTimeUnixNano"], root["status"]["code"]) == (str(START_NS), 2)
    (failed,) = [span for span in spans if span["name"] == "P6"]
    above = by_id[failed["parentSpanId"]]
    assert above["name"] == "CS-CANON-001"
    assert by_id[above["parentSpanId"]] is root
    # P0 to P5 take 6.2 + 3.1 + 0.8 + 0.2 + 1.4 + 0.3 s; P6 goes on for 20 s.
    assert int(failed["startTimeUnixNano"]) == START_NS + 12_000_000_000
    assert int(failed["endTimeUnixNano"]) == START_NS + 32_000_000_000
    assert failed["status"]["code"] == 2


def test_a_trace_carries_numbers_with_unit_and_limit(small_run: Path, tmp_path: Path) -> None:
    """As an event of the result; 64-bit integers are strings in proto3's JSON."""
    spans = spans_of(small_run, tmp_path / "out")

    (event,) = [event for span in spans for event in span.get("events", [])]
    assert event["name"] == "throttle.goodput"
    facts = {a["key"]: a["value"] for a in event["attributes"]}
    assert facts["value"] == {"doubleValue": 383_600.0}
    assert facts["unit"] == {"stringValue": "bit/s"}
    assert facts["limit_high"] == {"doubleValue": 400_000.0}
    assert facts["n"] == {"intValue": "160"}


def test_exported_again_a_run_is_the_same(small_run: Path, tmp_path: Path) -> None:
    """No id is made up on the way, so that a second import replaces the first."""
    for name in ("allure", "opentelemetry"):
        first = {p.name: p.read_bytes() for p in export(small_run, name, tmp_path / f"1{name}")}
        again = {p.name: p.read_bytes() for p in export(small_run, name, tmp_path / f"2{name}")}
        assert first == again


def test_allure_gets_a_file_a_result(small_run: Path, tmp_path: Path) -> None:
    """Failed, passed, skipped; phases are steps, measurements parameters."""
    files = export(small_run, "allure", tmp_path / "out")

    results = [json.loads(p.read_text()) for p in files if p.name.endswith("-result.json")]
    by_case = {result["fullName"]: result for result in results}
    assert {case: result["status"] for case, result in by_case.items()} == {
        "CS-CANON-001 v1": "failed", "CS-THR-001 v1": "passed", "CS-NETEM-001 v1": "skipped",
    }  # fmt: skip
    canonical = by_case["CS-CANON-001 v1"]
    assert [step["name"] for step in canonical["steps"]] == [f"P{n}" for n in range(7)]
    assert canonical["steps"][6]["status"] == "failed"
    assert canonical["stop"] - canonical["start"] == 35_000
    assert {"name": "owner", "value": "carrier"} in canonical["labels"]
    throttled = by_case["CS-THR-001 v1"]
    assert {"name": "throttle.goodput", "value": "383600 bit/s"} in throttled["parameters"]
    environment = (tmp_path / "out" / "environment.properties").read_text()
    assert "kernel=6.1\n" in environment


def test_reportportal_gets_one_archive_with_junit(small_run: Path, tmp_path: Path) -> None:
    """One XML in it, with every result."""
    (path,) = export(small_run, "reportportal", tmp_path / "out")

    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        root = ET.fromstring(archive.read(name))  # noqa: S314  # our own
    assert len(root.findall(".//testcase")) == 3
    assert list((tmp_path / "out").iterdir()) == [path]


@pytest.mark.parametrize("name", sorted(installed()))
def test_no_sink_names_anybody(small_run: Path, tmp_path: Path, name: str) -> None:
    """Not the router, not the card, not the subscriber; in no file of any sink."""
    for path in export(small_run, name, tmp_path / "out"):
        data = path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                data = b"".join(archive.read(inner) for inner in archive.namelist())
        for identity in (IMEI, ICCID, IMSI):
            assert identity.encode() not in data


def test_a_sink_that_is_not_there_is_said_with_those_that_are(
    small_run: Path, tmp_path: Path
) -> None:
    """And nothing is made."""
    with pytest.raises(UsageError, match="no sink 'grafana'; there are allure, opentelemetry, rep"):
        export(small_run, "grafana", tmp_path / "out")
    assert not (tmp_path / "out").exists()
