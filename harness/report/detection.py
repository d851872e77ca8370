"""The table of planted faults and the matrix of owners, as text and as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.report.marked import Marked, pipes
from harness.report.proof import CONFIDENCE, proven_share
from harness.verdict.detection import COLUMNS, Outcome, Score, Trial

PLANTED: Final = Marked(what="planted faults", command="make defects", heading="Planted faults")
_HEADS: Final = ("fault", "party", "must be caught by", "caught by", "blamed", "outcome", "s")


def text(score: Score) -> str:
    """Return table, matrix and totals in columns."""
    matrix = [(party.value, *_cells(row)) for party, row in score.matrix.items()]
    parts = [
        _columns([_HEADS, *(_row(trial) for trial in _sorted(score.trials))]),
        *(f"{t.fault.name}: {t.outcome}: {t.cause}" for t in _sorted(score.trials) if _bad(t)),
        _columns([("at fault \\ blamed", *COLUMNS), *matrix]),
        totals(score),
    ]
    return "\n".join(parts)


def totals(score: Score) -> str:
    """Return one line of counts."""
    n = len(score.trials)
    counts = ", ".join(f"{score.count(kind)} {kind}" for kind in Outcome)
    return f"{score.caught} of {n} caught; owner: {counts}"


def clean(n: int, alarms: int) -> str:
    """Say what a number of clean runs proves."""
    share = proven_share(n - alarms, n)
    return (
        f"{alarms} false alarms in {n} clean case runs: with {CONFIDENCE:.0%} confidence "
        f"at most {1 - share:.2%} of clean case runs are false alarms (Clopper and Pearson)"
    )


def markdown(score: Score, *, commit: str, clean_line: str = "") -> str:
    """Return the generated part of a README, with its marks."""
    rows = [_row(trial) for trial in _sorted(score.trials)]
    matrix = [(party.value, *_cells(row)) for party, row in score.matrix.items()]
    return PLANTED.part(
        f"Commit `{commit}`. {totals(score)}.{' ' if clean_line else ''}{clean_line}",
        pipes(_HEADS, rows),
        "Who was at fault (rows), and who was blamed:",
        pipes(("at fault", *COLUMNS), matrix),
    )


def _sorted(trials: Sequence[Trial]) -> list[Trial]:
    return sorted(trials, key=lambda trial: (trial.fault.party, trial.fault.name))


def _bad(trial: Trial) -> bool:
    return trial.outcome is not Outcome.RIGHT


def _row(trial: Trial) -> tuple[str, ...]:
    fault = trial.fault
    by, took = trial.by or "-", f"{trial.took_s:.1f}"
    return (fault.name, fault.party.value, fault.case, by, trial.blamed, trial.outcome.value, took)


def _cells(row: dict[str, int]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in COLUMNS)


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
