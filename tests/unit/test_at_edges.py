"""Values at the edge of what each parser of ``harness.at`` takes, and the line in each refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from harness.at.address import parse_interface
from harness.at.cgev import parse_cgev
from harness.at.charset import decode_text
from harness.at.cloudsim_held import parse_held
from harness.at.cops import parse_cops, parse_cops_scan
from harness.at.errors import AtCommandError, AtFramingError
from harness.at.huawei import HuaweiSignal, parse_hcsq
from harness.at.identification import Identification, parse_ati
from harness.at.lines import NoiseKind, noise_kind
from harness.at.network_time import ClockReading, parse_cclk, parse_zone_urc
from harness.at.pdp import parse_cgcontrdp, parse_cgdcont_support
from harness.at.quectel import NetworkInfo, parse_qeng, parse_qnwinfo
from harness.at.registration import parse_registration
from harness.at.serving_cell import plmn_of
from harness.at.subscriber import parse_cind_support

INDICATOR = '("a",(0-5)),'


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("1.2.3", "3 numbers"),
        ("10.0.0.2.255.0.255.0", "a mask has its ones first"),
        ("fe80::1 ffff::ffff", "a mask has its ones first"),
        ("fe80::1/129", "fe80::1/129"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_why_a_text_is_no_address_stands_in_the_cause(text: str, cause: str) -> None:
    """The message itself says which text, and in which line."""
    with pytest.raises(AtFramingError) as caught:
        parse_interface(text, "+X: 1")

    assert str(caught.value) == f"{text!r} is not an IP address: '+X: 1'"
    assert str(caught.value.__cause__) == cause


@pytest.mark.parametrize(
    ("parser", "line", "message"),
    [
        (parse_cgev, '+CGEV: ""', "+CGEV '' is not an event of 27.007"),
        (parse_cgev, '+CGEV: "NW" DETACH"', '+CGEV \'"NW" DETACH"\' is not an event of 27.007'),
        (parse_cgev, '+CGEV: NW DETACH"', "+CGEV 'NW DETACH\"' is not an event of 27.007"),
        (parse_cclk, '+CCLK: "X26/11/23,12:00:00"', "+CCLK 'X26/11/23,12:00:00' is not yy/MM/dd"),
        (parse_cgdcont_support, '+CGDCONT: (1-16),"IPX"', "<PDP_type> 'IPX' is not defined"),
        (parse_registration, '+CREG: 2,1,"0:1"', "<lac or tac> '0:1' is not a hexadecimal number"),
        (parse_registration, '+CREG: 2,1,"C3","1A",x', "<AcT> 'x' is not a number"),
        (parse_registration, '+CREG: 2,1,C3,x,"1A2B",7', "<rac> 'x' is not a hexadecimal number"),
        (parse_registration, '+CREG: 2,1,C3,01,"1A2B",x', "<AcT> 'x' is not a number"),
        (parse_cind_support, '+CIND: ("a",(0-x))', "'0-x' is not a number or a range"),
        (parse_cind_support, "+CIND: X", "+CIND: no (\"name\",(values)) at 'X'"),
        (parse_held, "^CLOUDHELD: 8981100022152967705", 'not ^CLOUDHELD: "<iccid>"'),
        (parse_held, '^CLOUDHELD: "8981"', "the profile that is held has no ICCID for a name"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(
    parser: Callable[[str], Any], line: str, message: str
) -> None:
    """The value as it came, and the raw line at the end."""
    with pytest.raises(AtFramingError) as caught:
        parser(line)

    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(f": {line!r}")


def test_a_scan_holds_256_entries_the_lists_among_them() -> None:
    """One more is no scan; the text from there is shown."""
    operator = '(1,"A","B","44010",7)'
    full = "+COPS: " + ",".join([operator] * 255) + ",,(0-4)"
    assert len(parse_cops_scan((full,)).operators) == 255

    for more in (f"{full},(0-2)", f"{full},{operator}"):
        with pytest.raises(AtFramingError) as caught:
            parse_cops_scan((more,))
        assert str(caught.value).startswith("+COPS: no entry in brackets at '(")


def test_a_list_of_a_scan_that_is_none_is_named_with_its_line() -> None:
    """A mode that is no number."""
    line = '+COPS: (2,"A","B","44010",7),,(0-x)'
    with pytest.raises(AtFramingError) as caught:
        parse_cops_scan((line,))

    assert str(caught.value) == f"'0-x' is not a number or a range: {line!r}"


def test_a_name_of_hexadecimal_digits_is_no_ucs2() -> None:
    """U+ABCD is no letter of a carrier's name."""
    assert parse_cops('+COPS: 0,0,"ABCD",7').name == "ABCD"


def test_an_escape_of_the_gsm_alphabet_is_for_one_character() -> None:
    """TS 23.038 6.2.1.1: 0x1B 0x3C is a bracket, 0x3C alone the sign itself."""
    assert decode_text("<\x1b<<", "GSM") == "<[<"


def test_a_refusal_has_no_words_of_its_own_unless_told() -> None:
    """Plain ERROR says nothing."""
    assert AtCommandError("m", command="AT", raw="ERROR").text == ""


def test_an_unknown_level_of_utra_is_none() -> None:
    """255 in each place."""
    assert parse_hcsq('^HCSQ: "WCDMA",255,255,255') == HuaweiSignal(sysmode="WCDMA")


def test_a_list_of_abilities_in_ati_is_no_name() -> None:
    """Also when it is set in."""
    assert parse_ati([" +GCAP: +CGSM", "ACME"]) == Identification(manufacturer="ACME")


def test_a_diagnostic_frame_ends_in_a_tilde() -> None:
    """NULs may follow it, letters may not."""
    assert noise_kind(b"\x01~\x00", "\x01~") is NoiseKind.DIAG
    assert noise_kind(b"\x01~X\x00", "\x01~X") is NoiseKind.BINARY


def test_utc_is_told_as_utc() -> None:
    """Not in the zone of the bench."""
    reading = ClockReading(local=dt.datetime(2026, 11, 23, 12), offset_min=540)  # noqa: DTZ001

    utc = reading.utc()

    assert utc is not None
    assert utc.tzinfo is dt.UTC
    assert utc.isoformat() == "2026-11-23T03:00:00+00:00"


def test_a_time_of_the_last_century_is_of_1999() -> None:
    """A zone report tells what the network said, right or wrong."""
    report = parse_zone_urc('+CTZE: "+36",0,"99/12/31,23:59:59"')

    assert report.local == dt.datetime(1999, 12, 31, 23, 59, 59)  # noqa: DTZ001


def test_cgcontrdp_may_end_at_the_address_and_go_on_behind_the_p_cscf() -> None:
    """27.007 10.1.23: <IM_CN_Signalling_Flag> and more follow; they are no addresses."""
    short = parse_cgcontrdp('+CGCONTRDP: 1,5,"a","10.0.0.2"')
    head = '+CGCONTRDP: 1,5,"a","10.0.0.2.255.0.0.0","10.0.0.1","8.8.8.8","8.8.4.4"'
    long = parse_cgcontrdp(f'{head},"10.0.0.8","10.0.0.9",0,1')

    assert short.interface is not None
    assert (str(short.interface.address), short.interface.prefix_length) == ("10.0.0.2", None)
    assert (short.gateway, short.dns, short.pcscf) == (None, (), ())
    assert [str(server) for server in long.pcscf] == ["10.0.0.8", "10.0.0.9"]


def test_qeng_of_en_dc_keeps_a_state_that_stands_before_it() -> None:
    """Some firmware tells it on the NR line, too."""
    cell = parse_qeng('+QENG: "servingcell","CONNECT","NR5G-NSA",440,20,501,-85,20,-11,643334,77')

    assert (cell.state, cell.plmn, cell.pci) == ("CONNECT", "44020", 501)


def test_only_the_words_no_service_mean_that_there_is_none() -> None:
    """Anything else is an access technology in Quectel's words."""
    assert parse_qnwinfo("+QNWINFO: XNo Service") == NetworkInfo(
        act="XNo Service", plmn=None, band=None, channel=None
    )


@pytest.mark.parametrize(("cell", "number"), [("123", 0x123), ("1234567", 0x1234567), ("A1", 0xA1)])
def test_a_routing_area_before_the_cell_is_told_by_the_cell(cell: str, number: int) -> None:
    """Novatel: <stat>,<lac>,<rac>,<ci>,<AcT>; an access technology has one or two digits."""
    registration = parse_registration(f"+CGREG: 2,1,00C3,05,{cell},7")

    assert (registration.rac, registration.cell, registration.act) == (5, number, 7)


def test_a_plmn_needs_both_of_its_parts() -> None:
    """One of them alone is none."""
    assert plmn_of("-", "10", "+X") is None
    assert plmn_of("440", "-", "+X") is None
    assert plmn_of(None, "10", "+X") is None
    assert plmn_of("440", None, "+X") is None


def test_64_indicators_are_the_most() -> None:
    """A comma at the end is none; of what is too many, 80 characters are shown."""
    assert len(parse_cind_support("+CIND: " + INDICATOR * 64)) == 64

    with pytest.raises(AtFramingError):
        parse_cind_support("+CIND: " + INDICATOR * 65)

    line = "+CIND: " + INDICATOR * 72
    with pytest.raises(AtFramingError) as caught:
        parse_cind_support(line)

    rest = ("," + INDICATOR * 8)[:80]
    assert str(caught.value) == f'+CIND: no ("name",(values)) at {rest!r}: {line!r}'
