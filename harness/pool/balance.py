"""The month-end landing of three numbers: valid SIMs, capacity and use; and when it runs dry.

It runs dry in two ways that fail separately: by gigabytes, and by count (fewer SIMs at full rate
than lines at the peak hour). Both are shown, with what is short and what to buy by when.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np

from harness.pool.landing import P10_P90, Band, Floats, Ints, Landing

_NORMAL: Final = NormalDist()
_LEAST_SPREAD: Final = 1e-6
_LEVELS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """The SIMs of one carrier and one quota.

    Attributes:
        carrier: PLMN code.
        quota_bytes: What each may use in a month.
        used_bytes: What each SIM in use has used since its reset.
        unknown: How many more there are of which nothing is known; they are in no P50.
    """

    carrier: str
    quota_bytes: int
    used_bytes: Ints
    unknown: int = 0

    @property
    def left_bytes(self) -> int:
        """Sum of what is left, over the SIMs below their quota."""
        return int(np.maximum(0, self.quota_bytes - self.used_bytes).sum())

    @property
    def healthy(self) -> int:
        """Number of SIMs below their quota."""
        return int((self.used_bytes < self.quota_bytes).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of capacity that is planned.

    Attributes:
        in_days: Days from now at whose beginning it takes effect.
        sims: How many SIMs are added.
        quota_bytes: The quota of each.
    """

    in_days: int
    sims: int
    quota_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dry:
    """When something runs out, in days from now (0 is today); None is not in this month."""

    p10: int | None
    p50: int | None
    p90: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A month's end.

    Attributes:
        valid_sims: SIMs at full rate when the month ends.
        capacity_bytes: The quotas of the month; P90 has the SIMs of which nothing is known.
        use_bytes: All that will be asked for.
        p_dry: Probability that the gigabytes run out before the month ends.
        dry_by_bytes: When they do; P10 is early.
        dry_by_count: When SIMs at full rate are fewer than lines at the peak hour.
        short_bytes: What is missing at the end.
        sims_to_buy: How many SIMs cover it nine times in ten, for both ways of running dry.
        buy_in_days: When they must be ordered, in days from now; None when nothing is short.
        sims_path: SIMs at full rate at the end of each day left, P50.
        capacity_path: Capacity at the end of each day left.
        use_path: What will have been asked for at the end of each day left.
    """

    valid_sims: Band
    capacity_bytes: Band
    use_bytes: Band
    p_dry: float
    dry_by_bytes: Dry
    dry_by_count: Dry
    short_bytes: Band
    sims_to_buy: int
    buy_in_days: int | None
    sims_path: tuple[int, ...]
    capacity_path: tuple[int, ...]
    use_path: tuple[Band, ...]


def balance(
    landing: Landing,
    banks: Sequence[Bank],
    *,
    month_day: int,
    peak_lines: int,
    lead_days: int,
    steps: Sequence[Step] = (),
) -> Outlook:
    """Put the demand that is to come against the SIMs that are there.

    Args:
        landing: Demand of the month, from `harness.pool.landing.land`, in bytes.
        banks: SIMs, used since the month began.
        month_day: Days of the month that are over.
        peak_lines: Lines at once in the busiest hour.
        lead_days: Days from order to use of a new SIM.
        steps: SIMs that will be added.
    """
    left = landing.daily.size
    have = sum(bank.left_bytes for bank in banks)
    added = _added(steps, left)
    paths = {z: landing.path(z) - landing.used for z in (-P10_P90, 0.0, P10_P90)}
    early, middle, late = (_first_over(paths[z], have + added) for z in (P10_P90, 0.0, -P10_P90))
    sims = {z: _healthy_path(banks, steps, path, month_day) for z, path in paths.items()}
    few = {z: _first_over(np.full(left, float(peak_lines)), path) for z, path in sims.items()}
    total_added = int(added[-1]) if left else 0
    unknown = sum(bank.unknown * bank.quota_bytes for bank in banks)
    whole = sum(bank.quota_bytes * bank.used_bytes.size for bank in banks)
    capacity = Band(
        p10=float(whole + total_added),
        p50=float(whole + total_added),
        p90=float(whole + total_added + unknown),
    )
    short = _short(landing.total, capacity.p50)
    outlook = Outlook(
        valid_sims=_ends(sims, banks),
        capacity_bytes=capacity,
        use_bytes=landing.total,
        p_dry=_p_dry(landing, have + total_added, have + added),
        dry_by_bytes=Dry(p10=early, p50=middle, p90=late),
        dry_by_count=Dry(p10=few[P10_P90], p50=few[0.0], p90=few[-P10_P90]),
        short_bytes=short,
        sims_to_buy=0,
        buy_in_days=None,
        sims_path=tuple(int(n) for n in sims[0.0]),
        capacity_path=tuple(int(whole + more) for more in added),
        use_path=_bands(landing),
    )
    return _with_purchase(outlook, banks, sims[P10_P90], peak_lines, lead_days)


def _bands(landing: Landing) -> tuple[Band, ...]:
    low, middle, high = (landing.path(z) for z in (-P10_P90, 0.0, P10_P90))
    return tuple(
        Band(p10=float(a), p50=float(b), p90=float(c))
        for a, b, c in zip(low, middle, high, strict=True)
    )


def _added(steps: Sequence[Step], left: int) -> Floats:
    """Bytes added by the end of each day left."""
    added = np.zeros(left)
    for step in steps:
        added[max(0, step.in_days) :] += step.sims * step.quota_bytes
    return added


def _first_over(path: Floats, limit: Floats) -> int | None:
    over = np.flatnonzero(path > limit)
    return int(over[0]) if over.size else None


def _healthy_path(
    banks: Sequence[Bank], steps: Sequence[Step], path: Floats, month_day: int
) -> Floats:
    """SIMs below their quota at the end of each day, if each gets its share of what comes.

    How unequally the SIMs were used so far is how unequally they will be: the variance grows with
    the days. A pool that fills the emptiest first keeps it near zero and falls off a cliff.
    """
    sims = sum(bank.used_bytes.size for bank in banks)
    ahead = np.arange(1, path.size + 1)
    grown = (month_day + ahead) / max(month_day, 1)
    joined = np.zeros(path.size)
    for step in steps:
        joined[max(0, step.in_days) :] += step.sims
    share = np.diff(path, prepend=0.0) / np.maximum(sims + joined, 1.0)
    each = np.cumsum(share)
    healthy = np.zeros(path.size)
    for bank in banks:
        if not bank.used_bytes.size:
            continue
        below, sims_at = _histogram(bank)
        spread = float(bank.used_bytes.std()) * np.sqrt(np.maximum(grown - 1.0, 0.0))
        level = bank.quota_bytes - each
        for day in range(path.size):
            z = (level[day] - below) / max(float(spread[day]), _LEAST_SPREAD * bank.quota_bytes)
            healthy[day] += float((_cdf(z) * sims_at).sum())
    for step in steps:
        since = each - (each[step.in_days - 1] if step.in_days > 0 else 0.0)
        there = ahead > step.in_days
        healthy += np.where(there & (since < step.quota_bytes), step.sims, 0)
    return np.floor(healthy + 0.5)


def _histogram(bank: Bank) -> tuple[Floats, Floats]:
    """Levels of use below the quota, and the number of SIMs at each."""
    below = bank.used_bytes[bank.used_bytes < bank.quota_bytes].astype(np.float64)
    if below.size <= _LEVELS:
        return below, np.ones(below.size)
    sims, edges = np.histogram(below, bins=_LEVELS, range=(0.0, float(bank.quota_bytes)))
    return (edges[:-1] + edges[1:]) / 2, sims.astype(np.float64)


def _cdf(z: Floats) -> Floats:
    """Normal distribution by the logistic approximation of Bowling et al. (2009), within 0.0002."""
    clipped = np.clip(z, -8.0, 8.0)
    return np.asarray(1.0 / (1.0 + np.exp(-(0.07056 * clipped**3 + 1.5976 * clipped))))


def _ends(sims: Mapping[float, Floats], banks: Sequence[Bank]) -> Band:
    now = float(sum(bank.healthy for bank in banks))
    unknown = sum(bank.unknown for bank in banks)
    low, middle, high = (
        float(sims[z][-1]) if sims[z].size else now for z in (P10_P90, 0.0, -P10_P90)
    )
    return Band(p10=low, p50=middle, p90=high + unknown)


def _short(use: Band, capacity: float) -> Band:
    return Band(
        p10=max(0.0, use.p10 - capacity),
        p50=max(0.0, use.p50 - capacity),
        p90=max(0.0, use.p90 - capacity),
    )


def _p_dry(landing: Landing, have: float, by_day: Floats) -> float:
    """Probability of running dry on the day on which it is likeliest."""
    if not landing.daily.size:
        return float(have < 0)
    worst = 0.0
    for asked, spread, has in zip(np.cumsum(landing.daily), landing.spread, by_day, strict=True):
        if has <= 0:
            return 1.0
        if asked > 0:
            z = math.log(asked / has) / max(float(spread), _LEAST_SPREAD)
            worst = max(worst, _NORMAL.cdf(z))
    return worst


def _with_purchase(
    outlook: Outlook, banks: Sequence[Bank], sims: Floats, peak_lines: int, lead_days: int
) -> Outlook:
    quota = max((bank.quota_bytes for bank in banks), default=0)
    days = [day for day in (outlook.dry_by_bytes.p10, outlook.dry_by_count.p10) if day is not None]
    if not days or not quota:
        return outlook
    by_bytes = math.ceil(outlook.short_bytes.p90 / quota)
    by_count = max(0, peak_lines - int(sims.min())) if sims.size else 0
    return replace(outlook, sims_to_buy=max(by_bytes, by_count), buy_in_days=min(days) - lead_days)


def without_carrier(banks: Sequence[Bank], carrier: str) -> Sequence[Bank]:
    """Return the banks with one carrier dark (N-1)."""
    return [bank for bank in banks if bank.carrier != carrier]


def capped(landing: Landing, share_removed: float) -> Landing:
    """Return the landing when a cap takes `share_removed` of each day that is left."""
    keep = 1.0 - share_removed
    rest = {name: getattr(landing.total, name) - landing.used for name in ("p10", "p50", "p90")}
    return replace(
        landing,
        daily=landing.daily * keep,
        total=Band(**{name: landing.used + keep * value for name, value in rest.items()}),
    )


def share_above(
    used_bytes: Floats, rest_bytes: Floats, *, heavy_bytes: float, cap_bytes: float
) -> float:
    """Share of the rest that a cap takes, from what each line used and is expected to use.

    Args:
        used_bytes: Of each line, this month.
        rest_bytes: Expected of each line until the month ends.
        heavy_bytes: Lines that would come to this much are capped.
        cap_bytes: What such a line may use in the month.
    """
    total = float(rest_bytes.sum())
    heavy = used_bytes + rest_bytes >= heavy_bytes
    allowed = np.clip(cap_bytes - used_bytes, 0.0, rest_bytes)
    taken = float((rest_bytes - allowed)[heavy].sum())
    return taken / total if total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """How much hangs on one carrier (requirements.md R11).

    Attributes:
        largest: The carrier with most SIMs.
        share: Its share of all SIMs.
        hhi: Herfindahl-Hirschman index of the shares, 0 to 1.
        limit: The share that is allowed.
    """

    largest: str
    share: float
    hhi: float
    limit: float

    @property
    def kept(self) -> bool:
        """Whether the share is within the limit."""
        return self.share <= self.limit


def concentration(sims: Mapping[str, int], *, limit: float) -> Concentration:
    """Measure how much of a pool is one carrier's."""
    total = sum(sims.values())
    shares = {carrier: count / total if total else 0.0 for carrier, count in sims.items()}
    largest = max(sorted(shares), key=lambda carrier: shares[carrier], default="")
    return Concentration(
        largest=largest,
        share=shares.get(largest, 0.0),
        hhi=sum(share**2 for share in shares.values()),
        limit=limit,
    )
