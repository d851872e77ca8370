"""One run as JSON values for other programs: what the pages show, without their packing."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from harness.core.units import NS_PER_S
from harness.record.reader import RunRecord
from harness.record.rows import MeasurementRow, PhaseRow, ResultRow, SimUseRow, UnitRow
from harness.report.html import utc_text
from harness.report.page_data import finite, identities
from harness.report.privacy import Screen, masking


def values(run_dir: Path, *, screen: Screen | None = None) -> dict[str, Any]:
    """Return a run as JSON values.

    Args:
        run_dir: The run's directory.
        screen: What hides identities; None masks all but the last four characters.
    """
    with RunRecord.open(run_dir) as record:
        hidden = screen or Screen(identities(record), masking())
        run, state, remark = record.run, record.state, record.remark
        units = {unit.id: unit for unit in record.units()}
        results = record.results()
        began_ns = {row.id: row.started_ns for row in results}
        phases, measurements, sims = defaultdict(list), defaultdict(list), defaultdict(list)
        for phase in record.phases():
            began = began_ns[phase.result_id]
            phases[phase.result_id].append(_phase(phase, began, hidden))
        for measurement in record.measurements():
            measurements[measurement.result_id].append(_measurement(measurement))
        for sim in record.sim_uses():
            sims[sim.result_id].append(_sim(sim, hidden))
    return {
        "run": run.run_id,
        "title": hidden.text(run.title),
        "plan": hidden.text(run.plan),
        "bench": run.bench,
        "virtual": run.is_virtual,
        "harness_version": run.harness_version,
        "state": state,
        "remark": remark,
        "verdict": run.verdict.word,
        "started": utc_text(run.started_utc_us),
        "started_utc_us": run.started_utc_us,
        "finished_utc_us": run.finished_utc_us,
        "environment": hidden.value(dict(run.environment)),
        "results": [
            _result(row, units[row.unit_id], hidden)
            | {
                "phases": phases[row.id],
                "measurements": measurements[row.id],
                "sims": sims[row.id],
            }
            for row in results
        ],
    }


def _result(row: ResultRow, unit: UnitRow, screen: Screen) -> dict[str, Any]:
    ended_ns = row.finished_ns
    return {
        "case": row.case_id,
        "version": row.case_version,
        "title": row.title_en,
        "requirements": list(row.requirements),
        "router": {
            "model": unit.model,
            "imei": screen.text(unit.imei),
            "firmware": unit.firmware,
            "hardware": unit.hardware,
            "slot": unit.slot,
        },
        "attempt": row.attempt,
        "state": row.state,
        "verdict": row.verdict.word,
        "owner": row.owner,
        "cause": screen.text(row.cause),
        "started": utc_text(row.started_utc_us),
        "started_utc_us": row.started_utc_us,
        "duration_s": None if ended_ns is None else (ended_ns - row.started_ns) / NS_PER_S,
    }


def _phase(row: PhaseRow, began_ns: int, screen: Screen) -> dict[str, Any]:
    return {
        "name": row.name,
        "after_s": (row.start_ns - began_ns) / NS_PER_S,
        "duration_s": None if row.end_ns is None else (row.end_ns - row.start_ns) / NS_PER_S,
        "limit_s": row.limit_s,
        "verdict": row.verdict.word,
        "owner": row.owner,
        "note": screen.text(row.note),
    }


def _measurement(row: MeasurementRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": finite(row.value),
        "unit": row.unit,
        "low": finite(row.low),
        "high": finite(row.high),
        "n": row.n,
        "limit": row.limit_name,
        "limit_low": finite(row.limit_low),
        "limit_high": finite(row.limit_high),
        "decision": row.decision,
        "verdict": row.verdict.word,
        "marginal": row.marginal,
        "reliability": list(row.reliability),
        "bytes_burnt": row.bytes_burnt,
    }


def _sim(row: SimUseRow, screen: Screen) -> dict[str, Any]:
    return {
        "iccid": screen.text(row.iccid),
        "imsi": screen.text(row.imsi),
        "carrier": row.carrier,
        "plmn": row.plmn,
        "burnt_bytes": row.burnt_bytes,
    }
