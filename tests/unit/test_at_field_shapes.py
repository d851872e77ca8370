"""Parsers of ``harness.at``: shapes that modems in the field send and no manual shows."""

from __future__ import annotations

import ipaddress
import re

import pytest

from harness.at.address import Interface
from harness.at.cops import Scan, parse_cops_scan
from harness.at.csq import parse_csq
from harness.at.errors import AtFramingError
from harness.at.huawei import parse_sysinfoex
from harness.at.iccid import parse_iccid
from harness.at.identification import parse_cgsn
from harness.at.pdp import parse_cgcontrdp
from harness.at.quectel import parse_qeng
from harness.at.registration import parse_registration
from harness.at.serving_cell import ServingCell
from harness.at.simcom import parse_cpsi

V4 = ipaddress.IPv4Address
V6 = ipaddress.IPv6Address


@pytest.mark.parametrize(
    "line",
    [
        "ICCID: 8981100022152967705",
        "+CICCID: 8981100022152967705",
        "+EGICCID: 8981100022152967705",
        "%ICCID: 8981100022152967705",
        "$ICCID:8981100022152967705",
        "*CCID: 8981100022152967705",
        "^SCID: 8981100022152967705",
        '+ZGETICCID: "8981100022152967705F"',
        "+ICCID: 8981100022152967705FF",
    ],
)
def test_an_iccid_has_a_name_that_ends_in_cid(line: str) -> None:
    """Whoever sends it; filler to a whole byte may be doubled."""
    assert parse_iccid(line).digits == "8981100022152967705"


@pytest.mark.parametrize(
    "line", ["+ICCI: 8981100022152967705", "89811000221529677050F0", "8981100022152967705FFFF"]
)
def test_what_is_no_iccid_is_refused(line: str) -> None:
    """Another name, or digits that are no filler."""
    with pytest.raises(AtFramingError):
        parse_iccid(line)


def test_an_imei_is_told_by_mediateks_name() -> None:
    """`AT+EGMR=0,7` reads it there."""
    assert parse_cgsn('+EGMR: "490154203237518"').digits == "490154203237518"


def test_empty_groups_of_a_scan_are_nothing() -> None:
    """Neither an operator nor a list, so the lists keep their places."""
    assert parse_cops_scan(('+COPS: (),(,"","","",),,(0,2),(0-2)',)) == Scan(
        operators=(), modes=(0, 2), formats=(0, 1, 2)
    )


def test_lists_of_a_scan_may_have_quotes() -> None:
    """As the access technology may."""
    scan = parse_cops_scan(('+COPS: ("2","NTT DOCOMO","DOCOMO","44010","7"),,("0-4"),("0, 2")',))

    assert [(found.plmn, found.act) for found in scan.operators] == [("44010", 7)]
    assert (scan.modes, scan.formats) == ((0, 1, 2, 3, 4), (0, 2))


def test_blanks_inside_quotes_do_not_make_a_number_another() -> None:
    """Decimal and hexadecimal."""
    found = parse_registration('+CREG: 2,1," 00C3","1A2B ", " 7"')

    assert (found.area, found.cell, found.act) == (0xC3, 0x1A2B, 7)
    assert parse_csq('+CSQ: " 20","99 "').rssi_dbm == -73


def test_an_access_technology_that_is_not_valid_now_is_unknown() -> None:
    """u-blox tells 255; 17 is still not defined."""
    assert parse_registration('+CEREG: 2,2,"FFFE","FFFFFFF",255').act is None
    with pytest.raises(AtFramingError, match="<AcT> 254 is not defined"):
        parse_registration('+CEREG: 2,1,"C3","1A",254')


def test_both_families_of_a_bearer_in_one_line() -> None:
    """The second address is not a gateway; what follows it is."""
    found = parse_cgcontrdp(
        '+CGCONTRDP: 1,0,"a.b","100.65.1.2","36.5.1.1.1.2.3.4.5.6.7.8.9.1.2.3",'
        '"254.128.0.0.0.0.0.0.0.0.0.0.0.0.0.1","203.0.113.53"'
    )

    assert found.interface == Interface(address=V4("100.65.1.2"), prefix_length=None)
    assert found.second == Interface(
        address=V6("2405:101:102:304:506:708:901:203"), prefix_length=None
    )
    assert found.gateway == V6("fe80::1")
    assert found.dns == (V4("203.0.113.53"),)


def test_one_family_has_no_second_address() -> None:
    """A gateway of the same family is a gateway, with and without a mask before it."""
    bare = parse_cgcontrdp('+CGCONTRDP: 1,5,"a","10.133.137.8","10.1.1.1"')
    masked = parse_cgcontrdp('+CGCONTRDP: 1,5,"a","2001:db8::8/64","fe80::1","2001:db8::53"')

    assert (bare.second, bare.gateway) == (None, V4("10.1.1.1"))
    assert (masked.second, masked.gateway) == (None, V6("fe80::1"))
    assert masked.dns == (V6("2001:db8::53"),)


def test_a_roaming_status_that_is_not_told_is_unknown() -> None:
    """Without service some leave it out."""
    assert parse_sysinfoex('^SYSINFOEX:0,0,,255,,0,"NO SERVICE",0,"NO SERVICE"').roaming is None
    with pytest.raises(AtFramingError, match="<roam_status> 2 is not defined"):
        parse_sysinfoex("^SYSINFOEX:2,3,2,1,,6,LTE,101,LTE")


def test_levels_of_modules_for_cat_m1_and_nb_iot_are_in_db() -> None:
    """RSRQ -10 dB, RSRP -101 dBm, RSSI -80 dBm; SIM7000 and SIM7080 tell no tenths."""
    values = "440-10,0x1A2D,123456789,148,EUTRAN-BAND3,1800,5,5,-10,-101,-80,16"
    for mode in ("LTE CAT-M1", "LTE NB-IOT"):
        found = parse_cpsi(f"+CPSI: {mode},Online,{values}")

        assert (found.rat, found.plmn, found.area, found.cell) == (
            mode, "44010", 0x1A2D, 123456789,
        )  # fmt: skip
        assert (found.rsrq_db, found.rsrp_dbm, found.rssi_dbm, found.sinr_db) == (
            -10, -101, -80, 16,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("rsrq", "rsrp", "rsrq_db", "rsrp_dbm"),
    [
        ("-20", "-199", -20, -199),
        ("-95", "-200", -9.5, -20),
        ("-95", "", -9.5, None),
        ("-95", "-1", -95, -1),
        ("-95", "0", -9.5, 0),
    ],
)
def test_rsrp_tells_the_unit_of_the_levels(
    rsrq: str, rsrp: str, rsrq_db: float, rsrp_dbm: float | None
) -> None:
    """From -200 down they are tenths, and where there is none."""
    found = parse_cpsi(
        f"+CPSI: LTE,Online,440-10,0x1A2D,1,148,EUTRAN-BAND3,1800,5,5,{rsrq},{rsrp},-800,16"
    )

    assert found.rsrq_db == pytest.approx(rsrq_db)
    assert found.rsrp_dbm == (None if rsrp_dbm is None else pytest.approx(rsrp_dbm))


def test_the_second_line_of_en_dc_has_no_state_and_no_network() -> None:
    """SIM8200: cell, band, channel, levels in tenths, SNR."""
    line = "+CPSI: NR5G_NSA,1,NR5G_BAND78,627264,-960,-110,15"

    found = parse_cpsi(line)
    assert (found.raw, found.rat, found.state, found.plmn) == (line, "NR5G_NSA", None, None)
    assert (found.pci, found.band, found.channel) == (1, "NR5G_BAND78", 627264)
    assert found.rsrp_dbm == pytest.approx(-96)
    assert found.rsrq_db == pytest.approx(-11)
    assert found.sinr_db == 15


@pytest.mark.parametrize("rat", ["CDMA", "EVDO", "TDS"])
def test_cpsi_of_other_technologies_is_told_by_its_name(rat: str) -> None:
    """Their cells are not read."""
    line = f"+CPSI: {rat},Online,460-03,13825,1"

    assert parse_cpsi(line) == ServingCell(raw=line, rat=rat, state="Online")


@pytest.mark.parametrize("rat", ["TDSCDMA", "CDMA", "HDR"])
def test_qeng_of_other_technologies_is_told_by_its_name(rat: str) -> None:
    """Their cells are not read."""
    line = f'+QENG: "servingcell","LIMSRV","{rat}",460,00,1,2'

    assert parse_qeng(line) == ServingCell(raw=line, rat=rat, state="LIMSRV")


def test_a_second_address_that_is_none_is_said_with_its_line() -> None:
    """The raw line is in the message, as of every value."""
    line = '+CGCONTRDP: 1,5,"a","10.0.0.2.255.255.255.0","no.address"'
    with pytest.raises(AtFramingError, match=re.escape(repr(line))):
        parse_cgcontrdp(line)


def test_quoted_numbers_that_are_none_are_said_with_their_line() -> None:
    """Some quote the lists of modes and formats of +COPS=?, too."""
    line = '+COPS: (2,"A","B","44010",7),,("0 1"),("0-2")'
    with pytest.raises(
        AtFramingError, match=re.escape(f"'0 1' is not a number or a range: {line!r}")
    ):
        parse_cops_scan((line,))
