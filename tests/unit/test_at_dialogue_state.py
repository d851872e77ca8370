"""``harness.at.dialogue``: what it remembers from line to line, and the time of each event."""

from __future__ import annotations

from harness.at.dialogue import (
    MISSING_OK_GRACE_NS,
    Dialogue,
    Event,
    FinalResult,
    Habits,
    InfoLine,
    Prompt,
    UrcLine,
)

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
