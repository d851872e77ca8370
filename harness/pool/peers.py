"""The forecasts that ours is judged against; statsforecast's only where it is installed."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from harness.pool.landing import Floats
from harness.pool.months import DAYS_A_WEEK

Peer = Callable[[Floats, int, int], float]
"""Days up to now, days of the month that are over, days of the month; the month's sum."""

_HISTORY_D: Final = 120


def run_rate(days: Floats, month_day: int, month_days: int) -> float:
    """Go on as the month went so far."""
    return float(np.nanmean(days[-month_day:])) * month_days


def last_week(days: Floats, month_day: int, month_days: int) -> float:
    """Go on as the last seven days went."""
    used = float(np.nansum(days[-month_day:]))
    return used + float(np.nanmean(days[-DAYS_A_WEEK:])) * (month_days - month_day)


def last_months_curve(days: Floats, month_day: int, month_days: int) -> float:
    """Go on as the same days of the month before went, scaled to this one."""
    used = float(np.nansum(days[-month_day:]))
    before = np.nan_to_num(days[-month_day - month_days : -month_day])
    if before.size < month_days:
        return run_rate(days, month_day, month_days)
    so_far = float(before[:month_day].sum())
    return used / so_far * float(before.sum()) if so_far > 0 else used


def simple_peers() -> Mapping[str, Peer]:
    """Return the peers that need nothing but numpy."""
    return {"run-rate": run_rate, "last-7-days": last_week, "last-month": last_months_curve}


def statsforecast_peers() -> Mapping[str, Peer]:
    """Return AutoETS and AutoARIMA on daily sums with a season of a week; none if not installed."""
    if importlib.util.find_spec("statsforecast") is None:
        return {}
    models = importlib.import_module("statsforecast.models")

    def peer(name: str) -> Peer:
        def forecast(days: Floats, month_day: int, month_days: int) -> float:
            known = days[-_HISTORY_D:]
            filled = np.where(np.isfinite(known), known, np.nanmean(known))
            model = getattr(models, name)(season_length=DAYS_A_WEEK)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its fits warn of what they then mend
                found = model.forecast(y=filled.astype(np.float64), h=month_days - month_day)
            return float(np.nansum(days[-month_day:])) + float(np.sum(found["mean"]))

        return forecast

    return {"AutoETS": peer("AutoETS"), "AutoARIMA": peer("AutoARIMA")}
