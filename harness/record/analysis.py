"""Questions over the sealed tables of many runs: DuckDB reads the Parquet files where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import duckdb

from harness.core.errors import BenchError, UsageError
from harness.record.tables import TABLES, TABLES_NAME

# One row a judged result, as the pages ask for it; `started` is UTC.
_JUDGED: Final = """
CREATE VIEW judged AS
SELECT r.run_name, make_timestamp(r.started_utc_us) AS started, u.imei, u.model,
       f.version AS firmware, c.case_id, r.attempt, r.verdict, r.owner, r.cause
FROM result r
JOIN unit u ON u.run_name = r.run_name AND u.id = r.unit_id
JOIN firmware f ON f.run_name = u.run_name AND f.id = u.firmware_id
JOIN case_info c ON c.run_name = r.run_name AND c.id = r.case_key
WHERE r.state = 'finished'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question came to.

    Attributes:
        columns: Names of the columns.
        rows: The rows.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Archive:
    """The sealed tables of many runs as one database; a context manager.

    Each table of the schema is there by its name, with `run_name` as first column, and `judged`
    joins what most questions need. Nothing is written and nothing outside of the runs is read.

    Args:
        runs_dirs: Directories of runs, for example one for each bench.

    Raises:
        UsageError: No run in them is sealed.
        BenchError: A table is damaged.
    """

    def __init__(self, runs_dirs: Sequence[Path]) -> None:
        files = {
            table: [
                str(path)
                for runs_dir in runs_dirs
                for path in sorted(runs_dir.glob(f"*/{TABLES_NAME}/{table}.parquet"))
            ]
            for table in TABLES
        }
        if not files["run"]:
            names = ", ".join(path.name for path in runs_dirs) or "nothing"
            msg = f"{names}: there is no sealed run in it; seal runs before asking"
            raise UsageError(msg)
        self._connection = duckdb.connect(":memory:")
        try:
            for table, paths in files.items():
                listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
                self.ask(f'CREATE VIEW "{table}" AS SELECT * FROM read_parquet([{listed}])')  # noqa: S608  # our names
            self.ask(_JUDGED)
        except BenchError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the tables."""
        self._connection.close()

    def ask(self, sql: str, values: Sequence[object] = ()) -> Answer:
        """Answer a question in SQL.

        Args:
            sql: One SELECT.
            values: Its parameters.

        Raises:
            UsageError: It is no question that the tables can answer.
            BenchError: A table is damaged.
        """
        try:
            cursor = self._connection.execute(sql, list(values))
            found = tuple(cursor.fetchall())
        except (duckdb.IOException, duckdb.InvalidInputException) as exc:
            msg = f"the sealed tables cannot be read: {exc}"
            raise BenchError(msg) from exc
        except duckdb.Error as exc:
            msg = f"not a question that the tables can answer: {exc}"
            raise UsageError(msg) from exc
        columns = tuple(column[0] for column in cursor.description or ())
        return Answer(columns=columns, rows=found)
