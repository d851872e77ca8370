"""``harness.pool.usage``: a whole hour or nothing, one line quickly, totals to the byte."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import BenchError, UsageError
from harness.pool.usage import UsageStore

DAY = 18_293
FIRST = DAY * 24
CARRIERS = ["44010", "44051"]


def _write(store: UsageStore, hour: int, carrier: str, used: dict[int, int]) -> None:
    store.write_hour(
        hour, carrier, np.array(list(used), np.int64), np.array(list(used.values()), np.int64)
    )


def _store(tmp_path: Path) -> UsageStore:
    """Hours 0 and 1 are whole, hour 2 lacks one carrier."""
    store = UsageStore.create(tmp_path / "usage", carriers=CARRIERS)
    _write(store, FIRST, "44010", {7: 100, 3: 0})
    _write(store, FIRST, "44051", {9: 30_000_000_000})
    _write(store, FIRST + 1, "44010", {3: 5})
    _write(store, FIRST + 1, "44051", {3: 6, 9: 1})
    _write(store, FIRST + 2, "44010", {3: 1000})
    return store


@pytest.mark.parametrize("packed", [False, True])
def test_a_missing_hour_is_none_and_an_idle_hour_is_zero(tmp_path: Path, packed: object) -> None:
    """Before and after packing the same values come back; the hour that is not whole does not."""
    store = _store(tmp_path)
    if packed:
        assert store.pack_day(DAY) == 2

    assert store.line(3, FIRST, FIRST + 4).used_bytes == (0, 11, None, None)
    assert store.line(7, FIRST, FIRST + 2).used_bytes == (100, None)
    assert store.line(9, FIRST - 1, FIRST + 2).used_bytes == (None, 30_000_000_000, 1)
    assert store.line(1, FIRST, FIRST + 1).used_bytes == (None,)
    assert store.line(99, FIRST, FIRST + 1).used_bytes == (None,)
    assert store.line(3, FIRST, FIRST + 4).total_bytes == 11
    assert store.line(3, FIRST, FIRST + 4).missing_hours == 2


def test_a_line_of_which_no_hour_was_counted_is_not_among_the_lines(tmp_path: Path) -> None:
    """Hour 1 is whole without line 7, hours 3 and 4 are not there at all."""
    store = _store(tmp_path)
    store.pack_day(DAY)

    lines, used = store.by_line(FIRST + 1, FIRST + 3)
    none, _ = store.by_line(FIRST + 3, FIRST + 5)

    assert dict(zip(lines.tolist(), used.tolist(), strict=True)) == {3: 11, 9: 1}
    assert none.size == 0


def test_totals_equal_the_sum_of_lines_to_the_byte(tmp_path: Path) -> None:
    """By hour and carrier on one side, by line on the other."""
    store = _store(tmp_path)
    store.pack_day(DAY)

    totals = store.totals(FIRST, FIRST + 3)

    assert totals.by_hour == {
        FIRST: {"44010": 100, "44051": 30_000_000_000},
        FIRST + 1: {"44010": 5, "44051": 7},
    }
    assert totals.missing_hours == [FIRST + 2]
    assert (totals.hours_bytes, totals.lines_bytes) == (30_000_000_112, 30_000_000_112)
    assert totals.agree
    assert store.active_lines(FIRST, FIRST + 24) == {FIRST: 2, FIRST + 1: 2}
    lines, used = store.by_line(FIRST, FIRST + 24)
    assert dict(zip(lines.tolist(), used.tolist(), strict=True)) == {
        3: 11,
        7: 100,
        9: 30_000_000_001,
    }


def test_part_of_a_day_is_added_up_as_a_part(tmp_path: Path) -> None:
    """Hour 1 alone."""
    store = _store(tmp_path)
    store.pack_day(DAY)

    assert store.top_lines(FIRST + 1, FIRST + 2, 1) == [(3, 11)]
    assert store.totals(FIRST + 1, FIRST + 2).lines_bytes == 12


def test_a_pack_is_made_again_when_an_hour_becomes_whole(tmp_path: Path) -> None:
    """The late carrier's file makes hour 2 whole."""
    store = _store(tmp_path)
    store.pack_day(DAY)
    _write(store, FIRST + 2, "44051", {9: 4})

    assert store.line(3, FIRST + 2, FIRST + 3).used_bytes == (1000,)
    assert store.pack_day(DAY) == 3
    assert store.line(3, FIRST + 2, FIRST + 3).used_bytes == (1000,)
    assert store.drop_packed(DAY) == 0


@pytest.mark.slow
def test_hour_files_go_only_when_the_whole_day_is_packed(tmp_path: Path) -> None:
    """24 hours of one carrier."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010"])
    for hour in range(24):
        _write(store, FIRST + hour, "44010", {1: hour})
    store.pack_day(DAY)

    assert store.drop_packed(DAY) == 24
    assert store.line(1, FIRST, FIRST + 24).used_bytes == tuple(range(24))
    assert [line.line for line in store.heatmap(FIRST, FIRST + 24, 5)] == [1]


def test_an_hour_is_written_once(tmp_path: Path) -> None:
    """A second collector of the same hour is told, and the first one's numbers stay."""
    store = _store(tmp_path)

    with pytest.raises(UsageError, match="44010 is already in the store; hours are written once"):
        _write(store, FIRST, "44010", {7: 1})
    assert store.line(7, FIRST, FIRST + 1).used_bytes == (100,)


@pytest.mark.parametrize(
    ("carrier", "lines", "used", "message"),
    [
        ("44020", [1], [1], "'44020' is not a carrier of this store; it has 44010, 44051"),
        ("44010", [1, 1], [1, 2], "line 1 twice"),
        ("44010", [1], [-1], "a negative number of bytes"),
    ],
)
def test_an_hour_that_cannot_be_counted_is_refused(
    tmp_path: Path, carrier: str, lines: list[int], used: list[int], message: str
) -> None:
    """And nothing of it is left behind."""
    store = UsageStore.create(tmp_path / "usage", carriers=CARRIERS)

    with pytest.raises(UsageError, match=message):
        store.write_hour(FIRST, carrier, np.array(lines), np.array(used))
    assert list((tmp_path / "usage" / "hours").rglob("*.parquet")) == []


@pytest.mark.slow
def test_a_reader_beside_many_writers_sees_whole_hours_only(tmp_path: Path) -> None:
    """Each hour is 0 bytes or all 2,000 bytes of both carriers, never one carrier's half."""
    store = UsageStore.create(tmp_path / "usage", carriers=CARRIERS)

    def collect(carrier: str) -> None:
        for hour in range(12):
            _write(store, FIRST + hour, carrier, dict.fromkeys(range(10), 100))

    writers = [threading.Thread(target=collect, args=(carrier,)) for carrier in CARRIERS]
    for writer in writers:
        writer.start()
    seen: set[int | None] = set()
    while any(writer.is_alive() for writer in writers):
        seen.update(store.line(5, FIRST, FIRST + 12).used_bytes)
    for writer in writers:
        writer.join()

    seen.update(store.line(5, FIRST, FIRST + 12).used_bytes)
    assert seen - {None} == {200}
    left = [path.name for path in (tmp_path / "usage").rglob(".part-*")]
    assert left == []


def test_another_store_is_not_opened_by_mistake(tmp_path: Path) -> None:
    """Other carriers, or no store at all."""
    UsageStore.create(tmp_path / "usage", carriers=CARRIERS)

    with pytest.raises(UsageError, match="usage is a store of"):
        UsageStore.create(tmp_path / "usage", carriers=["44020"])
    with pytest.raises(BenchError, match="empty is not a usage store"):
        UsageStore.open(tmp_path / "empty")


def test_an_empty_range_has_no_lines(tmp_path: Path) -> None:
    """No pack, no rows, no error."""
    store = _store(tmp_path)

    assert store.pack_day(DAY + 1) == 0
    assert store.top_lines(FIRST + 24, FIRST + 48, 3) == []
    assert store.totals(FIRST + 24, FIRST + 25).lines_bytes == 0


def test_values_of_every_size_come_back(tmp_path: Path) -> None:
    """From one byte to more than 32 bits hold."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010"])
    values = [0, 1, 255, 65_536, 4_294_967_296, 9_007_199_254_740_993]
    _write(store, FIRST, "44010", dict(zip(itertools.count(), values)))
    store.pack_day(DAY)

    assert [store.line(n, FIRST, FIRST + 1).used_bytes[0] for n in range(6)] == values
