"""`harness.record.analysis`: one question over many sealed runs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.core.clock import FakeClock
from harness.core.errors import BenchError, UsageError
from harness.core.party import Party
from harness.record.analysis import Archive
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.record.seal import seal
from harness.verdict.verdict import Verdict

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def sealed_run(runs_dir: Path, clock: FakeClock, verdict: Verdict) -> Path:
    """Write and seal a run of one case on one router."""
    info = RunInfo(id="n", title="", plan="p", bench="b", is_virtual=True, harness_version="0")
    journal = RunJournal.create(runs_dir, info, clock)
    unit = journal.unit(UnitInfo(imei="1", model="M", firmware="1.2"))
    case = CaseInfo(id="CS-1", version="1", title_en="", title_ja="")
    owner = Party.CARRIER if verdict is Verdict.FAIL else None
    journal.begin_result(case, unit).finish(verdict, owner=owner)
    journal.not_run(case, unit, "no")
    journal.finish(verdict)
    seal(journal.directory, KEY, clock=clock, keep_journal=False)
    clock.sleep(86_400.0)
    return journal.directory


@pytest.mark.slow
def test_runs_of_many_benches_are_one_table(tmp_path: Path) -> None:
    """Three runs on two benches; cases that were not run are not judged."""
    clock = FakeClock()
    sealed_run(tmp_path / "b1", clock, Verdict.PASS)
    sealed_run(tmp_path / "b1", clock, Verdict.FAIL)
    sealed_run(tmp_path / "b2's", clock, Verdict.PASS)

    with Archive([tmp_path / "b1", tmp_path / "b2's"]) as archive:
        answer = archive.ask(
            "SELECT case_id, firmware, verdict, owner, count(*) AS n FROM judged"
            " WHERE imei = ? GROUP BY ALL ORDER BY verdict",
            ["1"],
        )

        assert answer.columns == ("case_id", "firmware", "verdict", "owner", "n")
        assert answer.rows == (
            ("CS-1", "1.2", "fail", "carrier", 1),
            ("CS-1", "1.2", "pass", None, 2),
        )
        days = archive.ask("SELECT started FROM judged ORDER BY started").rows
        # date -u -d @1700000000
        assert days[0] == (datetime(2023, 11, 14, 22, 13, 20),)  # noqa: DTZ001  # UTC by contract
        with pytest.raises(UsageError, match="not a question that the tables can answer"):
            archive.ask("SELECT nothing FROM nowhere")


def test_there_must_be_a_sealed_run(tmp_path: Path) -> None:
    """The message says what to do."""
    with pytest.raises(UsageError, match="there is no sealed run in it; seal runs before asking"):
        Archive([tmp_path])


@pytest.mark.slow
def test_a_damaged_table_is_said_to_be_one(tmp_path: Path) -> None:
    """When it is opened or when it is asked."""
    run_dir = sealed_run(tmp_path, FakeClock(), Verdict.PASS)
    path = run_dir / "tables" / "result.parquet"
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(BenchError, match="the sealed tables cannot be read"):
        Archive([tmp_path])
