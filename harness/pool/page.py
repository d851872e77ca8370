"""The SIM pool as one HTML file that needs nothing else: four numbers, gauges, fan, heatmap."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib import resources
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.pool.balance import Bank, concentration
from harness.pool.branch import DayResult
from harness.pool.ledger import Ledger
from harness.pool.look import look
from harness.pool.months import HOURS_A_DAY, TOKYO, moment_of
from harness.pool.replay import Replay
from harness.pool.state import SimState
from harness.pool.usage import UsageStore
from harness.pool.view import CarrierView, HeatRow, PoolView, pool_json

_PLACE: Final = "__DATA__"
_SHARE_LIMIT: Final = 0.6
_HEAT_LINES: Final = 24


def pool_page(views: Sequence[PoolView], *, title: str) -> str:
    """Write the page; with several views it has a slider over their days.

    Raises:
        UsageError: There is no view.
    """
    if not views:
        msg = "a page needs at least one view of the pool"
        raise UsageError(msg)
    data = {"title": title, "views": [pool_json(view) for view in views]}
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Nothing in the data may end the script element that holds it.
    text = text.replace("<", "\\u003c")
    template = resources.files("harness.pool").joinpath("page.html").read_text(encoding="utf-8")
    return template.replace(_PLACE, text)


def month_page(store: UsageStore, ledger: Ledger, *, now_hour: int, lead_days: int) -> str:
    """Write the page of a lab's own pool, with a slider over the days of this month.

    Args:
        store: Usage by line and hour, packed up to now.
        ledger: The SIMs as they are now; former days are shown with them too, and say so.
        now_hour: Hours since 1970.
        lead_days: Days from order to use of a new SIM.

    Raises:
        UsageError: The store has no whole day before `now_hour`.
    """
    today = moment_of(now_hour, TOKYO).date().day
    views = []
    for back in range(today - 1, 0, -1):
        hour = now_hour - back * HOURS_A_DAY
        try:
            view = look(store, ledger, now_hour=hour, lead_days=lead_days)
        except UsageError:
            continue  # the store begins later
        views.append(replace(view, note="the SIMs are shown as they are now"))
    views.append(look(store, ledger, now_hour=now_hour, lead_days=lead_days))
    return pool_page(views, title="SIM pool")


def page_sources() -> tuple[str, str]:
    """Return the page's script and style, for a policy that allows these and nothing else."""
    template = resources.files("harness.pool").joinpath("page.html").read_text(encoding="utf-8")
    script = template.rpartition("<script>")[2].partition("</script>")[0]
    style = template.partition("<style>")[2].partition("</style>")[0]
    return script, style


def replay_page(replay: Replay) -> str:
    """Write the page of a replay, one view for each day of the story up to its as-of."""
    facts: dict[date, list[str]] = {}
    for fact in replay.facts:
        facts.setdefault(fact.day, []).append(fact.what)
    views = [
        _view_of_day(replay, result, "; ".join(facts.get(result.day, [])))
        for result in replay.actual.days
        if result.outlook is not None and result.day <= replay.as_of
    ]
    return pool_page(views, title=f"replay {replay.scenario.name}")


def _view_of_day(replay: Replay, result: DayResult, note: str) -> PoolView:
    if result.outlook is None:
        msg = f"{result.day}: nothing was said on that day"
        raise UsageError(msg)
    month = replay.actual.month(result.day.year, result.day.month)
    carriers = [carrier_view(bank) for bank in result.banks]
    return PoolView(
        day=result.day,
        month_day=result.day.day - 1,
        carriers=carriers,
        outlook=result.outlook,
        asked_bytes=[day.asked_bytes for day in month if day.day < result.day],
        concentration=concentration({c.carrier: c.sims for c in carriers}, limit=_SHARE_LIMIT),
        flaws={},
        heat=_heat(replay, result),
        note=note,
    )


def _heat(replay: Replay, result: DayResult) -> Sequence[HeatRow]:
    """Return the lines that used most in the month so far, by day."""
    now = (result.day - replay.scenario.first_day).days
    first = now - (result.day.day - 1)
    if first == now:
        return []
    days = np.array(replay.actual.line_days[first:now])
    top = np.argsort(-days.sum(axis=0), kind="stable")[:_HEAT_LINES]
    return [HeatRow(line=f"line {n}", used_bytes=[int(v) for v in days[:, n]]) for n in top]


def carrier_view(bank: Bank) -> CarrierView:
    """Return what a bank shows: below its quota healthy, past it throttled, the rest unknown."""
    sims = bank.used_bytes.size
    return CarrierView(
        carrier=bank.carrier,
        counts={
            SimState.HEALTHY: bank.healthy,
            SimState.THROTTLED: sims - bank.healthy,
            SimState.SUSPECTED: bank.unknown,
        },
        quota_bytes=bank.quota_bytes * (sims + bank.unknown),
        left_bytes=bank.left_bytes,
        undisclosed=0,
    )
