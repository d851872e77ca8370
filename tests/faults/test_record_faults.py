"""The journal under `kill -9`, many writers, a full disk, and files that were cut off."""

from __future__ import annotations

import contextlib
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.clock import FakeClock
from harness.core.errors import BenchError, UsageError
from harness.record.database import Database, open_for_reading, shipped_migrations
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.verdict.verdict import Verdict

DATA = Path(__file__).parents[1] / "data" / "record"
INFO = RunInfo(id="r1", title="t", plan="p", bench="b", is_virtual=True, harness_version="0")
CASE = CaseInfo(id="C", version="1", title_en="t", title_ja="t")
ROUTER = UnitInfo(imei="1", model="m", firmware="1")

WRITER = """
import os, sys
from pathlib import Path
from harness.core.clock import SystemClock
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, UnitInfo
directory, name, count, processes = sys.argv[1:]
children = []
for number in range(int(processes)):
    child = os.fork() if int(processes) > 1 else 0
    if child:
        children.append(child)
        continue
    journal = RunJournal.attach(Path(directory), SystemClock())
    unit = journal.unit(UnitInfo(imei="1", model="m", firmware="1"))
    case = CaseInfo(id="C", version="1", title_en="t", title_ja="t")
    result = journal.begin_result(case, unit)
    for event in range(int(count)):
        result.event("note", f"{name}.{number} {event}")
        print(event, flush=True)
    journal.close()
    sys.exit(0)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def writer(run_dir: Path, name: str, count: int, *, processes: int = 1) -> subprocess.Popen[str]:
    """Start processes that write events and print the number of each acknowledged one."""
    command = [sys.executable, "-c", WRITER, str(run_dir), name, str(count), str(processes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Each time the writer is killed somewhere in the middle; `make bench` does it 200 times."""
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    journal.close()
    noise = random.Random(5)
    acknowledged: dict[str, int] = {}
    for attempt in range(4):
        process = writer(journal.directory, f"w{attempt}", 100_000)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(noise.randrange(1, 200))]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
        process.stdout.close()
        process.wait()
        # A line without its end is not an acknowledgement that anybody got.
        acknowledged[f"w{attempt}"] = max(int(n) for n in lines if n.endswith("\n"))

    with RunRecord.open(journal.directory) as record:
        written = {e.text for e in record.events()}
        assert record.state == "interrupted"
    for name, last in acknowledged.items():
        assert {f"{name}.0 {number}" for number in range(last + 1)} <= written
    raw = sqlite3.connect(journal.directory / "journal.sqlite")
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


@pytest.mark.slow
def test_32_processes_write_at_once_without_an_error(tmp_path: Path) -> None:
    """They take turns; every row of each is there."""
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    process = writer(journal.directory, "w", 20, processes=32)
    output, _ = process.communicate()
    journal.finish(Verdict.PASS)

    assert process.returncode == 0
    assert len(output.splitlines()) == 640
    with RunRecord.open(journal.directory) as record:
        assert len({e.text for e in record.events()}) == 640
        assert len(record.results()) == 32


def test_a_full_disk_is_an_error_that_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    """The kernel's limit on a file's size stands for the disk; writing goes on when it is gone."""
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    result = journal.begin_result(CASE, journal.unit(ROUTER))
    result.event("note", "before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(BenchError, match=r"bytes are free there; what was acknowledged is"):
            result.event("note", "x" * (2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    result.event("note", "after")
    journal.close()

    with RunRecord.open(journal.directory) as record:
        assert [e.text for e in record.events()] == ["before", "after"]


def test_a_cut_off_journal_is_said_to_be_damaged(tmp_path: Path) -> None:
    """At any place: an error of ours, or a record that can be read; never anything else."""
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    result = journal.begin_result(CASE, journal.unit(ROUTER))
    for number in range(300):
        result.event("note", f"{number} " + "x" * 100)
    journal.finish(Verdict.PASS)
    path = journal.directory / "journal.sqlite"
    content = path.read_bytes()

    damaged = 0
    for size in [0, 10, 100, 4096, len(content) // 3, len(content) // 2, len(content) - 4096]:
        path.write_bytes(content[:size])
        try:
            with RunRecord.open(journal.directory) as record:
                _ = (record.run, record.results(), record.events())
        except BenchError:
            damaged += 1
    assert damaged == 7


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    """Another program's database, and any other bytes."""
    path = tmp_path / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(UsageError, match="not a journal of this harness: application id 0x0"):
        RunRecord.open(tmp_path)
    path.write_bytes(b"not SQLite at all" * 100)
    with pytest.raises(BenchError, match="the file is damaged or no journal: restore it"):
        RunRecord.open(tmp_path)
    with pytest.raises(BenchError, match="the file is damaged or no journal: restore it"):
        RunJournal.attach(tmp_path, FakeClock())


def test_a_record_from_a_newer_harness_is_refused_with_both_versions(tmp_path: Path) -> None:
    """Neither read half nor changed."""
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    journal.close()
    path = journal.directory / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA user_version = 99")

    for attempt in (RunRecord.open, lambda d: RunJournal.attach(d, FakeClock())):
        with pytest.raises(UsageError, match="the record is of schema 99 and this harness reads"):
            attempt(journal.directory)


def test_a_writer_migrates_after_a_backup_and_a_reader_only_a_copy(tmp_path: Path) -> None:
    """With one more schema than is shipped."""
    shipped = shipped_migrations()
    newer = (*shipped, "ALTER TABLE run ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm';")
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    journal.finish(Verdict.PASS)
    path = journal.directory / "journal.sqlite"
    before = path.read_bytes()

    with contextlib.closing(open_for_reading(path, scripts=newer)) as reading:
        assert reading.execute("SELECT mood FROM run").fetchall() == [("calm",)]
    assert path.read_bytes() == before
    Database(path, scripts=newer).close()

    backup = path.with_name(f"journal.sqlite.schema-{len(shipped)}")
    with contextlib.closing(open_for_reading(backup)) as old:
        assert old.execute("SELECT verdict FROM run").fetchall() == [("pass",)]
    with contextlib.closing(open_for_reading(path, scripts=newer)) as migrated:
        assert migrated.execute("SELECT verdict, mood FROM run").fetchall() == [("pass", "calm")]


@pytest.mark.parametrize("dump", sorted(DATA.glob("journal_schema_*.sql")), ids=lambda d: d.stem)
def test_a_journal_of_every_schema_that_was_ever_shipped_is_read(
    dump: Path, tmp_path: Path
) -> None:
    """Each new schema adds a dump of a journal of the one before; all of them stay readable."""
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as raw:
        raw.executescript(dump.read_text(encoding="utf-8"))

    with RunRecord.open(tmp_path) as record:
        assert record.run.run_id == "2026-11-26T024000Z-r1"
        assert record.run.verdict is Verdict.FAIL
        assert [r.case_id for r in record.results()] == [
            "CS-CANON-001",
            "CS-THR-001",
            "CS-NETEM-001",
        ]
        assert [m.value for m in record.measurements()] == [383_600.0]
        assert [p.name for p in record.phases(1)] == ["P0", "P1", "P2", "P3", "P4", "P5", "P6"]
        assert {u.iccid for u in record.sim_uses()} == {"8981100005819480000"}
        assert len(record.artifacts()) == 2
    RunJournal.attach(tmp_path, FakeClock()).close()
    with RunRecord.open(tmp_path) as record:
        assert record.run.verdict is Verdict.FAIL


def test_a_broken_migration_changes_nothing(tmp_path: Path) -> None:
    """One transaction a version: all of it or none."""
    journal = RunJournal.create(tmp_path, INFO, FakeClock())
    journal.finish(Verdict.PASS)
    path = journal.directory / "journal.sqlite"
    broken = (*shipped_migrations(), "CREATE TABLE half (x); CREATE TABLE half (x);")

    with pytest.raises(BenchError, match="table half already exists"):
        Database(path, scripts=broken)

    with RunRecord.open(journal.directory) as record:
        assert record.run.verdict is Verdict.PASS
