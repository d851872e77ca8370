"""`harness.record.at_lines`: a transcript's lines on the time-line."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.core.clock import FakeClock
from harness.port.transcript import Direction, Entry, Transcript
from harness.record.at_lines import at_lines, record_at_lines
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import CaseInfo, RunInfo, UnitInfo

WIRE = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\nRING"


@given(st.sets(st.integers(1, len(WIRE) - 1)))
def test_lines_do_not_depend_on_how_reads_cut_them(cuts: set[int]) -> None:
    """However the bytes came, the lines are the same; an unfinished one is there at the end."""
    edges = [0, *sorted(cuts), len(WIRE)]
    entries = [
        Entry(t_ns=a, port="r1.at", direction=Direction.RECEIVED, data=WIRE[a:b])
        for a, b in pairwise(edges)
    ]

    assert [line.text for line in at_lines(entries)] == ["+CSQ: 20,99", "OK", "RING"]


def test_directions_and_ports_do_not_mix() -> None:
    """An echo in the middle of a command stays on its own side."""
    entries = [
        Entry(t_ns=1, port="r1.at", direction=Direction.SENT, data=b"AT+C"),
        Entry(t_ns=2, port="r1.at", direction=Direction.RECEIVED, data=b"AT+C"),
        Entry(t_ns=3, port="r1.urc", direction=Direction.RECEIVED, data=b"RING\r\n"),
        Entry(t_ns=4, port="r1.at", direction=Direction.SENT, data=b"SQ\r"),
    ]

    assert [(x.t_ns, x.port, x.direction, x.text) for x in at_lines(entries)] == [
        (3, "r1.urc", "rx", "RING"),
        (1, "r1.at", "tx", "AT+CSQ"),
        (2, "r1.at", "rx", "AT+C"),
    ]


def test_a_transcript_becomes_events_with_its_own_times(tmp_path: Path) -> None:
    """What was sent and received, when it was."""
    clock = FakeClock(monotonic_ns=1_000_000_000)
    with Transcript(tmp_path / "at.txt", clock=clock) as transcript:
        transcript.record(1_500_000_000, "r1.at", Direction.SENT, b"AT+CSQ\r")
        transcript.record(1_600_000_000, "r1.at", Direction.RECEIVED, b"\r\nOK\r\n")
    info = RunInfo(id="r", title="", plan="", bench="", is_virtual=True, harness_version="0")
    journal = RunJournal.create(tmp_path / "runs", info, clock)
    unit = journal.unit(UnitInfo(imei="1", model="m", firmware="1"))
    case = CaseInfo(id="C", version="1", title_en="", title_ja="")

    count = record_at_lines(journal.begin_result(case, unit), tmp_path / "at.txt")
    journal.close()

    assert count == 2
    with RunRecord.open(journal.directory) as record:
        assert [(e.t_ns, e.kind, e.text, e.data) for e in record.events()] == [
            (1_500_000_000, "at", "AT+CSQ", {"direction": "tx", "port": "r1.at"}),
            (1_600_000_000, "at", "OK", {"direction": "rx", "port": "r1.at"}),
        ]
