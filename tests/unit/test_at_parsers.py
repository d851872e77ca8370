"""The 27.007 families of ``harness.at``: values typed by hand, borders, and what is undefined."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_address

import pytest

from harness.at import cesq, cfun, charset, cimi, cpin, csq, iccid, identification, network_time
from harness.at.card import mnc_digits, parse_ccho, parse_crsm, parse_csim
from harness.at.cgev import EventKind, parse_cgev
from harness.at.cmee import command_error, parse_cmee, parse_error
from harness.at.cops import Availability, parse_cops, parse_cops_scan
from harness.at.errors import AtFramingError
from harness.at.pdp import (
    parse_cgact,
    parse_cgatt,
    parse_cgcontrdp,
    parse_cgdcont,
    parse_cgdcont_support,
    parse_cgpaddr,
)
from harness.at.qos import parse_cgapnrc, parse_cgeqosrdp
from harness.at.registration import (
    Stat,
    parse_registration,
    parse_registration_modes,
    parse_registration_urc,
)
from harness.at.subscriber import parse_ciev, parse_cind, parse_cind_support, parse_cnum


@pytest.mark.parametrize(
    ("line", "rssi_dbm", "ber_class"),
    [
        ("+CSQ: 0,0", -113, 0),
        ("+CSQ: 1,7", -111, 7),
        ("+CSQ: 31,99", -51, None),
        ("+CSQ: 99,99", None, None),
        ("+CSQ:20,99", -73, None),
        ("+CSQ: 17", -79, None),
        ("+CSQ: 100,99", -116, None),
        ("+CSQ: 191,99", -25, None),
        ("+CSQ: 199,99", None, None),
    ],
)
def test_csq_is_minus_113_dbm_and_2_db_a_step(
    line: str, rssi_dbm: int | None, ber_class: int | None
) -> None:
    """99 is "not known or not detectable"."""
    quality = csq.parse_csq(line)

    assert (quality.rssi_dbm, quality.ber_class) == (rssi_dbm, ber_class)


@pytest.mark.parametrize("value", [32, 98, 192, 200, -1])
def test_csq_refuses_what_is_not_defined(value: int) -> None:
    """The error names the value and keeps the line."""
    with pytest.raises(AtFramingError) as caught:
        csq.parse_csq(f"+CSQ: {value},99")

    assert str(caught.value) == (
        f"+CSQ <rssi> {value} is not defined (0 to 31 or 99): '+CSQ: {value},99'"
    )


@pytest.mark.parametrize("line", ["", "OK", "+CSQ", "+CSQ: ", "+CSQ: a,b", "+CSQ: 1,8", "+CREG: 1"])
def test_csq_refuses_other_lines(line: str) -> None:
    """Another name, no value, no number."""
    with pytest.raises(AtFramingError):
        csq.parse_csq(line)


def test_cesq_gives_the_lower_end_of_each_step() -> None:
    """Lowest and highest steps, and the values of NR."""
    assert cesq.parse_cesq("+CESQ: 99,99,255,255,20,46") == cesq.ExtendedSignalQuality(
        rxlev_dbm=None, ber_class=None, rscp_dbm=None, ecno_db=None, rsrq_db=-10.0, rsrp_dbm=-95
    )
    assert cesq.parse_cesq("+CESQ: 63,7,96,49,34,97,126,126,127") == cesq.ExtendedSignalQuality(
        rxlev_dbm=-48,
        ber_class=7,
        rscp_dbm=-25,
        ecno_db=0.0,
        rsrq_db=-3.0,
        rsrp_dbm=-44,
        ss_rsrq_db=19.5,
        ss_rsrp_dbm=-31,
        ss_sinr_db=40.0,
    )
    assert cesq.parse_cesq("+CESQ: 0,0,0,0,0,0,0,0,0") == cesq.ExtendedSignalQuality(
        rxlev_dbm=-111,
        ber_class=0,
        rscp_dbm=-121,
        ecno_db=-24.5,
        rsrq_db=-20.0,
        rsrp_dbm=-141,
        ss_rsrq_db=-43.5,
        ss_rsrp_dbm=-157,
        ss_sinr_db=-23.5,
    )


@pytest.mark.parametrize(
    "line",
    [
        "+CESQ: 64,0,0,0,0,0", "+CESQ: 0,8,0,0,0,0", "+CESQ: 0,0,97,0,0,0", "+CESQ: 0,0,0,50,0,0",
        "+CESQ: 0,0,0,0,35,0", "+CESQ: 0,0,0,0,0,98", "+CESQ: 0,0,0,0,0,0,127",
        "+CESQ: 0,0,0,0,0,0,0,127", "+CESQ: 0,0,0,0,0,0,0,0,128", "+CESQ: 0,0,0,0,0",
    ],
)  # fmt: skip
def test_cesq_refuses_what_is_not_defined(line: str) -> None:
    """One above each highest step, and too few values."""
    with pytest.raises(AtFramingError):
        cesq.parse_cesq(line)


@pytest.mark.parametrize(
    ("line", "digits", "luhn", "swapped"),
    [
        ("+CCID: 8981100022152967705", "8981100022152967705", True, False),
        ("+ICCID: 8981100022152967705F", "8981100022152967705", True, False),
        ('+QCCID: "89811000221529677053"', "89811000221529677053", False, False),
        ("^ICCID: 981801002251927607F5", "8981100022152967705", True, True),
        ("!ICCID: 89811000221529677052", "89811000221529677052", True, False),
        ("89811000221529677052", "89811000221529677052", True, False),
        ("+CCID: 8986a0000000000000e9", "8986A0000000000000E9", False, False),
    ],
)
def test_an_iccid_is_read_in_every_dress(
    line: str, digits: str, *, luhn: bool, swapped: bool
) -> None:
    """Names, quotes, filler, the order of the card's bytes, digits above 9; Luhn only told."""
    assert iccid.parse_iccid(line) == iccid.Iccid(digits=digits, luhn_ok=luhn, swapped=swapped)


@pytest.mark.parametrize(
    "line",
    ["", "+CCID: ", "+CCID: 89811000", "1" * 19, "8" * 21, "9818010022519276071", "+CSQ: 1,2"],
)
def test_what_is_no_iccid_is_refused(line: str) -> None:
    """Too short, too long, not of telecommunication, half a byte."""
    with pytest.raises(AtFramingError):
        iccid.parse_iccid(line)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("Quectel", "Quectel"),
        ('+CGMI: "Fibocom"', "Fibocom"),
        ('+GMM: "L850 LTE Module","L850"', "L850 LTE Module"),
        ("EC25EFAR06A06M4G", "EC25EFAR06A06M4G"),
        ("+CGMR: LE20B04SIM7600G22", "LE20B04SIM7600G22"),
        ("Revision: A.2 [May 01 2019]", "A.2 [May 01 2019]"),
    ],
)
def test_an_identification_text_is_read_with_or_without_its_name(line: str, text: str) -> None:
    """Bare, named, quoted, two quoted, with blanks and brackets."""
    assert identification.parse_identity(line) == text


def test_an_empty_identification_text_is_refused() -> None:
    """Nothing is not a name."""
    for line in ("", "+CGMM:", '+CGMM: ""', "   "):
        with pytest.raises(AtFramingError):
            identification.parse_identity(line)


@pytest.mark.parametrize(
    ("line", "imei"),
    [
        ("490154203237518", identification.Imei(digits="490154203237518", luhn_ok=True)),
        ('+CGSN: "490154203237519"', identification.Imei(digits="490154203237519", luhn_ok=False)),
        ("+GSN: 490154203237518", identification.Imei(digits="490154203237518", luhn_ok=True)),
        (
            "490154203237518,A1B2",
            identification.Imei(digits="490154203237518", luhn_ok=True, serial="A1B2"),
        ),
    ],
)
def test_an_imei_is_read_with_or_without_its_name(line: str, imei: identification.Imei) -> None:
    """TS 23.003 6.2.1; the check digit is told, a serial number is kept."""
    assert identification.parse_cgsn(line) == imei


@pytest.mark.parametrize("line", ["", "49015420323751", "4901542032375180", "49015420323751X"])
def test_what_is_no_imei_is_refused(line: str) -> None:
    """14 and 16 digits are other numbers."""
    with pytest.raises(AtFramingError):
        identification.parse_cgsn(line)


def test_ati_is_read_by_name_or_by_place() -> None:
    """Named lines win; bare lines are manufacturer, model, revision."""
    named = [
        "Manufacturer: ACME",
        "Model: P5",
        "Revision: 1.4",
        "IMEI: 490154203237518",
        "+GCAP: x",
    ]

    assert identification.parse_ati(named) == identification.Identification(
        manufacturer="ACME", model="P5", revision="1.4", imei="490154203237518"
    )
    assert identification.parse_ati(
        ["Quectel", "EC25", "Revision: EC25EFAR06A06M4G"]
    ) == identification.Identification(
        manufacturer="Quectel", model="EC25", revision="EC25EFAR06A06M4G"
    )
    with pytest.raises(AtFramingError):
        identification.parse_ati([])


@pytest.mark.parametrize(
    "line", ["440101234567890", '"440101234567890"', "+CIMI: 440101234567890", "44010123456789"]
)
def test_an_imsi_is_14_or_15_digits(line: str) -> None:
    """Bare, quoted, named."""
    assert cimi.parse_cimi(line).startswith("44010123456789")


@pytest.mark.parametrize("line", ["", "4401012345678", "4401012345678901", "44010123456789A"])
def test_what_is_no_imsi_is_refused(line: str) -> None:
    """13 and 16 digits are none."""
    with pytest.raises(AtFramingError):
        cimi.parse_cimi(line)


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("+CPIN: READY", cpin.PinState.READY),
        ("+CPIN:READY", cpin.PinState.READY),
        ('+CPIN: "SIM PIN"', cpin.PinState.SIM_PIN),
        ("+CPIN: SIM  PUK", cpin.PinState.SIM_PUK),
        ("+CPIN: PUK2", cpin.PinState.SIM_PUK2),
        ("+CPIN: ph-net pin", cpin.PinState.PH_NET_PIN),
        ("+CPIN: NOT INSERTED", cpin.PinState.NOT_INSERTED),
        ("+CPIN: NOT READY", cpin.PinState.NOT_READY),
    ],
)
def test_cpin_states_are_read_in_every_spelling(line: str, state: cpin.PinState) -> None:
    """Blanks, quotes and case do not matter."""
    assert cpin.parse_cpin(line) is state


def test_an_unknown_pin_state_is_refused() -> None:
    """A new one needs somebody who knows what it means."""
    with pytest.raises(AtFramingError, match="is not defined"):
        cpin.parse_cpin("+CPIN: PIN OF A STRANGER")


REGISTRATIONS = [
    ("+CREG: 0,1", ("cs", Stat.HOME, None, None, None, None, None, None)),
    ('+CREG: 2,5,"00C3","0001A2B3",7', ("cs", Stat.ROAMING, 0xC3, 0x1A2B3, 7, None, None, None)),
    ("+CREG: 2, 1, C3, 1A2B3, 2", ("cs", Stat.HOME, 0xC3, 0x1A2B3, 2, None, None, None)),
    ('+CREG: 2,0,"0000","00000000"', ("cs", Stat.IDLE, None, None, None, None, None, None)),
    ('+CREG: 2,2,"FFFE","FFFFFFFF"', ("cs", Stat.SEARCHING, None, None, None, None, None, None)),
    ("+CREG: 3,3,,,,0,15", ("cs", Stat.DENIED, None, None, None, None, 0, 15)),
    ('+CGREG: 2,1,"00C3","01",2,"0A"', ("ps", Stat.HOME, 0xC3, 1, 2, 0x0A, None, None)),
    ("+CGREG: 3,3,,,,,0,7", ("ps", Stat.DENIED, None, None, None, None, 0, 7)),
    ("+CGREG: 3,3,,,,0,7", ("ps", Stat.DENIED, None, None, None, None, 0, 7)),
    ('+CEREG: 2,1,"12AB","01A2B3C4",7', ("eps", Stat.HOME, 0x12AB, 0x1A2B3C4, 7, None, None, None)),
    ("+CEREG: 5,3,,,,1,300,,", ("eps", Stat.DENIED, None, None, None, None, 1, 300)),
    (
        '+CEREG: 4,1,"12AB","01A2B3C4",9,,,"00000001","00000010"',
        ("eps", Stat.HOME, 0x12AB, 0x1A2B3C4, 9, None, None, None),
    ),
    ("+CEREG: 2,1, 1F00, 20, 79D903 ,7", ("eps", Stat.HOME, 0x1F00, 0x79D903, 7, 0x20, None, None)),
    (
        '+C5GREG: 2,1,"00000C","000000123",11,4,"01.000001"',
        ("5gs", Stat.HOME, 0x0C, 0x123, 11, None, None, None),
    ),
    ("+C5GREG: 3,3,,,,,,0,27", ("5gs", Stat.DENIED, None, None, None, None, 0, 27)),
    ("+CREG: 0,11", ("cs", Stat.RLOS, None, None, None, None, None, None)),
]


@pytest.mark.parametrize(("line", "expected"), REGISTRATIONS)
def test_registrations_are_read_with_all_their_fields(
    line: str, expected: tuple[object, ...]
) -> None:
    """All domains, all n, empty fields, routing areas in both places, unknown areas."""
    found = parse_registration(line)

    assert (
        found.domain, found.stat, found.area, found.cell,
        found.act, found.rac, found.cause_type, found.reject_cause,
    ) == expected  # fmt: skip
    assert found.n == int(line.split(":")[1].split(",", maxsplit=1)[0])
    assert found.raw == line


def test_a_registration_urc_begins_with_its_status() -> None:
    """Bare, with a place, with a cause, and in the form of the answer."""
    assert parse_registration_urc("+CREG: 1").stat is Stat.HOME
    assert parse_registration_urc('+CEREG: 5,"00C3","00A1",7').area == 0xC3
    assert parse_registration_urc("+CEREG: 1,00C3,00A1,7").n is None
    denied = parse_registration_urc("+CEREG: 3,,,,0,15")
    assert (denied.stat, denied.reject_cause) == (Stat.DENIED, 15)
    assert parse_registration_urc("+CREG: 2,1").stat is Stat.HOME
    assert parse_registration_urc('+CREG: 2,"01","0A",7').stat is Stat.SEARCHING


def test_who_may_use_packet_data_is_registered() -> None:
    """Home and roaming, also without CSFB; not SMS only, not emergency only."""
    registered = [stat for stat in range(12) if parse_registration(f"+CEREG: 0,{stat}").registered]

    assert registered == [1, 5, 9, 10]


@pytest.mark.parametrize(
    "line",
    ["+CREG: 1", "+CREG: 0,12", "+CREG: 6,1", '+CREG: 0,1,"XY"', '+CREG: 2,1,"1","1",17', "+CREG:"],
)
def test_a_registration_that_is_not_defined_is_refused(line: str) -> None:
    """The form of a URC, and values above the last one."""
    with pytest.raises(AtFramingError):
        parse_registration(line)


def test_the_modes_of_registration_urcs_are_numbers() -> None:
    """The test form gives ranges."""
    assert parse_registration_modes("+CEREG: (0-5)") == (0, 1, 2, 3, 4, 5)
    assert parse_registration_modes("+CREG: (0,1,2)") == (0, 1, 2)


def test_an_operator_is_told_as_name_or_number() -> None:
    """Or not at all."""
    assert (parse_cops("+COPS: 0").name, parse_cops("+COPS: 0").mode) == (None, 0)
    number = parse_cops('+COPS: 0,2,"44010",7')
    assert (number.plmn, number.name, number.act) == ("44010", None, 7)
    name = parse_cops('+COPS: 1,0,"NTT DOCOMO"')
    assert (name.plmn, name.name, name.act, name.mode) == (None, "NTT DOCOMO", None, 1)
    assert parse_cops('+COPS: 0,0,"0053006F00660074",7').name == "Soft"
    assert parse_cops("+COPS: 0,2,44010,13").plmn == "44010"


@pytest.mark.parametrize(
    "line", ["+COPS: 5", '+COPS: 0,3,"a"', '+COPS: 0,2,"4401"', '+COPS: 0,0,"a",17']
)
def test_an_operator_that_is_not_defined_is_refused(line: str) -> None:
    """Modes to 4, formats to 2, five or six digits, technologies to 16."""
    with pytest.raises(AtFramingError):
        parse_cops(line)


def test_attach_and_contexts() -> None:
    """+CGATT, +CGACT and +CGPADDR."""
    assert parse_cgatt("+CGATT: 1") is True
    assert parse_cgatt("+CGATT:0") is False
    state = parse_cgact("+CGACT: 2,1")
    assert (state.cid, state.active) == (2, True)
    both = parse_cgpaddr('+CGPADDR: 1,"10.1.2.3","32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1"')
    assert both.addresses == (ip_address("10.1.2.3"), ip_address("2001:db8::1"))
    assert parse_cgpaddr("+CGPADDR: 1,0.0.0.0").addresses == ()
    assert parse_cgpaddr("+CGPADDR: 3").addresses == ()
    for line in ("+CGATT: 2", "+CGACT: 1,2", "+CGACT: 256,0", '+CGPADDR: 1,"10.1.2"'):
        with pytest.raises(AtFramingError):
            (parse_cgatt if "ATT" in line else parse_cgact if "ACT" in line else parse_cgpaddr)(
                line
            )


def test_a_context_definition_keeps_what_the_acceptance_needs() -> None:
    """Type, APN, address; the test form gives the contexts there are."""
    found = parse_cgdcont('+CGDCONT: 1,"IPV4V6","spmode.ne.jp","0.0.0.0",0,0,0,0')
    assert (found.cid, found.pdp_type, found.apn, found.address) == (
        1, "IPV4V6", "spmode.ne.jp", None,
    )  # fmt: skip
    assert parse_cgdcont('+CGDCONT: 2,"IP","",""').apn is None
    support = parse_cgdcont_support('+CGDCONT: (1-3,101),"Non-IP",,,(0-2),(0-4)')
    assert (support.cids, support.pdp_type) == ((1, 2, 3, 101), "Non-IP")
    assert parse_cgdcont_support('+CGDCONT: ( 1 ),"IP"').cids == (1,)
    with pytest.raises(AtFramingError, match="<PDP_type> 'TOKEN' is not defined"):
        parse_cgdcont('+CGDCONT: 1,"TOKEN","a"')


def test_dynamic_parameters_old_form_and_new() -> None:
    """The mask behind the address or apart; IPv6 in numbers, colons, with length or mask."""
    new = parse_cgcontrdp(
        '+CGCONTRDP: 1,5,"a.mnc010.mcc440.gprs","10.0.0.2.255.255.255.0","10.0.0.1",'
        '"8.8.8.8","8.8.4.4","10.9.9.1","10.9.9.2"'
    )
    old = parse_cgcontrdp(
        '+CGCONTRDP: 1,5,"a","10.0.0.2","255.255.255.0","10.0.0.1","8.8.8.8","8.8.4.4"'
    )
    for found in (new, old):
        assert found.interface is not None
        assert (found.interface.address, found.interface.prefix_length) == (
            ip_address("10.0.0.2"), 24,
        )  # fmt: skip
        assert found.gateway == ip_address("10.0.0.1")
        assert found.dns == (ip_address("8.8.8.8"), ip_address("8.8.4.4"))
    assert new.pcscf == (ip_address("10.9.9.1"), ip_address("10.9.9.2"))
    six = parse_cgcontrdp('+CGCONTRDP: 1,5,"a","2001:db8::2/64","fe80::1","2001:4860:4860::8888"')
    assert six.interface is not None
    assert (six.interface.prefix_length, six.gateway) == (64, ip_address("fe80::1"))
    masked = parse_cgcontrdp('+CGCONTRDP: 1,,"","2001:db8::2 ffff:ffff:ffff:ffff::"')
    assert masked.interface is not None
    assert (masked.interface.prefix_length, masked.bearer, masked.apn) == (64, None, None)
    empty = parse_cgcontrdp('+CGCONTRDP: 1,5,"a",,,')
    assert (empty.interface, empty.gateway, empty.dns) == (None, None, ())


@pytest.mark.parametrize(
    "line",
    [
        '+CGCONTRDP: 1,5,"a","10.0.0.300"', '+CGCONTRDP: 1,5,"a","10.0.0.2.255.0.255.0"',
        '+CGCONTRDP: 1,5,"a","2001:db8::2/129"', '+CGCONTRDP: 1,5,"a","x"',
        '+CGCONTRDP: ,5,"a"',
    ],
)  # fmt: skip
def test_dynamic_parameters_that_are_no_addresses_are_refused(line: str) -> None:
    """Numbers above 255, masks with holes, prefixes that are too long."""
    with pytest.raises(AtFramingError):
        parse_cgcontrdp(line)


@pytest.mark.parametrize(
    ("line", "kind", "origin", "cid"),
    [
        ("+CGEV: NW DETACH", EventKind.DETACH, "NW", None),
        ("+CGEV: ME DETACH", EventKind.DETACH, "ME", None),
        ("+CGEV: NW CLASS CG", EventKind.CLASS, "NW", None),
        ("+CGEV: ME PDN ACT 1", EventKind.PDN_ACT, "ME", 1),
        ("+CGEV: ME PDN ACT 1,3,2", EventKind.PDN_ACT, "ME", 1),
        ("+CGEV: NW PDN DEACT 5", EventKind.PDN_DEACT, "NW", 5),
        ("+CGEV: NW ACT 1, 2, 0", EventKind.ACT, "NW", 2),
        ("+CGEV: ME DEACT 1,2,1", EventKind.DEACT, "ME", 2),
        ('+CGEV: NW DEACT "IP","10.0.0.1",1', EventKind.DEACT, "NW", 1),
        ('+CGEV: REJECT "IP","10.0.0.1"', EventKind.REJECT, None, None),
        ("+CGEV: NW REACT IP, 10.0.0.1, 1", EventKind.REACT, "NW", 1),
        ("+CGEV: NW MODIFY 1,3,0", EventKind.MODIFY, "NW", 1),
    ],
)
def test_packet_events_of_every_kind(
    line: str, kind: EventKind, origin: str | None, cid: int | None
) -> None:
    """New forms with numbers, old forms with type and address."""
    event = parse_cgev(line)

    assert (event.kind, event.origin, event.cid) == (kind, origin, cid)


@pytest.mark.parametrize(
    "line",
    ["+CGEV: ", "+CGEV: DETACH", "+CGEV: NW REJECT IP", "+CGEV: NW SLEEP", "+CGEV: ME PDN ACT"],
)
def test_packet_events_that_are_not_defined_are_refused(line: str) -> None:
    """Whose it is must be told, except of a rejection; a context must be named."""
    with pytest.raises(AtFramingError):
        parse_cgev(line)


def test_a_clock_is_read_with_its_zone() -> None:
    """JST is +36 quarters; a clock that was never set is None."""
    reading = network_time.parse_cclk('+CCLK: "26/11/24,12:00:05+36"')
    assert reading is not None
    assert (reading.local.isoformat(), reading.offset_min) == ("2026-11-24T12:00:05", 540)
    assert reading.utc() == dt.datetime(2026, 11, 24, 3, 0, 5, tzinfo=dt.UTC)
    bare = network_time.parse_cclk("+CCLK: 2026/11/24,12:00:05")
    assert bare is not None
    assert (bare.offset_min, bare.utc()) == (None, None)
    for never in ('"80/01/06,00:00:30+00"', '"70/01/01,00:00:00"', '"XX/XX/XX,XX:XX:XX"', '""'):
        assert network_time.parse_cclk(f"+CCLK: {never}") is None


@pytest.mark.parametrize(
    "text",
    ["26/13/01,00:00:00", "26/02/30,00:00:00", "26/01/01,24:00:00", "noon", "26/01/01,00:00:00+96"],
)
def test_a_time_that_does_not_exist_is_refused(text: str) -> None:
    """Months, days, hours and zones have ends."""
    with pytest.raises(AtFramingError):
        network_time.parse_cclk(f'+CCLK: "{text}"')


def test_zone_reports_of_the_standard_and_of_cinterion() -> None:
    """+CTZV, +CTZE with daylight saving and time, +CTZU with the time first."""
    assert network_time.parse_zone_urc("+CTZV: +36").offset_min == 540
    assert network_time.parse_zone_urc('+CTZV: "-20"').offset_min == -300
    full = network_time.parse_zone_urc('+CTZE: "+36",0,"2026/11/24,12:00:05"')
    assert (full.offset_min, full.dst_h, str(full.local)) == (540, 0, "2026-11-24 12:00:05")
    first = network_time.parse_zone_urc('+CTZU: "19/07/09,11:15:40",+08,1')
    assert (first.offset_min, first.dst_h, str(first.local)) == (120, 1, "2019-07-09 11:15:40")
    for line in ("+CTZV: ", "+CTZV: 200", '+CTZE: "+36",3', '+CTZE: "+36",0,"2026/13/24,1:00:00"'):
        with pytest.raises(AtFramingError):
            network_time.parse_zone_urc(line)


def test_functionality_connection_and_last_error() -> None:
    """+CFUN, +CSCON, +CEER, +CSCS."""
    assert cfun.parse_cfun("+CFUN: 1,0") == 1
    support = cfun.parse_cfun_support("+CFUN: (0,1,4-6),(1-0)")
    assert (support.levels, support.resets) == ((0, 1, 4, 5, 6), (0, 1))
    assert cfun.parse_cscon("+CSCON: 1,1,7").state == 7
    assert cfun.parse_cscon_urc("+CSCON: 0").connected is False
    assert cfun.parse_ceer(["+CEER: EMM cause 15"]) == "EMM cause 15"
    assert cfun.parse_ceer(["No cause"]) == "No cause"
    assert cfun.parse_ceer([]) is None
    assert cfun.parse_ceer(["+CEER: "]) is None
    assert cfun.parse_cscs('+CSCS: "IRA"') == "IRA"
    for line in ("+CFUN: 256", "+CFUN: "):
        with pytest.raises(AtFramingError):
            cfun.parse_cfun(line)


def test_quality_of_service_is_in_bits_per_second() -> None:
    """27.007 tells kbit/s; a context that is throttled by its AMBR shows here."""
    found = parse_cgeqosrdp("+CGEQOSRDP: 1,9,0,0,0,0,128,128")
    assert (found.qci, found.dl_ambr_bps, found.ul_ambr_bps, found.dl_gbr_bps) == (
        9, 128_000, 128_000, 0,
    )  # fmt: skip
    assert parse_cgeqosrdp("+CGEQOSRDP: 1,9").dl_ambr_bps is None
    control = parse_cgapnrc("+CGAPNRC: 1,1,2,40")
    assert (control.exception_reports, control.time_unit, control.uplink_messages) == (True, 2, 40)
    assert parse_cgapnrc("+CGAPNRC: 1").exception_reports is None
    for line in ("+CGEQOSRDP: 1", "+CGEQOSRDP: 1,256", "+CGEQOSRDP: 1,9,-1"):
        with pytest.raises(AtFramingError):
            parse_cgeqosrdp(line)
    for line in ("+CGAPNRC: 1,2", "+CGAPNRC: 1,0,5"):
        with pytest.raises(AtFramingError):
            parse_cgapnrc(line)


def test_card_responses_are_status_and_data() -> None:
    """+CRSM with or without quotes, +CSIM and +CGLA with the length in digits."""
    read = parse_crsm('+CRSM: 144,0,"98101430121181157002"')
    assert (read.sw1, read.sw2, read.ok) == (0x90, 0, True)
    assert read.data == bytes.fromhex("98101430121181157002")
    assert parse_crsm("+CRSM: 106,130").ok is False
    assert parse_crsm("+CRSM: 144,0,9810").data == b"\x98\x10"
    assert (parse_csim("+CSIM: 4,6D00").sw1, parse_csim('+CSIM: 8,"AABB9000"').data) == (
        0x6D, b"\xaa\xbb",
    )  # fmt: skip
    assert parse_csim('+CGLA: 4,"6110"').ok
    assert (parse_ccho("3"), parse_ccho("+CCHO: 1")) == (3, 1)
    assert mnc_digits(bytes.fromhex("00000002")) == 2
    assert mnc_digits(bytes.fromhex("00000003")) == 3
    assert mnc_digits(bytes.fromhex("000000")) is None
    assert mnc_digits(bytes.fromhex("0000000F")) is None
    for line in ("+CRSM: 256,0", '+CRSM: 144,0,"9"', "+CRSM: 144"):
        with pytest.raises(AtFramingError):
            parse_crsm(line)
    for line in ('+CSIM: 6,"9000"', '+CSIM: 2,"90"', '+CSIM: 4,"90XX"', "+CSIM: 4"):
        with pytest.raises(AtFramingError):
            parse_csim(line)


def test_own_numbers_and_indicators() -> None:
    """+CNUM, +CIND and +CIEV."""
    number = parse_cnum('+CNUM: "me","+819012345678",145')
    assert (number.name, number.number, number.number_type) == ("me", "+819012345678", 145)
    assert parse_cnum('+CNUM: ,"",129').number is None
    support = parse_cind_support('+CIND: ("battchg",(0-5)),("signal",(0-5)),("service",(0,1))')
    assert [item.name for item in support] == ["battchg", "signal", "service"]
    assert support[2].values == (0, 1)
    assert parse_cind("+CIND: 5,2,1") == (5, 2, 1)
    change = parse_ciev('+CIEV: "signal",3')
    assert (change.name, change.value, parse_ciev("+CIEV: 2,4").name) == ("signal", 3, "2")
    for line in ("+CIND: (", '+CIND: ("a",0)'):
        with pytest.raises(AtFramingError):
            parse_cind_support(line)


@pytest.mark.parametrize(
    ("line", "kind", "code", "text"),
    [
        ("+CME ERROR: 10", "cme", 10, "SIM not inserted"),
        ("+CME ERROR: SIM not inserted", "cme", 10, "SIM not inserted"),
        ("+CME ERROR: SIM NOT INSERTED", "cme", 10, "SIM NOT INSERTED"),
        ("+CME ERROR: Sim-interface not started", "cme", 13, "Sim-interface not started"),
        ("+CME ERROR: 515", "cme", 515, "please wait, init or command processing in progress"),
        ("+CME ERROR: 9999", "cme", 9999, ""),
        ("+CME ERROR: moon phase", "cme", None, "moon phase"),
        ("+CME ERROR: ", "cme", None, ""),
        ("+CMS ERROR: 500", "cms", 500, "unknown error"),
        ("+CMS ERROR: memory full", "cms", 322, "memory full"),
        ("+CME ERROR: congestion", "cme", 122, "congestion"),
        ("ERROR", None, None, "ERROR"),
        ("COMMAND NOT SUPPORT", None, None, "COMMAND NOT SUPPORT"),
    ],
)
def test_errors_are_read_as_number_or_words(
    line: str, kind: str | None, code: int | None, text: str
) -> None:
    """Words are compared by their letters and digits; what is not known keeps its words."""
    assert parse_error(line) == (kind, code, text)


def test_a_refusal_without_a_code_says_what_came() -> None:
    """No meaning is made up."""
    error = command_error("AT+X", "ERROR", ("a",))

    assert str(error) == "'AT+X' was refused: 'ERROR'"
    assert (error.kind, error.code, error.lines) == (None, None, ("a",))
    assert parse_cmee("+CMEE: 1") == 1
    with pytest.raises(AtFramingError):
        parse_cmee("+CMEE: 3")


def test_character_sets_of_strings() -> None:
    """Digits of UCS2, GSM 7 bit with its extensions, and plain text although UCS2 is set."""
    assert charset.decode_text("00320031003400300037", "UCS2") == "21407"
    assert charset.decode_text("30C930B330E2", "UCS2") == "ドコモ"
    assert charset.decode_text("docomo", "UCS2") == "docomo"
    assert charset.decode_text("44010440", "UCS2") == "44010440"
    assert charset.decode_text("\x00\x1b\x65\x02", "GSM") == "@€$"
    assert charset.decode_text("001B6502", "HEX") == "@€$"
    assert charset.decode_text("\xc3\xa9", "UTF-8") == "é"
    assert charset.decode_text("\xe9", "8859-1") == "é"
    assert charset.decode_text("abc", "IRA") == "abc"
    for text, name in (("\x80", "GSM"), ("0", "HEX"), ("\xff", "UTF-8")):
        with pytest.raises(AtFramingError):
            charset.decode_text(text, name)  # type: ignore[arg-type]


SCANS = [
    # the plain form, and the lists behind it
    ('+COPS: (2,"NTT DOCOMO","DOCOMO","44010",7),(1,"SoftBank","SB","44020",7),,(0-4),(0-2)', 2),
    ('+COPS: (2,"NTT DOCOMO","DOCOMO","44010",7)', 1),
    # no access technology; values behind it
    ('+COPS: (2,"a","b","44010"),(3,"c","d","44020")', 2),
    ('+COPS: (2,"a","b","44010",7,4)', 1),
    # commas, brackets and quotes
    ('+COPS: (2,"T-Mobile USA, In","TMO","31026",0)', 1),
    ('+COPS: (2,"a (roaming)","b","31026",0)', 1),
    ("+COPS: (2,a,b,44010,7),(0-4)", 1),
    ('+COPS: (2,"","","26201")', 1),
    ('+COPS: (2,,"T-Mobile","31026",0)', 1),
    # blanks, stray brackets and commas
    ('+COPS: ( 2 , "a" , "b" , "44010" , 7 ) , ( 1 , "c" , "d" , "44020" , 7 )', 2),
    ('+COPS: (2,"a","b","44010",7)),(1,"c","d","44020",7),),(0,1,3,4),(0,2)', 2),
    ('+COPS:(2,"a","b","44010",7),', 1),
    ('+COPS: (2,"a","b","44010",7),(1,"c","d","44020",7),,(0,1,2,3,4),(0,1,2),', 2),
    ("+COPS: ,,(0-4),(0-2)", 0),
    ("+COPS: ", 0),
    ('+COPS: (3,"a","b","440101",13)', 1),
    ('+COPS: (1,"0053006F00660074","0053","44020",7)', 1),
    ('+COPS: (2,"a","b","",7)', 1),
]  # fmt: skip


@pytest.mark.parametrize(("line", "count"), SCANS)
def test_scans_of_many_shapes_are_understood(line: str, count: int) -> None:
    """How many operators each line holds, as a person counts them."""
    assert len(parse_cops_scan((line,)).operators) == count


def test_a_scan_keeps_names_numbers_and_lists() -> None:
    """The first of the shapes, value by value; several lines are one scan."""
    scan = parse_cops_scan((SCANS[0][0],))
    first = scan.operators[0]
    assert (first.availability, first.long_name, first.short_name, first.plmn, first.act) == (
        Availability.CURRENT, "NTT DOCOMO", "DOCOMO", "44010", 7,
    )  # fmt: skip
    assert (scan.modes, scan.formats) == ((0, 1, 2, 3, 4), (0, 1, 2))
    assert parse_cops_scan((SCANS[16][0],)).operators[0].long_name == "Soft"
    assert len(parse_cops_scan((SCANS[1][0], SCANS[1][0])).operators) == 2
    assert parse_cops_scan(()).operators == ()


@pytest.mark.parametrize(
    "line",
    [
        '+COPS: (4,"a","b","44010",7)', '+COPS: (2,"a","b","4401",7)', '+COPS: (2,"a","b")',
        '+COPS: (2,"a","b","44010",99)', "+COPS: abc", '+COPS: (2,"a', "+CSQ: 1",
        '+COPS: ("a","b","c","44010")',
    ],
)  # fmt: skip
def test_scans_that_are_not_understood_are_refused(line: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(AtFramingError):
        parse_cops_scan((line,))
