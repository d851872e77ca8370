"""``harness.at.dialogue``: what it remembers from line to line, and the time of each event."""

from __future__ import annotations

import pytest

from harness.at.dialogue import (
    MISSING_OK_GRACE_NS,
    Dialogue,
    Event,
    FinalResult,
    Habits,
    InfoLine,
    Noise,
    Prompt,
    UrcLine,
)
from harness.at.lines import NoiseKind

MS = 1_000_000


def begun(command: str, habits: Habits | None = None) -> Dialogue:
    """Return a dialogue with `command` in flight."""
    dialogue = Dialogue(habits)
    dialogue.begin(command)
    return dialogue


def test_nothing_is_data_before_connect() -> None:
    """Neither at first nor after a new command."""
    dialogue = Dialogue()
    assert dialogue.in_data is False

    dialogue.begin("ATD*99#")
    dialogue.receive(b"\r\nCONNECT 150000000\r\n", 0)
    assert dialogue.in_data is True
    dialogue.begin("AT")
    assert dialogue.in_data is False


def test_blanks_around_a_final_result_code_are_dropped() -> None:
    """Its bytes are kept."""
    assert begun("AT").receive(b" OK \r\n", 5) == [FinalResult(t_ns=5, text="OK", raw=b" OK ")]


def test_junk_before_the_end_of_a_dial_is_dropped() -> None:
    """CONNECT is recognised because a dial is in flight; the time is that of its arrival."""
    assert begun("ATD*99#").receive(b"\xff\xfeCONNECT 9600\r\n", 7) == [
        FinalResult(t_ns=7, text="CONNECT 9600", raw=b"\xff\xfeCONNECT 9600")
    ]


def test_an_echo_comes_once() -> None:
    """A line behind it that begins like the command is an answer."""
    events = begun("ATI").receive(b"ATI\r\r\nATIVA modem\r\n\r\nOK\r\n", 0)

    assert [event.text for event in events] == ["ATI", "ATIVA modem", "OK"]
    assert isinstance(events[1], InfoLine)


def test_a_missing_ok_is_given_before_what_comes_after_its_time() -> None:
    """Also when nobody called `tick` meanwhile; it has no bytes."""
    dialogue = begun("AT+CPIN?", Habits(missing_ok=frozenset({"AT+CPIN?"})))
    dialogue.receive(b"\r\n+CPIN: READY\r\n", 0)

    assert dialogue.receive(b"\r\nRING\r\n", MISSING_OK_GRACE_NS) == [
        FinalResult(t_ns=MISSING_OK_GRACE_NS, text="", raw=b""),
        UrcLine(t_ns=MISSING_OK_GRACE_NS, text="RING", raw=b"RING"),
    ]


def test_what_silence_completes_has_the_time_of_the_tick() -> None:
    """A sign without its blank."""
    dialogue = begun("AT+CMGS=1")
    dialogue.receive(b"\r\n>", 0)

    expected: list[Event] = [Prompt(t_ns=60 * MS, text=">", raw=b">")]
    assert dialogue.tick(60 * MS) == expected


def test_a_named_line_of_a_given_up_ati_goes_to_the_urcs() -> None:
    """ATI may be answered by any line; a URC must not be lost to it."""
    dialogue = begun("ATI")
    dialogue.give_up()
    dialogue.begin("AT+CREG?")

    assert dialogue.receive(b"\r\n+XSIM: 7\r\n", 3) == [
        UrcLine(t_ns=3, text="+XSIM: 7", raw=b"+XSIM: 7")
    ]


@pytest.mark.parametrize("junk", [b"\xef\xbb\xbf", b"\x00\x00", b"\xff\xfe\x80"])
def test_a_line_without_a_character_of_text_is_no_answer(junk: bytes) -> None:
    """A bare answer follows a byte order mark, or NULs after boot."""
    events = begun("AT+CIMI").receive(junk + b"\r\n440101234567890\r\n\r\nOK\r\n", 3)

    text = junk.replace(b"\x00", b"").decode("latin-1")
    assert events == [
        Noise(t_ns=3, text=text, raw=junk, kind=NoiseKind.BINARY),
        InfoLine(t_ns=3, text="440101234567890", raw=b"440101234567890"),
        FinalResult(t_ns=3, text="OK", raw=b"OK"),
    ]


def test_such_a_line_inside_an_answer_is_kept() -> None:
    """A message may be written in another alphabet; behind the answer it is noise again."""
    dialogue = begun("AT+CMGR=1")
    body = dialogue.receive(b'\r\n+CMGR: "REC READ"\r\n\xd6\xd0\xce\xc4\r\n\r\nOK\r\n', 0)[1]
    behind = dialogue.receive(b"\xd6\xd0\r\n", 0)

    assert isinstance(body, InfoLine)
    assert body.raw == b"\xd6\xd0\xce\xc4"
    assert [type(event) for event in behind] == [Noise]


def test_a_urc_may_hold_line_breaks_in_a_quoted_string() -> None:
    """A balance that an operator tells by USSD has lines."""
    line = b'+CUSD: 0,"balance\r\n100\r\nOK",15'

    assert begun("AT").receive(b"\r\n" + line + b"\r\n", 2) == [
        UrcLine(t_ns=2, text=line.decode(), raw=line)
    ]


@pytest.mark.parametrize(
    ("raw", "final", "urc"),
    [
        (b"OK^RSSI: 20", b"OK", b"^RSSI: 20"),
        (b'OK+CREG: 1,"C3","1A"', b"OK", b'+CREG: 1,"C3","1A"'),
        (b"OK%RSIMREQ: 1", b"OK", b"%RSIMREQ: 1"),
        (b'OK*PSUTTZ: 2026,11,23,3,0,0,"+36",0', b"OK", b'*PSUTTZ: 2026,11,23,3,0,0,"+36",0'),
        (b"ERROR^RSSI:20", b"ERROR", b"^RSSI:20"),
        (b"ERROR+CREG: 1", b"ERROR", b"+CREG: 1"),
        (b"ERROR%A:1", b"ERROR", b"%A:1"),
        (b"ERROR*A:1", b"ERROR", b"*A:1"),
    ],
)
def test_a_urc_may_follow_the_final_result_code_without_a_break(
    raw: bytes, final: bytes, urc: bytes
) -> None:
    """Two events of one line, both with its time."""
    assert begun("AT").receive(b"\r\n" + raw + b"\r\n", 4) == [
        FinalResult(t_ns=4, text=final.decode(), raw=final),
        UrcLine(t_ns=4, text=urc.decode(), raw=urc),
    ]


@pytest.mark.parametrize("raw", [b"OK+", b"OK+CREG", b"OK+: 1", b"OK^RSSI:", b"OKAY+CREG: 1"])
def test_what_only_begins_like_that_is_one_line(raw: bytes) -> None:
    """There is no name, no value, or no final result code."""
    assert [event.raw for event in begun("AT+CSQ").receive(raw + b"\r\n", 0)] == [raw]


def test_too_many_parameters_ends_a_command() -> None:
    """So do some say what others call an ERROR."""
    assert begun("AT+CSQ=1").receive(b"\r\nTOO MANY PARAMETERS\r\n", 1) == [
        FinalResult(t_ns=1, text="TOO MANY PARAMETERS", raw=b"TOO MANY PARAMETERS")
    ]
