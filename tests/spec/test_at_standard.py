"""``harness.at`` is held to byte strings typed from the standards; the clause is beside each.

The virtual router is held to its own ones, separately: neither side learns from the other.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.at.card import parse_crsm, parse_csim
from harness.at.cesq import parse_cesq
from harness.at.cfun import parse_cfun
from harness.at.cgev import parse_cgev
from harness.at.cimi import parse_cimi
from harness.at.cmee import parse_error
from harness.at.cops import parse_cops, parse_cops_scan
from harness.at.cpin import parse_cpin
from harness.at.csq import parse_csq
from harness.at.dialogue import Dialogue, FinalResult, InfoLine, UrcLine
from harness.at.identification import parse_cgsn, parse_identity
from harness.at.network_time import parse_cclk, parse_zone_urc
from harness.at.pdp import (
    parse_cgact,
    parse_cgatt,
    parse_cgcontrdp,
    parse_cgdcont,
    parse_cgpaddr,
)
from harness.at.registration import parse_registration, parse_registration_urc

# clause, command, what the router sends (TA to TE), the information lines in it
ANSWERS = [
    ("V.250 5.7.1", "AT", b"\r\nOK\r\n", []),
    ("V.250 6.1.4", "AT+GMI", b"\r\nManufacturer\r\n\r\nOK\r\n", ["Manufacturer"]),
    ("V.250 6.1.3", "ATI", b"\r\nLine one\r\nLine two\r\n\r\nOK\r\n", ["Line one", "Line two"]),
    ("V.250 6.2.4", "ATE1", b"ATE1\r\r\nOK\r\n", []),
    ("27.007 5.4", "AT+CGSN", b"\r\n490154203237518\r\n\r\nOK\r\n", ["490154203237518"]),
    ("27.007 5.6", "AT+CIMI", b"\r\n440101234567890\r\n\r\nOK\r\n", ["440101234567890"]),
    ("27.007 7.2", "AT+CREG?", b"\r\n+CREG: 0,1\r\n\r\nOK\r\n", ["+CREG: 0,1"]),
    ("27.007 7.2", "AT+CREG=?", b"\r\n+CREG: (0-3)\r\n\r\nOK\r\n", ["+CREG: (0-3)"]),
    (
        "27.007 7.3",
        "AT+COPS?",
        b'\r\n+COPS: 0,2,"44010",7\r\n\r\nOK\r\n',
        ['+COPS: 0,2,"44010",7'],
    ),
    ("27.007 8.3", "AT+CPIN?", b"\r\n+CPIN: READY\r\n\r\nOK\r\n", ["+CPIN: READY"]),
    ("27.007 8.5", "AT+CSQ", b"\r\n+CSQ: 31,99\r\n\r\nOK\r\n", ["+CSQ: 31,99"]),
    (
        "27.007 10.1.1",
        "AT+CGDCONT?",
        b'\r\n+CGDCONT: 1,"IP","a",,0,0\r\n+CGDCONT: 2,"IPV6","b",,0,0\r\n\r\nOK\r\n',
        ['+CGDCONT: 1,"IP","a",,0,0', '+CGDCONT: 2,"IPV6","b",,0,0'],
    ),
    ("27.007 10.1.9", "AT+CGATT?", b"\r\n+CGATT: 1\r\n\r\nOK\r\n", ["+CGATT: 1"]),
    (
        "27.007 10.1.10",
        "AT+CGACT?",
        b"\r\n+CGACT: 1,1\r\n+CGACT: 2,0\r\n\r\nOK\r\n",
        ["+CGACT: 1,1", "+CGACT: 2,0"],
    ),
]


@pytest.mark.parametrize(("clause", "command", "wire", "lines"), ANSWERS)
def test_answers_have_the_form_of_their_clause(
    clause: str, command: str, wire: bytes, lines: list[str]
) -> None:
    """Information responses between CR LF, then the final result code, and nothing else."""
    dialogue = Dialogue()
    dialogue.begin(command)
    events = dialogue.receive(wire, 0)

    assert [event.text for event in events if isinstance(event, InfoLine)] == lines, clause
    assert [event.text for event in events if isinstance(event, FinalResult)] == ["OK"], clause
    assert not [event for event in events if isinstance(event, UrcLine)], clause


@pytest.mark.parametrize(
    ("clause", "digit", "words"),
    [
        ("V.250 table 1", b"0", "OK"),
        ("V.250 table 1", b"4", "ERROR"),
    ],
)
def test_numeric_result_codes_end_in_cr_alone(clause: str, digit: bytes, words: str) -> None:
    """V.250 6.2.6: with V0 a result code is a number and CR, without LF."""
    dialogue = Dialogue()
    dialogue.begin("ATV0")
    events = dialogue.receive(digit + b"\r", 0) + dialogue.tick(10**9)

    assert [event.text for event in events] == [words], clause


def test_result_codes_of_a_call_end_it() -> None:
    """V.250 table 1: CONNECT, NO CARRIER, NO DIALTONE, BUSY, NO ANSWER."""
    for words in ("CONNECT", "NO CARRIER", "NO DIALTONE", "BUSY", "NO ANSWER"):
        dialogue = Dialogue()
        dialogue.begin("ATD0312345678")
        (event,) = dialogue.receive(f"\r\n{words}\r\n".encode(), 0)
        assert isinstance(event, FinalResult)


VALUES: list[tuple[str, Callable[[str], object], str, object]] = [
    ("8.5 <rssi> 0: -113 dBm or less", lambda t: parse_csq(t).rssi_dbm, "+CSQ: 0,99", -113),
    ("8.5 <rssi> 1: -111 dBm", lambda t: parse_csq(t).rssi_dbm, "+CSQ: 1,99", -111),
    ("8.5 <rssi> 30: -53 dBm", lambda t: parse_csq(t).rssi_dbm, "+CSQ: 30,99", -53),
    ("8.5 <rssi> 31: -51 dBm or more", lambda t: parse_csq(t).rssi_dbm, "+CSQ: 31,99", -51),
    ("8.5 <rssi> 99: not known", lambda t: parse_csq(t).rssi_dbm, "+CSQ: 99,99", None),
    (
        "8.69 <rxlev> 1: -110 dBm <= rssi",
        lambda t: parse_cesq(t).rxlev_dbm,
        "+CESQ: 1,99,255,255,255,255",
        -110,
    ),
    (
        "8.69 <rscp> 1: -120 dBm <= rscp",
        lambda t: parse_cesq(t).rscp_dbm,
        "+CESQ: 99,99,1,255,255,255",
        -120,
    ),
    (
        "8.69 <ecno> 48: -0.5 dB <= Ec/Io",
        lambda t: parse_cesq(t).ecno_db,
        "+CESQ: 99,99,255,48,255,255",
        -0.5,
    ),
    (
        "8.69 <rsrq> 33: -3.5 dB <= rsrq",
        lambda t: parse_cesq(t).rsrq_db,
        "+CESQ: 99,99,255,255,33,255",
        -3.5,
    ),
    (
        "8.69 <rsrp> 96: -45 dBm <= rsrp",
        lambda t: parse_cesq(t).rsrp_dbm,
        "+CESQ: 99,99,255,255,255,96",
        -45,
    ),
    ("7.2 <stat> 5: roaming", lambda t: parse_registration(t).stat, "+CREG: 1,5", 5),
    (
        "7.2 <lac> is hexadecimal: 00C3 is 195",
        lambda t: parse_registration_urc(t).area,
        '+CREG: 1,"00C3","0000000A",2',
        195,
    ),
    (
        "10.1.22 <reject_cause> with <n>=3",
        lambda t: parse_registration_urc(t).reject_cause,
        "+CEREG: 3,,,,0,11",
        11,
    ),
    ("7.3 <oper> numeric", lambda t: parse_cops(t).plmn, '+COPS: 1,2,"44020",7', "44020"),
    (
        "7.3 list of operators, then of modes and formats",
        lambda t: parse_cops_scan((t,)).modes,
        '+COPS: (2,"Long","Short","44010",7),,(0,1,4),(0-2)',
        (0, 1, 4),
    ),
    ("8.3 <code> SIM PUK", lambda t: parse_cpin(t).value, "+CPIN: SIM PUK", "SIM PUK"),
    ("8.2 <fun> 4: both circuits off", parse_cfun, "+CFUN: 4", 4),
    (
        "8.15 6th of May 1994, 22:10:00 GMT+2 hours",
        lambda t: None if (got := parse_cclk(t)) is None else got.offset_min,
        '+CCLK: "24/05/06,22:10:00+08"',
        120,
    ),
    ("8.41 <tz> in quarters", lambda t: parse_zone_urc(t).offset_min, '+CTZV: "+36"', 540),
    ("8.18 <sw1> 144", lambda t: parse_crsm(t).ok, "+CRSM: 144,0", True),
    ("8.17 length counts characters", lambda t: parse_csim(t).sw1, '+CSIM: 4,"9000"', 0x90),
    ("10.1.9 <state> 1: attached", parse_cgatt, "+CGATT: 1", True),
    ("10.1.10 <state> 1: activated", lambda t: parse_cgact(t).active, "+CGACT: 1,1", True),
    ("10.1.1 <APN>", lambda t: parse_cgdcont(t).apn, '+CGDCONT: 1,"IP","internet"', "internet"),
    (
        "10.1.14 dotted decimals",
        lambda t: str(parse_cgpaddr(t).addresses[0]),
        '+CGPADDR: 1,"10.1.2.3"',
        "10.1.2.3",
    ),
    (
        "10.1.23 a1.a2.a3.a4.m1.m2.m3.m4",
        lambda t: getattr(parse_cgcontrdp(t).interface, "prefix_length", None),
        '+CGCONTRDP: 1,5,"internet","10.1.2.3.255.255.255.252"',
        30,
    ),
    ("10.1.19 NW PDN DEACT", lambda t: parse_cgev(t).cid, "+CGEV: NW PDN DEACT 1", 1),
    ("9.2.1 code 10", lambda t: parse_error(t)[2], "+CME ERROR: 10", "SIM not inserted"),
    ("9.2.1 words", lambda t: parse_error(t)[1], "+CME ERROR: SIM busy", 14),
    ("27.005 3.2.5 code 500", lambda t: parse_error(t)[2], "+CMS ERROR: 500", "unknown error"),
    ("5.1 manufacturer", parse_identity, "Manufacturer ABC", "Manufacturer ABC"),
    ("5.4 IMEI", lambda t: parse_cgsn(t).luhn_ok, "490154203237518", True),
    ("5.6 IMSI", parse_cimi, "440101234567890", "440101234567890"),
]


@pytest.mark.parametrize(("clause", "read", "line", "value"), VALUES)
def test_values_mean_what_their_clause_says(
    clause: str, read: Callable[[str], object], line: str, value: object
) -> None:
    """TS 27.007 unless the clause names another document."""
    assert read(line) == value, clause
