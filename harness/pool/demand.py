"""What the lines asked for, learned from the hours in which nothing held them back.

A throttled fleet uses less, and a forecast of its use says that all is well. So an hour's demand
is what the unthrottled lines took, scaled to all that were active; an hour in which too few were
unthrottled tells nothing, and nothing is what it counts for.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.pool.landing import Floats, Ints
from harness.pool.months import HOURS_A_DAY

_FEWEST_FREE_LINES: Final = 30
_FEWEST_HOURS: Final = 6
_PROFILE_D: Final = 28


def demand_of_hours(used_free: Floats, free_lines: Ints, active_lines: Ints) -> Floats:
    """Estimate each hour's demand; NaN where fewer than 30 lines were unthrottled.

    Args:
        used_free: What the unthrottled lines used.
        free_lines: How many lines were unthrottled.
        active_lines: How many lines wanted to be served, throttled or without a SIM included.
    """
    few = (free_lines < _FEWEST_FREE_LINES) & (free_lines < active_lines)
    scaled = used_free * active_lines / np.maximum(free_lines, 1)
    return np.where(few, np.nan, scaled)


def daily_of_hours(hours: Floats) -> Floats:
    """Add hours up to days; a missing hour takes the share it had on the days before.

    Args:
        hours: Day by hour of the day; NaN where nothing is known. A day of which fewer than six
            hours are known is NaN itself.
    """
    days = np.full(hours.shape[0], np.nan)
    for day in range(hours.shape[0]):
        seen = np.isfinite(hours[day])
        if seen.sum() < _FEWEST_HOURS:
            continue
        days[day] = hours[day][seen].sum()
        if not seen.all():
            days[day] /= _share_of(hours[max(0, day - _PROFILE_D) : day], seen)
    return days


def _share_of(before: Floats, seen: np.typing.NDArray[np.bool_]) -> float:
    """Share of a day that falls in the hours `seen`, by the whole days before it."""
    whole = before[np.isfinite(before).all(axis=1)] if before.size else before
    profile = whole.sum(axis=0) if whole.size else np.ones(HOURS_A_DAY)
    total = float(profile.sum())
    share = float(profile[seen].sum()) / total if total > 0 else 0.0
    return share if share > 0 else float(seen.mean())
