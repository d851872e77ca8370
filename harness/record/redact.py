"""Copies a record without identities and without raw files, so that it may be published.

Everything that a device or a person may have written goes through the caller's screen. Numbers,
times, verdicts and limits stay as they are, so the copy is judged again like any other record.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from harness.core.errors import UsageError
from harness.record.artifacts import FOLDER_NAME
from harness.record.database import APPLICATION_ID, migrate, shipped_migrations
from harness.record.journal import JOURNAL_NAME
from harness.record.reader import RunRecord
from harness.record.tables import TABLES

NOT_PUBLISHED: Final = "not published"
_JSON: Final = frozenset({"environment", "data", "reliability"})
# What this harness wrote from words of its own, or what a hash is over: taken as it is.
_OURS: Final = frozenset(
    {
        ("limit_set", "text"),
        ("limit_set", "sha256"),
        ("firmware", "sha256"),
        ("run", "run_id"),
        ("run", "lab_sha256"),
        ("run", "verdict"),
        ("result", "state"),
        ("result", "verdict"),
        ("result", "owner"),
        ("phase", "verdict"),
        ("phase", "owner"),
        ("measurement", "verdict"),
        ("measurement", "requirements"),
        ("measurement", "unit"),
        ("case_info", "requirements"),
        ("event", "kind"),
        ("event", "party"),
        ("series", "unit"),
        ("artifact", "sha256"),
    }
)


class Screening(Protocol):
    """What hides identities."""

    def text(self, text: str) -> str:
        """Return a text without any identity."""
        ...

    def value(self, value: object) -> object:
        """Return a JSON value without any identity."""
        ...


def redacted_copy(record: RunRecord, target: Path, screen: Screening) -> Path:
    """Write the journal of a public copy into the new directory `target`; return the journal.

    Kept files stay away, and say so; what was computed from them says that it cannot be computed
    again from the copy. The journal is written anew, so no removed text is left in a free page.

    Raises:
        UsageError: There is something at `target` already.
    """
    try:
        target.mkdir(parents=True)
    except FileExistsError:
        msg = f"{target}: there is something already; name a directory that does not exist"
        raise UsageError(msg) from None
    path = target / JOURNAL_NAME
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        migrate(copy, shipped_migrations(), lambda _version: None)
        copy.execute("BEGIN")
        for table in TABLES:
            _copy_table(record.connection, copy, table, screen)
        copy.execute("COMMIT")
        copy.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    finally:
        copy.close()
    return path


def _copy_table(
    source: sqlite3.Connection, copy: sqlite3.Connection, table: str, screen: Screening
) -> None:
    columns = [(row[1], row[2]) for row in source.execute(f"PRAGMA table_info({table})")]
    change = [_changed(table, name, kind, screen) for name, kind in columns]
    marks = ", ".join("?" * len(columns))
    copy.executemany(
        f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608  # our names
        (
            [value if value is None else by(value) for by, value in zip(change, row, strict=True)]
            for row in source.execute(f"SELECT * FROM {table}")  # noqa: S608  # our names
        ),
    )


def _changed(table: str, column: str, kind: str, screen: Screening) -> Callable[[object], object]:
    """Return what becomes of the values of a column."""
    if kind != "TEXT" or (table, column) in _OURS:
        return lambda value: value
    if (table, column) in {("run", "lab_text"), ("artifact", "note")}:
        return lambda _value: NOT_PUBLISHED
    if (table, column) == ("artifact", "path"):
        return lambda value: f"{FOLDER_NAME}/{NOT_PUBLISHED}/{screen.text(str(value))}"
    if column == "evidence":
        return lambda value: _evidence(str(value), screen)
    if column in _JSON:
        return lambda value: json.dumps(screen.value(json.loads(str(value))), ensure_ascii=False)
    return lambda value: screen.text(str(value))


def _evidence(text: str, screen: Screening) -> str:
    """Keep what points into the tables (its numbers are times); drop what points to a file."""
    evidence = json.loads(text)
    if "capture" in evidence:
        return json.dumps({"from": NOT_PUBLISHED})
    hidden = {k: screen.text(v) if isinstance(v, str) else v for k, v in evidence.items()}
    return json.dumps(hidden, ensure_ascii=False)
