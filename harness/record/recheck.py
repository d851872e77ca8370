"""Goes through a record and computes every measurement and verdict in it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal, get_args

from harness.core.errors import HarnessError
from harness.core.units import NS_PER_S
from harness.record.reader import RunRecord
from harness.record.recompute import Recomputer, source_of
from harness.record.rows import MeasurementRow, ResultRow
from harness.verdict.judge import judge
from harness.verdict.limits import Limit, LimitSet, Unit, parse_limits
from harness.verdict.verdict import Verdict, merge

Kind = Literal["changed", "note"]
_SAME: Final = 1e-9  # relative; the same code gives the same bits, another machine's libm may not


class Recheck:
    """One pass over a record.

    Attributes:
        said: What it has to say, as (kind, where, text).
        measurements: Number of measurements seen.
        recomputed: Number of them computed again that agree.
        rejudged: Number of judgements that came out the same.
    """

    def __init__(self, record: RunRecord, recomputers: Mapping[str, Recomputer]) -> None:
        self._record = record
        self._recomputers = recomputers
        self.said: list[tuple[Kind, str, str]] = []
        self.measurements = 0
        self.recomputed = 0
        self.rejudged = 0

    def run(self) -> None:
        """Do it."""
        results = self._record.results()
        names = {row.id: _name(row) for row in results}
        parts: dict[int, list[Verdict]] = {row.id: [] for row in results}
        limit_sets = self._limit_sets()
        for row in self._record.measurements():
            self.measurements += 1
            where = f"{names[row.result_id]}/{row.name}"
            self._value(where, row)
            parts[row.result_id].append(self._judgement(where, row, limit_sets))
        for phase in self._record.phases():
            parts[phase.result_id].append(phase.verdict)
            took_ns = None if phase.end_ns is None else phase.end_ns - phase.start_ns
            late = took_ns is None or took_ns > (phase.limit_s or math.inf) * NS_PER_S
            if phase.verdict is Verdict.PASS and late:
                where = f"{names[phase.result_id]}/{phase.name}"
                took = "never ended" if took_ns is None else f"took {took_ns / NS_PER_S} s"
                text = f"recorded as pass, but it {took}, limit {phase.limit_s} s"
                self.said.append(("changed", where, text))
        for result in results:
            self._at_least(names[result.id], result.verdict, merge(parts[result.id]), result.state)
        run = self._record.run
        if run.finished_ns is not None:
            self._at_least("run", run.verdict, merge(r.verdict for r in results), "finished")

    def _limit_sets(self) -> list[LimitSet]:
        sets = []
        for sha256, text in self._record.limit_sets().items():
            try:
                limits = parse_limits(text)
            except HarnessError as exc:
                self.said.append(("note", "limits", f"this harness cannot read them: {exc}"))
                continue
            if limits.sha256 != sha256:
                said = f"the text has SHA-256 {limits.sha256}, recorded is {sha256}"
                self.said.append(("changed", "limits", said))
            sets.append(limits)
        return sets

    def _value(self, where: str, row: MeasurementRow) -> None:
        source = source_of(row)
        recompute = None if source is None else self._recomputers.get(source)
        if recompute is None:
            text = "it names no evidence" if source is None else f"nothing here computes {source!r}"
            self.said.append(("note", where, f"not computed again: {text}"))
            return
        try:
            value = recompute(self._record, row)
        except HarnessError as exc:
            self.said.append(("changed", where, f"cannot be computed again: {exc}"))
            return
        if value == row.value or (
            value is not None
            and row.value is not None
            and math.isclose(value, row.value, rel_tol=_SAME)
        ):
            self.recomputed += 1
            return
        text = f"recorded {row.value!r} {row.unit}, computed again {value!r} {row.unit}"
        self.said.append(("changed", where, text))

    def _judgement(self, where: str, row: MeasurementRow, limit_sets: list[LimitSet]) -> Verdict:
        """Judge again with the recorded limits; return what comes out now."""
        limit = _limit(row)
        if limit is None:
            return row.verdict
        demanded = [s.limits[limit.name] for s in limit_sets if limit.name in s.limits]
        if demanded and all((d.low, d.high) != (limit.low, limit.high) for d in demanded):
            text = (
                f"judged by {limit.low!r} to {limit.high!r}; "
                f"the limits file says {demanded[0].low!r} to {demanded[0].high!r}"
            )
            self.said.append(("changed", where, text))
        again = judge(limit, row.value, low=row.low, high=row.high)
        if (again.verdict, again.marginal) == (row.verdict, row.marginal):
            self.rejudged += 1
        else:
            text = (
                f"recorded {_shown(row.verdict, row.marginal)} by harness "
                f"{self._record.run.harness_version}, judged now "
                f"{_shown(again.verdict, again.marginal)}: {again.text}"
            )
            self.said.append(("changed", where, text))
        return again.verdict

    def _at_least(self, where: str, recorded: Verdict, parts: Verdict, state: str) -> None:
        if state == "finished" and recorded < parts:
            text = f"recorded {recorded.word}, but a part of it came to {parts.word}"
            self.said.append(("changed", where, text))


def _limit(row: MeasurementRow) -> Limit | None:
    if row.limit_name is None or row.unit not in get_args(Unit):
        return None
    return Limit.model_validate(
        {
            "name": row.limit_name,
            "unit": row.unit,
            "low": row.limit_low,
            "high": row.limit_high,
            "decision": row.decision,
            "requirements": row.requirements,
            "title": row.limit_name,
        }
    )


def _name(row: ResultRow) -> str:
    again = f"#{row.attempt}" if row.attempt > 1 else ""
    return f"{row.case_id}{again}[{row.id}]"


def _shown(verdict: Verdict, marginal: bool) -> str:  # noqa: FBT001  # two columns of a row
    return f"{verdict.word} (marginal)" if marginal else verdict.word
