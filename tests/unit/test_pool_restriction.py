"""``harness.pool.restriction``: from the store to a list, and a card for each line on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.cli.pool_restrict import restrict
from harness.core.errors import UsageError
from harness.pool.feed_store import LineNumbers
from harness.pool.months import Month
from harness.pool.restriction import LineJudgement, judge_lines, judgement_json, judgement_text
from harness.pool.usage import UsageStore

pytestmark = pytest.mark.slow  # a store of 52 days takes seconds to write

GB = 1_000_000_000
FEBRUARY, MARCH = Month(year=2020, month=2), Month(year=2020, month=3)
TENTH = MARCH.first_hour + 9 * 24  # nine days of March are over
LINES = 40
HEAVY = 10


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> UsageStore:
    """Lines 0 to 9 use 240 GB in 30 days, the others 30 GB; from 18 January on, an hour missing."""
    store = UsageStore.create(tmp_path_factory.mktemp("restriction") / "usage", carriers=["44010"])
    lines = np.arange(LINES, dtype=np.int64)
    used = np.where(lines < HEAVY, 240 * GB // 720, 30 * GB // 720)
    first = FEBRUARY.first_hour - 14 * 24
    for hour in range(first, TENTH):
        if hour != MARCH.first_hour + 30:
            store.write_hour(hour, "44010", lines, used)
    for day in range(first // 24, TENTH // 24 + 1):
        store.pack_day(day)
    numbers = LineNumbers.of(store)
    for line in range(LINES):
        numbers.number(f"L{line:02d}")
    numbers.save()
    return store


@pytest.fixture(scope="module")
def judged(store: UsageStore) -> LineJudgement:
    """The rule for 200 GB as 10 March begins."""
    return judge_lines(store, now_hour=TENTH, at_least_bytes=200e9, at_least_chance=0.5)


def test_the_heavy_lines_are_listed_and_no_other(judged: LineJudgement) -> None:
    """Ten of forty; fitted on February as it stood after nine days."""
    assert sorted(judged.listed.lines) == list(range(HEAVY))
    assert judged.rule.fitted_on == "2020-02, day 9"
    assert (judged.rule.month_day, judged.rule.month_days) == (9, 31)
    assert judged.expected == pytest.approx(HEAVY, abs=0.5)
    assert judged.listed.expected_wrong < 0.5


def test_days_of_the_zone_are_added_up(judged: LineJudgement) -> None:
    """A day in Tokyo of 24 hours; the second of March has one hour less, which is told."""
    assert judged.known.shape == (LINES, 28 + 9)
    assert judged.known[0, -9] == 24 * (240 * GB // 720)
    assert judged.known[0, -8] == 23 * (240 * GB // 720)
    assert judged.missing_hours == 1


def test_the_text_says_how_many_are_wrong(judged: LineJudgement) -> None:
    """Beside any list."""
    text = judgement_text(judged, lambda line: f"L{line:02d}")

    assert len(text.splitlines()) == HEAVY + 3
    assert "10 of 40 lines listed for 200 GB or more in the month; 0." in text
    assert "of them are expected not to come to it" in text
    assert text.splitlines()[-1].endswith("in no number: 1")


def test_the_json_holds_what_the_list_follows_from(judged: LineJudgement) -> None:
    """Rule, weights, date, lines by name."""
    found = judgement_json(judged, lambda line: f"L{line:02d}")

    assert found["on"] == "2020-03-10"
    assert {row["line"] for row in found["listed"]} == {f"L{n:02d}" for n in range(HEAVY)}
    assert len(found["weights"]) == 4
    assert found["missing_hours"] == 1


def test_the_command_prints_the_card_of_a_line(
    store: UsageStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the name that the feed gave it, Japanese first."""
    restrict(
        store.root, at_least="200 GB", chance=0.5, now_hour=TENTH, line="L03",
        effect="25 GB", appeal="0120-000-000", as_json=False,
    )  # fmt: skip
    card = capsys.readouterr().out.splitlines()

    assert card[0] == "回線 L03 判定日 2020-03-10 規則 line-odds-1 学習 2020-02, day 9"
    assert "used 71.67 GB in 9 days" in card[5]
    assert card[-2] == "effect: 25 GB; to object: 0120-000-000"
    assert card[-1] == "hours that nobody counted, and that are in no number: 1"


def test_the_command_lists_as_text_and_as_json(
    store: UsageStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same lines on both."""
    for as_json in (False, True):
        restrict(
            store.root, at_least="200 GB", chance=0.5, now_hour=TENTH, line=None,
            effect="", appeal="", as_json=as_json,
        )  # fmt: skip
    *text, data = capsys.readouterr().out.splitlines()

    assert [line.split()[0] for line in text[:HEAVY]] == [
        row["line"] for row in json.loads(data)["listed"]
    ]


def test_a_line_of_no_name_is_refused(store: UsageStore) -> None:
    """Neither a feed's name nor a number that used anything."""
    for line, says in (("nobody", "was never in a feed"), ("77", "line 77 used nothing in the 37")):
        with pytest.raises(UsageError, match=says):
            restrict(
                store.root, at_least="200 GB", chance=0.5, now_hour=TENTH, line=line,
                effect="", appeal="", as_json=False,
            )  # fmt: skip


def test_a_store_that_is_too_short_is_refused(tmp_path: Path) -> None:
    """No day at all, and none before February."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010"])
    with pytest.raises(UsageError, match="needs 7 days before it"):
        judge_lines(store, now_hour=TENTH, at_least_bytes=1e9, at_least_chance=0.5)
