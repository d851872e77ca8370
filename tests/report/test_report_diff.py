"""`harness.report.diff`: what a new build changed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.core.clock import FakeClock
from harness.core.errors import UsageError
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.report.diff import as_values, diff, number_texts, table
from harness.report.selection import select
from harness.verdict.verdict import Verdict

P, F, E, INCONC = Verdict.PASS, Verdict.FAIL, Verdict.ERROR, Verdict.INCONC
Attempts = list[tuple[Verdict, Party | None]]


def run(runs_dir: Path, cases: dict[str, Attempts], rates: list[float]) -> Path:
    """Write a run: attempts by case, and a case of rates."""
    info = RunInfo(id="r", title="", plan="", bench="", is_virtual=True, harness_version="0")
    journal = RunJournal.create(runs_dir, info, FakeClock())
    unit = journal.unit(UnitInfo(imei="490154203237518", model="M", firmware="1"))
    for name, attempts in cases.items():
        for number, (verdict, owner) in enumerate(attempts, start=1):
            case = CaseInfo(id=name, version="1", title_en="", title_ja="")
            result = journal.begin_result(case, unit, number)
            result.finish(verdict, owner=owner, cause="because" if owner else "")
    for rate in rates:
        case = CaseInfo(id="RATE", version="1", title_en="", title_ja="")
        result = journal.begin_result(case, unit)
        result.measurement(Measurement(name="rate", value=rate, unit="bit/s"))
        result.measurement(Measurement(name="lost", value=None, unit="1"))
        result.finish(P)
    journal.finish(P)
    return journal.directory


BEFORE: dict[str, Attempts] = {
    "A-same": [(P, None)],
    "B-new": [(P, None)],
    "C-still": [(F, Party.CARRIER)],
    "D-fixed": [(F, Party.ROUTER)],
    "E-flaky": [(P, None)],
    "F-bench": [(P, None)],
    "G-gone": [(P, None)],
    "I-bench-before": [(E, Party.BENCH)],
}
AFTER: dict[str, Attempts] = {
    "A-same": [(P, None)],
    "B-new": [(F, Party.ROUTER)],
    "C-still": [(INCONC, Party.CARRIER)],
    "D-fixed": [(P, None)],
    "E-flaky": [(F, Party.ROUTER), (P, None)],
    "F-bench": [(E, Party.BENCH)],
    "H-added": [(P, None)],
    "I-bench-before": [(F, Party.ROUTER)],
}
SLOW = [380e3, 381e3, 382e3, 383e3, 384e3]
FAST = [480.5e3, 481.5e3, 482.5e3, 483.5e3, 484.5e3]


def test_each_case_is_put_where_it_belongs(tmp_path: Path) -> None:
    """A failure of the bench is neither new nor fixed; failed then passed is flaky."""
    found = diff(run(tmp_path, BEFORE, []), run(tmp_path, AFTER, []))

    assert [(c.case, c.change) for c in found.cases] == [
        ("B-new", "new"),
        ("I-bench-before", "new"),
        ("E-flaky", "flaky"),
        ("F-bench", "infrastructure"),
        ("C-still", "still"),
        ("D-fixed", "fixed"),
        ("G-gone", "gone"),
        ("H-added", "added"),
        ("A-same", "same"),
    ]
    (flaky,) = found.of("flaky")
    assert (flaky.before, flaky.after, flaky.owner) == ((P,), (F, P), "router")


def test_numbers_that_moved_come_with_effect_and_interval(tmp_path: Path) -> None:
    """100.5 kbit/s more, and five a side are enough to see it; what has no value is left out."""
    found = diff(run(tmp_path, {}, SLOW), run(tmp_path, {}, FAST))

    (rate,) = found.numbers
    assert (rate.case, rate.name, rate.unit, rate.moved) == ("RATE", "rate", "bit/s", True)
    assert rate.effect.shift == 100.5e3
    assert (rate.effect.low, rate.effect.high) == (97.5e3, 103.5e3)
    assert rate.p_corrected == pytest.approx(2 / 252)
    # by hand: variances 2.5e6, five a side: error 1000, t = 100.5 on 8 degrees; p is far below
    assert rate.welch_corrected is not None
    assert 0 < rate.welch_corrected < 1e-9


def test_ranks_decide_and_means_stand_beside(tmp_path: Path) -> None:
    """Three a side can never be below 0.1 by ranks, however clear the means are."""
    found = diff(run(tmp_path, {}, SLOW[:3]), run(tmp_path, {}, FAST[:3]))

    (rate,) = found.numbers
    (values,) = as_values(found)["numbers"]
    assert rate.p_corrected == pytest.approx(0.1)
    assert not rate.moved
    assert rate.welch_corrected is not None
    assert rate.welch_corrected < 1e-6
    assert (values["low"], values["high"], values["n"]) == (None, None, [3, 3])
    assert number_texts(rate)[2] == "too few values for one"


def test_a_lone_value_has_no_test_of_means(tmp_path: Path) -> None:
    """It is left out of the correction, too."""
    (rate,) = diff(run(tmp_path, {}, SLOW[:1]), run(tmp_path, {}, FAST)).numbers

    assert rate.welch_corrected is None
    assert number_texts(rate)[4] == "\N{EN DASH}"


def test_a_side_is_named_by_directory_build_or_days(tmp_path: Path) -> None:
    """Oldest first; a word that means no run says what would."""
    first, second = run(tmp_path, {}, SLOW), run(tmp_path, {}, FAST)
    day = first.name[:10]

    assert select(str(first), tmp_path) == [first]
    assert select(second.name, tmp_path) == [second]
    assert select(str(tmp_path), tmp_path / "elsewhere") == [first, second]
    assert select("build:1", tmp_path) == [first, second]
    assert select(f"{day}..{day}", tmp_path) == [first, second]
    with pytest.raises(UsageError, match=r"build:9: none of the 2 runs in .* is of it"):
        select("build:9", tmp_path)
    with pytest.raises(UsageError, match="none of the 2 runs"):
        select("1999-01-01..1999-12-31", tmp_path)
    with pytest.raises(UsageError, match="'1999-02-30' is not a day: day is out of range"):
        select("1999-02-30..1999-12-31", tmp_path)
    with pytest.raises(UsageError, match="'yesterday' is no run: name a directory, build:VERSION"):
        select("yesterday", tmp_path)


def test_several_runs_are_samples_of_one_side(tmp_path: Path) -> None:
    """A range of builds against a range; no run at all is a usage error."""
    first = [run(tmp_path, {}, SLOW[:2]), run(tmp_path, {}, SLOW[2:])]

    (rate,) = diff(first, run(tmp_path, {}, FAST)).numbers

    assert rate.effect.n_first == 5
    with pytest.raises(UsageError, match="at least one run on each side; name two directories"):
        diff([], first)


def test_the_table_shows_what_changed_and_what_could_be_seen(tmp_path: Path) -> None:
    """Equal cases are counted, not listed; routers by their last four digits."""
    out = io.StringIO()
    console = Console(file=out, width=140)

    console.print(table(diff(run(tmp_path, BEFORE, SLOW), run(tmp_path, AFTER, FAST))))

    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert lines[0] == "change case router before after owner cause"
    assert lines[1] == "new B-new ***********7518 pass fail router because"
    assert lines[-2].startswith(
        "RATE rate 100.5 kbit/s 97.5 kbit/s to 103.5 kbit/s 0.008 < 0.001 5, 5"
    )
    assert lines[-1] == (
        "2 new, 1 flaky, 1 infrastructure, 1 still, 1 fixed, 1 gone, 1 added, 2 same"
    )
