"""``harness.at.dialogue``: what modems in the field do to a line (numbers of modem.md (a))."""

from __future__ import annotations

import pytest

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
from harness.at.framing import LINE_BYTES_MAX, QUOTE_BYTES_MAX
from harness.at.lines import NoiseKind
from harness.core.errors import UsageError

NAMES = {
    Echo: "echo",
    InfoLine: "info",
    FinalResult: "final",
    UrcLine: "urc",
    LateLine: "late",
    Prompt: "prompt",
    Noise: "noise",
}
MS = 1_000_000


def said(events: list[Event]) -> list[tuple[str, str]]:
    """Return kind and text of each event."""
    return [(NAMES[type(event)], event.text) for event in events]


def heard(command: str, wire: bytes, habits: Habits | None = None) -> list[tuple[str, str]]:
    """Return what a dialogue makes of `wire` while `command` is in flight, silence included."""
    dialogue = Dialogue(habits)
    dialogue.begin(command)
    return said(dialogue.receive(wire, 0) + dialogue.tick(1000 * MS) + dialogue.tick(2000 * MS))


def test_01_an_echo_is_told_from_the_answer() -> None:
    """An echo ends in CR only, and is taken off because it equals what was sent."""
    assert heard("AT+CSQ", b"AT+CSQ\r\r\n+CSQ: 11,99\r\n\r\nOK\r\n") == [
        ("echo", "AT+CSQ"),
        ("info", "+CSQ: 11,99"),
        ("final", "OK"),
    ]


def test_01_an_echo_without_its_cr_is_taken_off() -> None:
    """The answer may follow the echo at once; then the echo is the beginning of the line."""
    assert heard("AT+CGMI", b"AT+CGMIACME\r\nOK\r\n") == [("info", "ACME"), ("final", "OK")]
    assert heard("AT", b"ATOK\r\n") == [("final", "OK")]


def test_01_a_line_that_only_begins_like_a_short_command_is_kept() -> None:
    """After AT, a line that begins with AT is not an echo."""
    assert heard("ATI", b"ATMEL\r\nOK\r\n") == [("info", "ATMEL"), ("final", "OK")]


def test_02_urcs_before_inside_and_after_an_answer_are_sorted_out() -> None:
    """Also when they are glued to OK in the same read."""
    wire = b'\r\nRING\r\n\r\n+CSQ: 3,99\r\n+CMTI: "ME",1\r\n\r\nOK\r\n\r\n+CGEV: NW DETACH\r\n'

    assert heard("AT+CSQ", wire) == [
        ("urc", "RING"),
        ("info", "+CSQ: 3,99"),
        ("urc", '+CMTI: "ME",1'),
        ("final", "OK"),
        ("urc", "+CGEV: NW DETACH"),
    ]


@pytest.mark.parametrize(
    ("command", "urc", "answer"),
    [
        ("AT+CREG?", "+CREG: 2", "+CREG: 2,2"),
        ("AT+CREG?", '+CREG: 1,"00C3","0001A2B3",7', '+CREG: 2,1,"00C3","0001A2B3",7'),
        ("AT+CEREG?", "+CEREG: 1,00C3,0001A2B3,7", "+CEREG: 0,1"),
        ("AT+CEREG?", "+CEREG: 3,,,,0,15", "+CEREG: 3,3,,,,0,15"),
        ("AT+CGREG?", "+CGREG: 4", "+CGREG: 1,4"),
        ("AT+C5GREG?", '+C5GREG: 1,"000001","000000001",11', "+C5GREG: 0,0"),
        ("AT+CSCON?", "+CSCON: 1", "+CSCON: 1,0"),
        ("AT+CREG=?", "+CREG: 5", "+CREG: (0-2)"),
    ],
)
def test_02_a_urc_with_the_prefix_in_flight_is_told_by_its_shape(
    command: str, urc: str, answer: str
) -> None:
    """The answer has `<n>,<stat>`, the URC begins with `<stat>`."""
    wire = f"\r\n{urc}\r\n\r\n{answer}\r\n\r\nOK\r\n".encode()

    assert heard(command, wire) == [("urc", urc), ("info", answer), ("final", "OK")]


@pytest.mark.parametrize("command", ["AT+CREG=2", "AT+CFUN=1", "AT+CGATT=1", "AT^CLOUDSIM=1"])
def test_02_a_command_that_only_sets_gets_no_information(command: str) -> None:
    """A line of its name that comes while it is in flight is a URC."""
    name = command[2:].partition("=")[0]

    assert heard(command, f"\r\n{name}: 1\r\n\r\nOK\r\n".encode()) == [
        ("urc", f"{name}: 1"),
        ("final", "OK"),
    ]


def test_03_an_error_that_comes_in_two_reads_is_one_line() -> None:
    """`+CME ERROR:` and its text were seen 34 ms apart."""
    dialogue = Dialogue()
    dialogue.begin("AT+CSQ")

    assert dialogue.receive(b"\r\n+CME ERROR:", 0) == []
    assert said(dialogue.receive(b" 14\r\n", 34 * MS)) == [("final", "+CME ERROR: 14")]


@pytest.mark.parametrize(
    "wire",
    [
        b"\r\n+CSQ: 3,99\r\n\r\nOK\r\n",
        b"\r\r\n+CSQ: 3,99\r\r\n\r\r\nOK\r\r\n",
        b"\n+CSQ: 3,99\n\nOK\n",
        b"+CSQ: 3,99\r\nOK\r\n",
        b"\r+CSQ: 3,99\r\rOK\r",
        b"\r\n\r\n\r\n+CSQ: 3,99\r\n\r\n\r\n\r\nOK\r\n\r\n",
    ],
)
def test_04_any_run_of_cr_and_lf_ends_a_line(wire: bytes) -> None:
    """CRLF, CR CR LF, LF alone, no leading CRLF, empty lines."""
    assert heard("AT+CSQ", wire) == [("info", "+CSQ: 3,99"), ("final", "OK")]


def test_05_a_quoted_string_may_hold_line_breaks() -> None:
    """A USSD text has CR and LF inside its quotes."""
    line = '+CUSD: 1,"line\r\nOK\r\nline",15'

    assert heard("AT+CUSD=1", f"\r\n{line}\r\n\r\nOK\r\n".encode()) == [
        ("info", line),
        ("final", "OK"),
    ]


def test_05_a_quote_that_stays_open_ends_by_itself() -> None:
    """SCFG lines are cut in mid-string: after 0.4 s its lines are cut without regard to quotes."""
    dialogue = Dialogue()
    dialogue.begin("AT^SCFG?")

    assert dialogue.receive(b'\r\n^SCFG: "a","b\r\n^SCFG: "c"\r\n\r\nOK\r\n', 0) == []
    assert dialogue.tick_ns == 400 * MS
    assert dialogue.tick(399 * MS) == []
    assert said(dialogue.tick(400 * MS)) == [
        ("info", '^SCFG: "a","b'),
        ("info", '^SCFG: "c"'),
        ("final", "OK"),
    ]


def test_05_a_quote_that_stays_open_ends_after_1024_bytes() -> None:
    """Memory is bounded even when bytes come without end."""
    dialogue = Dialogue()
    dialogue.begin("AT+X?")
    dialogue.receive(b'\r\n+X: "a\r\nOK\r\n', 0)

    events = dialogue.receive(b"b" * QUOTE_BYTES_MAX, 0)

    assert said(events) == [("info", '+X: "a'), ("final", "OK")]


def test_06_a_prompt_needs_no_line_end() -> None:
    """`> ` is a token of its own while it is expected, also behind a URC."""
    assert heard("AT+CMGS=17", b"\r\n+ZDONR: 1\r\n\r\n> ") == [
        ("urc", "+ZDONR: 1"),
        ("prompt", "> "),
    ]


def test_06_a_prompt_without_its_blank_is_believed_after_silence() -> None:
    """Some routers send `>` alone, or with a line end."""
    assert heard("AT+CMGS=17", b"\r\n>") == [("prompt", ">")]
    assert heard("AT+CMGS=17", b"\r\n>\r\n") == [("prompt", ">")]


def test_06_a_prompt_that_is_not_expected_is_text() -> None:
    """Only a command that takes data gets a prompt."""
    assert heard("AT+CSQ", b"\r\n> x\r\nOK\r\n") == [("info", "> x"), ("final", "OK")]


@pytest.mark.parametrize(
    "final",
    [
        "OK",
        "ERROR",
        "ABORTED",
        "+CME ERROR: 10",
        "+CME ERROR: SIM not inserted",
        "+CMS ERROR: 500",
        "+CME ERROR: ",
        "COMMAND NOT SUPPORT",
        "MODEM ERROR: 7",
        "+EXT ERROR: 3",
        "NA",
        "unknown atcmd",
    ],
)
def test_07_each_final_result_code_ends_a_command(final: str) -> None:
    """Those of the standards and those of vendors."""
    events = heard("AT+CSQ", f"\r\n{final}\r\n".encode())

    assert [kind for kind, _ in events] == ["final"]


def test_07_an_error_without_a_blank_is_not_the_end() -> None:
    """`+CME ERROR:` alone is a line that lost its code; the final result code is still to come."""
    assert heard("AT+CSQ", b"\r\n+CME ERROR:\r\n\r\nERROR\r\n")[-1] == ("final", "ERROR")
    assert heard("AT+CSQ", b"\r\n+CME ERROR:\r\n")[0][0] == "urc"


def test_07_no_carrier_is_the_end_of_a_call_and_else_a_urc() -> None:
    """It ends ATD; while AT+CSQ runs it tells of something else."""
    assert heard("ATD*99#", b"\r\nNO CARRIER\r\n") == [("final", "NO CARRIER")]
    assert heard("ATD*99#", b"\r\nCONNECT 150000000\r\n") == [("final", "CONNECT 150000000")]
    assert heard("AT+CSQ", b"\r\nNO CARRIER\r\n") == [("urc", "NO CARRIER")]


def test_07_a_model_may_have_final_result_codes_of_its_own() -> None:
    """They come from its model file."""
    habits = Habits(extra_finals=frozenset({"DONE"}))

    assert heard("AT+X", b"\r\nDONE\r\n", habits) == [("final", "DONE")]
    assert heard("AT+X", b"\r\nDONE\r\n") == [("info", "DONE")]


@pytest.mark.parametrize(("digit", "words"), [("0", "OK"), ("4", "ERROR")])
def test_08_a_digit_is_a_final_result_code_after_atv0(digit: str, words: str) -> None:
    """V.250 5.7.1: numeric result codes end in CR alone; silence tells that no LF follows."""
    assert heard("AT+CSQ", f"+CSQ: 3,99\r\n{digit}\r".encode()) == [
        ("info", "+CSQ: 3,99"),
        ("final", words),
    ]


def test_08_a_digit_with_cr_lf_is_an_answer() -> None:
    """AT+CCHO answers by a bare session number."""
    assert heard('AT+CCHO="A0"', b"\r\n1\r\n\r\nOK\r\n") == [("info", "1"), ("final", "OK")]


def test_08_a_digit_is_an_answer_once_words_were_seen() -> None:
    """A router that said OK does not say 0."""
    dialogue = Dialogue()
    dialogue.begin("AT")
    dialogue.receive(b"\r\nOK\r\n", 0)
    dialogue.begin('AT+CCHO="A0"')

    assert said(dialogue.receive(b"0\r\r\rOK\r\n", 0)) == [("info", "0"), ("final", "OK")]


def test_10_what_a_booting_modem_says_is_urcs_and_noise() -> None:
    """NULs vanish, junk is named, junk before a line does not hide it."""
    wire = b"\x00\x00\xff\xfe\x01\r\nRDY\r\n\x00+CFUN: 1\r\n\xf8\xf0+CPIN: READY\r\n\r\nPB DONE\r\n"

    assert said(Dialogue().receive(wire, 0)) == [
        ("noise", "ÿþ\x01"),
        ("urc", "RDY"),
        ("urc", "+CFUN: 1"),
        ("urc", "+CPIN: READY"),
        ("urc", "PB DONE"),
    ]


def test_09_words_after_junk_still_end_a_command() -> None:
    """Junk before OK does not make the command time out."""
    assert heard("AT", b"\xf8\x80OK\r\n") == [("final", "OK")]


def test_11_a_late_answer_never_attaches_to_the_next_command() -> None:
    """Its line is known by the name of the command that was given up, its OK by that line."""
    dialogue = Dialogue()
    dialogue.begin("AT+COPS=?")
    dialogue.give_up()
    dialogue.begin("AT+CSQ")

    events = dialogue.receive(
        b'\r\n+COPS: (2,"a","b","44010",7)\r\n\r\nOK\r\n\r\n+CSQ: 3,99\r\n\r\nOK\r\n', 0
    )

    assert said(events) == [
        ("late", '+COPS: (2,"a","b","44010",7)'),
        ("late", "OK"),
        ("info", "+CSQ: 3,99"),
        ("final", "OK"),
    ]


def test_11_a_late_ok_is_not_the_answer_to_a_question() -> None:
    """A read command is not answered by OK alone while another answer is owed."""
    dialogue = Dialogue()
    dialogue.begin("AT+CFUN=1")
    dialogue.give_up()
    dialogue.begin("AT+CMEE?")

    events = dialogue.receive(b"\r\nOK\r\n\r\n+CMEE: 1\r\n\r\nOK\r\n", 0)

    assert said(events) == [("late", "OK"), ("info", "+CMEE: 1"), ("final", "OK")]
    assert dialogue.owed == 0


def test_11_a_scan_that_ends_minutes_later_is_late_after_the_port_was_settled() -> None:
    """Its line and its OK are nobody's, also when other commands were answered meanwhile."""
    dialogue = Dialogue()
    dialogue.begin("AT+COPS=?")
    dialogue.give_up()
    dialogue.settle()
    dialogue.begin("AT+CGACT?")
    empty = dialogue.receive(b"\r\nOK\r\n", 0)
    dialogue.begin("AT+CSQ")
    late = dialogue.receive(b"\r\n+COPS: \r\n\r\nOK\r\n\r\n+CSQ: 3,99\r\n\r\nOK\r\n", 0)

    assert said(empty) == [("final", "OK")]
    assert [kind for kind, _ in said(late)] == ["late", "late", "info", "final"]


def test_11_an_answer_that_nobody_waits_for_is_late() -> None:
    """A final result code without a command is reported, not kept for the next one."""
    assert said(Dialogue().receive(b"\r\nOK\r\n\r\nERROR\r\n", 0)) == [
        ("late", "OK"),
        ("late", "ERROR"),
    ]


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (b"\x00" * 40 + b"\r\n", NoiseKind.NULS),
        (
            b"$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n",
            NoiseKind.NMEA,
        ),
        (b"\x10\x00\x1f\x88~\r\n", NoiseKind.DIAG),
        (b"7E os_logids.h 4\r\n", NoiseKind.DIAG),
        (b"\x01\x02\x03\r\n", NoiseKind.BINARY),
    ],
)
def test_12_what_a_wrong_port_sends_is_named(wire: bytes, kind: NoiseKind) -> None:
    """NUL floods, GNSS sentences and diagnostic frames are no URCs."""
    (event,) = Dialogue().receive(wire, 0)

    assert isinstance(event, Noise)
    assert event.kind is kind


def test_14_a_missing_ok_is_added_for_the_models_that_leave_it_out() -> None:
    """0.3 s after the last line the command is over, with an empty final result code."""
    dialogue = Dialogue(Habits(missing_ok=frozenset({"AT+CPIN?"})))
    dialogue.begin("AT+CPIN?")
    first = dialogue.receive(b"\r\n+CPIN: READY\r\n", 5 * MS)

    assert said(first) == [("info", "+CPIN: READY")]
    assert dialogue.tick_ns == 305 * MS
    assert dialogue.tick(304 * MS) == []
    assert said(dialogue.tick(305 * MS)) == [("final", "")]
    assert dialogue.in_flight is None


def test_14_an_ok_that_comes_all_the_same_ends_the_command() -> None:
    """A later firmware may have learnt it."""
    assert heard(
        "AT+CPIN?", b"\r\n+CPIN: READY\r\n\r\nOK\r\n", Habits(missing_ok=frozenset({"AT+CPIN?"}))
    ) == [("info", "+CPIN: READY"), ("final", "OK")]


def test_15_bare_lines_and_aliases_are_answers() -> None:
    """CGMI, CIMI and ATI have no name in their answers, ICCID has another."""
    assert heard("AT+CIMI", b"\r\n440101234567890\r\n\r\nOK\r\n")[0][0] == "info"
    assert heard("AT+CCID", b"\r\n+ICCID: 8981100000000000000\r\n\r\nOK\r\n")[0][0] == "info"
    assert heard("ATI", b"\r\nACME\r\n+GCAP: +CGSM\r\n\r\nOK\r\n")[1] == ("info", "+GCAP: +CGSM")
    assert heard("ATI", b"\r\n+CREG: 2\r\n\r\nOK\r\n")[0][0] == "urc"


def test_15_an_empty_ok_is_an_answer() -> None:
    """AT+CGACT? without a context is OK alone."""
    assert heard("AT+CGACT?", b"\r\nOK\r\n") == [("final", "OK")]


def test_16_an_aborted_scan_ends() -> None:
    """A character typed during AT+COPS=? gives ABORTED on some routers."""
    assert heard("AT+COPS=?", b"\r\nABORTED\r\n") == [("final", "ABORTED")]


def test_25_bytes_above_ascii_stay_what_they_are() -> None:
    """Latin-1 keeps each byte; the raw line is kept beside it."""
    dialogue = Dialogue()
    dialogue.begin("AT+COPS?")
    (event,) = dialogue.receive(b'\r\n+COPS: 0,0,"caf\xe9",7\r\n', 7)

    assert (event.text, event.raw) == ('+COPS: 0,0,"café",7', b'+COPS: 0,0,"caf\xe9",7')
    assert event.t_ns == 7


def test_25_a_control_character_in_an_answer_is_kept() -> None:
    """GSM 7 bit names hold bytes below 32; the name of the command vouches for the line."""
    assert heard("AT+COPS?", b'\r\n+COPS: 0,0,"a\x01b"\r\nOK\r\n')[0] == (
        "info",
        '+COPS: 0,0,"a\x01b"',
    )


@pytest.mark.parametrize("text", ["CSQ", "AT+CSQ\r", "AT\n", "AT" + "x" * 2047, "AT+X=\u20ac"])
def test_26_what_is_not_one_command_line_is_not_sent(text: str) -> None:
    """Each would be two commands, or none."""
    with pytest.raises(UsageError):
        Dialogue().begin(text)


def test_after_connect_lines_are_data_until_no_carrier() -> None:
    """Nothing in the data is an answer or a URC."""
    dialogue = Dialogue()
    dialogue.begin("ATD*99#")

    events = dialogue.receive(b"\r\nCONNECT\r\n~\x7d#\r\nRING\r\n\r\nNO CARRIER\r\n", 0)

    assert said(events) == [
        ("final", "CONNECT"),
        ("noise", "~}#"),
        ("noise", "RING"),
        ("urc", "NO CARRIER"),
    ]
    assert not dialogue.in_data


def test_a_line_without_an_end_is_cut() -> None:
    """16,384 bytes are no line; memory stays bounded."""
    dialogue = Dialogue()

    events = dialogue.receive(b"x" * (LINE_BYTES_MAX + 1), 0)

    assert [(type(event), len(event.raw)) for event in events] == [(Noise, LINE_BYTES_MAX)]
    assert dialogue.pending == b"x"


def test_an_answer_without_an_end_is_not_kept() -> None:
    """After 1 MiB the lines of one answer are noise; the final result code still ends it."""
    dialogue = Dialogue()
    dialogue.begin("ATI")
    line = b"y" * 1022 + b"\r\n"
    events = dialogue.receive(line * (ANSWER_BYTES_MAX // 1022 + 1), 0)

    assert isinstance(events[-1], Noise)
    assert events[-1].kind is NoiseKind.OVERFLOW
    assert isinstance(events[-2], InfoLine)
    assert said(dialogue.receive(b"OK\r\n", 0)) == [("final", "OK")]


def test_a_models_own_urcs_are_never_answers() -> None:
    """They come from its model file."""
    assert heard(
        "ATI", b"\r\n^DSFLOWRPT: 1\r\nOK\r\n", Habits(extra_urcs=frozenset({"^DSFLOWRPT"}))
    ) == [("urc", "^DSFLOWRPT: 1"), ("final", "OK")]


def test_06_a_prompt_after_the_end_of_its_command_is_text() -> None:
    """Found by the fuzzer: it is the same whether `OK` and `>` come in one read or in two."""
    wire = b"\r\nOK\r\n> \n"

    assert heard("AT+CMGS=1", wire) == [("final", "OK"), ("urc", "> ")]
