"""A run as an OpenTelemetry trace: OTLP's JSON form, as the Collector's file receiver reads it.

The run is the root span, each result a child, each phase a child of its result. A measurement is
an event of its result's span, because a span's attributes have no unit and no limit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.core.units import NS_PER_S
from harness.report.privacy import Screen
from harness.report.values import values

FILE_NAME: Final = "traces.json"
_NS_PER_US: Final = 1000
_INTERNAL: Final = 1  # SPAN_KIND_INTERNAL
_STATUS: Final = {"pass": 1, "fail": 2, "inconc": 2, "error": 2}  # STATUS_CODE_OK, _ERROR
_TRACE_HEX: Final = 32
_SPAN_HEX: Final = 16


def export(run_dir: Path, screen: Screen, out: Path) -> list[Path]:
    """Write the trace as one line of JSON."""
    run = values(run_dir, screen=screen)
    resource = {
        "service.name": "cloudsim-harness",
        "service.version": run["harness_version"],
        "host.name": run["bench"],
        "cloudsim.plan": run["plan"],
        "cloudsim.virtual": run["virtual"],
    }
    trace = {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [{"scope": {"name": "cloudsim-harness"}, "spans": _spans(run)}],
            }
        ]
    }
    path = out / FILE_NAME
    path.write_text(json.dumps(trace, ensure_ascii=False) + "\n", encoding="utf-8")
    return [path]


def _spans(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    start_ns = run["started_utc_us"] * _NS_PER_US
    results = [_result(run["run"], n, result) for n, result in enumerate(run["results"])]
    ends = [int(span["endTimeUnixNano"]) for spans in results for span in spans]
    finished_us = run["finished_utc_us"]
    end_ns = max([start_ns, *ends]) if finished_us is None else finished_us * _NS_PER_US
    root = _span(
        run["run"], "", name=run["title"], parent=None, start_ns=start_ns, end_ns=end_ns
    ) | {"status": {"code": _STATUS.get(run["verdict"], 0)}}
    return [root, *(span for spans in results for span in spans)]


def _result(run: str, number: int, result: Mapping[str, Any]) -> list[dict[str, Any]]:
    start_ns = result["started_utc_us"] * _NS_PER_US
    end_ns = start_ns + round((result["duration_s"] or 0) * NS_PER_S)
    facts = {
        "cloudsim.case": result["case"],
        "cloudsim.verdict": result["verdict"],
        "cloudsim.state": result["state"],
        "cloudsim.owner": result["owner"] or "",
        "cloudsim.router": result["router"]["imei"],
        "cloudsim.model": result["router"]["model"],
        "cloudsim.firmware": result["router"]["firmware"],
    }
    own = str(number)
    span = _span(run, own, name=result["case"], parent="", start_ns=start_ns, end_ns=end_ns) | {
        "attributes": _attributes(facts),
        "status": {"code": _STATUS.get(result["verdict"], 0), "message": result["cause"]},
        "events": [
            {"timeUnixNano": str(end_ns), "name": m["name"], "attributes": _attributes(_number(m))}
            for m in result["measurements"]
        ],
    }
    phases = []
    for place, phase in enumerate(result["phases"]):
        begun_ns = start_ns + round(phase["after_s"] * NS_PER_S)
        ended_ns = begun_ns + round((phase["duration_s"] or 0) * NS_PER_S)
        made = _span(
            run, f"{own}/{place}", name=phase["name"], parent=own, start_ns=begun_ns,
            end_ns=ended_ns,
        )  # fmt: skip
        code = _STATUS.get(phase["verdict"], 0)
        phases.append(made | {"status": {"code": code, "message": phase["note"]}})
    return [span, *phases]


def _number(m: Mapping[str, Any]) -> dict[str, Any]:
    names = ("value", "unit", "low", "high", "n", "limit_low", "limit_high", "verdict")
    return {name: m[name] for name in names if m[name] is not None}


def _span(
    run: str, own: str, *, name: str, parent: str | None, start_ns: int, end_ns: int
) -> dict[str, Any]:
    """Return a span; its ids come from its place in the run: exported again it is the same."""
    made = {
        "traceId": _hex(run, _TRACE_HEX),
        "spanId": _hex(f"{run}/{own}", _SPAN_HEX),
        "name": name,
        "kind": _INTERNAL,
        "startTimeUnixNano": str(start_ns),
        "endTimeUnixNano": str(end_ns),
    }
    return made if parent is None else made | {"parentSpanId": _hex(f"{run}/{parent}", _SPAN_HEX)}


def _hex(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _attributes(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in facts.items()]


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}  # proto3 JSON: 64-bit integers are strings
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
