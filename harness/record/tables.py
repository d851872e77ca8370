"""The journal's tables as Parquet files and back: what is sealed, kept for years and analysed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any, Final

from harness.core.errors import BenchError, UsageError
from harness.record.database import APPLICATION_ID, migrate, shipped_migrations

MANIFEST_NAME: Final = "manifest.json"
TABLES_NAME: Final = "tables"
TABLES: Final = (
    "run",
    "limit_set",
    "firmware",
    "unit",
    "case_info",
    "result",
    "phase",
    "measurement",
    "sim_use",
    "event",
    "series",
    "artifact",
)


def write_tables(connection: sqlite3.Connection, run_id: str, directory: Path) -> list[Path]:
    """Write each table as `directory/<table>.parquet`, with the run's name in a first column.

    Args:
        connection: A journal, opened for reading.
        run_id: The run's name, so that many runs can be read as one table.
        directory: Where; it exists.
    """
    import pyarrow as pa  # noqa: PLC0415  # costs 0.2 s, and most runs are read without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    kinds = {
        "INTEGER": pa.int64(),
        "REAL": pa.float64(),
        "TEXT": pa.string(),
        "BLOB": pa.binary(),
    }
    written = []
    for table in TABLES:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        found = connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # our names
        by_column = list(zip(*found, strict=True)) or [() for _ in columns]
        arrays = [pa.array([run_id] * len(found), pa.string())]
        names = ["run_name"]
        for (_, name, kind, *_rest), values in zip(columns, by_column, strict=True):
            names.append(name)
            arrays.append(pa.array(values, kinds[kind]))
        path = directory / f"{table}.parquet"
        pq.write_table(pa.table(arrays, names=names), path, compression="zstd", compression_level=9)
        written.append(path)
    return written


def read_tables(directory: Path, schema: int) -> sqlite3.Connection:
    """Return the tables as a database in memory, lifted to the newest schema.

    Args:
        directory: Where `write_tables` wrote.
        schema: Schema version of the tables.

    Raises:
        UsageError: The schema is newer than this harness.
        BenchError: A table is missing or cannot be read.
    """
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    scripts = shipped_migrations()
    if schema > len(scripts):
        msg = (
            f"the record is of schema {schema} and this harness reads up to {len(scripts)}; "
            "read it with the harness that wrote it, or a newer one"
        )
        raise UsageError(msg)
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection, scripts[:schema], lambda _version: None)
    for table in TABLES:
        path = directory / f"{table}.parquet"
        try:
            content = pq.read_table(path, memory_map=False)
            _fill(connection, table, content)
        except (OSError, pa.ArrowException, sqlite3.DatabaseError) as exc:
            connection.close()
            msg = f"{directory.name}/{path.name}: {exc}"
            raise BenchError(msg) from exc
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrate(connection, scripts, lambda _version: None)
    return connection


def schema_of_tables(run_dir: Path) -> int:
    """Return the schema version that a run's manifest names.

    Raises:
        BenchError: There is no manifest that names one.
    """
    try:
        return int(json.loads((run_dir / MANIFEST_NAME).read_bytes())["schema"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        msg = f"{run_dir.name}: tables without a manifest that names their schema: {exc!r}"
        raise BenchError(msg) from exc


def _fill(connection: sqlite3.Connection, table: str, content: Any) -> None:  # noqa: ANN401  # pyarrow has no types
    known = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    columns = [content.column(name).to_pylist() for name in known]
    marks = ", ".join("?" * len(known))
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608  # our names
        zip(*columns, strict=True),
    )
    connection.execute("COMMIT")
