"""A replay as text: two columns, the assertions, the counterfactuals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from harness.core.units import format_size
from harness.pool.balance import Dry
from harness.pool.branch import ALARM_P_DRY, DayResult
from harness.pool.replay import Replay, alarm_in, dry_date

_LEFT_WIDTH: Final = 58
_NOTHING: Final = "(nothing yet)"


def said(day: DayResult) -> str:
    """What the bench said as a day began, in one line."""
    if day.outlook is None:
        return f"{day.healthy} of {day.sims} SIMs healthy"
    parts = [
        f"{day.healthy} of {day.sims} SIMs healthy",
        f"P(dry) {100 * day.outlook.p_dry:.0f} %",
        f"by GB {_dates(day, day.outlook.dry_by_bytes)}",
        f"by count {_dates(day, day.outlook.dry_by_count)}",
    ]
    if day.outlook.sims_to_buy:
        parts.append(f"buy {day.outlook.sims_to_buy} SIMs")
    return ", ".join(parts)


def _dates(day: DayResult, dry: Dry) -> str:
    if dry.p50 is None:
        return "not this month"
    early, middle = (day.day + timedelta(days=n or 0) for n in (dry.p10, dry.p50))
    late = "later" if dry.p90 is None else f"{day.day + timedelta(days=dry.p90):%m-%d}"
    return f"{middle:%m-%d} ({early:%m-%d} to {late})"


def replay_text(replay: Replay) -> str:
    """Write the report; the same replay gives the same bytes."""
    model = replay.scenario.model
    scale = (
        f"scale model: {model.lines} lines, SIMs of {format_size(model.quota_bytes)}, "
        f"{model.throttle_bps // 1000} kbit/s past it; what is assumed is in the scenario file"
    )
    lines = [
        f"replay {replay.scenario.name}, as of {replay.as_of}, random seed {replay.seed}",
        scale,
        "",
        f"{'what happened':<{_LEFT_WIDTH}}  what this bench would have said as the day began",
        *_two_columns(replay),
        "",
        f"as of {replay.as_of}: {said(replay.day(replay.as_of))}",
        *_headline(replay),
    ]
    if replay.as_of == replay.scenario.end_day:
        lines += ["", "assertions", *_assertions(replay), "", *_branches(replay)]
    return "\n".join(lines) + "\n"


def _two_columns(replay: Replay) -> Sequence[str]:
    rows = [(fact.day, f"{fact.day}  {fact.what}") for fact in replay.facts]
    for month in sorted({(day.day.year, day.day.month) for day in replay.actual.days}):
        first = replay.actual.month(*month)[0].day
        alarm = alarm_in(replay.actual, first, ALARM_P_DRY)
        if alarm is not None and alarm <= replay.as_of:
            rows.append((alarm, f"{alarm}  {_NOTHING}"))
    lines: list[str] = []
    for day, happened in sorted(rows):
        seen = replay.day(day)
        if happened.endswith(_NOTHING):
            answer = f"ALARM: {said(seen)}"
        else:
            answer = seen.recovery.text if seen.recovery else said(seen)
        pieces = _wrapped(happened, _LEFT_WIDTH)
        lines.append(f"{pieces[0]:<{_LEFT_WIDTH}}  {answer}")
        lines += [f"            {piece}" for piece in pieces[1:]]
    return lines


def _wrapped(text: str, width: int) -> Sequence[str]:
    pieces, current = [], ""
    for word in text.split(" "):
        if current and len(current) + 1 + len(word) > width:
            pieces.append(current)
            current, width = word, _LEFT_WIDTH - 12
        else:
            current = f"{current} {word}" if current else word
    return [*pieces, current]


def _headline(replay: Replay) -> Sequence[str]:
    day = replay.day(replay.as_of)
    found = dry_date(day)
    if found is None or day.outlook is None or day.outlook.dry_by_bytes.p50 is None:
        return []
    dry = day.outlook.dry_by_bytes
    early = day.day + timedelta(days=dry.p10 or 0)
    late = None if dry.p90 is None else day.day + timedelta(days=dry.p90)
    upto = "later" if late is None else f"{late.month}/{late.day}"
    return [f"dry on {found.month}/{found.day} ({early.month}/{early.day} to {upto})"]


def _assertions(replay: Replay) -> Sequence[str]:
    return [
        f"{'PASS' if check.holds else 'FAIL'}  {check.claim}: {check.found}"
        for check in replay.checks
    ]


def _branches(replay: Replay) -> Sequence[str]:
    if not replay.months:
        return []
    head = (
        f"{'branch':<14}{'month':<9}{'>1 % slow':>10}{'>25 % slow':>12}"
        f"{'slow hours':>12}{'unserved':>10}{'SIMs':>7}"
    )
    rows = [
        f"{m.branch:<14}{m.month:<9}{_day(m.few_slow_day):>10}{_day(m.many_slow_day):>12}"
        f"{100 * m.slow_share:>10.1f} %{100 * m.unserved_share:>8.1f} %{m.sims:>7}"
        for m in replay.months
    ]
    return ["counterfactuals (day of the month)", head, *rows]


def _day(day: int | None) -> str:
    return "never" if day is None else str(day)


def affected_csv(replay: Replay) -> str:
    """Write who was slowed down and for how long, the most first: the call centre's list."""
    hours = replay.actual.affected_seen
    order = sorted(range(hours.size), key=lambda line: (-int(hours[line]), line))
    rows = [f"{line},{int(hours[line])}" for line in order if hours[line]]
    return "\n".join(["line,hours_on_a_throttled_sim", *rows]) + "\n"


def replay_json(replay: Replay) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "scenario": replay.scenario.name,
        "seed": replay.seed,
        "as_of": replay.as_of.isoformat(),
        "said": said(replay.day(replay.as_of)),
        "facts": [
            {
                "date": fact.day.isoformat(),
                "what": fact.what,
                "source": fact.source,
                "said": said(replay.day(fact.day)),
            }
            for fact in replay.facts
        ],
        "true_dry": [day.isoformat() for day in replay.true_dry],
        "assertions": [
            {"claim": check.claim, "found": check.found, "holds": check.holds}
            for check in replay.checks
        ],
        "branches": [
            {
                "branch": month.branch,
                "month": month.month,
                "few_slow_day": month.few_slow_day,
                "many_slow_day": month.many_slow_day,
                "slow_share": round(month.slow_share, 6),
                "unserved_share": round(month.unserved_share, 6),
                "sims": month.sims,
            }
            for month in replay.months
        ],
    }
