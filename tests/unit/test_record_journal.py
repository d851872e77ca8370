"""`harness.record.journal`: what is written is what is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.clock import FakeClock
from harness.core.errors import UsageError
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.result_writer import ResultWriter
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.verdict.judge import Judgement
from harness.verdict.limits import Limit
from harness.verdict.verdict import Verdict

RUN = RunInfo(
    id="r1",
    title="before shipment",
    plan="canonical",
    bench="desk",
    is_virtual=True,
    harness_version="0.1.0",
    lab_text="x = 1\n",
    environment={"kernel": "6.1"},
)
ROUTER = UnitInfo(imei="490154203237518", model="VR-1", firmware="1.2.7", hardware="A", slot="vb0")
CASE = CaseInfo(
    id="CS-ATT-001",
    version="1",
    title_en="attach",
    title_ja="接続",
    requirements=("R06",),
)
S = 1_000_000_000


READING = Measurement(
    name="throttle.ratio",
    value=0.998,
    unit="1",
    low=0.99,
    high=1.01,
    n=40,
    reliability=("radio was weak",),
    bytes_burnt=49_000,
)
LIMIT = Limit(
    name="throttle.ratio", unit="1", low=0.97, high=1.03, requirements=("R12",), title="ratio"
)


def begun(tmp_path: Path, clock: FakeClock) -> tuple[RunJournal, ResultWriter]:
    """Begin a run with one open result."""
    journal = RunJournal.create(tmp_path, RUN, clock)
    return journal, journal.begin_result(CASE, journal.unit(ROUTER))


def test_a_run_is_named_by_utc_and_id(tmp_path: Path) -> None:
    """A second one in the same second gets a number; strange letters become underscores."""
    clock = FakeClock(utc_us=1_795_660_800_000_000)  # date -u -d @1795660800

    first = RunJournal.create(tmp_path, RUN, clock)
    second = RunJournal.create(tmp_path, RUN, clock)
    first.close()
    second.close()

    assert first.directory == tmp_path / "2026-11-26T024000Z-r1"
    assert second.directory == tmp_path / "2026-11-26T024000Z-r1-2"


def test_the_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Times are kept on both clocks; lab.toml with its hash."""
    clock = FakeClock(monotonic_ns=5 * S, utc_us=1_000_000)
    journal = RunJournal.create(tmp_path, RUN, clock)
    journal.limit_set("[a]\n", "00ff")
    clock.sleep(2.0)
    journal.finish(Verdict.FAIL)

    with RunRecord.open(journal.directory) as record:
        run = record.run
        assert (run.title, run.plan, run.bench, run.is_virtual) == (
            "before shipment",
            "canonical",
            "desk",
            True,
        )
        assert run.environment == {"kernel": "6.1"}
        # printf 'x = 1\n' | sha256sum
        assert run.lab_sha256 == (
            "9e26bf369911c45c243c684147b23fc9e1dcfcf257d299a1c632016a6fcd33f4"
        )
        assert (run.started_ns, run.started_utc_us) == (5 * S, 1_000_000)
        assert (run.finished_ns, run.finished_utc_us) == (7 * S, 3_000_000)
        assert run.verdict is Verdict.FAIL
        assert record.state == "finished"
        assert record.limit_sets() == {"00ff": "[a]\n"}


def test_the_same_router_is_one_unit_and_new_firmware_another(tmp_path: Path) -> None:
    """A unit is a router with a firmware in a slot."""
    journal = RunJournal.create(tmp_path, RUN, FakeClock())
    newer = UnitInfo(imei=ROUTER.imei, model="VR-1", firmware="1.3.0", slot="vb0")

    keys = [journal.unit(ROUTER), journal.unit(newer), journal.unit(ROUTER)]
    journal.finish(Verdict.PASS)

    assert keys == [1, 2, 1]
    with RunRecord.open(journal.directory) as record:
        assert [u.firmware for u in record.units()] == ["1.2.7", "1.3.0"]


def test_phases_are_replaced_by_their_end(tmp_path: Path) -> None:
    """A phase that goes on is visible; its end replaces it."""
    journal, result = begun(tmp_path, FakeClock())

    result.phase("P6", 1 * S, None, limit_s=60.0)
    with RunRecord.open(journal.directory) as record:
        (running,) = record.phases()
    result.phase(
        "P6", 1 * S, 61 * S, limit_s=60.0, verdict=Verdict.FAIL, owner=Party.CARRIER, note="#11"
    )
    journal.close()

    assert (running.end_ns, running.verdict) == (None, Verdict.NONE)
    with RunRecord.open(journal.directory) as record:
        (phase,) = record.phases(result.result_id)
        assert (phase.name, phase.start_ns, phase.end_ns) == ("P6", 1 * S, 61 * S)
        assert (phase.limit_s, phase.verdict, phase.owner, phase.note) == (
            60.0,
            Verdict.FAIL,
            "carrier",
            "#11",
        )


def test_a_measurement_keeps_its_limit_beside_it(tmp_path: Path) -> None:
    """Limits are copied in: a later limits.toml cannot change what was demanded."""
    journal, result = begun(tmp_path, FakeClock(monotonic_ns=9))
    judged = Judgement(limit=LIMIT, verdict=Verdict.PASS, marginal=True, text="")

    result.measurement(READING, judged, evidence={"from": "goodput"})
    result.measurement(Measurement(name="seen", value=None, unit="B"))
    journal.close()

    with RunRecord.open(journal.directory) as record:
        first, second = record.measurements()
        assert (first.name, first.value, first.unit, first.low, first.high, first.n) == (
            "throttle.ratio",
            0.998,
            "1",
            0.99,
            1.01,
            40,
        )
        assert (first.limit_name, first.limit_low, first.limit_high, first.decision) == (
            "throttle.ratio",
            0.97,
            1.03,
            "simple",
        )
        assert first.requirements == ("R12",)
        assert (first.verdict, first.marginal, first.t_ns) == (Verdict.PASS, True, 9)
        assert (first.reliability, first.bytes_burnt) == (("radio was weak",), 49_000)
        assert first.evidence == {"from": "goodput"}
        assert (second.value, second.limit_name, second.verdict) == (None, None, Verdict.NONE)


def test_events_come_back_in_order_of_time(tmp_path: Path) -> None:
    """An event may be written late; its UTC time follows from its own time."""
    clock = FakeClock(monotonic_ns=10 * S, utc_us=50_000_000)
    journal, result = begun(tmp_path, clock)

    result.event("urc", "+CEREG: 1", t_ns=9 * S, data={"port": 2})
    result.event("at", "AT<script>", t_ns=8 * S, utc_us=7)
    result.event("server", "assigned", party=Party.ACCESS_SERVER)
    journal.event("power", "slot 1 off")
    journal.close()

    with RunRecord.open(journal.directory) as record:
        events = record.events(result.result_id)
        assert [(e.t_ns, e.utc_us, e.kind, e.text) for e in events] == [
            (8 * S, 7, "at", "AT<script>"),
            (9 * S, 49_000_000, "urc", "+CEREG: 1"),
            (10 * S, 50_000_000, "server", "assigned"),
        ]
        assert events[1].data == {"port": 2}
        assert events[2].party == "access_server"
        assert [e.text for e in record.events()][-1] == "slot 1 off"


def test_cards_series_and_files_come_back(tmp_path: Path) -> None:
    """Evidence of every kind is read as it was written."""
    journal, result = begun(tmp_path, FakeClock())
    file = journal.directory / "at.txt"
    file.write_text("AT\r\n")

    result.sim_use("8981", "44010", "docomo", "44010", start_ns=1, end_ns=None)
    result.series("goodput", "bit/s", [(1, 2.5), (-(2**63), -0.0)])
    result.artifact(file, "at-transcript", note="all")
    journal.close()

    with RunRecord.open(journal.directory) as record:
        (card,) = record.sim_uses(result.result_id)
        assert (card.iccid, card.imsi, card.carrier, card.plmn) == (
            "8981",
            "44010",
            "docomo",
            "44010",
        )
        (series,) = record.series(result.result_id)
        assert series.points == ((1, 2.5), (-(2**63), -0.0))
        (artifact,) = record.artifacts(result.result_id)
        assert (artifact.path, artifact.kind, artifact.size_bytes, artifact.note) == (
            "at.txt",
            "at-transcript",
            4,
            "all",
        )
        # printf 'AT\r\n' | sha256sum
        assert artifact.sha256 == (
            "037f9c5a405314e41a55907008d3ae282027f4f1a3408e39273db90e85bd5408"
        )


def test_a_file_outside_of_the_run_is_refused(tmp_path: Path) -> None:
    """A record that points elsewhere could not be moved to another machine."""
    journal, result = begun(tmp_path / "runs", FakeClock())
    outside = tmp_path / "x"
    outside.write_bytes(b"")

    with pytest.raises(UsageError, match="x: cannot be kept as an artifact"):
        result.artifact(outside, "pcapng")
    with pytest.raises(UsageError, match="gone: cannot be kept as an artifact"):
        result.artifact(journal.directory / "gone", "pcapng")
    journal.close()


def test_a_result_ends_once(tmp_path: Path) -> None:
    """After its end nothing is added: a verdict stands on what was there."""
    clock = FakeClock(monotonic_ns=1)
    journal, result = begun(tmp_path, clock)

    result.finish(Verdict.FAIL, owner=Party.SIM_BANK, cause="no card left")
    with pytest.raises(UsageError, match="result 1 is finished; begin another attempt"):
        result.event("note", "too late")
    journal.close()

    with RunRecord.open(journal.directory) as record:
        (row,) = record.results()
        assert (row.case_id, row.case_version, row.title_ja) == ("CS-ATT-001", "1", "接続")
        assert (row.state, row.verdict, row.owner, row.cause, row.attempt) == (
            "finished",
            Verdict.FAIL,
            "sim_bank",
            "no card left",
            1,
        )


def test_a_case_that_was_not_run_is_a_row_with_its_reason(tmp_path: Path) -> None:
    """Nothing that was planned can get lost in silence."""
    journal = RunJournal.create(tmp_path, RUN, FakeClock())
    journal.not_run(CASE, journal.unit(ROUTER), "no netem on this kernel")
    journal.finish(Verdict.INCONC)

    with RunRecord.open(journal.directory) as record:
        (row,) = record.results()
        assert (row.state, row.attempt, row.cause) == ("not_run", 0, "no netem on this kernel")


def test_an_unfinished_run_is_running_while_somebody_writes_then_interrupted(
    tmp_path: Path,
) -> None:
    """The lock is the kernel's: it goes with the process, however that ended."""
    journal, _ = begun(tmp_path, FakeClock())
    other = RunJournal.attach(journal.directory, FakeClock())

    with RunRecord.open(journal.directory) as record:
        journal.close()
        journal.close()
        states = [record.state]
        other.close()
        states.append(record.state)
        (row,) = record.results()

    assert states == ["running", "interrupted"]
    assert (row.state, row.finished_ns) == ("open", None)


def test_bytes_that_are_no_text_are_kept_readable(tmp_path: Path) -> None:
    """A device may send anything; what UTF-8 cannot hold is written out."""
    journal, result = begun(tmp_path, FakeClock())
    result.event("at", b"\xff\x00A".decode("utf-8", "surrogateescape"))
    journal.close()

    with RunRecord.open(journal.directory) as record:
        assert record.events()[0].text == "\\udcff\x00A"


def test_attaching_needs_a_journal(tmp_path: Path) -> None:
    """The message says what to name."""
    with pytest.raises(UsageError, match=r"there is no journal\.sqlite; name a run directory"):
        RunJournal.attach(tmp_path, FakeClock())
    with pytest.raises(UsageError, match="there is no journal; name a run directory"):
        RunRecord.open(tmp_path)
