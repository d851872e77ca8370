"""``harness.at.dialogue`` and ``lane``: each event whole, with its time and its bytes."""

from __future__ import annotations

import pytest

from harness.at.command import parse_command
from harness.at.dialogue import (
    ANSWER_BYTES_MAX,
    Dialogue,
    Echo,
    Event,
    FinalResult,
    Habits,
    InfoLine,
    LateLine,
    Noise,
    Prompt,
    UrcLine,
)
from harness.at.errors import AtFramingError
from harness.at.framing import LINE_BYTES_MAX
from harness.at.lane import Lane, Reply, only_line
from harness.at.lines import NoiseKind, is_recognised, is_unsolicited, noise_kind
from harness.core.clock import Deadline, FakeClock
from harness.port.inbox import Chunk, Inbox, PortLost

S = 1_000_000_000
T = 7


class Cable:
    """A port that nobody opens."""

    name = "r1.at"

    def open(self, inbox: Inbox, opening: int) -> None:
        """Do nothing."""

    def write(self, data: bytes, deadline: Deadline) -> int:
        """Send nothing."""
        return len(data) + deadline.start_ns

    def pulse_dtr(self, low_s: float) -> bool:
        """Have no modem lines."""
        return low_s < 0

    def close(self) -> None:
        """Do nothing."""


def dialogue_of(command: str, habits: Habits | None = None) -> Dialogue:
    """Return a dialogue with `command` in flight."""
    dialogue = Dialogue(habits)
    dialogue.begin(command)
    return dialogue


def heard(command: str, wire: bytes, habits: Habits | None = None) -> list[Event]:
    """Return what a dialogue makes of `wire`."""
    return dialogue_of(command, habits).receive(wire, T)


@pytest.mark.parametrize(
    ("command", "wire", "event"),
    [
        ("AT+CSQ", b"AT+CSQ\r", Echo(t_ns=T, text="AT+CSQ", raw=b"AT+CSQ")),
        ("AT+CSQ", b"+CSQ: 1,\x009\r\n", InfoLine(t_ns=T, text="+CSQ: 1,9", raw=b"+CSQ: 1,\x009")),
        ("AT+CSQ", b"\x00OK\r\n", FinalResult(t_ns=T, text="OK", raw=b"\x00OK")),
        ("AT+CSQ", b"RING\x00\r\n", UrcLine(t_ns=T, text="RING", raw=b"RING\x00")),
        ("AT+CMGS=1", b"> ", Prompt(t_ns=T, text="> ", raw=b"> ")),
        ("AT+CMGS=1", b" >\r\n", Prompt(t_ns=T, text=" >", raw=b" >")),
        (
            "AT",
            b"\x01\x00\x02\r\n",
            Noise(t_ns=T, text="\x01\x02", raw=b"\x01\x00\x02", kind=NoiseKind.BINARY),
        ),
        (
            "AT+CSQ",
            b"$GPTXT,01\x00\r\n",
            Noise(t_ns=T, text="$GPTXT,01", raw=b"$GPTXT,01\x00", kind=NoiseKind.NMEA),
        ),
        (
            "AT",
            b"x" * LINE_BYTES_MAX + b"y",
            Noise(
                t_ns=T,
                text="x" * LINE_BYTES_MAX,
                raw=b"x" * LINE_BYTES_MAX,
                kind=NoiseKind.OVERLONG,
            ),
        ),
    ],
)
def test_an_event_has_time_text_and_bytes(command: str, wire: bytes, event: Event) -> None:
    """NULs are in the bytes only."""
    assert heard(command, wire) == [event]


def test_data_after_connect_is_kept_as_bytes() -> None:
    """Until NO CARRIER, and the next command ends it, too."""
    dialogue = dialogue_of("ATD*99#")
    assert dialogue.receive(b"CONNECT\r\n~\x00\r\n", T)[1:] == [
        Noise(t_ns=T, text="~", raw=b"~\x00", kind=NoiseKind.DATA)
    ]
    assert dialogue.in_data is True
    dialogue.receive(b"NO CARRIER\r\n", T)
    assert dialogue.in_data is False
    assert dialogue.receive(b"RING\r\n", T) == [UrcLine(t_ns=T, text="RING", raw=b"RING")]


def test_an_answer_may_be_one_megabyte_and_no_more() -> None:
    """The line that exceeds it is noise, with its bytes; the next command begins from zero."""
    dialogue = dialogue_of("ATI")
    piece = b"y" * 8192 + b"\r\n"
    events = [
        event for _ in range(ANSWER_BYTES_MAX // 8192) for event in dialogue.receive(piece, T)
    ]
    more = dialogue.receive(b"z\x00\r\n", T)
    dialogue.begin("ATI")

    assert {type(event) for event in events} == {InfoLine}
    assert more == [Noise(t_ns=T, text="z", raw=b"z\x00", kind=NoiseKind.OVERFLOW)]
    assert [type(event) for event in dialogue.receive(piece, T)] == [InfoLine]


def test_late_lines_keep_time_and_bytes() -> None:
    """Information and final result code of a command that was given up."""
    dialogue = dialogue_of("AT+COPS=?")
    dialogue.give_up()

    assert dialogue.receive(b"+COPS: (1)\x00\r\n\x00OK\r\n", T) == [
        LateLine(t_ns=T, text="+COPS: (1)", raw=b"+COPS: (1)\x00"),
        LateLine(t_ns=T, text="OK", raw=b"\x00OK"),
    ]
    assert dialogue.owed == 0


def test_no_more_than_eight_commands_are_remembered() -> None:
    """Of those given up, of those settled, and of those whose echo may still come."""
    dialogue = Dialogue()
    for number in range(9):
        dialogue.begin(f"AT+N{number}")
        dialogue.give_up()

    assert dialogue.owed == 8
    assert [type(event) for event in dialogue.receive(b"AT+N0\rAT+N1\r", T)] == [LateLine, Echo]
    dialogue.begin("AT+CSQ")
    assert [type(event) for event in dialogue.receive(b"+N0: 1\r\n+N1: 1\r\n", T)] == [
        UrcLine,
        LateLine,
    ]
    dialogue.settle()
    assert dialogue.owed == 0
    for number in range(9, 17):
        dialogue.begin(f"AT+N{number}")
        dialogue.give_up()
    dialogue.settle()
    dialogue.begin("AT+CSQ")
    assert [type(event) for event in dialogue.receive(b"+N8: 1\r\n+N9: 1\r\n", T)] == [
        UrcLine,
        LateLine,
    ]


def test_an_echo_without_its_cr_comes_once() -> None:
    """The second time it is the answer; a short command needs a result code behind it."""
    assert [event.text for event in heard("AT+X", b"AT+X1\r\nAT+X2\r\n")] == ["1", "AT+X2"]
    assert [event.text for event in heard("ATI", b"ATI1\r\nATI2\r\n")] == ["1", "ATI2"]
    assert [event.text for event in heard("AT", b"ATX\r\nATOK\r\n")] == ["ATX", "OK"]
    dialling = heard("ATD", b"ATDBUSY\r\n")
    assert [(type(event), event.text) for event in dialling] == [(FinalResult, "BUSY")]
    own = heard("AT", b"ATFINE\r\n", Habits(extra_finals=frozenset({"FINE"})))
    assert [(type(event), event.text) for event in own] == [(FinalResult, "FINE")]


def test_numbers_are_result_codes_only_while_no_words_were_seen() -> None:
    """ATV0 begins it anew; in lower case, too; a digit that is none stays what it is."""
    dialogue = dialogue_of("AT")
    dialogue.receive(b"OK\r\n", T)
    dialogue.begin("ATI")
    assert [type(event) for event in dialogue.receive(b"0\rX\r\n", T)] == [InfoLine, InfoLine]
    dialogue.receive(b"OK\r\n", T)
    for command in ("ATV0", "ate0v0"):
        dialogue.begin(command)
        assert dialogue.receive(b"0\rX", T) == [FinalResult(t_ns=T, text="OK", raw=b"0")]
        dialogue.receive(b"\r\n", T)
    dialogue.begin("ATI")
    assert dialogue.receive(b"5\rX", T) == [InfoLine(t_ns=T, text="5", raw=b"5")]


def test_a_numeric_code_with_nuls_is_no_word() -> None:
    """A boot spits NULs before a 0; the next digit still counts."""
    dialogue = dialogue_of("ATV0")
    dialogue.receive(b"\x00OK\r\n", T)
    dialogue.begin("ATI")
    assert [type(event) for event in dialogue.receive(b"0\rX\r\n", T)] == [InfoLine, InfoLine]


def test_ok_to_a_question_that_was_answered_is_its_own() -> None:
    """Although another command is owed an answer."""
    dialogue = dialogue_of("AT+COPS=?")
    dialogue.give_up()
    dialogue.begin("AT+CREG?")

    assert [type(event) for event in dialogue.receive(b"+CREG: 0,1\r\nOK\r\n", T)] == [
        InfoLine,
        FinalResult,
    ]


def test_a_late_answer_is_told_by_name_or_by_a_command_that_answers_bare() -> None:
    """A bare line is late after ATI, not after a command that only sets."""
    for given_up, wire, kind in (
        ("ATI", b"Maker\r\n", LateLine),
        ("AT+CFUN=1", b"Maker\r\n", UrcLine),
        ("AT+CSQ", b"+CSQ: 1,2\r\n", LateLine),
        ("AT+CSQ", b"+CEER: x\r\n", UrcLine),
        ("AT+CREG?", b"+CREG: 1\r\n", UrcLine),
        ("AT+CREG?", b"+CREG: 0,1\r\n", LateLine),
    ):
        dialogue = dialogue_of(given_up)
        dialogue.give_up()
        assert [type(event) for event in dialogue.receive(wire, T)] == [kind]
    dialogue = dialogue_of("ATI")
    dialogue.give_up()
    dialogue.begin("AT+CGMI")
    assert [type(event) for event in dialogue.receive(b"Maker\r\n", T)] == [InfoLine]


def test_a_prompt_is_not_expected_after_a_command_was_given_up() -> None:
    """Then the sign is text, and it is a line."""
    dialogue = dialogue_of("AT+CMGS=1")
    dialogue.give_up()

    assert dialogue.receive(b"> ", T) == []
    assert [event.text for event in dialogue.receive(b"x\r\n", T)] == ["> x"]


def test_one_prompt_is_asked_for_once() -> None:
    """After a prompt with its own line, the sign is text."""
    dialogue = dialogue_of("AT+CMGS=1")
    dialogue.receive(b" >\r\n", T)

    assert dialogue.receive(b"> ", T) == []


def test_a_call_ends_by_no_carrier_after_junk() -> None:
    """The command in flight decides what is recognised behind junk."""
    events = heard("ATD1", b"\x01\x02NO CARRIER\r\n")

    assert [(type(event), event.text) for event in events] == [(FinalResult, "NO CARRIER")]
    own = heard("AT", b"\x01FINE\r\n", Habits(extra_finals=frozenset({"FINE"})))
    assert [(type(event), event.text) for event in own] == [(FinalResult, "FINE")]


def test_a_named_answer_may_hold_control_characters() -> None:
    """Of the command in flight; of another it is noise."""
    assert [type(event) for event in heard("AT+X", b"+X: \x01\r\n+Y: \x01\r\n")] == [
        InfoLine,
        Noise,
    ]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"A" + b"\x00" * 32, NoiseKind.NULS),
        (b"A" + b"\x00" * 31, None),
        (b"$GPGGA,1", NoiseKind.NMEA),
        (b"GPGGA,1", None),
        (b"$X", None),
        (b"7E os_logids.h 4", NoiseKind.DIAG),
        (b"option/faema_x", NoiseKind.DIAG),
        (b"a NETWORK SERVICE CHANGE b", NoiseKind.DIAG),
        (b"\x10\x02~\x00", NoiseKind.DIAG),
        (b"\x10\x02~ ", NoiseKind.BINARY),
        (b"~\x10\x02", NoiseKind.BINARY),
        (b"caf\xe9", None),
        (b"soft\xadhyphen", None),
    ],
)
def test_noise_is_named_by_what_it_looks_like(raw: bytes, kind: NoiseKind | None) -> None:
    """32 NULs, an NMEA sentence, diagnostic texts and frames, control characters."""
    assert noise_kind(raw, raw.replace(b"\x00", b"").decode("latin-1")) is kind


def test_what_a_modem_says_on_purpose_is_recognised() -> None:
    """Named lines, bare URCs in any case, final result codes of command and model."""
    call = parse_command("ATD1")
    assert is_recognised("+X: 1", None, frozenset())
    assert is_recognised("Call Ready", None, frozenset())
    assert is_recognised("NO DIALTONE", call, frozenset())
    assert not is_recognised("NO DIALTONE", None, frozenset())
    assert is_recognised("FINE", None, frozenset({"FINE"}))
    assert not is_recognised("hello", call, frozenset())


def test_a_colon_inside_an_answer_does_not_make_it_a_urc() -> None:
    """What follows the first colon decides the shape; only questions are told by shape."""
    assert not is_unsolicited("+CREG: 2,1,:5", "+CREG", parse_command("AT+CREG?"))
    assert not is_unsolicited("+CREG: 5", "+CREG", parse_command("AT+CREG"))


def lane_of(command: str) -> Lane:
    """Return a lane with `command` in flight."""
    lane = Lane(Cable(), Habits())
    lane.begin(command)
    return lane


def test_a_new_lane_is_ready_and_has_heard_nothing() -> None:
    """No timeouts, nothing late, nothing unclear."""
    lane = Lane(Cable(), Habits())

    assert (lane.unclear, lane.timeouts, lane.late, lane.last_ns) == (False, 0, 0, 0)
    assert (lane.answered, lane.prompted, lane.reply(0)) == (False, False, None)


def test_a_lane_collects_the_reply_and_counts_the_rest() -> None:
    """Lines, result code, bytes with their ends, times; an echo is only stripped."""
    lane = lane_of("AT+CSQ")
    urcs = [
        *lane.receive(Chunk(t_ns=5, port="r1.at", opening=1, data=b"AT+CSQ\r\r\nRING\r\n\x01\r\n")),
        *lane.receive(Chunk(t_ns=6, port="r1.at", opening=1, data=b"+CSQ: 1,2\r\nOK\r\n")),
    ]

    assert urcs == [UrcLine(t_ns=5, text="RING", raw=b"RING")]
    assert lane.reply(3) == Reply(
        lines=("+CSQ: 1,2",), final="OK", raw=b"+CSQ: 1,2\r\nOK\r\n", sent_ns=3, done_ns=6
    )
    assert (lane.last_ns, lane.noise) == (6, {NoiseKind.BINARY: 1})


def test_a_timeout_counts_all_bytes_and_shows_the_last_200() -> None:
    """Of two reads together."""
    lane = lane_of("AT+CSQ")
    for _ in range(2):
        lane.receive(Chunk(t_ns=5, port="r1.at", opening=1, data=b"z" * 150))
    clock = FakeClock()
    deadline = Deadline.after(2.0, clock)
    clock.sleep(2.0)

    error = lane.timeout("AT+CSQ", deadline)

    assert str(error) == (
        "r1.at: no final result code for 'AT+CSQ' after 2.0 s; received 300 bytes, at last: "
        f"{b'z' * 200!r}"
    )
    assert (error.waited_s, error.got, lane.timeouts) == (2.0, b"z" * 200, 1)


def test_a_port_that_says_nothing_to_at_is_a_timeout_with_its_facts() -> None:
    """How often, how long, what came."""
    lane = lane_of("AT")
    lane.receive(Chunk(t_ns=5, port="r1.at", opening=1, data=b"zz"))
    clock = FakeClock()
    deadline = Deadline.after(2.0, clock)
    clock.sleep(1.5)

    error = lane.no_sync(3, deadline)

    assert str(error) == "r1.at: no OK to AT, sent 3 times in 1.5 s; received 2 bytes: b'zz'"
    assert (error.waited_s, error.got) == (1.5, b"zz")  # type: ignore[union-attr]


def test_a_lost_port_says_why_and_what_was_in_flight() -> None:
    """The host's reason, or that we closed it."""
    lane = lane_of("AT")
    assert str(lane.loss()) == "r1.at is gone: it was closed; received b''"
    lane.receive(Chunk(t_ns=5, port="r1.at", opening=1, data=b"zz"))
    lane.lost = PortLost(t_ns=6, port="r1.at", opening=1, reason="end of file")
    error = lane.loss(during="AT")

    assert str(error) == "r1.at is gone while 'AT' was in flight: end of file; received b'zz'"
    assert error.port == "r1.at"


def test_only_line_may_be_indented_and_names_what_it_looked_for() -> None:
    """Blanks before the name do not matter."""
    reply = Reply(lines=("  +A: 1", "+B: 2"), final="OK", raw=b"", sent_ns=0, done_ns=0)

    assert only_line(reply, "+A:", "+X:") == "  +A: 1"
    with pytest.raises(AtFramingError) as caught:
        only_line(reply, "+X:", "+Y:")
    assert str(caught.value) == (
        "expected one line that begins with +X: or +Y:, got ('  +A: 1', '+B: 2')"
    )
