"""From the store and the ledger to a view: the SIM pool as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.pool.balance import Bank, Step, balance, concentration
from harness.pool.demand import daily_of_hours
from harness.pool.landing import Floats, land
from harness.pool.ledger import USABLE, Ledger, SimEntry
from harness.pool.months import HOURS_A_DAY, TOKYO, Month, moment_of, month_of
from harness.pool.state import SimState
from harness.pool.usage import UsageStore
from harness.pool.view import CarrierView, HeatRow, PoolView

_HISTORY_H: Final = 400 * HOURS_A_DAY
_SHARE_LIMIT: Final = 0.6
_HEAT_LINES: Final = 24


def look(
    store: UsageStore,
    ledger: Ledger,
    *,
    now_hour: int,
    lead_days: int,
    zone: str = TOKYO,
    steps: Sequence[Step] = (),
    flaws: Mapping[str, int] | None = None,
) -> PoolView:
    """Say how the pool stands as the day of `now_hour` begins, and where its month ends.

    Args:
        store: Usage by line and hour, packed up to now.
        ledger: The SIMs.
        now_hour: Hours since 1970.
        lead_days: Days from order to use of a new SIM.
        zone: Whose days and months.
        steps: SIMs that will be added (what-if).
        flaws: Findings of the feeds by kind.

    Raises:
        UsageError: The store has no whole day before `now_hour`.
    """
    month = month_of(now_hour, zone)
    day = moment_of(now_hour, zone).date()
    month_day = day.day - 1
    today: int = month.first_hour + month_day * HOURS_A_DAY
    hours = _hours(store, today)
    days = daily_of_hours(hours)
    if not np.isfinite(days).any():
        msg = f"the store has no whole day before {day}; pack its days first"
        raise UsageError(msg)
    weekday = (day.weekday() - days.size) % 7
    active = store.active_lines(today - 28 * HOURS_A_DAY, today)
    landing = land(days, weekday, month_day=month_day, month_days=month.days)
    banks = [bank for carrier in _by_carrier(ledger).values() for bank in _banks(carrier)]
    carriers = [_carrier(name, entries) for name, entries in _by_carrier(ledger).items()]
    asked = days[days.size - month_day :] if month_day else np.empty(0)
    return PoolView(
        day=day,
        month_day=month_day,
        carriers=carriers,
        outlook=balance(
            landing,
            banks,
            month_day=month_day,
            peak_lines=max(active.values(), default=0),
            lead_days=lead_days,
            steps=steps,
        ),
        asked_bytes=[float(v) if np.isfinite(v) else None for v in asked],
        concentration=concentration({c.carrier: c.sims for c in carriers}, limit=_SHARE_LIMIT),
        missing_hours=_missing_in_month(hours, month_day),
        flaws=flaws or {},
        heat=_heat(store, month, today),
    )


def _hours(store: UsageStore, today: int) -> Floats:
    """Totals by day and hour up to `today`; NaN for an hour that is not whole."""
    by_hour = store.totals(today - _HISTORY_H, today).by_hour
    if not by_hour:
        return np.full((1, HOURS_A_DAY), np.nan)
    first_day = (today - min(by_hour)) // HOURS_A_DAY + 1
    hours = np.full(first_day * HOURS_A_DAY, np.nan)
    for hour, carriers in by_hour.items():
        hours[hour - (today - hours.size)] = sum(carriers.values())
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


def _carrier(name: str, entries: Sequence[SimEntry]) -> CarrierView:
    return CarrierView(
        carrier=name,
        counts={state: sum(e.state is state for e in entries) for state in SimState},
        quota_bytes=sum(e.contract.quota_bytes or 0 for e in entries),
        left_bytes=sum(e.left_bytes for e in entries),
        undisclosed=sum(bool(e.contract.unknown_terms) for e in entries),
    )


def _heat(store: UsageStore, month: Month, today: int) -> Sequence[HeatRow]:
    rows = store.heatmap(month.first_hour, today, _HEAT_LINES)
    return [HeatRow(line=f"line {row.line}", used_bytes=row.used_bytes) for row in rows]
