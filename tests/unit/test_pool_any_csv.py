"""``harness.pool.any_csv``: the columns of a file that nobody described."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.pool.any_csv import read_any_csv
from harness.pool.bench_cases import cases_of_file


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cells.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_date_beside_an_hour_and_a_cell_by_row(tmp_path: Path) -> None:
    """Month first, because 23 is no month."""
    path = _file(
        tmp_path,
        "Date,Hour,CellName,Traffic\n"
        "10/23/2017,1,Cell_000113,0.25\n"
        "10/23/2017,2,Cell_000113,0.5\n"
        "10/24/2017,0,Cell_000111,7\n",
    )

    shape, (one, two) = read_any_csv(path)

    assert shape.text == "time 'Date', hour 'Hour', series 'CellName', value 'Traffic'"
    assert (one.name, one.first_day, one.hours[0, 0]) == (
        "cells Cell_000111",
        date(2017, 10, 24),
        7,
    )
    assert (two.hours[0, 1], two.hours[0, 2]) == (0.25, 0.5)


def test_one_column_a_series(tmp_path: Path) -> None:
    """ISO times; an empty field is a missing hour."""
    path = _file(tmp_path, "ts,a,b\n2020-01-01 05:00:00,1,2\n2020-01-01 06:00:00,,4\n")

    shape, (a, b) = read_any_csv(path)

    assert shape.text == "time 'ts', value 'a', 'b'"
    assert (a.hours[0, 5], b.hours[0, 6]) == (1.0, 4.0)
    assert a.hours[0, 6] != a.hours[0, 6]  # not a number


def test_milliseconds_since_1970_and_a_square(tmp_path: Path) -> None:
    """2013-11-01T00:00Z; ten-minute rows of one hour are averaged."""
    path = _file(
        tmp_path,
        "square_id,time_ms,sms,internet\n1,1383264000000,3,10\n1,1383264600000,3,20\n",
    )

    shape, (only,) = read_any_csv(path)

    assert shape.text == "time 'time_ms', series 'square_id', value 'internet'"
    assert (only.first_day, only.hours[0, 0]) == (date(2013, 11, 1), 15.0)


def test_day_first_when_it_must_be(tmp_path: Path) -> None:
    """13/02 is the 13th of February."""
    path = _file(tmp_path, "when,bytes\n13/02/2020 04:00,5\n")

    _, (only,) = read_any_csv(path)

    assert (only.first_day, only.hours[0, 4]) == (date(2020, 2, 13), 5.0)


def test_series_are_told_apart_under_any_name(tmp_path: Path) -> None:
    """No word of ours is in 'Mast'; a weekday repeats as well, and parts no hour."""
    rows = [
        f"2020-01-0{day},{hour},{weekday},{mast},{amount}\n"
        for day, weekday in ((1, "Wed"), (2, "Thu"))
        for hour in (5, 6)
        for mast, amount in (("north", 1), ("south", 3))
    ]
    path = _file(tmp_path, "date,hour,weekday,Mast,traffic_mb\n" + "".join(rows))

    shape, (north, south) = read_any_csv(path)

    assert shape.text == "time 'date', hour 'hour', series 'Mast', value 'traffic_mb'"
    assert (north.name, north.hours[0, 5], south.hours[1, 6]) == ("cells north", 1.0, 3.0)


def test_semicolons_bring_decimal_commas(tmp_path: Path) -> None:
    """As spreadsheets of half of Europe write them; day first."""
    path = _file(
        tmp_path, "Time;Cell A (GB);Cell B (GB)\n31/12/2019 05:00;1,5;-2\n31/12/2019 06:00;0,25;\n"
    )

    shape, (one, two) = read_any_csv(path)

    assert shape.text == "time 'Time', value 'Cell A (GB)', 'Cell B (GB)'"
    assert one.hours[0, 5:7].tolist() == [1.5, 0.25]
    assert two.hours[0, 5] == -2.0


def test_a_file_is_judged_as_a_sum_and_series_by_series(tmp_path: Path) -> None:
    """Two cells of 1 and 2 a hour; the sum is 3, and one series may be enough."""
    rows = [
        f"2020-01-{day:02d} {hour:02d}:00,{cell},{cell}"
        for day in range(1, 3)
        for hour in range(24)
        for cell in (1, 2)
    ]
    path = _file(tmp_path, "ts,cell,load\n" + "\n".join(rows) + "\n")
    _, series = read_any_csv(path)

    cases = cases_of_file(series, name="cells", most=1)

    assert [(case.name, case.truth.tolist()) for case in cases] == [
        ("cells sum", [72.0, 72.0]),
        ("cells each", [24.0, 24.0]),
    ]
    assert [case.name for case in cases_of_file(series[:1], name="one")] == ["one each"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\nx,1\n", "cells.csv: no column is a time in every row; it has a, b"),
        ("ts,b\n2020-01-01,x\n", "no column of numbers beside the time 'ts'; it has ts, b"),
    ],
)
def test_a_file_without_time_or_number_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """With the columns that it has."""
    with pytest.raises(UsageError, match=message):
        read_any_csv(_file(tmp_path, text))
