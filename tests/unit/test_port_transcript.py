"""``harness.port.transcript``, ``mask`` and ``replay``: what was said, when, without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.at.session import AtSession
from harness.core.clock import Deadline, FakeClock
from harness.port.errors import TranscriptError
from harness.port.mask import Masker
from harness.port.replay import Replay
from harness.port.transcript import Direction, Entry, Transcript, read_transcript

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED


def clock() -> FakeClock:
    """Return a clock that stands at 5 s and at 2026-11-24T02:50:11.123456Z."""
    return FakeClock(monotonic_ns=5_000_000_000, utc_us=1_795_488_611_123_456)


def masked(*chunks: tuple[Direction, bytes]) -> list[bytes]:
    """Return what is recorded of one port's chunks."""
    masker = Masker()
    records = []
    for number, (direction, data) in enumerate(chunks):
        records += masker.feed(number, "p", direction, data)
    records += masker.flush()
    return [data for _, _, _, data in records]


def test_a_transcript_is_text_that_a_person_reads(tmp_path: Path) -> None:
    """Seconds, port, direction, bytes with escapes."""
    path = tmp_path / "r1.at.txt"
    with Transcript(path, clock=clock()) as transcript:
        transcript.record(5_000_000_000, "r1.at", SENT, b"AT+CSQ\r")
        transcript.record(5_012_345_678, "r1.at", RECEIVED, b"\r\n+CSQ: 20,99\r\n\x00\xff\r\n")

    assert path.read_text() == (
        "# cloudsim transcript 1; utc 2026-11-24T02:50:11.123456Z; monotonic_ns 5000000000\n"
        '0.000000000 r1.at > "AT+CSQ\\r"\n'
        '0.012345678 r1.at < "\\r\\n+CSQ: 20,99\\r\\n\\u0000\\u00ff\\r\\n"\n'
    )


def test_a_transcript_reads_back_as_it_was_recorded(tmp_path: Path) -> None:
    """Every byte value, every time, the cuts between reads."""
    path = tmp_path / "r1.at.txt"
    entries = [
        Entry(t_ns=5_000_000_001, port="a", direction=SENT, data=b"AT\r"),
        Entry(t_ns=5_000_000_002, port="b", direction=RECEIVED, data=bytes(range(256))),
        Entry(t_ns=6_500_000_000, port="a", direction=RECEIVED, data=b"OK\r"),
        Entry(t_ns=6_600_000_000, port="a", direction=RECEIVED, data=b"\n"),
    ]
    with Transcript(path, clock=clock(), unmasked=True) as transcript:
        for entry in entries:
            transcript.record(entry.t_ns, entry.port, entry.direction, entry.data)

    assert list(read_transcript(path)) == entries


def test_nothing_is_recorded_after_the_end(tmp_path: Path) -> None:
    """A reader thread may be a little late; closing twice is allowed."""
    path = tmp_path / "t"
    transcript = Transcript(path, clock=clock())
    transcript.close()
    transcript.close()
    transcript.record(0, "p", SENT, b"AT\r")

    assert list(read_transcript(path)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "not a transcript; line 1 says"),
        ("# cloudsim transcript 1; utc x; monotonic_ns 0\nbad\n", ":2: 'bad' is not 'SECONDS PORT"),
        (
            '# cloudsim transcript 1; utc x; monotonic_ns 0\n0.000000000 p > "\\q"\n',
            "is not Latin-1 text with JSON escapes",
        ),
    ],
)
def test_what_is_no_transcript_is_named_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    """File, line, and what was expected."""
    path = tmp_path / "t"
    path.write_text(text)

    with pytest.raises(TranscriptError) as caught:
        list(read_transcript(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "recorded"),
    [
        (b'AT+CPIN="1234"\r', b'AT+CPIN="****"\r'),
        (b"at+cpin=1234\r", b"at+cpin=****\r"),
        (b'AT+CLCK="SC",1,"1234"\r', b'AT+CLCK="**",*,"****"\r'),
        (b'AT+CPWD="SC","1111","2222"\r', b'AT+CPWD="**","****","****"\r'),
        (b'AT+CGAUTH=1,2,"user","word"\r', b'AT+CGAUTH=*,*,"****","****"\r'),
        (b'AT^MBAU="0011","2233"\r', b'AT^MBAU="****","****"\r'),
        (b'AT+ERSA=0,"DB08A1B2C3D4"\r', b'AT+ERSA=0,"************"\r'),
        (b'AT+CSIM=10,"0088008122"\r', b'AT+CSIM=10,"0088008122"\r'),
        (b'AT+CSIM=14,"00880081221001"\r', b'AT+CSIM=14,"0088008122****"\r'),
        (
            b'AT+CGLA=1,26,"00200001081234FFFFFFFFFFFF"\r',
            b'AT+CGLA=1,26,"0020000108****************"\r',
        ),
        (b"AT+CSQ\r", b"AT+CSQ\r"),
        (b'AT+COPS=1,2,"44010"\r', b'AT+COPS=1,2,"44010"\r'),
    ],
)
def test_secrets_in_commands_are_masked_character_by_character(
    line: bytes, recorded: bytes
) -> None:
    """PIN, passwords, authentication data; lengths stay, and what is no secret stays."""
    assert masked((SENT, line)) == [recorded]


def test_secrets_in_answers_are_masked_by_the_command_before() -> None:
    """IMSI after AT+CIMI, numbers after AT+CNUM, card data after a read of EF_IMSI."""
    assert masked(
        (SENT, b"AT+CIMI\r"),
        (RECEIVED, b"AT+CIMI\r\r\n440101234567890\r\n\r\nOK\r\n"),
        (SENT, b"AT+CNUM\r"),
        (RECEIVED, b'\r\n+CNUM: "me","+819012345678",145\r\n\r\nOK\r\n'),
        (SENT, b"AT+CRSM=176,28423,0,0,9\r"),
        (RECEIVED, b'\r\n+CRSM: 144,0,"084904011032547698"\r\n\r\nOK\r\n'),
        (SENT, b"AT+CGSN\r"),
        (RECEIVED, b"\r\n860000000000001\r\n\r\nOK\r\n"),
    ) == [
        b"AT+CIMI\r",
        b"AT+CIMI\r\r\n***************\r\n\r\nOK\r\n",
        b"AT+CNUM\r",
        b'\r\n+CNUM: "**","*************",***\r\n\r\nOK\r\n',
        b"AT+CRSM=176,28423,0,0,9\r",
        b'\r\n+CRSM: 144,0,"******************"\r\n\r\nOK\r\n',
        b"AT+CGSN\r",
        b"\r\n860000000000001\r\n\r\nOK\r\n",
    ]


def test_an_imsi_that_was_seen_is_masked_wherever_it_comes_again() -> None:
    """A vendor's URC may tell it, too."""
    chunks = masked(
        (SENT, b"AT+CIMI\r"),
        (RECEIVED, b"\r\n440101234567890\r\n\r\nOK\r\n"),
        (RECEIVED, b"\r\n+VENDOR: 440101234567890,1\r\n"),
    )

    assert chunks[2] == b"\r\n+VENDOR: ***************,1\r\n"


@pytest.mark.parametrize("cut", range(1, 15))
def test_a_secret_that_is_cut_in_two_is_masked_all_the_same(cut: int) -> None:
    """The cuts between writes stay where they were."""
    line, recorded = b'AT+CPIN="1234"\r', b'AT+CPIN="****"\r'

    assert masked((SENT, line[:cut]), (SENT, line[cut:])) == [recorded[:cut], recorded[cut:]]


def test_order_is_kept_while_a_line_is_held_back() -> None:
    """What came after it waits, too; after a second nothing waits any more."""
    masker = Masker()

    assert masker.feed(0, "p", RECEIVED, b"AT+CP") == []
    assert masker.feed(1, "p", SENT, b"AT\r") == []
    released = masker.feed(1_000_000_002, "p", SENT, b"AT\r")

    assert [data for _, _, _, data in released] == [b"AT+CP", b"AT\r", b"AT\r"]


def test_junk_without_line_breaks_is_not_held_back() -> None:
    """Only what could begin a secret waits, and at most 4 kB of it."""
    masker = Masker()

    assert masker.feed(0, "p", RECEIVED, b"\xff\xfe") == [(0, "p", "<", b"\xff\xfe")]
    assert len(masker.feed(1, "p", RECEIVED, b"A" * 5000)) == 1


def test_a_replayed_record_gives_the_same_dialogue(tmp_path: Path) -> None:
    """Record, then replay: the same reply at the same times."""
    path = tmp_path / "t"
    with Transcript(path, clock=clock(), unmasked=True) as transcript:
        transcript.record(5_000_000_000, "r1.at", SENT, b"AT+CSQ\r")
        transcript.record(7_900_000_000, "r1.at", RECEIVED, b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
        transcript.record(99_000_000_000, "r1.at", SENT, b"AT\r")
        transcript.record(99_100_000_000, "r1.at", RECEIVED, b"\r\nOK\r\n")
    source = Replay(read_transcript(path))
    with AtSession.open([source.port("r1.at")], clock=source, inbox=source) as session:
        reply = session.execute("AT+CSQ")
        last = session.execute("AT")

    assert (reply.lines, reply.sent_ns, reply.done_ns) == (
        ("+CSQ: 20,99",),
        5_000_000_000,
        7_900_000_000,
    )
    assert (last.sent_ns, last.done_ns) == (99_000_000_000, 99_100_000_000)
    assert source.at_end


def test_a_masked_record_can_be_replayed_with_the_secret() -> None:
    """What is sent is masked before it is compared."""
    source = Replay([Entry(t_ns=0, port="p", direction=SENT, data=b'AT+CPIN="****"\r')])
    port = source.port("p")

    assert port.write(b'AT+CPIN="1234"\r', Deadline.after(1, source)) == 0
