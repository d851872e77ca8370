"""The journal's SQLite file: open, migrate, write. The only module that names SQLite's errors."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

from harness.core.errors import BenchError, InternalError, UsageError

APPLICATION_ID: Final = 0x43534852  # "CSHR": `file` and we tell a journal from other SQLite files
BUSY_TIMEOUT_S: Final = 60.0  # 32 writers take turns; each holds the lock for well under 1 ms

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100
_LARGEST_PAGE_BYTES: Final = 65_536  # written as 1, for it does not fit

Value = int | float | str | bytes | None


def shipped_migrations() -> tuple[str, ...]:
    """Return the schema scripts in order; script n leads from version n to n + 1."""
    folder = resources.files(__package__)
    names = sorted(f.name for f in folder.iterdir() if f.name.startswith("schema_"))
    return tuple((folder / name).read_text(encoding="utf-8") for name in names)


def migrate(
    connection: sqlite3.Connection, scripts: Sequence[str], backup: Callable[[int], None]
) -> None:
    """Bring a journal to the newest schema, one version a transaction.

    Args:
        connection: The journal, opened for writing.
        scripts: `shipped_migrations()`.
        backup: Called with the old version before the first change to a journal with content.

    Raises:
        UsageError: The journal is from a newer harness, or is no journal.
    """
    version = require_known_schema(connection, len(scripts))
    if 0 < version < len(scripts):
        backup(version)
    for number in range(version, len(scripts)):
        connection.executescript(
            f"BEGIN EXCLUSIVE;\n{scripts[number]}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {number + 1};\nCOMMIT;"
        )


def require_known_schema(connection: sqlite3.Connection, newest: int) -> int:
    """Return the journal's schema version.

    Raises:
        UsageError: It is newer than this harness, or the file is no journal.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        msg = f"not a journal of this harness: application id {application:#x}"
        raise UsageError(msg)
    if version > newest:
        msg = (
            f"the record is of schema {version} and this harness reads up to {newest}; "
            "read it with the harness that wrote it, or a newer one"
        )
        raise UsageError(msg)
    return int(version)


class Database:
    """One journal, opened for writing; each `write` is acknowledged when it is committed.

    Closing twice is allowed. Several threads and several processes may write at once.
    """

    def __init__(self, path: Path, *, scripts: Sequence[str] | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        with _explained(path):
            self._connection = sqlite3.connect(
                path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(
                self._connection, shipped_migrations() if scripts is None else scripts, self._backup
            )

    def _backup(self, version: int) -> None:
        target = self._path.with_name(f"{self._path.name}.schema-{version}")
        copy = sqlite3.connect(target)
        try:
            self._connection.backup(copy)
        finally:
            copy.close()

    def write(self, sql: str, values: Sequence[Value] = (), *, durable: bool = False) -> int:
        """Carry out one statement as its own transaction; return the row's key.

        Args:
            sql: An INSERT or UPDATE.
            values: Its parameters.
            durable: Also survive a power cut of the bench: wait for the disk (`fsync`).

        Raises:
            BenchError: The disk is full, or the file is damaged; what was acknowledged is kept.
        """
        values = [_storable(value) for value in values]
        with self._lock, _explained(self._path):
            if not durable:
                return self._connection.execute(sql, values).lastrowid or 0
            self._connection.execute("PRAGMA synchronous = FULL")
            try:
                return self._connection.execute(sql, values).lastrowid or 0
            finally:
                self._connection.execute("PRAGMA synchronous = NORMAL")

    def key(self, insert: str, values: Sequence[Value], select: str, by: Sequence[Value]) -> int:
        """Insert a row unless it is there already; return its key either way.

        Args:
            insert: An INSERT OR IGNORE.
            values: Its parameters.
            select: Finds the row's key.
            by: Parameters of `select`.
        """
        self.write(insert, values)
        with self._lock, _explained(self._path):
            row = self._connection.execute(select, by).fetchone()
        if row is None:
            msg = f"a row that was just written is not there: {select!r} with {by!r}"
            raise InternalError(msg)
        return int(row[0])

    def close(self) -> None:
        """Close the file; the last one out folds the write-ahead log into it."""
        with self._lock:
            self._connection.close()


def _storable(value: Value) -> Value:
    """Write out what UTF-8 cannot hold (lone surrogates stand for a device's bytes)."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return value


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours: who must act and what to do."""
    try:
        yield
    except sqlite3.OperationalError as exc:
        msg = f"{path.name}: {exc}; {free_space(path)}"
        raise BenchError(msg) from exc
    except sqlite3.DatabaseError as exc:
        msg = f"{path.name}: {exc}; the file is damaged or no journal: restore it from a copy"
        raise BenchError(msg) from exc


def free_space(path: Path) -> str:
    """Say how much room the disk of `path` has, for a message."""
    free_bytes = shutil.disk_usage(path.parent).free
    return f"{free_bytes} bytes are free there; what was acknowledged is kept"


def open_for_reading(path: Path, *, scripts: Sequence[str] | None = None) -> sqlite3.Connection:
    """Open a journal without ever changing it; an old schema is lifted in a copy in memory.

    Raises:
        UsageError: There is no journal, or it is from a newer harness.
        BenchError: The file is damaged.
    """
    if not path.is_file():
        msg = f"{path}: there is no journal; name a run directory"
        raise UsageError(msg)
    scripts = shipped_migrations() if scripts is None else scripts
    live = path.with_name(f"{path.name}-wal").exists()
    if not live:
        _require_whole(path)  # while there is a log beside it, its pages may be there yet
    # Nobody writes to a journal without a log beside it, so it can be read from read-only media.
    mode = "mode=ro" if live else "mode=ro&immutable=1"
    with _explained(path):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            if require_known_schema(connection, len(scripts)) < len(scripts):
                copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
                connection.backup(copy)
                connection.close()
                migrate(copy, scripts, lambda _version: None)
                connection = copy
        except (UsageError, sqlite3.DatabaseError):
            connection.close()
            raise
    return connection


def _require_whole(path: Path) -> None:
    """Refuse a journal that is shorter than its own first page says.

    Raises:
        BenchError: It was cut off.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    size_bytes = path.stat().st_size
    # SQLite file format, 1.3: the page count counts only where the two change counters agree.
    if len(head) < _HEADER_BYTES or not head.startswith(_MAGIC) or head[24:28] != head[92:96]:
        return  # empty, no SQLite file, or written by an old SQLite: opening it tells
    page_bytes = int.from_bytes(head[16:18], "big")
    page_bytes = _LARGEST_PAGE_BYTES if page_bytes == 1 else page_bytes
    whole_bytes = page_bytes * int.from_bytes(head[28:32], "big")
    if size_bytes < whole_bytes:
        msg = (
            f"{path.name}: it was cut off: {size_bytes} bytes, and it had {whole_bytes}; "
            "nothing in it was changed by reading it: restore it from a copy, "
            f"or save what is left with `sqlite3 {path.name} .recover`"
        )
        raise BenchError(msg)


def settle(path: Path) -> None:
    """Fold the write-ahead log into the journal, so that it is one file that can be copied.

    Raises:
        BenchError: Somebody is writing to it, or it is damaged.
    """
    with _explained(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            connection.close()


def fetch(
    connection: sqlite3.Connection, path: Path, sql: str, values: Sequence[Value] = ()
) -> list[dict[str, Value]]:
    """Return the rows of a query as dictionaries.

    Raises:
        BenchError: The file is damaged or was cut off.
    """
    with _explained(path):
        cursor = connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]
