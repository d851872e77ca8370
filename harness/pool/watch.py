"""What the bench makes of the hours of a pool: counters, states, demand, alarms.

It is given what an operator can see and nothing else. A SIM past its quota is throttled by our
own counter; after a month's reset it stays suspected until it was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.core.errors import UsageError
from harness.pool.balance import Bank, Outlook, Step, balance
from harness.pool.demand import daily_of_hours, demand_of_hours
from harness.pool.landing import Floats, Ints, land
from harness.pool.months import HOURS_A_DAY

NO_SIM: Final = -1
_PEAK_SPAN_H: Final = 28 * HOURS_A_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class HourLog:
    """What an operator can see of one hour.

    Attributes:
        lines: The active lines.
        sims: The SIM that each was on; -1 for none.
        used_bytes: What went through.
    """

    lines: Ints
    sims: Ints
    used_bytes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Contracts of a pool's SIMs, in the order of the SIMs' numbers.

    Attributes:
        carrier: Name of each SIM's carrier.
        quota_bytes: Quota of each SIM.
    """

    carrier: Sequence[str]
    quota_bytes: Ints


class Watch:
    """A running account of a pool.

    Attributes:
        slow_hours: Hours that each line spent on a throttled SIM since `clear_slow_hours`.
        slow_share: Share of active line-hours on a throttled SIM, by day.
        line_days: What each line used, by day.
    """

    def __init__(self, terms: Terms, *, lines: int, weekday: int) -> None:
        self._terms = terms
        self._weekday = weekday
        self._used: Ints = np.zeros(len(terms.carrier), np.int64)
        self._suspected = np.zeros(len(terms.carrier), np.bool_)
        self._free: list[float] = []
        self._free_lines: list[int] = []
        self._active: list[int] = []
        self._slow_of_hour: list[tuple[int, int]] = []
        self.slow_hours: Ints = np.zeros(lines, np.int64)
        self.slow_share: list[float] = []
        self.line_days: list[Ints] = []

    def see(self, log: HourLog) -> None:
        """Take in one hour.

        Raises:
            UsageError: A SIM is named that no contract covers.
        """
        on = log.sims != NO_SIM
        sims, lines, used = log.sims[on], log.lines[on], log.used_bytes[on]
        if sims.size and int(sims.max()) >= self._used.size:
            msg = f"SIM {int(sims.max())} has no contract; there are {self._used.size}"
            raise UsageError(msg)
        quota = self._terms.quota_bytes[sims]
        free = (self._used[sims] < quota) & ~self._suspected[sims]
        self._used[sims] += used
        slow = self._used[sims] > quota
        if len(self._active) % HOURS_A_DAY == 0:
            self.line_days.append(np.zeros(self.slow_hours.size, np.int64))
        self.line_days[-1][lines] += used
        self.slow_hours[lines[slow]] += 1
        self._free.append(float(used[free].sum()))
        self._free_lines.append(int(free.sum()))
        self._active.append(log.lines.size)
        self._slow_of_hour.append((int(slow.sum()), log.lines.size))
        if len(self._active) % HOURS_A_DAY == 0:
            slow_h, active_h = np.array(self._slow_of_hour[-HOURS_A_DAY:]).sum(axis=0)
            self.slow_share.append(float(slow_h) / max(float(active_h), 1.0))

    def new_terms(self, terms: Terms) -> None:
        """Take in contracts of SIMs that were added or removed at the end of the list."""
        count = len(terms.carrier)
        more = max(0, count - self._used.size)
        self._used = np.concatenate([self._used[:count], np.zeros(more, np.int64)])
        self._suspected = np.concatenate([self._suspected[:count], np.zeros(more, np.bool_)])
        self._terms = terms

    def reset_due(self, measure: Callable[[Ints], npt.NDArray[np.bool_]]) -> int:
        """Begin a month: every SIM is measured; what is slow keeps its count and is suspected.

        Returns:
            How many SIMs were found slow although their reset was due.
        """
        slow = measure(np.arange(self._used.size))
        self._used[~slow] = 0
        self._suspected = slow.copy()
        return int(slow.sum())

    def measure_again(self, measure: Callable[[Ints], npt.NDArray[np.bool_]]) -> None:
        """Measure the suspected SIMs; those at full rate begin their month now."""
        sims = np.flatnonzero(self._suspected)
        if sims.size:
            well = sims[~measure(sims)]
            self._used[well] = 0
            self._suspected[well] = False

    def clear_slow_hours(self) -> None:
        """Begin a new list of affected lines."""
        self.slow_hours[:] = 0

    @property
    def affected_lines(self) -> Ints:
        """Lines that were on a throttled SIM for an hour or more."""
        return np.flatnonzero(self.slow_hours)

    @property
    def healthy(self) -> int:
        """SIMs that are below their quota and not suspected."""
        return int(((self._used < self._terms.quota_bytes) & ~self._suspected).sum())

    def daily_demand(self) -> Floats:
        """Estimate the demand of each day so far, in bytes."""
        hours = demand_of_hours(
            np.array(self._free), np.array(self._free_lines), np.array(self._active)
        )
        whole = hours.size // HOURS_A_DAY * HOURS_A_DAY
        return daily_of_hours(hours[:whole].reshape(-1, HOURS_A_DAY))

    def banks(self) -> Sequence[Bank]:
        """Return the SIMs by carrier and quota; suspected ones are unknown, not capacity."""
        carriers = np.array(self._terms.carrier)
        found = []
        for carrier in sorted(set(self._terms.carrier)):
            for quota in np.unique(self._terms.quota_bytes[carriers == carrier]):
                mine = (carriers == carrier) & (self._terms.quota_bytes == quota)
                found.append(
                    Bank(
                        carrier=carrier,
                        quota_bytes=int(quota),
                        used_bytes=self._used[mine & ~self._suspected],
                        unknown=int((mine & self._suspected).sum()),
                    )
                )
        return found

    def outlook(
        self, *, month_day: int, month_days: int, lead_days: int, steps: Sequence[Step] = ()
    ) -> Outlook:
        """Say where the month ends, from what was seen up to now."""
        landing = land(
            self.daily_demand(), self._weekday, month_day=month_day, month_days=month_days
        )
        peak = max(self._active[-_PEAK_SPAN_H:], default=0)
        return balance(
            landing,
            self.banks(),
            month_day=month_day,
            peak_lines=peak,
            lead_days=lead_days,
            steps=steps,
        )
