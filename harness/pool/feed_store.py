"""From a checked feed to the usage store: line names become numbers, hours become files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from harness.core.errors import BenchError
from harness.pool.feed import FeedRow
from harness.pool.usage import UsageStore


class LineNumbers:
    """Numbers of line names, kept beside the store; a name keeps its number for ever."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers: dict[str, int] = {}
        if path.exists():
            try:
                names = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as exc:
                msg = f"{path.name} is not readable: {exc}; restore it, the store's lines need it"
                raise BenchError(msg) from exc
            self._numbers = {name: number for number, name in enumerate(names)}
        self._names = list(self._numbers)

    @classmethod
    def of(cls, store: UsageStore) -> LineNumbers:
        """Return the numbers of a store's lines."""
        return cls(store.root / "lines.json")

    def number(self, line: str) -> int:
        """Return the number of `line`, a new one if it has none yet."""
        found = self._numbers.setdefault(line, len(self._names))
        if found == len(self._names):
            self._names.append(line)
        return found

    def known(self, line: str) -> int | None:
        """Return the number of `line`; None if it was never in a feed."""
        return self._numbers.get(line)

    def name(self, number: int) -> str:
        """Return the name of a number, or the number itself if it has none."""
        return self._names[number] if 0 <= number < len(self._names) else str(number)

    def save(self) -> None:
        """Write the names; the old file stays until the new one is whole."""
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._names, ensure_ascii=False), encoding="utf-8")
        part.replace(self._path)


def store_rows(
    store: UsageStore, rows: Iterable[FeedRow], numbers: LineNumbers
) -> Sequence[tuple[int, str]]:
    """Write checked rows, one file for each hour and carrier; return those (hour, carrier).

    Lines of one carrier that are in several rows of an hour are added up.

    Raises:
        UsageError: An hour of a carrier is already in the store, or the carrier is not its.
    """
    files: dict[tuple[int, str], dict[int, int]] = {}
    for row in rows:
        used = files.setdefault((row.hour, row.carrier), {})
        number = numbers.number(row.line)
        used[number] = used.get(number, 0) + row.used_bytes
    numbers.save()
    for (hour, carrier), used in sorted(files.items()):
        lines = np.array(list(used), np.int64)
        store.write_hour(hour, carrier, lines, np.array(list(used.values()), np.int64))
    return sorted(files)
