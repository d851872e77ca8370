"""Vendors' serving cells, counters and cloud-SIM state in ``harness.at``, as typed from manuals."""

from __future__ import annotations

import pytest

from harness.at.cloudsim import Card, parse_cloudsim
from harness.at.cloudsim_held import parse_held
from harness.at.errors import AtFramingError
from harness.at.huawei import parse_dsflowqry, parse_dsflowrpt, parse_hcsq, parse_sysinfoex
from harness.at.quectel import parse_qeng, parse_qgdcnt, parse_qnwinfo
from harness.at.simcom import parse_cpsi
from harness.at.ublox import parse_ugcntrd


def test_qnwinfo_tells_technology_network_band_and_channel() -> None:
    """Or that there is no service."""
    info = parse_qnwinfo('+QNWINFO: "FDD LTE","44010","LTE BAND 3",1850')
    assert info is not None
    assert (info.act, info.plmn, info.band, info.channel) == (
        "FDD LTE",
        "44010",
        "LTE BAND 3",
        1850,
    )
    assert parse_qnwinfo("+QNWINFO: No Service") is None
    with pytest.raises(AtFramingError):
        parse_qnwinfo('+QNWINFO: ,"44010"')


def test_qeng_of_lte() -> None:
    """State, identity and signal of the cell; a dash is not known."""
    cell = parse_qeng(
        '+QENG: "servingcell","NOCONN","LTE","FDD",440,10,1A2B3C4,123,1850,3,5,5,12AB,'
        "-95,-10,-65,12,-"
    )
    assert (cell.rat, cell.state, cell.plmn, cell.cell) == ("LTE", "NOCONN", "44010", 0x1A2B3C4)
    assert (cell.pci, cell.channel, cell.band, cell.area) == (123, 1850, "3", 0x12AB)
    assert (cell.rsrp_dbm, cell.rsrq_db, cell.rssi_dbm, cell.sinr_db) == (-95, -10, -65, 12)
    dashes = parse_qeng('+QENG: "servingcell","LIMSRV","LTE","FDD",-,-,-,-,-,-,-,-,-,-,-,-,-')
    assert (dashes.plmn, dashes.cell, dashes.rsrp_dbm) == (None, None, None)


def test_qeng_while_searching_has_no_cell() -> None:
    """Only the state."""
    cell = parse_qeng('+QENG: "servingcell","SEARCH"')

    assert (cell.state, cell.rat, cell.plmn) == ("SEARCH", None, None)


def test_qeng_of_en_dc_has_three_lines() -> None:
    """The state alone, the LTE anchor, the NR cell without a blank behind the colon."""
    anchor = parse_qeng('+QENG: "LTE","FDD",440,20,1A2B3C4,7,276,1,5,5,12AB,-80,-9,-52,18,12,-,30')
    nr = parse_qeng('+QENG:"NR5G-NSA",440,20,501,-85,20,-11,643334,77,12,1')

    assert (anchor.state, anchor.plmn, anchor.channel, anchor.rsrp_dbm) == (None, "44020", 276, -80)
    assert (nr.rat, nr.plmn, nr.pci, nr.channel, nr.band) == (
        "NR5G-NSA",
        "44020",
        501,
        643334,
        "77",
    )
    assert (nr.rsrp_dbm, nr.sinr_db, nr.rsrq_db) == (-85, 20, -11)


def test_qeng_of_wcdma_gsm_and_nr() -> None:
    """Each has its own order."""
    wcdma = parse_qeng('+QENG: "servingcell","CONNECT","WCDMA",440,20,C3,1A2B,10736,12,1,-70,-5,-')
    assert (wcdma.area, wcdma.cell, wcdma.channel, wcdma.pci) == (0xC3, 0x1A2B, 10736, 12)
    assert (wcdma.rsrp_dbm, wcdma.rsrq_db) == (-70, -5)
    gsm = parse_qeng('+QENG: "servingcell","NOCONN","GSM",262,01,C3,1A2B,21,700,0,-61')
    assert (gsm.plmn, gsm.area, gsm.channel, gsm.band) == ("26201", 0xC3, 700, "0")
    nr = parse_qeng(
        '+QENG: "servingcell","NOCONN","NR5G-SA","TDD",440,10,1A2B3C4D5,90,12ABCD,640000,78,12,'
        "-88,-11,21,1,-"
    )
    assert (nr.cell, nr.pci, nr.area, nr.channel, nr.band) == (
        0x1A2B3C4D5,
        90,
        0x12ABCD,
        640000,
        "78",
    )
    assert (nr.rsrp_dbm, nr.rsrq_db, nr.sinr_db) == (-88, -11, 21)


@pytest.mark.parametrize(
    "line",
    [
        '+QENG: "servingcell"',
        '+QENG: "servingcell","ASLEEP"',
        '+QENG: "servingcell","NOCONN","5GPLUS"',
        '+QENG: "servingcell","NOCONN","LTE","FDD",440,1,1',
        '+QENG: "servingcell","NOCONN","LTE","FDD",440,10,1,x',
        '+QENG: "servingcell","NOCONN","LTE","FDD",440,10,1,1,1,1,1,1,1,strong',
    ],
)
def test_qeng_refuses_what_is_not_known(line: str) -> None:
    """States, technologies, networks and numbers."""
    with pytest.raises(AtFramingError):
        parse_qeng(line)


def test_counters_of_quectel_and_u_blox_are_bytes() -> None:
    """Sent first, received second."""
    count = parse_qgdcnt("+QGDCNT: 3832,4618")
    assert (count.sent_bytes, count.received_bytes, count.cid) == (3832, 4618, None)
    both = parse_ugcntrd("+UGCNTRD: 31,2704,1819,2724,1839")
    assert (both.session.sent_bytes, both.session.received_bytes) == (2704, 1819)
    assert (both.total.sent_bytes, both.total.received_bytes, both.total.cid) == (2724, 1839, 31)
    for line in ("+QGDCNT: 1", "+QGDCNT: -1,0", "+QGDCNT: 1,x"):
        with pytest.raises(AtFramingError):
            parse_qgdcnt(line)
    with pytest.raises(AtFramingError):
        parse_ugcntrd("+UGCNTRD: 1,2,3,4")


def test_cpsi_of_lte_counts_in_tenths() -> None:
    """RSRQ, RSRP and RSSI are ten times dB and dBm."""
    cell = parse_cpsi(
        "+CPSI: LTE,Online,440-10,0x12AB,27440068,257,EUTRAN-BAND3,1850,5,5,-94,-850,-545,15"
    )
    assert (cell.rat, cell.state, cell.plmn, cell.area, cell.cell) == (
        "LTE",
        "Online",
        "44010",
        0x12AB,
        27440068,
    )
    assert (cell.pci, cell.band, cell.channel) == (257, "EUTRAN-BAND3", 1850)
    assert cell.rsrq_db == pytest.approx(-9.4)
    assert (cell.rsrp_dbm, cell.rssi_dbm, cell.sinr_db) == (-85.0, -54.5, 15.0)


def test_cpsi_of_other_systems() -> None:
    """No service, WCDMA, GSM, NR."""
    assert parse_cpsi("+CPSI: NO SERVICE,Online").rat is None
    assert parse_cpsi("+CPSI: WCDMA,Online,440-20,0x00C3,6734,WCDMA IMT 2000,12,10736").pci == 12
    assert parse_cpsi("+CPSI: GSM,Online,262-01,0x182d,12401,27 EGSM 900,-64").cell == 12401
    nr = parse_cpsi("+CPSI: NR5G_SA,Online,440-10,0x12ABCD,123,90,NR5G_BAND78,640000,-880,-110,21")
    assert (nr.rsrp_dbm, nr.rsrq_db, nr.sinr_db) == (-88.0, -11.0, 21.0)
    for line in ("+CPSI: LTE,Online,44010", "+CPSI: 7G,Online,440-10", "+CPSI: LTE"):
        with pytest.raises(AtFramingError):
            parse_cpsi(line)


def test_hcsq_gives_the_lower_end_of_each_step() -> None:
    """LTE, WCDMA, GSM, no service; 255 is not known."""
    lte = parse_hcsq('^HCSQ: "LTE",50,46,151,20')
    assert (lte.sysmode, lte.rssi_dbm, lte.rsrp_dbm, lte.sinr_db, lte.rsrq_db) == (
        "LTE",
        -71,
        -95,
        10.0,
        -10.0,
    )
    wcdma = parse_hcsq('^HCSQ:"WCDMA",30,30,58')
    assert (wcdma.rssi_dbm, wcdma.rsrp_dbm, wcdma.rsrq_db) == (-91, -91, -3.5)
    assert parse_hcsq('^HCSQ:"GSM",36').rssi_dbm == -85
    assert parse_hcsq('^HCSQ:"NOSERVICE"').sysmode is None
    assert parse_hcsq('^HCSQ: "LTE",255,255,255,255').rsrp_dbm is None
    nr = parse_hcsq('^HCSQ: "NR",62,151,66')
    assert (nr.rsrp_dbm, nr.sinr_db, nr.rsrq_db, nr.rssi_dbm) == (-95, 10.0, -10.5, None)
    for line in ('^HCSQ: "LTE",97', '^HCSQ: "LTE",0,98', '^HCSQ: "LTE",0,0,252', "^HCSQ:"):
        with pytest.raises(AtFramingError):
            parse_hcsq(line)


def test_sysinfoex_tells_service_roaming_card_and_mode() -> None:
    """Names as Huawei writes them."""
    info = parse_sysinfoex('^SYSINFOEX:2,3,0,1,,6,"LTE",101,"LTE"')
    assert (info.service, info.domain, info.roaming, info.card) == (2, 3, False, 1)
    assert (info.sysmode, info.submode) == ("LTE", "LTE")
    assert parse_sysinfoex('^SYSINFOEX:0,0,1,255,,0,"NO SERVICE",0,""').submode is None
    for line in ("^SYSINFOEX:5,0,0,1", "^SYSINFOEX:2,3,2,1"):
        with pytest.raises(AtFramingError):
            parse_sysinfoex(line)


def test_dsflowqry_counts_in_hexadecimal() -> None:
    """Seconds and bytes of the last connection and of all."""
    report = parse_dsflowqry(
        "^DSFLOWQRY:0000000A,0000000000000100,0000000000000200,"
        "000000FF,0000000000001000,0000000000002000"
    )
    assert (report.last_s, report.last.sent_bytes, report.last.received_bytes) == (10, 256, 512)
    assert (report.total_s, report.total.sent_bytes, report.total.received_bytes) == (
        255,
        4096,
        8192,
    )
    running = parse_dsflowrpt("^DSFLOWRPT: 0000000A,00000010,00000020,0000000100,0000000200,1,2")
    assert (running.sent_bytes, running.received_bytes) == (256, 512)
    for line in ("^DSFLOWQRY: 0,0,0,0,0", "^DSFLOWQRY: 0,0,0,0,0,x"):
        with pytest.raises(AtFramingError):
            parse_dsflowqry(line)


def test_held_profile_is_named_by_its_iccid() -> None:
    """An empty text is an empty store; everything else is no answer."""
    assert parse_held('^CLOUDHELD: "8981100022152967705"') == "8981100022152967705"
    assert parse_held('^CLOUDHELD: ""') is None
    for line in (
        '^CLOUDHELD: "89"',
        "^CLOUDHELD:",
        '^CLOUDSIM: 1,7,""',
        '^CLOUDHELD: "8981100022152967705" ',
        '^CLOUDHELD: "898110002215296770F"',
        "",
    ):
        with pytest.raises(AtFramingError):
            parse_held(line)


def test_cloudsim_tells_card_phase_and_iccid() -> None:
    """Without a card there is no ICCID."""
    state = parse_cloudsim('^CLOUDSIM: 1,7,"8981100022152967705"')
    assert (state.card, state.phase, state.iccid) == (Card.CLOUD, 7, "8981100022152967705")
    assert parse_cloudsim('^CLOUDSIM: 2,1,""').iccid is None
    assert parse_cloudsim('^CLOUDSIM: 0,0,""').card is Card.PHYSICAL
    for line in (
        '^CLOUDSIM: 3,0,""',
        '^CLOUDSIM: 1,9,""',
        '^CLOUDSIM: 1,8,"89"',
        "^CLOUDSIM: 1",
        "^CLOUDSIM:",
    ):
        with pytest.raises(AtFramingError):
            parse_cloudsim(line)
