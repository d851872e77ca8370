"""From the store and the ledger to a view: the SIM pool as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.pool.balance import (
    Bank,
    Outlook,
    Step,
    balance,
    capped,
    concentration,
    share_above,
    without_carrier,
)
from harness.pool.demand import daily_of_hours
from harness.pool.landing import Floats, land
from harness.pool.ledger import USABLE, Ledger, SimEntry
from harness.pool.months import DAYS_A_WEEK, HOURS_A_DAY, TOKYO, Month, moment_of, month_of
from harness.pool.state import SimState
from harness.pool.usage import UsageStore
from harness.pool.view import CarrierView, HeatRow, PoolView

_HISTORY_H: Final = 400 * HOURS_A_DAY
_PEAK_SPAN_H: Final = 28 * HOURS_A_DAY
_WEEK_H: Final = 7 * HOURS_A_DAY
_SHARE_LIMIT: Final = 0.6
_HEAT_LINES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A question to the forecast.

    Attributes:
        steps: SIMs that are added.
        dark_carrier: A carrier that does not serve from now on; empty for none.
        heavy_bytes: Lines that would come to this much are capped; None for no cap.
        cap_bytes: At this much in the month.
    """

    steps: Sequence[Step] = ()
    dark_carrier: str = ""
    heavy_bytes: float | None = None
    cap_bytes: float = 25e9


def look(
    store: UsageStore,
    ledger: Ledger,
    *,
    now_hour: int,
    lead_days: int,
    zone: str = TOKYO,
    what_if: WhatIf | None = None,
    flaws: Mapping[str, int] | None = None,
) -> PoolView:
    """Say how the pool stands as the day of `now_hour` begins, and where its month ends.

    Args:
        store: Usage by line and hour, packed up to now.
        ledger: The SIMs.
        now_hour: Hours since 1970.
        lead_days: Days from order to use of a new SIM.
        zone: Whose days and months.
        what_if: What to suppose; nothing when None.
        flaws: Findings of the feeds by kind.

    Raises:
        UsageError: The store has no whole day before `now_hour`.
    """
    month = month_of(now_hour, zone)
    day = moment_of(now_hour, zone).date()
    month_day = day.day - 1
    today: int = month.first_hour + month_day * HOURS_A_DAY
    hours = _hours(store, today)
    if not np.isfinite(hours).any():
        msg = f"the store has no whole day before {day}; pack its days first"
        raise UsageError(msg)
    suppose = what_if or WhatIf()
    asker = _Asker(store=store, month=month, month_day=month_day, today=today, what_if=suppose)
    banks = without_carrier(
        [bank for entries in _by_carrier(ledger).values() for bank in _banks(entries)],
        suppose.dark_carrier,
    )
    carriers = [
        _carrier(name, entries, asker.outlook(name, _banks(entries), lead_days))
        for name, entries in _by_carrier(ledger).items()
    ]
    asked = daily_of_hours(hours)[hours.shape[0] - month_day :] if month_day else np.empty(0)
    outlook = asker.outlook("", banks, lead_days)
    if outlook is None:
        msg = f"the store has no whole day before {day}; pack its days first"
        raise UsageError(msg)
    return PoolView(
        day=day,
        month_day=month_day,
        carriers=carriers,
        outlook=outlook,
        asked_bytes=[float(v) if np.isfinite(v) else None for v in asked],
        concentration=concentration({c.carrier: c.sims for c in carriers}, limit=_SHARE_LIMIT),
        missing_hours=_missing_in_month(hours, month_day),
        flaws=flaws or {},
        heat=_heat(store, month, today),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Forecasts from one store, for all carriers or one."""

    store: UsageStore
    month: Month
    month_day: int
    today: int
    what_if: WhatIf

    def outlook(self, carrier: str, banks: Sequence[Bank], lead_days: int) -> Outlook | None:
        """Say where a carrier's month ends, or that of all when it is empty."""
        days = daily_of_hours(_hours(self.store, self.today, carrier))
        if not np.isfinite(days).any():
            return None
        weekday = (moment_of(self.today, self.month.zone).weekday() - days.size) % DAYS_A_WEEK
        # A store that begins in the middle of a month knows nothing of its first days.
        before = max(0, self.month_day - days.size)
        days = np.concatenate([np.full(before, np.nan), days])
        weekday = (weekday - before) % DAYS_A_WEEK
        landing = land(days, weekday, month_day=self.month_day, month_days=self.month.days)
        if self.what_if.heavy_bytes is not None:
            landing = capped(landing, self._removed(self.what_if.heavy_bytes))
        active = self.store.active_lines(self.today - _PEAK_SPAN_H, self.today)
        return balance(
            landing,
            banks,
            month_day=self.month_day,
            peak_lines=0 if carrier else max(active.values(), default=0),
            lead_days=lead_days,
            steps=() if carrier else self.what_if.steps,
        )

    def _removed(self, heavy_bytes: float) -> float:
        """Share of the rest that the cap takes, each line going on as in the last week."""
        lines, used = self.store.by_line(self.month.first_hour, self.today)
        week, lately = self.store.by_line(self.today - _WEEK_H, self.today)
        left = self.month.days - self.month_day
        rest = np.zeros(week.size) + lately * (left / DAYS_A_WEEK)
        so_far = np.zeros(week.size)
        found = np.isin(week, lines)
        so_far[found] = used[np.searchsorted(lines, week[found])]
        return share_above(so_far, rest, heavy_bytes=heavy_bytes, cap_bytes=self.what_if.cap_bytes)


def _hours(store: UsageStore, today: int, carrier: str = "") -> Floats:
    """Totals by day and hour up to `today`, of one carrier if named; NaN if not whole."""
    by_hour = store.totals(today - _HISTORY_H, today).by_hour
    if not by_hour:
        return np.full((1, HOURS_A_DAY), np.nan)
    days = -(-(today - min(by_hour)) // HOURS_A_DAY)
    hours = np.full(days * HOURS_A_DAY, np.nan)
    for hour, carriers in by_hour.items():
        used = carriers.get(carrier, 0) if carrier else sum(carriers.values())
        hours[hour - (today - hours.size)] = used
    return hours.reshape(-1, HOURS_A_DAY)


def _missing_in_month(hours: Floats, month_day: int) -> int:
    here = hours[hours.shape[0] - month_day :] if month_day else hours[:0]
    before_the_store = max(0, month_day - int(hours.shape[0])) * HOURS_A_DAY
    return int(np.isnan(here).sum()) + before_the_store


def _by_carrier(ledger: Ledger) -> Mapping[str, Sequence[SimEntry]]:
    found: dict[str, list[SimEntry]] = {}
    for entry in ledger.entries:
        found.setdefault(entry.contract.carrier, []).append(entry)
    return dict(sorted(found.items()))


def _banks(entries: Sequence[SimEntry]) -> Sequence[Bank]:
    """Usable SIMs with all their terms; throttled ones used up; the others unknown."""
    banks = []
    for quota in sorted({e.contract.quota_bytes for e in entries if e.contract.quota_bytes}):
        mine = [e for e in entries if e.contract.quota_bytes == quota]
        known = [e for e in mine if e.state in USABLE and not e.contract.unknown_terms]
        spent = [e for e in mine if e.state is SimState.THROTTLED]
        unknown = [e for e in mine if e.state in {SimState.UNKNOWN, SimState.SUSPECTED}]
        used = [e.used_bytes for e in known] + [max(quota, e.used_bytes) for e in spent]
        banks.append(
            Bank(
                carrier=entries[0].contract.carrier,
                quota_bytes=quota,
                used_bytes=np.array(used, np.int64),
                unknown=len(unknown),
            )
        )
    return banks


def _carrier(name: str, entries: Sequence[SimEntry], outlook: Outlook | None) -> CarrierView:
    return CarrierView(
        carrier=name,
        counts={state: sum(e.state is state for e in entries) for state in SimState},
        quota_bytes=sum(e.contract.quota_bytes or 0 for e in entries),
        left_bytes=sum(e.left_bytes for e in entries),
        undisclosed=sum(bool(e.contract.unknown_terms) for e in entries),
        outlook=outlook,
    )


def _heat(store: UsageStore, month: Month, today: int) -> Sequence[HeatRow]:
    rows = store.heatmap(month.first_hour, today, _HEAT_LINES)
    return [HeatRow(line=f"line {row.line}", used_bytes=row.used_bytes) for row in rows]
