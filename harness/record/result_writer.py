"""Writes what belongs to one result: phases, measurements, events, cards, series, artifacts."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.core.clock import Clock
from harness.core.errors import UsageError
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.record.artifacts import DEFAULT_POLICY, Kept, Policy, keep, sha256_of
from harness.record.database import Database
from harness.record.rows import EventKind
from harness.verdict.judge import Judgement
from harness.verdict.verdict import Verdict


class ResultWriter:
    """One open result; a call returns when what it wrote is committed. Any thread may call."""

    def __init__(self, database: Database, run_dir: Path, result_id: int, clock: Clock) -> None:
        self._database = database
        self._run_dir = run_dir
        self._clock = clock
        self._result_id = result_id
        self._finished = False

    @property
    def result_id(self) -> int:
        """Key of the result in its journal."""
        return self._result_id

    def phase(
        self,
        name: str,
        start_ns: int,
        end_ns: int | None,
        *,
        limit_s: float | None,
        verdict: Verdict = Verdict.NONE,
        owner: Party | None = None,
        note: str = "",
    ) -> None:
        """Record a phase; a second call with the same name and start replaces the first.

        Args:
            name: For example `P6`.
            start_ns: When it began.
            end_ns: When it ended; None while it goes on, and for one that never ended.
            limit_s: Seconds it may take.
            verdict: What it came to; NONE while it goes on.
            owner: Who must act.
            note: Anything a reader should know.
        """
        self._write(
            "INSERT INTO phase (result_id, name, start_ns, end_ns, limit_s, verdict, owner, note)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (result_id, name, start_ns) DO UPDATE"
            " SET end_ns = excluded.end_ns, limit_s = excluded.limit_s,"
            " verdict = excluded.verdict, owner = excluded.owner, note = excluded.note",
            (self._result_id, name, start_ns, end_ns, limit_s, verdict.word, owner, note),
        )

    def measurement(
        self,
        measurement: Measurement,
        judgement: Judgement | None = None,
        *,
        evidence: Mapping[str, object] | None = None,
    ) -> None:
        """Record a measurement, with the limit and the judgement copied in.

        Args:
            measurement: What was measured.
            judgement: How it was judged; None when it is only reported.
            evidence: From what it can be computed again (`harness.record.recompute`).
        """
        limit = judgement.limit if judgement else None
        self._write(
            "INSERT INTO measurement (result_id, t_ns, name, value, unit, low, high, n,"
            " reliability, bytes_burnt, limit_name, limit_low, limit_high, decision,"
            " requirements, verdict, marginal, evidence)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._result_id,
                self._clock.monotonic_ns(),
                measurement.name,
                _real(measurement.value),
                measurement.unit,
                _real(measurement.low),
                _real(measurement.high),
                measurement.n,
                json.dumps(measurement.reliability, ensure_ascii=False),
                measurement.bytes_burnt,
                limit.name if limit else None,
                _real(limit.low) if limit else None,
                _real(limit.high) if limit else None,
                limit.decision if limit else None,
                json.dumps(list(limit.requirements) if limit else []),
                (judgement.verdict if judgement else Verdict.NONE).word,
                int(judgement.marginal) if judgement else 0,
                json.dumps(dict(evidence or {}), ensure_ascii=False),
            ),
        )

    def event(
        self,
        kind: EventKind,
        text: str,
        *,
        t_ns: int | None = None,
        utc_us: int | None = None,
        party: Party | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        """Record something that happened.

        Args:
            kind: What sort of event.
            text: The line, the URC, the message: as it came, escaping is the report's business.
            t_ns: When, on the bench's clock; None is now.
            utc_us: The same in UTC; None is derived from now.
            party: Who did it or said it.
            data: Values by name. Of an injection `rate_bps` (None: it was taken away) and
                `direction`; of an AT line `direction` (`tx` or `rx`).
        """
        now_ns = self._clock.monotonic_ns()
        at_ns = now_ns if t_ns is None else t_ns
        if utc_us is None:
            utc_us = self._clock.utc_us() - (now_ns - at_ns) // 1000
        self._write(
            "INSERT INTO event (result_id, t_ns, utc_us, kind, party, text, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self._result_id,
                at_ns,
                utc_us,
                kind,
                party,
                text,
                json.dumps(dict(data or {}), ensure_ascii=False),
            ),
        )

    def sim_use(
        self,
        iccid: str,
        imsi: str,
        carrier: str,
        plmn: str,
        *,
        start_ns: int,
        end_ns: int | None,
        burnt_bytes: int | None = None,
    ) -> None:
        """Record that the router acted as a card from `start_ns` to `end_ns` (None: to the end).

        `burnt_bytes` is what it carried for its user meanwhile, at layer 3; None: nobody saw it.
        """
        self._write(
            "INSERT INTO sim_use"
            " (result_id, iccid, imsi, carrier, plmn, start_ns, end_ns, burnt_bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self._result_id, iccid, imsi, carrier, plmn, start_ns, end_ns, burnt_bytes),
        )

    def series(self, name: str, unit: str, points: Sequence[tuple[int, float]]) -> None:
        """Record a quantity over time, as points of (monotonic ns, value)."""
        count = len(points)
        times_ns = struct.pack(f"<{count}q", *(t_ns for t_ns, _ in points))
        values = struct.pack(f"<{count}d", *(value for _, value in points))
        self._write(
            'INSERT INTO series (result_id, name, unit, times_ns, "values") VALUES (?, ?, ?, ?, ?)',
            (self._result_id, name, unit, times_ns, values),
        )

    def artifact(self, path: Path, kind: str, *, note: str = "") -> None:
        """Record a file in the run's directory; see `harness.record.artifacts` for what is kept.

        Args:
            path: The file, inside of the run's directory.
            kind: For example `at-transcript`, `pcapng`, `kernel-log`, `server-log`.
            note: What was left out, if anything.

        Raises:
            UsageError: There is no such file, or it is outside of the run's directory.
        """
        try:
            digest = sha256_of(path)
            size_bytes = path.stat().st_size
        except OSError as exc:
            msg = f"{path.name}: cannot be kept as an artifact: {exc.strerror}"
            raise UsageError(msg) from exc
        self._artifact(kind, path.name, path, digest, size_bytes, note)

    def keep(
        self, path: Path, kind: str, *, verdict: Verdict, policy: Policy = DEFAULT_POLICY
    ) -> Kept:
        """Move a file into the run's store, as much of it as the policy says, and record it.

        Args:
            path: The file; it is gone afterwards.
            kind: As in `artifact`.
            verdict: What the result comes to.
            policy: How much is kept.

        Raises:
            UsageError: There is no such file.
            BenchError: The disk is full, or the capture is damaged; the file is still there.
        """
        kept = keep(self._run_dir, path, verdict=verdict, policy=policy)
        self._artifact(kind, path.name, kept.path, kept.sha256, kept.size_bytes, kept.note)
        return kept

    def _artifact(  # the columns of the row, in their order
        self, kind: str, name: str, path: Path, sha256: str, size_bytes: int, note: str
    ) -> None:
        try:
            relative = path.resolve().relative_to(self._run_dir.resolve())
        except ValueError:
            msg = f"{name}: cannot be kept as an artifact: it is not in {self._run_dir.name}"
            raise UsageError(msg) from None
        self._write(
            "INSERT INTO artifact (result_id, kind, name, path, sha256, size_bytes, note)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._result_id, kind, name, relative.as_posix(), sha256, size_bytes, note),
        )

    def finish(self, verdict: Verdict, *, owner: Party | None = None, cause: str = "") -> None:
        """Record what the result came to; on the disk when this returns.

        Args:
            verdict: What it came to.
            owner: Who must act, when it did not pass; None is "don't know".
            cause: Why, in words.

        Raises:
            UsageError: It was finished before.
        """
        self._write(
            "UPDATE result SET state = 'finished', verdict = ?, owner = ?, cause = ?,"
            " finished_utc_us = ?, finished_ns = ? WHERE id = ?",
            (
                verdict.word,
                owner,
                cause,
                self._clock.utc_us(),
                self._clock.monotonic_ns(),
                self._result_id,
            ),
            durable=True,
        )
        self._finished = True

    def _write(
        self, sql: str, values: Sequence[int | float | str | bytes | None], *, durable: bool = False
    ) -> None:
        if self._finished:
            msg = f"result {self._result_id} is finished; begin another attempt to write more"
            raise UsageError(msg)
        self._database.write(sql, values, durable=durable)


def _real(value: float | None) -> float | None:
    return None if value is None else float(value)
