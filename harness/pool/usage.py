"""Usage by line and hour: append-only files, of which a reader sees a whole hour or nothing.

``hours/HOUR/CARRIER.parquet`` is written once by whoever collects that carrier, under another
name first and then linked into place: never seen half, never overwritten. An hour is *whole*
when every carrier of the store is there. ``days/DAY.parquet`` holds the whole hours of a day by
line, so that one line opens without reading all others; it is made again as hours arrive.

An hour that nobody counted is null in it; an hour in which nothing was used is 0.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from harness.core.errors import BenchError, UsageError
from harness.pool.months import HOURS_A_DAY, text_of
from harness.pool.usage_file import ROWS_A_GROUP, meta_of, publish

Int64s = npt.NDArray[np.int64]

_USED: Final = "used_bytes"
_NULL: Final = -1
# One byte of each value after the other: most hours are 0 or share their high bytes, and a month
# of 1,000,000 lines fits in 2 GB.
_ENCODING: Final = {"line": "DELTA_BINARY_PACKED", _USED: "BYTE_STREAM_SPLIT"}
_PART_OF_A_DAY: Final = (
    "SELECT line, list_sum(list_slice(used_bytes::BIGINT[], ?, ?)) AS u FROM read_parquet(?)"
)
_WHOLE_DAYS: Final = "SELECT line, day_bytes AS u FROM read_parquet(?)"
_NO_DAY: Final = "SELECT 0 AS line, 0 AS u LIMIT 0"
_SUM: Final = "SELECT coalesce(sum(u), 0) FROM used"
_BY_LINE: Final = (
    "SELECT line, sum(u)::BIGINT s FROM used GROUP BY line HAVING s IS NOT NULL ORDER BY line"
)
_TOP_LINES: Final = "SELECT line, sum(u) s FROM used GROUP BY line ORDER BY s DESC, line LIMIT ?"
_LIST_ENCODING: Final = {
    "line": "DELTA_BINARY_PACKED",
    "day_bytes": "BYTE_STREAM_SPLIT",
    f"{_USED}.list.element": "BYTE_STREAM_SPLIT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineHours:
    """One line's use, hour by hour.

    Attributes:
        line: The line.
        first_hour: The hour of the first value, in hours since 1970.
        used_bytes: One value an hour; None where nobody counted.
    """

    line: int
    first_hour: int
    used_bytes: Sequence[int | None]

    @property
    def total_bytes(self) -> int:
        """The sum of what was counted."""
        return sum(used for used in self.used_bytes if used is not None)

    @property
    def missing_hours(self) -> int:
        """Number of hours that nobody counted."""
        return sum(used is None for used in self.used_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a store holds in a range of hours.

    Attributes:
        by_hour: Bytes by hour and carrier; whole hours only.
        missing_hours: Hours of the range that are not whole.
        lines_bytes: The sum over all lines, added up on its own.
    """

    by_hour: Mapping[int, Mapping[str, int]]
    missing_hours: Sequence[int]
    lines_bytes: int

    @property
    def hours_bytes(self) -> int:
        """The sum over hours and carriers."""
        return sum(sum(carriers.values()) for carriers in self.by_hour.values())

    @property
    def agree(self) -> bool:
        """Whether the sum over lines equals the sum over hours, to the byte."""
        return self.lines_bytes == self.hours_bytes


class UsageStore:
    """A directory of usage files.

    Attributes:
        root: The directory.
        carriers: The carriers without which an hour is not whole.
    """

    def __init__(self, root: Path, *, carriers: Sequence[str]) -> None:
        self.root = root
        self.carriers = tuple(sorted(carriers))

    @classmethod
    def create(cls, root: Path, *, carriers: Sequence[str]) -> UsageStore:
        """Make an empty store, or open it if it is there with the same carriers.

        Raises:
            UsageError: It is there with other carriers.
        """
        (root / "hours").mkdir(parents=True, exist_ok=True)
        (root / "days").mkdir(exist_ok=True)
        wanted = json.dumps({"carriers": sorted(carriers)})
        path = root / "store.json"
        if not path.exists():
            path.write_text(wanted, encoding="utf-8")
        store = cls.open(root)
        if store.carriers != tuple(sorted(carriers)):
            msg = f"{root.name} is a store of {store.carriers}, asked for {tuple(carriers)}"
            raise UsageError(msg)
        return store

    @classmethod
    def open(cls, root: Path) -> UsageStore:
        """Open an existing store.

        Raises:
            BenchError: There is none.
        """
        try:
            found = json.loads((root / "store.json").read_text(encoding="utf-8"))
            return cls(root, carriers=found["carriers"])
        except (OSError, ValueError, KeyError) as exc:
            msg = f"{root.name} is not a usage store: no readable store.json in it"
            raise BenchError(msg) from exc

    def write_hour(self, hour: int, carrier: str, lines: Int64s, used_bytes: Int64s) -> None:
        """Append what one carrier's lines used in one hour; it is there whole or not at all.

        Args:
            hour: Hours since 1970.
            carrier: One of the store's carriers.
            lines: Line numbers, each at most once; also those that used nothing.
            used_bytes: One value a line.

        Raises:
            UsageError: The carrier is not the store's, a line is there twice, a value is
                negative, or that hour of that carrier is already there.
        """
        if carrier not in self.carriers:
            msg = f"{carrier!r} is not a carrier of this store; it has {', '.join(self.carriers)}"
            raise UsageError(msg)
        order = np.argsort(lines, kind="stable")
        lines, used_bytes = lines[order], used_bytes[order]
        twice = lines[1:][np.diff(lines) == 0]
        if twice.size or (used_bytes < 0).any():
            what = f"line {twice[0]} twice" if twice.size else "a negative number of bytes"
            msg = f"{text_of(hour)} {carrier}: {what}; check the feed first"
            raise UsageError(msg)
        table = pa.table({"line": lines, _USED: used_bytes})
        meta = {"total_bytes": int(used_bytes.sum())}
        path = self._hour_path(hour, carrier)
        path.parent.mkdir(exist_ok=True)
        if not publish(table, path, _ENCODING, meta, replace=False):
            msg = f"{text_of(hour)} {carrier} is already in the store; hours are written once"
            raise UsageError(msg)

    def _hour_path(self, hour: int, carrier: str) -> Path:
        return self.root / "hours" / str(hour) / f"{carrier}.parquet"

    def _day_path(self, day: int) -> Path:
        return self.root / "days" / f"{day}.parquet"

    def is_whole(self, hour: int) -> bool:
        """Tell whether every carrier has written `hour`."""
        return all(self._hour_path(hour, carrier).exists() for carrier in self.carriers)

    def pack_day(self, day: int) -> int:
        """Put the whole hours of a day (counted from 1970, in UTC) in order by line.

        May be called again as more hours arrive. Returns the number of hours packed.

        Raises:
            BenchError: The sum over lines is not the sum over hours; the pack is not changed.
        """
        first = day * HOURS_A_DAY
        whole = [hour for hour in range(first, first + HOURS_A_DAY) if self.is_whole(hour)]
        if not whole:
            return 0
        parts = {(h, c): pq.read_table(self._hour_path(h, c)) for h in whole for c in self.carriers}
        lines, places = _places({key: t["line"].to_numpy() for key, t in parts.items()})
        used = np.full((lines.size, HOURS_A_DAY), _NULL, np.int64)
        totals: dict[str, dict[str, int]] = {}
        for (hour, carrier), table in parts.items():
            at = places[hour, carrier]
            values = table[_USED].to_numpy()
            column = used[:, hour - first]
            column[at] = np.where(column[at] == _NULL, values, column[at] + values)
            totals.setdefault(str(hour), {})[carrier] = int(values.sum())
        empty = used == _NULL
        sums = used.sum(axis=1) - _NULL * empty.sum(axis=1)
        by_lines = int(sums.sum())
        by_hours = sum(sum(carriers.values()) for carriers in totals.values())
        if by_lines != by_hours:
            msg = f"day {day}: lines add up to {by_lines} B, hours to {by_hours} B"
            raise BenchError(msg)
        flat = pa.array(used.ravel(), mask=empty.ravel())
        hours = pa.FixedSizeListArray.from_arrays(flat, HOURS_A_DAY)
        table = pa.table({"line": lines, "day_bytes": sums, _USED: hours})
        meta = {
            "totals": totals,
            "active": {str(hour): int((used[:, hour - first] > 0).sum()) for hour in whole},
            "first_lines": lines[::ROWS_A_GROUP].tolist(),
        }
        publish(table, self._day_path(day), _LIST_ENCODING, meta, replace=True)
        return len(whole)

    def drop_packed(self, day: int) -> int:
        """Remove the hour files of a day whose 24 hours are all packed; return how many."""
        first = day * HOURS_A_DAY
        if len(self._packed(day)) < HOURS_A_DAY:
            return 0
        gone = [
            path
            for hour in range(first, first + HOURS_A_DAY)
            for path in sorted((self.root / "hours" / str(hour)).glob("*.parquet"))
        ]
        for path in gone:
            path.unlink()
        return len(gone)

    def _packed(self, day: int) -> Mapping[int, Mapping[str, int]]:
        path = self._day_path(day)
        if not path.exists():
            return {}
        totals = meta_of(pq.read_schema(path))["totals"]
        return {int(hour): carriers for hour, carriers in totals.items()}

    def active_lines(self, first_hour: int, end_hour: int) -> Mapping[int, int]:
        """Return how many lines used anything, by packed hour."""
        found: dict[int, int] = {}
        for day in range(first_hour // HOURS_A_DAY, -(-end_hour // HOURS_A_DAY)):
            path = self._day_path(day)
            if path.exists():
                active = meta_of(pq.read_schema(path))["active"]
                found.update({int(hour): count for hour, count in active.items()})
        return {hour: n for hour, n in sorted(found.items()) if first_hour <= hour < end_hour}

    def line(self, line: int, first_hour: int, end_hour: int) -> LineHours:
        """Return one line's use from `first_hour` up to, but without, `end_hour`."""
        found: dict[int, int] = {}
        for day in range(first_hour // HOURS_A_DAY, -(-end_hour // HOURS_A_DAY)):
            packed = self._line_in_pack(line, day)
            hours = range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY)
            if packed is not None:
                held, values = packed
                found.update({h: v for h, v in zip(hours, values, strict=True) if v is not None})
                hours_left = [hour for hour in hours if hour not in held]
            else:
                hours_left = list(hours)
            for hour in hours_left:
                used = self._line_in_hour(line, hour)
                if used is not None:
                    found[hour] = used
        used_bytes = tuple(found.get(hour) for hour in range(first_hour, end_hour))
        return LineHours(line=line, first_hour=first_hour, used_bytes=used_bytes)

    def _line_in_pack(
        self, line: int, day: int
    ) -> tuple[frozenset[int], Sequence[int | None]] | None:
        path = self._day_path(day)
        if not path.exists():
            return None
        with pq.ParquetFile(path, memory_map=True) as file:
            meta = meta_of(file.schema_arrow)
            held = frozenset(int(hour) for hour in meta["totals"])
            group = bisect_right(meta["first_lines"], line) - 1
            if group < 0:
                return held, (None,) * HOURS_A_DAY
            table = file.read_row_group(group, columns=["line", _USED], use_threads=False)
        at = int(np.searchsorted(table["line"].to_numpy(), line))
        if at == table.num_rows or table["line"][at].as_py() != line:
            return held, (None,) * HOURS_A_DAY
        return held, table[_USED][at].as_py()

    def _line_in_hour(self, line: int, hour: int) -> int | None:
        if not self.is_whole(hour):
            return None
        found = None
        for carrier in self.carriers:
            table = pq.read_table(self._hour_path(hour, carrier), use_threads=False)
            at = int(np.searchsorted(table["line"].to_numpy(), line))
            if at < table.num_rows and table["line"][at].as_py() == line:
                found = (found or 0) + int(table[_USED][at].as_py())
        return found

    def totals(self, first_hour: int, end_hour: int) -> Totals:
        """Add up packed days by hour and by line, each on its own."""
        by_hour: dict[int, Mapping[str, int]] = {}
        for day in range(first_hour // HOURS_A_DAY, -(-end_hour // HOURS_A_DAY)):
            by_hour.update(self._packed(day))
        inside = {h: c for h, c in sorted(by_hour.items()) if first_hour <= h < end_hour}
        missing = [hour for hour in range(first_hour, end_hour) if hour not in inside]
        sums = self._query(_SUM, first_hour, end_hour)
        return Totals(by_hour=inside, missing_hours=missing, lines_bytes=int(sums[0][0]))

    def by_line(self, first_hour: int, end_hour: int) -> tuple[Int64s, Int64s]:
        """Return all lines of the packed days and the sum of each, sorted by line.

        A line of which no hour was counted is not among them: it did not use zero.
        """
        rows = self._query(_BY_LINE, first_hour, end_hour)
        table = np.array(rows, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def top_lines(self, first_hour: int, end_hour: int, count: int) -> Sequence[tuple[int, int]]:
        """Return (line, bytes) of the `count` lines that used most in the packed days.

        On the first day of a month there is none yet: an hour that was not counted is no zero.
        """
        rows = self._query(_TOP_LINES, first_hour, end_hour, count)
        return [(int(line), int(used)) for line, used in rows if used is not None]

    def heatmap(self, first_hour: int, end_hour: int, count: int) -> Sequence[LineHours]:
        """Return the hours of the `count` lines that used most: line by hour."""
        top = self.top_lines(first_hour, end_hour, count)
        return [self.line(line, first_hour, end_hour) for line, _ in top]

    def _query(
        self, query: str, first_hour: int, end_hour: int, *more: int
    ) -> list[tuple[Any, ...]]:
        """Run `query` over ``used(line, u)``; DuckDB reads what memory does not hold."""
        days = range(first_hour // HOURS_A_DAY, -(-end_hour // HOURS_A_DAY))
        packed = [day for day in days if self._day_path(day).exists()]
        values: list[int | str | list[str]] = []
        sources: list[str] = []
        whole: list[str] = []
        for day in packed:
            path = str(self._day_path(day))
            first = max(0, first_hour - day * HOURS_A_DAY) + 1
            last = min(HOURS_A_DAY, end_hour - day * HOURS_A_DAY)
            if (first, last) == (1, HOURS_A_DAY):
                whole.append(path)
            else:
                sources.append(_PART_OF_A_DAY)
                values += [first, last, path]
        if whole:
            sources.append(_WHOLE_DAYS)
            values.append(whole)
        statement = f"WITH used AS ({' UNION ALL '.join(sources) or _NO_DAY}) {query}"
        # Order costs memory: 31 days of 1,000,000 lines do not fit in 1 GB with it.
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": "1GB",
            "threads": 2,
            "preserve_insertion_order": "false",
        }
        with duckdb.connect(config=config) as base:
            return base.execute(statement, [*values, *more]).fetchall()


def _places(
    parts: Mapping[tuple[int, str], Int64s],
) -> tuple[Int64s, Mapping[tuple[int, str], Int64s]]:
    """Return all lines in order, and where each part's lines are among them.

    Most hours of a carrier name the same lines; those are sorted and looked up once.
    """
    distinct: list[Int64s] = []
    which: dict[tuple[int, str], int] = {}
    for key, mine in parts.items():
        same = (i for i, other in enumerate(distinct) if np.array_equal(other, mine))
        which[key] = next(same, len(distinct))
        if which[key] == len(distinct):
            distinct.append(mine)
    lines = np.unique(np.concatenate(distinct))
    places = [np.searchsorted(lines, mine) for mine in distinct]
    return lines, {key: places[index] for key, index in which.items()}
