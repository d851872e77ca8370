"""``harness.cli.reap``: files of old runs go, and it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.reap import keep_within
from harness.core.clock import FakeClock
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.verdict.verdict import Verdict

DAY_S = 86_400.0


def finished_run(runs: Path, name: str, clock: FakeClock) -> Path:
    """Write a run with one kept file of 2,000 bytes; return the file."""
    info = RunInfo(id=name, title="", plan="", bench="b", is_virtual=True, harness_version="0")
    with RunJournal.create(runs, info, clock) as journal:
        unit = journal.unit(UnitInfo(imei="490154203237518", model="M", firmware="1"))
        case = CaseInfo(id="C", version="1", title_en="", title_ja="")
        result = journal.begin_result(case, unit)
        path = journal.directory / "at.txt"
        path.write_bytes(b"AT\r\n" * 500)
        result.artifact(path, "at-transcript")
        result.finish(Verdict.PASS)
        journal.finish(Verdict.PASS)
    return path


@pytest.mark.parametrize(
    ("days", "room_bytes", "said"),
    [
        (2, None, ["removed 1 files of {old} (2 kB) for age"]),
        (None, 2_000, ["removed 1 files of {old} (2 kB) for room"]),
        (
            None,
            1_999,
            [
                "removed 1 files of {old} (2 kB) for room",
                "removed 1 files of {new} (2 kB) for room",
            ],
        ),
        (4, 4_000, []),
        (None, None, []),
    ],
)
def test_files_go_by_age_and_by_room(
    tmp_path: Path, days: int | None, room_bytes: int | None, said: list[str]
) -> None:
    """The oldest first; what is within both caps stays, and without caps everything."""
    clock = FakeClock(utc_us=1_795_660_800_000_000)
    old = finished_run(tmp_path, "old", clock)
    clock.sleep(3 * DAY_S)
    new = finished_run(tmp_path, "new", clock)
    names = {"old": old.parent.name, "new": new.parent.name}
    told: list[str] = []

    keep_within(tmp_path, days, room_bytes, clock=clock, say=told.append)

    assert told == [line.format(**names) for line in said]
    assert [p.exists() for p in (old, new)] == [
        not any(name in line for line in told) for name in names.values()
    ]
