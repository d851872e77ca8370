"""The journal of a run: every call is committed before it returns.

`kill -9` at any moment loses nothing that was acknowledged; a run that nobody finished reads as
interrupted. Results are also safe from a power cut of the bench.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from harness.core.clock import Clock
from harness.core.errors import UsageError
from harness.core.party import Party
from harness.core.units import US_PER_S
from harness.record.database import Database
from harness.record.result_writer import ResultWriter
from harness.record.rows import CaseInfo, EventKind, RunInfo, UnitInfo
from harness.verdict.verdict import Verdict

JOURNAL_NAME: Final = "journal.sqlite"
LOCK_NAME: Final = "live.lock"
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class RunJournal:
    """One run's journal, opened for writing.

    Attributes:
        directory: The run's directory.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.directory = directory
        self._clock = clock
        self._units: dict[UnitInfo, int] = {}
        self._cases: dict[CaseInfo, int] = {}
        self._lock_fd: int | None = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        # Shared: every writer of this run holds it, so that the reaper sees a live run.
        fcntl.flock(self._lock_fd, fcntl.LOCK_SH)
        try:
            self._database = Database(directory / JOURNAL_NAME)
        except BaseException:
            self._unlock()
            raise

    @classmethod
    def create(cls, runs_dir: Path, info: RunInfo, clock: Clock) -> RunJournal:
        """Make `runs_dir/<utc>-<id>/` and begin a run in it.

        Raises:
            BenchError: The journal cannot be written, for example because the disk is full.
        """
        now_us = clock.utc_us()
        directory = _new_directory(runs_dir, info.id, now_us)
        journal = cls(directory, clock)
        journal._database.write(
            "INSERT INTO run (id, run_id, title, plan, bench, is_virtual, harness_version,"
            " lab_text, lab_sha256, environment, started_utc_us, started_ns)"
            " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                directory.name,
                info.title,
                info.plan,
                info.bench,
                int(info.is_virtual),
                info.harness_version,
                info.lab_text,
                hashlib.sha256(info.lab_text.encode()).hexdigest(),
                json.dumps(dict(info.environment), ensure_ascii=False),
                now_us,
                clock.monotonic_ns(),
            ),
            durable=True,
        )
        return journal

    @classmethod
    def attach(cls, directory: Path, clock: Clock) -> RunJournal:
        """Write to a run that another process began; an old schema is migrated, after a backup.

        Raises:
            UsageError: There is no journal in `directory`.
        """
        if not (directory / JOURNAL_NAME).is_file():
            msg = f"{directory}: there is no {JOURNAL_NAME}; name a run directory"
            raise UsageError(msg)
        return cls(directory, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; without `finish` before, the run reads as interrupted."""
        self._database.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def limit_set(self, text: str, sha256: str) -> None:
        """Keep the limits file by which this run is judged."""
        self._database.write("INSERT OR IGNORE INTO limit_set VALUES (?, ?)", (sha256, text))

    def unit(self, info: UnitInfo) -> int:
        """Return the key of a router in this journal; the same router has one key."""
        if info in self._units:
            return self._units[info]
        firmware = (info.firmware, info.firmware_sha256)
        firmware_key = self._database.key(
            "INSERT OR IGNORE INTO firmware (version, sha256) VALUES (?, ?)",
            firmware,
            "SELECT id FROM firmware WHERE version = ? AND sha256 = ?",
            firmware,
        )
        self._units[info] = self._database.key(
            "INSERT OR IGNORE INTO unit (imei, model, hardware, serial, slot, firmware_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (info.imei, info.model, info.hardware, info.serial, info.slot, firmware_key),
            "SELECT id FROM unit WHERE imei = ? AND slot = ? AND firmware_id = ?",
            (info.imei, info.slot, firmware_key),
        )
        return self._units[info]

    def begin_result(self, case: CaseInfo, unit: int, attempt: int = 1) -> ResultWriter:
        """Begin one attempt of a case on a router.

        Args:
            case: The case.
            unit: What `unit` returned.
            attempt: 1 for the first; a later one is its own result.
        """
        key = self._result(case, unit, attempt, state="open", cause="")
        return ResultWriter(self._database, self.directory, key, self._clock)

    def not_run(self, case: CaseInfo, unit: int, reason: str) -> None:
        """Record that a case was planned and did not run, and why."""
        self._result(case, unit, 0, state="not_run", cause=reason)

    def _result(self, case: CaseInfo, unit: int, attempt: int, *, state: str, cause: str) -> int:
        return self._database.write(
            "INSERT INTO result (case_key, unit_id, attempt, state, started_utc_us, started_ns,"
            " cause) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self._case(case),
                unit,
                attempt,
                state,
                self._clock.utc_us(),
                self._clock.monotonic_ns(),
                cause,
            ),
        )

    def _case(self, case: CaseInfo) -> int:
        """Return the key of a case in this journal."""
        if case not in self._cases:
            requirements = json.dumps(list(case.requirements))
            self._cases[case] = self._database.key(
                "INSERT OR IGNORE INTO case_info"
                " (case_id, version, title_en, title_ja, requirements) VALUES (?, ?, ?, ?, ?)",
                (case.id, case.version, case.title_en, case.title_ja, requirements),
                "SELECT id FROM case_info WHERE case_id = ? AND version = ?",
                (case.id, case.version),
            )
        return self._cases[case]

    def event(
        self,
        kind: EventKind,
        text: str,
        *,
        party: Party | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        """Record something that belongs to the run and to no case."""
        self._database.write(
            "INSERT INTO event (result_id, t_ns, utc_us, kind, party, text, data)"
            " VALUES (NULL, ?, ?, ?, ?, ?, ?)",
            (
                self._clock.monotonic_ns(),
                self._clock.utc_us(),
                kind,
                party,
                text,
                json.dumps(dict(data or {}), ensure_ascii=False),
            ),
        )

    def finish(self, verdict: Verdict) -> None:
        """Record that the run came to its end, and close the journal."""
        self._database.write(
            "UPDATE run SET verdict = ?, finished_utc_us = ?, finished_ns = ?",
            (verdict.word, self._clock.utc_us(), self._clock.monotonic_ns()),
            durable=True,
        )
        self.close()


def _new_directory(runs_dir: Path, name: str, now_us: int) -> Path:
    moment = datetime.fromtimestamp(now_us // US_PER_S, tz=UTC).strftime("%Y-%m-%dT%H%M%SZ")
    stem = f"{moment}-{_NOT_A_NAME.sub('_', name) or 'run'}"
    runs_dir.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:  # two runs may begin in the same second; ends at the first free number
        directory = runs_dir / (stem if number == 1 else f"{stem}-{number}")
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
        else:
            return directory
