"""Hourly series from a CSV whose columns nobody described: which is the time, which the value.

Known shapes: one row an hour and series (a column names the series), one column a series, a date
beside an hour of the day, ISO times, slashed dates, seconds or milliseconds since 1970; columns
parted by comma, semicolon (with decimal commas), tab or bar. What was taken for what is in the
result, so that a person can object.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from harness.core.errors import UsageError
from harness.core.files import read_text
from harness.pool.public_series import HourlySeries, series_of

_SAMPLE: Final = 400
_FORMATS: Final = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%d.%m.%Y %H:%M",
    "%Y%m%d%H",
    "%Y%m%d",
)
_HOUR_NAMES: Final = frozenset({"hour", "hr", "h"})
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SERIES_WORDS: Final = frozenset(
    {"cell", "series", "site", "sector", "square", "grid", "station", "id", "name"}
)
_VALUE_WORDS: Final = frozenset(
    {"traffic", "bytes", "volume", "usage", "internet", "load", "value", "data", "count", "y"}
)
_EARLIEST_EPOCH: Final = 10**8
_MS_EPOCH: Final = 10**11
_HOURS: Final = range(24)
_DELIMITERS: Final = ",;\t|"
_DECIMAL_COMMA: Final = re.compile(r"-?\d+,\d+", re.ASCII)
_MOST_SERIES_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the columns were taken for.

    Attributes:
        time: Column of the time or date.
        hour: Column of the hour of the day; empty when the time has it.
        series: Column that names the series; empty for one or for one a column.
        values: Columns of values.
    """

    time: str
    hour: str
    series: str
    values: Sequence[str]

    @property
    def text(self) -> str:
        """One line for a person."""
        parts = [f"time {self.time!r}"]
        parts += [f"hour {self.hour!r}"] if self.hour else []
        parts += [f"series {self.series!r}"] if self.series else []
        shown = ", ".join(repr(value) for value in self.values[:4])
        more = len(self.values) - 4
        return ", ".join([*parts, f"value {shown}{f' and {more} more' if more > 0 else ''}"])


def read_any_csv(path: Path) -> tuple[Shape, Sequence[HourlySeries]]:
    """Read a CSV of hourly values and say how it was understood.

    Raises:
        UsageError: It is not there or no CSV, no column is a time, or none is a number.
    """
    text = read_text(path, remedy="name a CSV with --csv", encoding="utf-8-sig")
    delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        header = [name for name in reader.fieldnames or () if name is not None]
        rows = list(reader)
    except csv.Error as exc:
        msg = f"{path.name}: line {reader.line_num} is no line of a CSV: {exc}; name a CSV"
        raise UsageError(msg) from None
    if delimiter != ",":
        rows = [_with_points(row) for row in rows]
    shape, parse = _shape_of(path.name, header, rows)
    cache: dict[str, datetime | None] = {}
    found: dict[str, dict[datetime, list[float]]] = {}
    for row in rows:
        text = (row.get(shape.time) or "").strip()
        if text not in cache:
            cache[text] = parse(text)
        moment = cache[text]
        if moment is None:
            continue
        if shape.hour:
            moment += timedelta(hours=int(float(row[shape.hour] or 0)))
        moment = moment.replace(minute=0, second=0, microsecond=0)
        for column in shape.values:
            amount = _number(row.get(column))
            if amount is not None:
                name = row[shape.series] if shape.series else column
                found.setdefault(name, {}).setdefault(moment, []).append(amount)
    return shape, [
        series_of(f"{path.stem} {name}", values, "not stated")
        for name, values in sorted(found.items())
    ]


def _shape_of(
    file: str, header: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> tuple[Shape, Callable[[str], datetime | None]]:
    sample = rows[:: max(1, len(rows) // _SAMPLE)]
    time, parse = _time_column(file, header, sample)
    others = [name for name in header if name != time]
    numeric = [name for name in others if all(_is_blank_or_number(r.get(name)) for r in sample)]
    hour = next(
        (
            name
            for name in numeric
            if name.strip().lower() in _HOUR_NAMES
            and all(int(_number(row.get(name)) or 0) in _HOURS for row in sample)
        ),
        "",
    )
    tellers = [name for name in others if name != hour and _words(name) & _SERIES_WORDS]
    if all(name in tellers for name in numeric if name != hour):
        # 'Cell A' and 'Cell B', and nothing else that is a number: they are the values.
        tellers = [name for name in tellers if name not in numeric]
    series = next(iter(tellers), "")
    words = [name for name in others if name not in numeric]
    series = series or _that_parts(words, [name for name in (time, hour) if name], rows)
    values = [name for name in numeric if name not in {hour, series}]
    named = [name for name in values if _words(name) & _VALUE_WORDS]
    if not values:
        msg = f"{file}: no column of numbers beside the time {time!r}; it has {', '.join(header)}"
        raise UsageError(msg)
    if named and (series or len(named) == 1):
        values = named[:1]
    elif series:
        values = values[-1:]
    return Shape(time=time, hour=hour, series=series, values=values), parse


def _that_parts(
    words: Sequence[str], moment: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> str:
    """Return the column of words that tells rows of one hour apart, whatever it is called.

    Rows of several series that are taken for one would be averaged; a weekday parts no hour.
    """
    for name in words:
        seen: dict[tuple[str, ...], str] = {}
        texts = [(row.get(name) or "").strip() for row in rows]
        if "" in texts or len(set(texts)) > _MOST_SERIES_SHARE * len(texts):
            continue
        for text, row in zip(texts, rows, strict=True):
            if seen.setdefault(tuple(row.get(part) or "" for part in moment), text) != text:
                return name
    return ""


def _with_points(row: Mapping[str, str]) -> dict[str, str]:
    """Write decimal commas as points; where commas part no columns they part decimals."""
    return {
        name: text.replace(",", ".") if text and _DECIMAL_COMMA.fullmatch(text) else text
        for name, text in row.items()
        if isinstance(text, str)
    }


def _time_column(
    file: str, header: Sequence[str], sample: Sequence[Mapping[str, str]]
) -> tuple[str, Callable[[str], datetime | None]]:
    readers: list[Callable[[str], datetime | None]] = [_iso, *map(_strptime, _FORMATS), _epoch]
    dates: list[tuple[str, Callable[[str], datetime | None]]] = []
    for name in header:
        texts = [text for row in sample if (text := (row.get(name) or "").strip())]
        for parse in readers:
            moments = [moment for text in texts if (moment := parse(text)) is not None]
            if not texts or len(moments) < len(texts):
                continue
            if any(moment.hour for moment in moments):
                return name, parse
            dates.append((name, parse))
            break
    if dates:  # a date alone: the hour is in a column of its own
        return dates[0]
    msg = f"{file}: no column is a time in every row; it has {', '.join(header)}"
    raise UsageError(msg)


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(name))


def _iso(text: str) -> datetime | None:
    if text.isdecimal():  # a bare number is a date to Python, a count to everybody else
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _strptime(pattern: str) -> Callable[[str], datetime | None]:
    def parse(text: str) -> datetime | None:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=None)  # noqa: DTZ007 - as it is
        except ValueError:
            return None

    return parse


def _epoch(text: str) -> datetime | None:
    number = _number(text)
    if number is None or number < _EARLIEST_EPOCH:
        return None
    seconds = number / 1000 if number >= _MS_EPOCH else number
    return datetime.fromtimestamp(seconds, tz=UTC).replace(tzinfo=None)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _is_blank_or_number(text: str | None) -> bool:
    blank = (text or "").strip().lower() in {"", "na", "nan", "null", "none"}
    return blank or _number(text) is not None
