"""What a screen shows of a pool at one moment; text and JSON of it. `page.py` makes the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from harness.core.units import format_size
from harness.pool.balance import Concentration, Dry, Outlook
from harness.pool.landing import Band
from harness.pool.state import SimState

_PERCENT: Final = 100
_USABLE: Final = (SimState.HEALTHY, SimState.NEAR_CAP)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierView:
    """The SIMs of one carrier.

    Attributes:
        carrier: PLMN code or name.
        counts: Number of SIMs by state.
        quota_bytes: Sum of the quotas of all its SIMs whose quota is known.
        left_bytes: What may be counted on.
        undisclosed: SIMs with a contract term that nobody knows.
        outlook: Its own month's end; None when its demand is not known on its own.
    """

    carrier: str
    counts: Mapping[SimState, int]
    quota_bytes: int
    left_bytes: int
    undisclosed: int
    outlook: Outlook | None = None

    @property
    def sims(self) -> int:
        """Number of SIMs in any state."""
        return sum(self.counts.values())

    @property
    def usable(self) -> int:
        """Number of SIMs at full rate."""
        return sum(self.counts.get(state, 0) for state in _USABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """One line of the heatmap: bytes by day or hour, None where nobody counted."""

    line: str
    used_bytes: Sequence[int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """A pool as its day begins.

    Attributes:
        day: The day.
        month_day: Days of the month that are over.
        carriers: By carrier.
        outlook: The month's end of all together.
        asked_bytes: What was asked for on each day of the month that is over; None if unknown.
        concentration: How much hangs on one carrier.
        missing_hours: Hours of the month that nobody counted.
        flaws: Findings in the feeds by kind.
        heat: The lines that used most.
        note: What happened on that day, if anything.
    """

    day: date
    month_day: int
    carriers: Sequence[CarrierView]
    outlook: Outlook
    asked_bytes: Sequence[float | None]
    concentration: Concentration
    missing_hours: int = 0
    flaws: Mapping[str, int]
    heat: Sequence[HeatRow] = ()
    note: str = ""


def dates_of(day: date, dry: Dry) -> str:
    """Write a dry date with its range, counted from `day`."""
    if dry.p50 is None:
        return "not this month" if dry.p10 is None else f"perhaps from {_after(day, dry.p10)}"
    late = "later" if dry.p90 is None else _after(day, dry.p90)
    return f"{_after(day, dry.p50)} ({_after(day, dry.p10 or 0)} to {late})"


def _after(day: date, days: int) -> str:
    return (day + timedelta(days=days)).isoformat()


def four_numbers(view: PoolView) -> Sequence[str]:
    """Say in words how many SIMs, how much is left, where the month lands and what to do."""
    sims = sum(carrier.sims for carrier in view.carriers)
    usable = sum(carrier.usable for carrier in view.carriers)
    left = sum(carrier.left_bytes for carrier in view.carriers)
    quota = sum(carrier.quota_bytes for carrier in view.carriers)
    outlook = view.outlook
    by_bytes = dates_of(view.day, outlook.dry_by_bytes)
    by_count = dates_of(view.day, outlook.dry_by_count)
    lines = [
        f"{usable} of {sims} SIMs are at full rate",
        f"{format_size(left)} of {format_size(quota)} are left",
        f"the month will ask for {_band(outlook.use_bytes)} of {_band(outlook.capacity_bytes)}",
        f"dry with {_PERCENT * outlook.p_dry:.0f} %, by gigabytes {by_bytes}, by count {by_count}",
    ]
    if outlook.sims_to_buy and outlook.buy_in_days is not None:
        due = _after(view.day, outlook.buy_in_days)
        late = " (that is over)" if outlook.buy_in_days < 0 else ""
        lines.append(f"buy {outlook.sims_to_buy} SIMs by {due}{late}")
    return lines


def _band(band: Band) -> str:
    if band.p10 == band.p90:
        return format_size(band.p50)
    return f"{format_size(band.p50)} ({format_size(band.p10)} to {format_size(band.p90)})"


def pool_text(view: PoolView) -> str:
    """Write the screen of the terminal: columns that awk can take, the words below."""
    states = [state.value for state in SimState]
    lines = [
        f"{'carrier':<10}" + "".join(f"{s:>12}" for s in states) + f"{'left':>12}{'quota':>12}"
    ]
    for carrier in view.carriers:
        counts = "".join(f"{carrier.counts.get(state, 0):>12}" for state in SimState)
        left = format_size(carrier.left_bytes).replace(" ", "")
        quota = format_size(carrier.quota_bytes).replace(" ", "")
        lines.append(f"{carrier.carrier:<10}{counts}{left:>12}{quota:>12}")
        if carrier.undisclosed:
            lines.append(f"{carrier.carrier:<10}  {carrier.undisclosed} SIMs 未開示 not disclosed")
    lines.append("")
    lines += four_numbers(view)
    found = view.concentration
    kept = "within" if found.kept else "ABOVE"
    lines.append(
        f"largest carrier {found.largest} holds {_PERCENT * found.share:.0f} % of the SIMs, {kept} "
        f"the limit of {_PERCENT * found.limit:.0f} %, HHI {found.hhi:.2f}"
    )
    if view.missing_hours:
        lines.append(f"{view.missing_hours} hours of the month are missing, they are not zero")
    lines += [f"{flaw}  {count}" for flaw, count in sorted(view.flaws.items()) if count]
    return "\n".join(lines) + "\n"


def pool_json(view: PoolView) -> dict[str, Any]:
    """Return the screen as plain values; the page is drawn from the same."""
    outlook = view.outlook
    return {
        "day": view.day.isoformat(),
        "month_day": view.month_day,
        "words": list(four_numbers(view)),
        "note": view.note,
        "carriers": [
            {
                "carrier": carrier.carrier,
                "counts": {state.value: carrier.counts.get(state, 0) for state in SimState},
                "quota_bytes": carrier.quota_bytes,
                "left_bytes": carrier.left_bytes,
                "undisclosed": carrier.undisclosed,
                "outlook": None if carrier.outlook is None else _outlook_json(carrier.outlook),
            }
            for carrier in view.carriers
        ],
        "outlook": _outlook_json(outlook),
        "asked_bytes": list(view.asked_bytes),
        "concentration": {
            "largest": view.concentration.largest,
            "share": view.concentration.share,
            "hhi": view.concentration.hhi,
            "limit": view.concentration.limit,
        },
        "missing_hours": view.missing_hours,
        "flaws": dict(view.flaws),
        "heat": [{"line": row.line, "used_bytes": list(row.used_bytes)} for row in view.heat],
    }


def _outlook_json(outlook: Outlook) -> dict[str, Any]:
    return {
        "valid_sims": _band_json(outlook.valid_sims),
        "capacity_bytes": _band_json(outlook.capacity_bytes),
        "use_bytes": _band_json(outlook.use_bytes),
        "short_bytes": _band_json(outlook.short_bytes),
        "p_dry": outlook.p_dry,
        "dry_by_bytes_days": [
            outlook.dry_by_bytes.p10,
            outlook.dry_by_bytes.p50,
            outlook.dry_by_bytes.p90,
        ],
        "dry_by_count_days": [
            outlook.dry_by_count.p10,
            outlook.dry_by_count.p50,
            outlook.dry_by_count.p90,
        ],
        "sims_to_buy": outlook.sims_to_buy,
        "buy_in_days": outlook.buy_in_days,
        "sims_path": list(outlook.sims_path),
        "capacity_path": list(outlook.capacity_path),
        "use_path": [_band_json(band) for band in outlook.use_path],
    }


def _band_json(band: Band) -> dict[str, float]:
    return {"p10": band.p10, "p50": band.p50, "p90": band.p90}
