"""``harness.at.session``: one command in flight, against typed transcripts in recorded time."""

from __future__ import annotations

import pytest

from harness.at.dialogue import Habits
from harness.at.errors import (
    AtCommandError,
    AtFramingError,
    AtTimeoutError,
    DeadPortError,
    WrongPortError,
)
from harness.at.lines import NoiseKind
from harness.at.session import AtSession, only_line
from harness.core.clock import Deadline
from harness.core.errors import UsageError
from harness.port.errors import PortLostError, TranscriptError
from harness.port.inbox import PortLost
from harness.port.replay import Replay
from harness.port.transcript import Direction, Entry

S = 1_000_000_000


def replay(*rows: tuple[float, str, bytes]) -> Replay:
    """Return a replay of (second, direction, bytes); `>2` and `<2` are of the second port."""
    return Replay(
        (
            Entry(
                t_ns=round(second * S),
                port="r1.at2" if way.endswith("2") else "r1.at",
                direction=Direction(way[0]),
                data=data,
            )
            for second, way, data in rows
        ),
        start_ns=0,
    )


def opened(source: Replay, habits: Habits | None = None, *, ports: int = 1) -> AtSession:
    """Return a session over the replay's ports."""
    names = ("r1.at", "r1.at2")[:ports]
    return AtSession.open(
        [source.port(name) for name in names], clock=source, inbox=source, habits=habits
    )


def test_a_command_gets_its_lines_and_its_times() -> None:
    """Information lines, final result code, raw bytes, and when it was sent and done."""
    source = replay(
        (1.0, ">", b"AT+CSQ\r"),
        (1.1, "<", b"\r\n+CSQ: 20,99\r\n"),
        (1.2, "<", b"\r\nOK\r\n"),
    )
    with opened(source) as session:
        reply = session.execute("AT+CSQ")

    assert reply.lines == ("+CSQ: 20,99",)
    assert (reply.final, reply.raw) == ("OK", b"+CSQ: 20,99\r\nOK\r\n")
    assert (reply.sent_ns, reply.done_ns) == (S, 1_200_000_000)


def test_a_refusal_carries_code_text_and_raw_line() -> None:
    """+CME ERROR: 10 is "SIM not inserted"."""
    source = replay((0, ">", b"AT+CIMI\r"), (0.1, "<", b"\r\n+CME ERROR: 10\r\n"))
    with opened(source) as session, pytest.raises(AtCommandError) as caught:
        session.execute("AT+CIMI")

    error = caught.value
    assert (error.command, error.kind, error.code) == ("AT+CIMI", "cme", 10)
    assert (error.text, error.raw) == ("SIM not inserted", "+CME ERROR: 10")
    assert str(error) == "'AT+CIMI' was refused: '+CME ERROR: 10' (SIM not inserted)"


def test_a_timeout_says_what_was_waited_for_how_long_and_what_came() -> None:
    """The command, the seconds, the bytes."""
    source = replay((0, ">", b"AT+CSQ\r"), (0.5, "<", b"\r\n+CSQ: 2"))
    with opened(source) as session, pytest.raises(AtTimeoutError) as caught:
        session.execute("AT+CSQ", Deadline.after(5.0, source))

    assert str(caught.value) == (
        "r1.at: no final result code for 'AT+CSQ' after 5.0 s; received 9 bytes: b'\\r\\n+CSQ: 2'"
    )
    assert (caught.value.waited_s, caught.value.got) == (5.0, b"\r\n+CSQ: 2")


def test_without_a_deadline_the_table_of_the_field_rules() -> None:
    """AT+CSQ gets 3 s, a scan 315 s."""
    source = replay((0, ">", b"AT+CSQ\r"))
    with opened(source) as session, pytest.raises(AtTimeoutError, match=r"after 3\.0 s"):
        session.execute("AT+CSQ")
    source = replay((0, ">", b"AT+COPS=?\r"))
    with opened(source) as session, pytest.raises(AtTimeoutError, match=r"after 315\.0 s"):
        session.execute("AT+COPS=?")


def test_a_late_answer_is_drained_before_the_next_command() -> None:
    """Silence, then AT; what came late is counted and dropped."""
    source = replay(
        (0, ">", b"AT+COPS=?\r"),
        (2.05, "<", b'\r\n+COPS: (2,"a","b","44010",7)\r\n\r\nOK\r\n'),
        (2.4, ">", b"AT\r"),
        (2.5, "<", b"\r\nOK\r\n"),
        (2.6, ">", b"AT+CSQ\r"),
        (2.7, "<", b"\r\n+CSQ: 3,99\r\n\r\nOK\r\n"),
    )
    with opened(source) as session:
        with pytest.raises(AtTimeoutError):
            session.execute("AT+COPS=?", Deadline.after(2.0, source))
        reply = session.execute("AT+CSQ")

        assert (reply.lines, session.late_lines) == (("+CSQ: 3,99",), 2)
    assert source.at_end


def test_an_answer_that_never_came_is_settled_by_a_question() -> None:
    """OK to AT may have been the late one, +CMEE: cannot."""
    source = replay(
        (0, ">", b"AT+CFUN=1\r"),
        (2.3, ">", b"AT\r"),
        (2.4, "<", b"\r\nOK\r\n"),
        (2.7, ">", b"AT+CMEE?\r"),
        (2.8, "<", b"\r\n+CMEE: 1\r\n\r\nOK\r\n"),
        (2.9, ">", b"AT+CGACT?\r"),
        (3.0, "<", b"\r\nOK\r\n"),
    )
    with opened(source) as session:
        with pytest.raises(AtTimeoutError):
            session.execute("AT+CFUN=1", Deadline.after(2.0, source))
        reply = session.execute("AT+CGACT?")

    assert (reply.lines, reply.final) == ((), "OK")


def test_a_router_that_answers_the_question_by_ok_alone_is_settled_too() -> None:
    """Its OK was taken for the late one; silence afterwards tells."""
    source = replay(
        (0, ">", b"AT+CFUN=1\r"),
        (2.3, ">", b"AT\r"),
        (2.4, "<", b"\r\nOK\r\n"),
        (2.7, ">", b"AT+CMEE?\r"),
        (2.8, "<", b"\r\nOK\r\n"),
        (3.8, ">", b"AT+CGACT?\r"),
        (4.0, "<", b"\r\nOK\r\n"),
    )
    with opened(source) as session:
        with pytest.raises(AtTimeoutError):
            session.execute("AT+CFUN=1", Deadline.after(2.0, source))

        assert session.execute("AT+CGACT?").final == "OK"


def test_urcs_reach_who_subscribed_with_their_times_and_ports() -> None:
    """Also those of the second port, and those that came during a command."""
    source = replay(
        (0, ">", b"AT+CSQ\r"),
        (0.1, "<", b"\r\n+CREG: 2\r\n\r\n+CSQ: 3,99\r\n\r\nOK\r\n"),
        (0.2, "<2", b"\r\n+CEREG: 1\r\n"),
        (0.3, "<2", b"\r\n+QIND: x\r\n"),
    )
    with opened(source, ports=2) as session:
        urcs = session.subscribe("+CREG", "+CEREG")
        session.execute("AT+CSQ")
        found = urcs.wait_for(lambda urc: urc.line == "+CEREG: 1", Deadline.after(5, source))
        session.listen(1.0)

        assert (found.t_ns, found.port) == (200_000_000, "r1.at2")
        assert list(urcs) == []


def test_waiting_for_a_urc_in_vain_says_what_came_instead() -> None:
    """The URCs that were not it are in the message."""
    source = replay((0.1, "<", b"\r\n+CREG: 2\r\n"))
    with opened(source) as session, pytest.raises(AtTimeoutError) as caught:
        session.subscribe("+CREG").wait_for(
            lambda urc: urc.line == "+CREG: 1", Deadline.after(30, source)
        )

    assert str(caught.value) == ("no +CREG as wanted after 30.0 s; received ['+CREG: 2'] instead")


def test_nobody_keeps_urcs_after_unsubscribing() -> None:
    """The subscription stays empty."""
    source = replay((0.1, "<", b"\r\n+CREG: 2\r\n"))
    with opened(source) as session:
        urcs = session.subscribe()
        session.unsubscribe(urcs)
        session.listen(1.0)

        assert list(urcs) == []


def test_sync_repeats_at_until_the_router_answers() -> None:
    """Each 0.5 s; boot messages and junk in between do not disturb."""
    source = replay(
        (0, ">", b"AT\r"),
        (0.1, "<", b"\x00\x00\xff\r\nRDY\r\n"),
        (0.5, ">", b"AT\r"),
        (1.0, ">", b"AT\r"),
        (1.1, "<", b"AT\r\r\nOK\r\n"),
        (1.2, "<", b"\r\nOK\r\n"),
        (1.5, ">", b"AT+CSQ\r"),
        (1.6, "<", b"\r\n+CSQ: 3,99\r\n\r\nOK\r\n"),
    )
    with opened(source) as session:
        count = session.sync(Deadline.after(10, source))

        assert count == 3
        assert session.execute("AT+CSQ").lines == ("+CSQ: 3,99",)


@pytest.mark.parametrize(
    ("wire", "kind", "words"),
    [
        (b"$GPTXT,01,01,02,x*00\r\n", "NMEA sentences", "it is the router's GNSS port"),
        (b"\x10\x02~\r\n", "diagnostic frames", "it is the router's diagnostic port"),
        (b"123456789\x6e\x90~", "diagnostic frames", "it is the router's diagnostic port"),
        (b"\x00" * 99 + b"\r\n", "NUL bytes", "it is no AT port"),
    ],
)
def test_sync_names_a_wrong_port(wire: bytes, kind: str, words: str) -> None:
    """The bench has the wrong interface; the message says which one it is."""
    source = replay((0, ">", b"AT\r"), (0.1, "<", wire))
    with opened(source) as session, pytest.raises(WrongPortError) as caught:
        session.sync(Deadline.after(0.5, source))

    assert str(caught.value) == (
        f"r1.at sends {kind} (1 times) instead of answering AT; {words}; "
        "take the AT port by its interface number"
    )
    assert caught.value.kind == kind


def test_sync_gives_up_with_the_count() -> None:
    """A silent router is the router's fault."""
    source = replay((0, ">", b"AT\r"), (0.5, ">", b"AT\r"))
    with opened(source) as session, pytest.raises(AtTimeoutError) as caught:
        session.sync(Deadline.after(1.0, source))

    assert str(caught.value) == ("r1.at: no OK to AT, sent 2 times in 1.0 s; received 0 bytes: b''")


def test_sync_without_time_says_that_nothing_was_sent() -> None:
    """Nothing was received either."""
    source = replay((0, ">", b"AT\r"))
    with opened(source) as session, pytest.raises(AtTimeoutError) as caught:
        session.sync(Deadline.after(0.0, source))

    assert str(caught.value) == ("r1.at: no OK to AT, sent 0 times in 0.0 s; received 0 bytes: b''")


def test_ten_commands_without_an_answer_make_a_port_dead() -> None:
    """Nothing more is sent, until something answers."""
    rows = [(float(second), ">", b"AT+CSQ\r" if second == 0 else b"AT\r") for second in range(10)]
    source = replay(*rows)
    with opened(source) as session:
        for _ in range(10):
            with pytest.raises(AtTimeoutError):
                session.execute("AT+CSQ", Deadline.after(1.0, source))
        with pytest.raises(DeadPortError) as caught:
            session.execute("AT+CSQ")

    assert str(caught.value) == (
        "r1.at is dead: 10 commands in a row were not answered; "
        "recover the router, or rebind its ports"
    )
    assert source.at_end


def test_a_lost_port_ends_the_command_in_flight_at_once() -> None:
    """It is named with the reason and the command; a rebind goes on with new ports."""
    source = replay(
        (0, ">", b"AT+CFUN=1,1\r"),
        (9, ">2", b"AT+CSQ\r"),
        (9.1, "<2", b"\r\n+CSQ: 3,99\r\n\r\nOK\r\n"),
    )
    with opened(source) as session:
        source.put(PortLost(t_ns=S, port="r1.at", opening=1, reason="Input/output error"))
        with pytest.raises(PortLostError) as caught:
            session.execute("AT+CFUN=1,1")
        with pytest.raises(PortLostError):
            session.execute("AT")
        session.rebind([source.port("r1.at2")])

        assert str(caught.value) == (
            "r1.at is gone while 'AT+CFUN=1,1' was in flight: Input/output error; received b''"
        )
        assert session.generation == 2
        assert session.execute("AT+CSQ").lines == ("+CSQ: 3,99",)


def test_what_an_old_port_delivers_after_a_rebind_is_dropped() -> None:
    """Its opening has another number."""
    source = replay((0, ">", b"AT\r"), (0.1, "<", b"\r\nOK\r\n"))
    with opened(source) as session:
        session.rebind([source.port("r1.at")])
        source.put(PortLost(t_ns=0, port="r1.at", opening=1, reason="old"))

        assert session.execute("AT").final == "OK"


def test_waiting_for_a_urc_of_a_lost_port_fails_at_once() -> None:
    """Nobody waits out a deadline for a port that is gone."""
    source = replay()
    with opened(source) as session:
        source.put(PortLost(t_ns=0, port="r1.at", opening=1, reason="gone"))
        with pytest.raises(PortLostError):
            session.subscribe().wait_for(None, Deadline.after(99, source))

    assert source.monotonic_ns() == 0


def test_an_abort_sends_one_character_and_drains() -> None:
    """V.250 5.6.1: a character stops AT+COPS=?; False when the router goes on."""
    source = replay(
        (0, ">", b"AT+COPS=?\r"),
        (2, ">", b"\r"),
        (2.1, "<", b"\r\nABORTED\r\n"),
        (2.4, ">", b"AT\r"),
        (2.5, "<", b"\r\nOK\r\n"),
        (3, ">", b"AT+COPS=?\r"),
        (5, ">", b"\r"),
        (5.3, ">", b"AT\r"),
    )
    with opened(source) as session:
        with pytest.raises(AtTimeoutError):
            session.execute("AT+COPS=?", Deadline.after(2, source))
        assert session.abort(Deadline.after(5, source))
        with pytest.raises(AtTimeoutError):
            session.execute("AT+COPS=?", Deadline.after(2, source))
        assert not session.abort(Deadline.after(5, source))


def test_a_payload_follows_the_prompt() -> None:
    """An SMS text is sent after `> `, not before."""
    source = replay(
        (0, ">", b"AT+CMGS=4\r"),
        (0.1, "<", b"\r\n> "),
        (0.2, ">", b"0001\x1a"),
        (0.9, "<", b"\r\n+CMGS: 5\r\n\r\nOK\r\n"),
    )
    with opened(source) as session:
        reply = session.execute("AT+CMGS=4", payload=b"0001\x1a")

    assert reply.lines == ("+CMGS: 5",)


def test_a_missing_ok_ends_by_its_grace_time() -> None:
    """0.3 s after the answer; the time is that of the silence."""
    source = replay((0, ">", b"AT+CPIN?\r"), (0.1, "<", b"\r\n+CPIN: READY\r\n"))
    with opened(source, Habits(missing_ok=frozenset({"AT+CPIN?"}))) as session:
        reply = session.execute("AT+CPIN?")

    assert (reply.lines, reply.final, reply.done_ns) == (("+CPIN: READY",), "", 400_000_000)


def test_noise_is_counted_by_kind() -> None:
    """Wrong bytes on a good port are seen later."""
    source = replay((0.1, "<", b"\x01\x02\r\n\x01\r\n"))
    with opened(source) as session:
        session.listen(1.0)

        assert session.noise() == {NoiseKind.BINARY: 2}


def test_a_session_that_departs_from_the_transcript_is_told_so() -> None:
    """A replay is a check of what is sent, too."""
    source = replay((0, ">", b"AT+CSQ\r"))
    with opened(source) as session, pytest.raises(TranscriptError) as caught:
        session.execute("AT+CREG?")

    assert str(caught.value) == (
        "b'AT+CREG?\\r' is sent to r1.at, the transcript has b'AT+CSQ\\r' to r1.at"
    )


def test_a_session_needs_a_port() -> None:
    """No port is the caller's mistake."""
    with pytest.raises(UsageError, match="a session needs a port"):
        AtSession.open([])


def test_only_line_finds_the_line_and_refuses_two() -> None:
    """One line of that name, or an error that shows them all."""
    source = replay(
        (0, ">", b"ATI\r"), (0, "<", b"\r\nACME\r\n+GCAP: x\r\n+GCAP: y\r\nIMEI: 1\r\nOK\r\n")
    )
    with opened(source) as session:
        reply = session.execute("ATI")

    assert only_line(reply, "IMEI") == "IMEI: 1"
    with pytest.raises(AtFramingError, match=r"expected one line that begins with \+GCAP, got"):
        only_line(reply, "+GCAP")
