"""Reads the record of a run, finished or not, and never changes it."""

from __future__ import annotations

import fcntl
import json
import math
import os
import sqlite3
import struct
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from harness.core.errors import BenchError, UsageError
from harness.record import rows
from harness.record.database import Value, fetch, open_for_reading
from harness.record.journal import JOURNAL_NAME, LOCK_NAME
from harness.record.manifest import changes, form, read_manifest, signature
from harness.record.tables import MANIFEST_NAME, TABLES_NAME, read_tables, schema_of_tables
from harness.verdict.verdict import Verdict

Row = TypeVar("Row")


@lru_cache(maxsize=1024)
def _texts(text: str) -> tuple[str, ...]:
    """Return a list of texts; one column holds the same few ten thousand times."""
    return tuple(json.loads(text))


_DECODE: Final[dict[str, Callable[[Any], object]]] = {
    "verdict": Verdict.from_word,
    "requirements": _texts,
    "reliability": _texts,
    "data": json.loads,
    "environment": json.loads,
    "evidence": json.loads,
    "marginal": bool,
    "is_virtual": bool,
}
_RESULTS: Final = (
    "SELECT result.*, case_id, version AS case_version, title_en, title_ja, requirements"
    " FROM result JOIN case_info ON case_info.id = case_key ORDER BY result.id"
)
_UNITS: Final = (
    "SELECT unit.*, version AS firmware, sha256 AS firmware_sha256"
    " FROM unit JOIN firmware ON firmware.id = firmware_id ORDER BY unit.id"
)


class RunRecord:
    """One run, opened for reading; a context manager. Closing twice is allowed.

    Attributes:
        directory: The run's directory.
        connection: The tables, for what seals and analyses them.
        remark: What every report of it must say about the record itself; mostly nothing.
    """

    def __init__(
        self, directory: Path, connection: sqlite3.Connection, path: Path, remark: str = ""
    ) -> None:
        self.directory = directory
        self.remark = remark
        self.connection = connection
        self._path = path

    @classmethod
    def open(cls, run_dir: Path) -> RunRecord:
        """Open the record in `run_dir`: its journal, or the sealed tables.

        The tables stand in when the journal of a sealed run is gone, or is no longer what was
        sealed; then `remark` says so.

        Raises:
            UsageError: There is none, or it is from a newer harness.
            BenchError: It is damaged, and so is what could stand in for it.
        """
        journal = run_dir / JOURNAL_NAME
        damage = "" if is_live(run_dir) else journal_damage(run_dir)
        if damage:
            schema = schema_of_tables(run_dir)
            remark = f"{damage}; read from the sealed tables, which are as they were sealed"
            return cls.from_tables(run_dir, schema, remark)
        if not journal.exists() and (run_dir / TABLES_NAME).is_dir():
            return cls.from_tables(run_dir, schema_of_tables(run_dir))
        return cls(run_dir, open_for_reading(journal), journal)

    @classmethod
    def from_tables(cls, run_dir: Path, schema: int, remark: str = "") -> RunRecord:
        """Open the sealed tables of a run, whether or not its journal is there.

        Args:
            run_dir: The run's directory.
            schema: Schema version of the tables.
            remark: Why they are read.

        Raises:
            UsageError: They are from a newer harness.
            BenchError: One is missing or damaged.
        """
        tables = run_dir / TABLES_NAME
        return cls(run_dir, read_tables(tables, schema), tables, remark)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def _rows(self, kind: type[Row], sql: str, values: Sequence[Value] = ()) -> list[Row]:
        names = {f.name for f in fields(kind)}  # type: ignore[arg-type]  # every Row is a dataclass
        found = fetch(self.connection, self._path, sql, values)
        try:
            return [
                kind(
                    **{
                        k: _DECODE[k](v) if k in _DECODE else v
                        for k, v in row.items()
                        if k in names
                    }
                )
                for row in found
            ]
        except (ValueError, KeyError) as exc:
            msg = f"{self._path.name}: a row of {kind.__name__} cannot be read: {exc}"
            raise BenchError(msg) from exc

    def _of_result(self, kind: type[Row], table: str, result_id: int | None) -> list[Row]:
        where = "" if result_id is None else " WHERE result_id = ?"
        values = () if result_id is None else (result_id,)
        return self._rows(kind, f"SELECT * FROM {table}{where} ORDER BY id", values)  # noqa: S608  # table names are ours

    @property
    def run(self) -> rows.RunRow:
        """The run itself.

        Raises:
            BenchError: The journal was cut off before its first row.
        """
        found = self._rows(rows.RunRow, "SELECT * FROM run")
        if not found:
            msg = f"{self._path.name}: it has no run; the harness was killed before its first row"
            raise BenchError(msg)
        return found[0]

    @property
    def state(self) -> rows.RunState:
        """Whether the run is going on, came to its end, or was interrupted."""
        if self.run.finished_utc_us is not None:
            return "finished"
        return "running" if is_live(self.directory) else "interrupted"

    def limit_sets(self) -> dict[str, str]:
        """Return the texts of the limits files, by their SHA-256."""
        found = fetch(self.connection, self._path, "SELECT sha256, text FROM limit_set")
        return {str(row["sha256"]): str(row["text"]) for row in found}

    def units(self) -> list[rows.UnitRow]:
        """Return the routers."""
        return self._rows(rows.UnitRow, _UNITS)

    def results(self) -> list[rows.ResultRow]:
        """Return the results in the order in which they began; cases that did not run as well."""
        return self._rows(rows.ResultRow, _RESULTS)

    def counts(self) -> list[rows.CountRow]:
        """Return how many results came to what, without reading each."""
        sql = (
            "SELECT state, verdict, owner, count(*) AS n FROM result GROUP BY state, verdict, owner"
            " ORDER BY n DESC"
        )
        return self._rows(rows.CountRow, sql)

    def phases(self, result_id: int | None = None) -> list[rows.PhaseRow]:
        """Return the phases of one result, or of all."""
        return self._of_result(rows.PhaseRow, "phase", result_id)

    def measurements(self, result_id: int | None = None) -> list[rows.MeasurementRow]:
        """Return the measurements of one result, or of all."""
        return self._of_result(rows.MeasurementRow, "measurement", result_id)

    def values(self) -> list[tuple[str, str, str, float]]:
        """Return (case, name, unit, value) of each measurement that has a value: for comparisons.

        Raises:
            BenchError: The record is damaged.
        """
        sql = (
            "SELECT case_id, name, unit, value FROM measurement JOIN result"
            " ON result.id = result_id JOIN case_info ON case_info.id = case_key"
            " WHERE value IS NOT NULL ORDER BY measurement.id"
        )
        found = fetch(self.connection, self._path, sql)
        return [
            (str(r["case_id"]), str(r["name"]), str(r["unit"]), _float(r["value"])) for r in found
        ]

    def sim_uses(self, result_id: int | None = None) -> list[rows.SimUseRow]:
        """Return the cards that were used in one result, or in all."""
        return self._of_result(rows.SimUseRow, "sim_use", result_id)

    def events(self, result_id: int | None = None) -> list[rows.EventRow]:
        """Return the events of one result, or of the whole run; in order of time."""
        return sorted(
            self._of_result(rows.EventRow, "event", result_id), key=lambda e: (e.t_ns, e.id)
        )

    def artifacts(self, result_id: int | None = None) -> list[rows.ArtifactRow]:
        """Return the files kept of one result, or of all."""
        return self._of_result(rows.ArtifactRow, "artifact", result_id)

    def series(self, result_id: int | None = None) -> list[rows.SeriesRow]:
        """Return the quantities over time of one result, or of all."""
        where = "" if result_id is None else " WHERE result_id = ?"
        values = () if result_id is None else (result_id,)
        sql = f"SELECT * FROM series{where} ORDER BY id"  # noqa: S608  # no text from outside
        return [_series(row) for row in fetch(self.connection, self._path, sql, values)]


def _float(value: Value) -> float:
    return float(value) if isinstance(value, (int, float)) else math.nan


def journal_damage(run_dir: Path) -> str:
    """Return what is wrong with the journal of a sealed run whose tables can stand in for it.

    Empty: the journal is what was sealed, or was not sealed at all.

    Raises:
        BenchError: The journal is not what was sealed, and neither are the tables.
    """
    if not (run_dir / MANIFEST_NAME).is_file():
        return ""
    try:
        content, manifest = read_manifest(run_dir)
    except UsageError:
        return ""  # nothing says what was sealed; the journal speaks for itself
    files: dict[str, Any] = manifest.get("files", {})
    if JOURNAL_NAME not in files:
        return ""
    damage = [f.text for f in changes(run_dir, {JOURNAL_NAME: files[JOURNAL_NAME]})]
    if not damage:
        return ""
    tables = {n: sealed for n, sealed in files.items() if n.startswith(f"{TABLES_NAME}/")}
    found = form(content, manifest) + signature(run_dir, content, manifest, ())
    broken = [f for f in [*found, *changes(run_dir, tables)] if f.kind == "broken"]
    if broken or not tables:
        why = f"{broken[0].where}: {broken[0].text}" if broken else "there are none"
        msg = (
            f"{JOURNAL_NAME}: {damage[0]}; the sealed tables cannot stand in for it ({why}): "
            "restore the run from a copy"
        )
        raise BenchError(msg)
    return f"{JOURNAL_NAME}: {damage[0]}"


def is_live(run_dir: Path) -> bool:
    """Tell whether some process is writing to the run now."""
    try:
        fd = os.open(run_dir / LOCK_NAME, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def _series(row: dict[str, Any]) -> rows.SeriesRow:
    count = len(row["times_ns"]) // 8
    times_ns = struct.unpack(f"<{count}q", row["times_ns"])
    values = struct.unpack(f"<{count}d", row["values"])
    return rows.SeriesRow(
        result_id=row["result_id"],
        name=row["name"],
        unit=row["unit"],
        points=tuple(zip(times_ns, values, strict=True)),
    )
