"""A run as Allure 2 reads it: one JSON file a result, phases as its steps."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.report.privacy import Screen
from harness.report.values import values

_MS_PER_S: Final = 1000
_US_PER_MS: Final = 1000
_STATUS: Final = {"pass": "passed", "fail": "failed", "inconc": "broken", "error": "broken"}


def export(run_dir: Path, screen: Screen, out: Path) -> list[Path]:
    """Write one `*-result.json` for each result, and the environment."""
    run = values(run_dir, screen=screen)
    files = []
    for number, result in enumerate(run["results"]):
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{run['run']}/{number}")
        path = out / f"{name}-result.json"
        text = json.dumps(_result(run, result, str(name)), ensure_ascii=False, indent=1)
        path.write_text(text, encoding="utf-8")
        files.append(path)
    environment = out / "environment.properties"
    facts = {"run": run["run"], "plan": run["plan"], "bench": run["bench"]} | run["environment"]
    environment.write_text(
        "".join(f"{_one_line(k)}={_one_line(v)}\n" for k, v in facts.items()), encoding="utf-8"
    )
    return [*files, environment]


def _result(run: Mapping[str, Any], result: Mapping[str, Any], name: str) -> dict[str, Any]:
    router = result["router"]
    parameters = {
        "router": router["imei"],
        "model": router["model"],
        "firmware": router["firmware"],
    }
    history = f"{result['case']}\n{router['imei']}"
    start_ms = result["started_utc_us"] // _US_PER_MS
    labels = [
        ("suite", run["title"]),
        ("host", run["bench"]),
        ("framework", "cloudsim-harness"),
        *(("feature", requirement) for requirement in result["requirements"]),
        *([("owner", result["owner"])] if result["owner"] else []),
    ]
    return {
        "uuid": name,
        "historyId": hashlib.sha256(history.encode()).hexdigest()[:32],
        "testCaseId": hashlib.sha256(result["case"].encode()).hexdigest()[:32],
        "fullName": f"{result['case']} v{result['version']}",
        "name": f"{result['case']} {result['title']}",
        "status": "skipped"
        if result["state"] == "not_run"
        else _STATUS.get(result["verdict"], "unknown"),
        "statusDetails": {"message": result["cause"]},
        "stage": "finished",
        "start": start_ms,
        "stop": start_ms + round((result["duration_s"] or 0) * _MS_PER_S),
        "labels": [{"name": label, "value": value} for label, value in labels],
        "parameters": [
            {"name": key, "value": value}
            for key, value in (*parameters.items(), *map(_number, result["measurements"]))
        ],
        "steps": [_step(phase, start_ms) for phase in result["phases"]],
    }


def _number(m: Mapping[str, Any]) -> tuple[str, str]:
    """Return a measurement as the parameter that it has to be: Allure knows no numbers."""
    value = "unknown" if m["value"] is None else f"{m['value']:g} {m['unit']}"
    return m["name"], value


def _step(phase: Mapping[str, Any], start_ms: int) -> dict[str, Any]:
    begun_ms = start_ms + round(phase["after_s"] * _MS_PER_S)
    return {
        "name": phase["name"],
        "status": _STATUS.get(phase["verdict"], "unknown"),
        "statusDetails": {"message": phase["note"]},
        "stage": "finished",
        "start": begun_ms,
        "stop": begun_ms + round((phase["duration_s"] or 0) * _MS_PER_S),
    }


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
