"""``harness.report.overview``: the runs of a directory, each read as often as it must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.clock import FakeClock
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import RunInfo
from harness.report.overview import Shelf, live
from harness.report.privacy import masking
from harness.verdict.verdict import Verdict
from tests.report.conftest import write_small

INFO = RunInfo(id="z", title="", plan="", bench="b", is_virtual=True, harness_version="0")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the runs that were opened, as they are."""
    names: list[str] = []
    really = RunRecord.open

    def noted(directory: Path) -> RunRecord:
        names.append(directory.name)
        return really(directory)

    monkeypatch.setattr(RunRecord, "open", noted)
    return names


def test_what_has_ended_is_read_once_and_again_when_it_changed(
    tmp_path: Path, opened: list[str]
) -> None:
    """A year of nights is read at the first look only."""
    run = write_small(tmp_path)
    shelf = Shelf(tmp_path)

    states = [[o.state for o in shelf.overviews()] for _ in range(3)]
    assert states == [["finished"]] * 3
    assert opened == [run.name]

    (run / "journal.sqlite").write_bytes(b"rubbish")
    assert [o.state for o in shelf.overviews()] == ["damaged"]


def test_a_run_going_on_is_read_at_each_look(tmp_path: Path) -> None:
    """Until it has ended."""
    shelf = Shelf(tmp_path)
    journal = RunJournal.create(tmp_path, INFO, FakeClock())

    before = [o.state for o in shelf.overviews()]
    journal.finish(Verdict.PASS)

    assert (before, [o.state for o in shelf.overviews()]) == (["running"], ["finished"])


def test_the_live_bench_opens_live_runs_only(tmp_path: Path, opened: list[str]) -> None:
    """It looks once a second, whatever lies beside."""
    write_small(tmp_path)
    with RunJournal.create(tmp_path, INFO, FakeClock()) as journal:
        live(Shelf(tmp_path), 0, masking())

    assert opened == [journal.directory.name]
