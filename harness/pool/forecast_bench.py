"""``harness forecast bench``: how far off a landing is, beside others, from the same past.

Every forecast gets the days up to its origin and no later one. The error is that of the month's
sum; the band is judged by how often it holds what came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import numpy as np

from harness.pool.bench_cases import BenchCase
from harness.pool.landing import Floats, Landing, land
from harness.pool.months import month_of_day
from harness.pool.peers import Peer

ORIGINS: Final = (1, 3, 5, 10, 15, 20, 25)
OURS: Final = "ours"
_HISTORY_D: Final = 28
_LONGEST_D: Final = 430
_DRY_SHARE: Final = 20 / 29  # of a month's demand is what the pool of the dry date holds


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScore:
    """How the forecasts did on one set of cases.

    Attributes:
        name: The set.
        licence: Terms of its data.
        months: Months that were judged.
        errors: Mean absolute error of the month's sum by method and origin, as a share.
        held: Share of months whose sum was within our P10 to P90, by origin.
        dry_days: Mean error of our dry date in days, by origin.
        dry_worst: The largest of them.
    """

    name: str
    licence: str
    months: int
    errors: Mapping[str, Sequence[float]]
    held: Sequence[float]
    dry_days: Sequence[float]
    dry_worst: int


@dataclass(slots=True, kw_only=True)
class _Tally:
    licence: str
    months: int = 0
    errors: dict[str, list[list[float]]] = field(default_factory=dict)
    held: list[list[float]] = field(default_factory=lambda: [[] for _ in ORIGINS])
    dry: list[list[float]] = field(default_factory=lambda: [[] for _ in ORIGINS])

    def add(self, method: str, at: int, error: float) -> None:
        self.errors.setdefault(method, [[] for _ in ORIGINS])[at].append(error)


def bench(
    cases: Sequence[BenchCase],
    peers: Mapping[str, Peer],
    *,
    most_months: int | None = None,
) -> Sequence[SetScore]:
    """Judge our forecast and its peers on every whole month of every case.

    Args:
        cases: The series; those of one name are counted together.
        peers: The others; they see what a plain feed shows.
        most_months: At most so many months of each case, the latest ones; None for all.
    """
    tallies: dict[str, _Tally] = {}
    for case in cases:
        tally = tallies.setdefault(case.name, _Tally(licence=case.licence))
        for first, end in _months(case)[-most_months if most_months else None :]:
            tally.months += 1
            for at, origin in enumerate(ORIGINS):
                _judge(tally, case, peers, first, end, at, origin)
    return [_score(name, tally) for name, tally in tallies.items() if tally.months]


def _months(case: BenchCase) -> Sequence[tuple[int, int]]:
    """First and end index of the whole months that have four weeks of known days before them."""
    found = []
    month = month_of_day(case.first_day, "UTC")
    while (month.first_day - case.first_day).days < case.truth.size:
        first = (month.first_day - case.first_day).days
        end = first + month.days
        month = month.next
        if first < _HISTORY_D or end > case.truth.size:
            continue
        if np.isfinite(case.truth[first:end]).all() and case.truth[first:end].sum() > 0:
            before = case.seen[first - _HISTORY_D : first]
            if np.isfinite(before).all():
                found.append((first, end))
    return found


def _judge(
    tally: _Tally,
    case: BenchCase,
    peers: Mapping[str, Peer],
    first: int,
    end: int,
    at: int,
    origin: int,
) -> None:
    actual = float(case.truth[first:end].sum())
    now = first + origin
    start = max(0, now - _LONGEST_D)
    weekday = (case.first_day + timedelta(days=start)).weekday()
    landing = land(case.known[start:now], weekday, month_day=origin, month_days=end - first)
    tally.add(OURS, at, abs(landing.total.p50 - actual) / actual)
    tally.held[at].append(float(landing.total.p10 <= actual <= landing.total.p90))
    for name, peer in peers.items():
        said = peer(case.seen[start:now], origin, end - first)
        tally.add(name, at, abs(said - actual) / actual)
    error = _dry_error(case.truth[first:end], landing, origin)
    if error is not None:
        tally.dry[at].append(error)


def _dry_error(month: Floats, landing: Landing, origin: int) -> float | None:
    """Days between the said and the true dry date of a pool of 20/29 of the month."""
    running = np.cumsum(month)
    capacity = _DRY_SHARE * float(running[-1])
    true = int(np.flatnonzero(running > capacity)[0])
    if true < origin:
        return None
    over = np.flatnonzero(landing.path(0.0) > capacity)
    said = origin + (int(over[0]) if over.size else landing.daily.size)
    return abs(said - true)


def _score(name: str, tally: _Tally) -> SetScore:
    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values) if values else float("nan")

    return SetScore(
        name=name,
        licence=tally.licence,
        months=tally.months,
        errors={method: [mean(e) for e in rows] for method, rows in tally.errors.items()},
        held=[mean(held) for held in tally.held],
        dry_days=[mean(dry) for dry in tally.dry],
        dry_worst=int(max((max(dry) for dry in tally.dry if dry), default=0)),
    )


def bench_text(scores: Sequence[SetScore]) -> str:
    """Write the tables: error in % of the month by origin, then what the band held."""
    lines = [
        f"{'set':<22}{'method':<13}" + "".join(f"{f'day {o}':>8}" for o in ORIGINS) + "    mean"
    ]
    for score in scores:
        for method, errors in score.errors.items():
            row = "".join(f"{100 * error:>8.2f}" for error in errors)
            mean = 100 * sum(errors) / len(errors)
            lines.append(f"{score.name:<22}{method:<13}{row}{mean:>8.2f}")
        row = "".join(f"{100 * held:>8.0f}" for held in score.held)
        mean = 100 * sum(score.held) / len(score.held)
        lines.append(f"{score.name:<22}{'P10-P90 %':<13}{row}{mean:>8.1f}")
        row = "".join("       -" if np.isnan(d) else f"{d:>8.2f}" for d in score.dry_days)
        lines.append(f"{score.name:<22}{'dry date d':<13}{row}   worst {score.dry_worst}")
    lines += ["", *(_summary(scores))]
    return "\n".join(lines) + "\n"


def _summary(scores: Sequence[SetScore]) -> Sequence[str]:
    if not scores:
        return ["no whole month with four weeks of history before it: nothing to judge"]
    months = sum(score.months for score in scores)
    held = sum(score.months * sum(score.held) / len(score.held) for score in scores) / months
    lines = [f"{score.name}: {score.months} months; {score.licence}" for score in scores]
    lines.append(
        f"all sets: P10 to P90 held {100 * held:.1f} % of {months} months, goal 75 to 85 %"
    )
    for method in dict.fromkeys(name for score in scores for name in score.errors):
        mine = [score for score in scores if method in score.errors]
        total = sum(score.months * float(np.mean(score.errors[method])) for score in mine)
        share = 100 * total / sum(score.months for score in mine)
        lines.append(f"all sets: {method} {share:.2f} % mean error over all origins")
    return lines


def bench_json(scores: Sequence[SetScore]) -> list[dict[str, Any]]:
    """Return the scores as plain values."""
    return [
        {
            "set": score.name,
            "licence": score.licence,
            "months": score.months,
            "origins": list(ORIGINS),
            "errors": {method: list(errors) for method, errors in score.errors.items()},
            "held": list(score.held),
            "dry_days": [None if np.isnan(d) else d for d in score.dry_days],
            "dry_worst": score.dry_worst,
        }
        for score in scores
    ]
