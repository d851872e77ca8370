"""``harness.pool.look``, ``view``, ``page`` and ``ledger_file``: the screens of the SIM pool."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from harness.cli.pool import pool
from harness.core.errors import UsageError
from harness.pool.balance import Dry, Step
from harness.pool.contract import NO_SHORT_WINDOW, Contract, ResetRule
from harness.pool.ledger import Evidence, Ledger, SimEntry
from harness.pool.ledger_file import dump_ledger, load_ledger
from harness.pool.look import WhatIf, look
from harness.pool.months import Month
from harness.pool.page import month_page, page_sources, pool_page, replay_page
from harness.pool.replay import run_replay
from harness.pool.scenario import load_scenario
from harness.pool.state import SimEvent, SimState
from harness.pool.usage import UsageStore
from harness.pool.view import PoolView, dates_of, four_numbers, pool_json, pool_text

GB = 1_000_000_000
FEBRUARY = Month(year=2020, month=2)
TERMS = Contract(
    carrier="44010",
    plan="100 GB",
    quota_bytes=100 * GB,
    reset=ResetRule(day=1, hour=0, zone="Asia/Tokyo"),
    throttle_rate_bps=128_000,
    short_window=NO_SHORT_WINDOW,
    source="contract 7",
    disclosed=True,
)


def _ledger() -> Ledger:
    """Two SIMs at full rate with 50 GB used each, one unknown, one of unknown terms, one spent."""
    blank = replace(TERMS, carrier="44051", reset=None, source="", disclosed=False)
    ledger = Ledger(
        SimEntry(sim=f"S{n}", contract=blank if n == 3 else TERMS, slot=f"b1/{n}") for n in range(5)
    )
    for sim in ("S0", "S1", "S3"):
        ledger.learn(Evidence(sim=sim, event=SimEvent.MEASURED_FULL, at_us=1, source="verdict"))
    for sim in ("S0", "S1"):
        ledger.count(sim, 50 * GB, at_us=2, source="tap")
    ledger.count("S4", 100 * GB, at_us=2, source="tap")
    return ledger


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> UsageStore:
    """Ten lines that use 1 GB an hour together, from 15 January on; one hour is missing."""
    store = UsageStore.create(tmp_path_factory.mktemp("pool") / "usage", carriers=["44010"])
    first = Month(year=2020, month=1).first_hour + 14 * 24
    end = FEBRUARY.first_hour + 10 * 24
    for hour in range(first, end):
        if hour != FEBRUARY.first_hour + 5:
            store.write_hour(
                hour, "44010", np.arange(10, dtype=np.int64), np.full(10, GB // 10, np.int64)
            )
    for day in range(first // 24, end // 24 + 1):
        store.pack_day(day)
    return store


@pytest.fixture(scope="module")
def view(store: UsageStore) -> PoolView:
    """The pool as 11 February begins."""
    now = FEBRUARY.first_hour + 10 * 24 + 7
    return look(store, _ledger(), now_hour=now, lead_days=3, flaws={"stale": 2})


@pytest.mark.slow
def test_the_pool_is_seen_as_the_day_begins(view: PoolView) -> None:
    """24 GB a day, 100 GB left: four days; 696 GB asked for in 29 days, 300 GB of capacity."""
    assert (view.day, view.month_day, view.missing_hours) == (date(2020, 2, 11), 10, 1)
    assert view.asked_bytes[1] == 24.0 * GB
    assert view.outlook.use_bytes.p50 == pytest.approx(696 * GB, rel=0.01)
    assert view.outlook.capacity_bytes.p50 == 300 * GB
    assert view.outlook.capacity_bytes.p90 == 400 * GB + 100 * GB
    assert view.outlook.dry_by_bytes.p50 == 4
    assert view.outlook.p_dry > 0.99
    assert view.outlook.dry_by_count.p50 == 0  # ten lines at once, two SIMs
    assert len(view.heat) == 10
    assert view.heat[0].used_bytes[5] is None


@pytest.mark.slow
def test_each_question_has_its_own_landing(store: UsageStore) -> None:
    """Three SIMs more tomorrow; one carrier dark; lines of 60 GB capped at 25 GB."""
    now = FEBRUARY.first_hour + 10 * 24

    def ask(what_if: WhatIf) -> PoolView:
        return look(store, _ledger(), now_hour=now, lead_days=3, what_if=what_if)

    more = ask(WhatIf(steps=[Step(in_days=1, sims=5, quota_bytes=100 * GB)]))
    dark = ask(WhatIf(dark_carrier="44010"))
    cap = ask(WhatIf(heavy_bytes=60 * GB, cap_bytes=25 * GB))

    assert more.outlook.capacity_bytes.p50 == 800 * GB
    assert more.outlook.dry_by_bytes.p50 is None
    assert dark.outlook.dry_by_bytes.p50 == 0
    # Each of ten lines has used 24 GB and would come to 69.6: 1 of 45.6 GB is left to it.
    assert cap.outlook.use_bytes.p50 == pytest.approx(250 * GB, rel=0.01)
    assert more.carriers[0].outlook is not None
    assert more.carriers[0].outlook.use_bytes.p50 == pytest.approx(696 * GB, rel=0.01)
    assert more.carriers[1].outlook is not None
    assert more.carriers[1].outlook.use_bytes.p50 == 0.0


@pytest.mark.slow
def test_the_command_asks_what_if_and_says_that_it_did(
    store: UsageStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """100 GB of 24 GB a day are gone on the 15th; five SIMs more last; the page says so, too."""
    ledger, page = tmp_path / "ledger.json", tmp_path / "pool.html"
    ledger.write_text(dump_ledger(_ledger()), encoding="utf-8")
    now = FEBRUARY.first_hour + 10 * 24
    more = "add 5 SIMs of 100 GB on 2020-02-12"
    asked: tuple[list[str], ...] = ([], [more])

    for texts in asked:
        pool(store.root, ledger, now_hour=now, lead_days=3, asked=texts, out=None, as_json=True)
    pool(store.root, ledger, now_hour=now, lead_days=3, asked=[more], out=None, as_json=False)
    pool(store.root, ledger, now_hour=now, lead_days=3, asked=[more], out=page, as_json=False)
    plain, supposed, text, *_ = capsys.readouterr().out.splitlines()

    assert (json.loads(plain)["supposing"], json.loads(supposed)["supposing"]) == ([], [more])
    assert json.loads(plain)["outlook"]["dry_by_bytes_days"][1] == 4
    assert json.loads(supposed)["outlook"]["dry_by_bytes_days"][1] is None
    assert text == f"supposing: {more}"
    assert f"supposing: {more}" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_store_that_begins_in_the_month_knows_nothing_of_its_first_days(tmp_path: Path) -> None:
    """From 6 January on; seen on the 11th, five unknown days are taken from the others."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010"])
    january = Month(year=2020, month=1).first_hour
    for hour in range(january + 5 * 24, january + 10 * 24):
        store.write_hour(hour, "44010", np.array([1]), np.array([GB]))
    for day in range(january // 24, january // 24 + 11):
        store.pack_day(day)

    view = look(store, _ledger(), now_hour=january + 10 * 24, lead_days=3)

    assert view.outlook.use_bytes.p50 == pytest.approx(31 * 24 * GB, rel=0.01)
    assert view.missing_hours == 120


@pytest.mark.slow
def test_the_terminal_shows_states_and_four_numbers_in_words(view: PoolView) -> None:
    """Columns for awk, words for people, and what is not disclosed."""
    text = pool_text(view)

    assert text.splitlines()[0].split()[:3] == ["carrier", "healthy", "near_cap"]
    assert text.splitlines()[1].split()[:4] == ["44010", "2", "0", "1"]
    assert "44051       1 SIMs 未開示 not disclosed" in text
    assert "2 of 5 SIMs are at full rate" in text
    assert "100 GB of 500 GB are left" in text
    assert "by gigabytes 2020-02-15" in text
    assert "1 hours of the month are missing, they are not zero" in text
    assert "largest carrier 44010 holds 80 % of the SIMs, ABOVE the limit of 60 %" in text
    assert "stale  2" in text


@pytest.mark.slow
def test_the_page_is_one_file_that_holds_its_data(view: PoolView) -> None:
    """No address of another machine in it, and nothing in the data can end its script."""
    noted = replace(view, note="</script><b>")
    page = pool_page([noted], title="pool")

    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["views"][0]["note"] == "</script><b>"
    assert data["views"][0]["words"] == list(four_numbers(view))
    addresses = set(re.findall(r"https?://[^\"' ]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert pool_json(view)["outlook"]["p_dry"] > 0.99
    with pytest.raises(UsageError, match="a page needs at least one view"):
        pool_page([], title="pool")


@pytest.mark.slow
def test_a_replay_has_a_page_with_a_view_a_day() -> None:
    """1 February to 5 March: 34 days."""
    scenario = load_scenario("outage-2020")
    small = replace(scenario, model=replace(scenario.model, lines=300))
    page = replay_page(run_replay(small, branches=False, as_of=date(2020, 3, 5)))

    assert page.count('"month_day":') == 34
    assert "still slow after the reset" in page


def test_dates_are_written_with_their_range() -> None:
    """Days are counted from the view's day."""
    day = date(2020, 3, 1)

    assert dates_of(day, Dry(p10=18, p50=20, p90=22)) == "2020-03-21 (2020-03-19 to 2020-03-23)"
    assert dates_of(day, Dry(p10=18, p50=20, p90=None)) == "2020-03-21 (2020-03-19 to later)"
    assert dates_of(day, Dry(p10=18, p50=None, p90=None)) == "perhaps from 2020-03-19"
    assert dates_of(day, Dry(p10=None, p50=None, p90=None)) == "not this month"


def test_a_store_without_a_whole_day_cannot_be_looked_at(tmp_path: Path) -> None:
    """The message says what to do."""
    store = UsageStore.create(tmp_path / "usage", carriers=["44010"])

    with pytest.raises(UsageError, match="no whole day before 2020-02-02; pack its days first"):
        look(store, _ledger(), now_hour=FEBRUARY.first_hour + 30, lead_days=1)


def test_a_ledger_survives_a_restart() -> None:
    """Terms, states, counts and evidence; a quarantine too."""
    ledger = _ledger()
    ledger.learn(
        Evidence(sim="S1", event=SimEvent.QUARANTINE_ORDERED, at_us=9, source="operator", note="?")
    )

    again = load_ledger(dump_ledger(ledger))

    assert again.entries == ledger.entries
    assert again.entry("S1").state is SimState.QUARANTINED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "SIM ledger: not JSON"),
        ("[]", "expected the format 'cloudsim-sim-ledger-1'"),
        ('{"format": "cloudsim-sim-ledger-1", "sims": [{"sim": "S1"}]}', "S1: carrier is missing"),
        (
            (
                '{"format": "cloudsim-sim-ledger-1", "sims": '
                '[{"sim": "S1", "slot": "b/1", "carrier": "44010", "state": "fine"}]}'
            ),
            "S1: 'fine' is not a valid SimState",
        ),
    ],
)
def test_a_file_that_is_no_ledger_is_refused(text: str, message: str) -> None:
    """With the SIM and the key."""
    with pytest.raises(UsageError, match=message):
        load_ledger(text)


def test_a_registry_of_contracts_begins_with_unknown_sims() -> None:
    """No state in the file: nothing is healthy."""
    ledger = load_ledger(
        '{"format": "cloudsim-sim-ledger-1", "sims": '
        '[{"sim": "S1", "slot": "b/1", "carrier": "44010"}]}'
    )

    assert ledger.entry("S1").state is SimState.UNKNOWN
    assert ledger.not_counted()["S1"] == (
        "quota",
        "reset",
        "throttle_rate",
        "short_window",
        "source",
    )


@pytest.mark.slow
def test_the_page_of_a_lab_has_a_view_for_each_day_of_the_month(store: UsageStore) -> None:
    """Up to now; what lies before the store's first day is left out."""
    now = FEBRUARY.first_hour + 10 * 24 + 7
    page = month_page(store, _ledger(), now_hour=now, lead_days=3)
    data = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])

    assert [view["day"] for view in data["views"]] == [f"2020-02-{n:02d}" for n in range(1, 12)]
    assert {view["note"] for view in data["views"][:-1]} == {"the SIMs are shown as they are now"}
    assert data["views"][-1]["note"] == ""


def test_what_the_page_runs_is_what_a_policy_is_made_of() -> None:
    """Script and style stand in the page word for word."""
    script, style = page_sources()
    page = resources.files("harness.pool").joinpath("page.html").read_text(encoding="utf-8")

    assert script.startswith('\n"use strict";')
    assert f"<script>{script}</script>" in page
    assert f"<style>{style}</style>" in page
