"""Everything that a line tells is in the value, and nothing else: ``harness.at`` parsers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from harness.at.address import Interface, parse_interface
from harness.at.card import CardResponse, parse_crsm, parse_csim
from harness.at.cfun import (
    FunctionalitySupport,
    SignallingConnection,
    parse_ceer,
    parse_cfun,
    parse_cfun_support,
    parse_cscon,
    parse_cscon_urc,
    parse_cscs,
)
from harness.at.cgev import EventKind, PacketEvent, parse_cgev
from harness.at.charset import decode_text, looks_like_ucs2
from harness.at.cloudsim import Card, CloudSimState, parse_cloudsim
from harness.at.cops import (
    Availability,
    FoundOperator,
    Operator,
    Scan,
    parse_cops,
    parse_cops_scan,
)
from harness.at.huawei import (
    FlowReport,
    HuaweiSignal,
    SystemInfo,
    parse_dsflowqry,
    parse_dsflowrpt,
    parse_hcsq,
    parse_sysinfoex,
)
from harness.at.identification import Identification, Imei, parse_ati, parse_cgsn, parse_identity
from harness.at.network_time import ClockReading, ZoneReport, parse_cclk, parse_zone_urc
from harness.at.pdp import (
    ContextAddresses,
    ContextDefinition,
    ContextState,
    ContextSupport,
    DynamicParameters,
    parse_cgact,
    parse_cgcontrdp,
    parse_cgdcont,
    parse_cgdcont_support,
    parse_cgpaddr,
)
from harness.at.qos import ApnRateControl, QualityOfService, parse_cgapnrc, parse_cgeqosrdp
from harness.at.quectel import NetworkInfo, parse_qeng, parse_qgdcnt, parse_qnwinfo
from harness.at.registration import (
    Registration,
    Stat,
    parse_registration,
    parse_registration_urc,
)
from harness.at.serving_cell import ByteCount, ServingCell
from harness.at.simcom import parse_cpsi
from harness.at.subscriber import (
    Indicator,
    IndicatorChange,
    OwnNumber,
    parse_ciev,
    parse_cind,
    parse_cind_support,
    parse_cnum,
)
from harness.at.ublox import ContextCounters, parse_ugcntrd

Parser = Callable[[str], Any]
CGCONTRDP = (
    '+CGCONTRDP: 1,5,"a","9.0.0.2.255.255.255.0","9.0.0.1","8.8.8.8","8.8.4.4",'
    '"9.1.1.1","9.1.1.2","9.1.1.3"'
)
NOON = dt.datetime.fromisoformat("2026-11-24 12:00:05")
SERVING = '+QENG: "servingcell","NOCONN",'

CELLS: list[tuple[Parser, str, dict[str, object]]] = [
    (
        parse_qeng,
        SERVING + '"LTE","FDD",440,10,1A2B3C4,123,1850,3,5,4,12AB,-95,-10,-65,12,9',
        {
            "rat": "LTE", "state": "NOCONN", "plmn": "44010", "cell": 0x1A2B3C4, "pci": 123,
            "channel": 1850, "band": "3", "area": 0x12AB, "rsrp_dbm": -95, "rsrq_db": -10,
            "rssi_dbm": -65, "sinr_db": 12,
        },
    ),
    (
        parse_qeng,
        '+QENG: "LTE","FDD",440,20,1A,7,276,1,5,5,12AB,-80,-9,-52,18,12,-,30',
        {
            "rat": "LTE", "plmn": "44020", "cell": 0x1A, "pci": 7, "channel": 276, "band": "1",
            "area": 0x12AB, "rsrp_dbm": -80, "rsrq_db": -9, "rssi_dbm": -52, "sinr_db": 18,
        },
    ),
    (
        parse_qeng,
        '+QENG: "servingcell","CONNECT","WCDMA",440,20,C3,1A2B,10736,12,1,-70,-5,-',
        {
            "rat": "WCDMA", "state": "CONNECT", "plmn": "44020", "area": 0xC3, "cell": 0x1A2B,
            "channel": 10736, "pci": 12, "rsrp_dbm": -70, "rsrq_db": -5,
        },
    ),
    (
        parse_qeng,
        '+QENG: "servingcell","LIMSRV","GSM",262,01,C3,1A2B,21,700,0,-61',
        {
            "rat": "GSM", "state": "LIMSRV", "plmn": "26201", "area": 0xC3, "cell": 0x1A2B,
            "pci": 21, "channel": 700, "band": "0",
        },
    ),
    (
        parse_qeng,
        '+QENG:"NR5G-NSA",440,20,501,-85,20,-11,643334,77,12,1',
        {
            "rat": "NR5G-NSA", "plmn": "44020", "pci": 501, "rsrp_dbm": -85, "sinr_db": 20,
            "rsrq_db": -11, "channel": 643334, "band": "77",
        },
    ),
    (
        parse_qeng,
        SERVING + '"NR5G-SA","TDD",440,10,1A2B3C4D5,90,12ABCD,640000,78,12,-88,-11,21,1,-',
        {
            "rat": "NR5G-SA", "state": "NOCONN", "plmn": "44010", "cell": 0x1A2B3C4D5, "pci": 90,
            "area": 0x12ABCD, "channel": 640000, "band": "78", "rsrp_dbm": -88, "rsrq_db": -11,
            "sinr_db": 21,
        },
    ),
    (parse_qeng, '+QENG: "servingcell","SEARCH"', {"state": "SEARCH"}),
    (parse_qeng, SERVING + '"CAT-M","FDD",440,10', {
        "rat": "CAT-M", "state": "NOCONN", "plmn": "44010",
    }),
    (parse_qeng, SERVING + '"CAT-NB","FDD",440,10', {
        "rat": "CAT-NB", "state": "NOCONN", "plmn": "44010",
    }),
    (parse_qeng, SERVING + '"eMTC","FDD",440,10', {
        "rat": "eMTC", "state": "NOCONN", "plmn": "44010",
    }),
    (parse_qeng, SERVING + '"NBIoT","FDD",440,10', {
        "rat": "NBIoT", "state": "NOCONN", "plmn": "44010",
    }),
    (
        parse_cpsi,
        "+CPSI: LTE,Online,440-10,0x12AB,27440068,257,EUTRAN-BAND3,1850,5,5,-95,-850,-545,15",
        {
            "rat": "LTE", "state": "Online", "plmn": "44010", "area": 0x12AB, "cell": 27440068,
            "pci": 257, "band": "EUTRAN-BAND3", "channel": 1850, "rsrq_db": -9.5,
            "rsrp_dbm": -85.0, "rssi_dbm": -54.5, "sinr_db": 15.0,
        },
    ),
    (
        parse_cpsi,
        "+CPSI: WCDMA,Online,440-20,0x00C3,6734,WCDMA IMT 2000,12,10736,0,-5,62,33,500",
        {
            "rat": "WCDMA", "state": "Online", "plmn": "44020", "area": 0xC3, "cell": 6734,
            "band": "WCDMA IMT 2000", "pci": 12, "channel": 10736,
        },
    ),
    (
        parse_cpsi,
        "+CPSI: GSM,Online,262-01,0x182d,12401,27 EGSM 900,-64,2110,42-42",
        {"rat": "GSM", "state": "Online", "plmn": "26201", "area": 0x182D, "cell": 12401},
    ),
    (
        parse_cpsi,
        "+CPSI: NR5G_SA,Online,440-10,0x12ABCD,123,90,NR5G_BAND78,640000,-885,-110,21",
        {
            "rat": "NR5G_SA", "state": "Online", "plmn": "44010", "area": 0x12ABCD, "cell": 123,
            "pci": 90, "band": "NR5G_BAND78", "channel": 640000, "rsrp_dbm": -88.5,
            "rsrq_db": -11.0, "sinr_db": 21.0,
        },
    ),
    (
        parse_cpsi,
        "+CPSI: NR5G_NSA,Online,440-10,0x12ABCD,123,90,NR5G_BAND78,640000,-880,-110,21",
        {
            "rat": "NR5G_NSA", "state": "Online", "plmn": "44010", "area": 0x12ABCD, "cell": 123,
            "pci": 90, "band": "NR5G_BAND78", "channel": 640000, "rsrp_dbm": -88.0,
            "rsrq_db": -11.0, "sinr_db": 21.0,
        },
    ),
    (parse_cpsi, "+CPSI: NO SERVICE,Online", {"state": "Online"}),
]  # fmt: skip


@pytest.mark.parametrize(("parser", "line", "told"), CELLS)
def test_a_serving_cell_is_what_the_line_tells(
    parser: Parser, line: str, told: dict[str, Any]
) -> None:
    """All of it; the rest is None, and the line is kept."""
    cell = parser(line)

    for name in ("rsrp_dbm", "rsrq_db", "rssi_dbm"):  # tenths are not exact in binary
        if name in told:
            told = {**told, name: pytest.approx(told[name])}
    for name in ServingCell.__slots__:
        assert (name, getattr(cell, name)) == (name, {"raw": line, **told}.get(name))


EVENTS: list[tuple[str, dict[str, object]]] = [
    ("NW DETACH", {"kind": EventKind.DETACH, "origin": "NW"}),
    ("ME DETACH", {"kind": EventKind.DETACH, "origin": "ME"}),
    ("ME CLASS CG", {"kind": EventKind.CLASS, "origin": "ME", "mobile_class": "CG"}),
    ("NW PDN ACT 1", {"kind": EventKind.PDN_ACT, "origin": "NW", "cid": 1}),
    (
        "ME PDN ACT 0,3,255",
        {"kind": EventKind.PDN_ACT, "origin": "ME", "cid": 0, "reason": 3, "other_cid": 255},
    ),
    ("NW PDN DEACT 255", {"kind": EventKind.PDN_DEACT, "origin": "NW", "cid": 255}),
    (
        "NW MODIFY 1,2,0",
        {"kind": EventKind.MODIFY, "origin": "NW", "cid": 1, "reason": 2, "event_type": 0},
    ),
    (
        "NW ACT 1,2,0",
        {"kind": EventKind.ACT, "origin": "NW", "primary_cid": 1, "cid": 2, "event_type": 0},
    ),
    (
        "ME DEACT 5,6,1",
        {"kind": EventKind.DEACT, "origin": "ME", "primary_cid": 5, "cid": 6, "event_type": 1},
    ),
    (
        'NW DEACT "IP","10.0.0.1",1',
        {
            "kind": EventKind.DEACT, "origin": "NW", "pdp_type": "IP",
            "address": ip_address("10.0.0.1"), "cid": 1,
        },
    ),
    (
        'NW REACT "IP","10.0.0.1",1',
        {
            "kind": EventKind.REACT, "origin": "NW", "pdp_type": "IP",
            "address": ip_address("10.0.0.1"), "cid": 1,
        },
    ),
    (
        'REJECT "IPV6","2001:db8::1"',
        {
            "kind": EventKind.REJECT, "origin": None, "pdp_type": "IPV6",
            "address": ip_address("2001:db8::1"),
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), EVENTS)
def test_a_packet_event_is_what_the_line_tells(text: str, told: dict[str, Any]) -> None:
    """In the forms of 27.007, with the whole event in quotes, too, when it holds none."""
    line = f"+CGEV: {text}"
    assert parse_cgev(line) == PacketEvent(raw=line, **told)
    if '"' not in text:
        quoted = f'+CGEV: "{text}"'
        assert parse_cgev(quoted) == PacketEvent(raw=quoted, **told)


DOCOMO = FoundOperator(
    availability=Availability.CURRENT, long_name="a", short_name="b", plmn="44010", act=16
)
VALUES: list[tuple[Parser, str, object]] = [
    (
        parse_hcsq,
        '^HCSQ: "LTE",96,97,251,34',
        HuaweiSignal(sysmode="LTE", rssi_dbm=-25, rsrp_dbm=-44, sinr_db=30.0, rsrq_db=-3.0),
    ),
    (
        parse_hcsq,
        '^HCSQ: "LTE",0,0,0,0',
        HuaweiSignal(sysmode="LTE", rssi_dbm=-121, rsrp_dbm=-141, sinr_db=-20.2, rsrq_db=-20.0),
    ),
    (
        parse_hcsq,
        '^HCSQ: "NR",126,251,126',
        HuaweiSignal(sysmode="NR", rsrp_dbm=-31, sinr_db=30.0, rsrq_db=19.5),
    ),
    (
        parse_hcsq,
        '^HCSQ: "LTE-NR",0,0,0',
        HuaweiSignal(sysmode="LTE-NR", rsrp_dbm=-157, sinr_db=-20.2, rsrq_db=-43.5),
    ),
    (
        parse_hcsq,
        '^HCSQ: "WCDMA",96,96,65',
        HuaweiSignal(sysmode="WCDMA", rssi_dbm=-25, rsrp_dbm=-25, rsrq_db=0.0),
    ),
    (
        parse_hcsq,
        '^HCSQ: "wcdma",0,0,0',
        HuaweiSignal(sysmode="WCDMA", rssi_dbm=-121, rsrp_dbm=-121, rsrq_db=-32.5),
    ),
    (parse_hcsq, '^HCSQ: "NO SERVICE"', HuaweiSignal(sysmode=None)),
    (
        parse_sysinfoex,
        '^SYSINFOEX: 4,255,1,255,7,6,"LTE",101,"LTE+"',
        SystemInfo(service=4, domain=255, roaming=True, card=255, sysmode="LTE", submode="LTE+"),
    ),
    (
        parse_sysinfoex,
        "^SYSINFOEX: 0,4,0,0",
        SystemInfo(service=0, domain=4, roaming=False, card=0, sysmode=None, submode=None),
    ),
    (
        parse_dsflowqry,
        "^DSFLOWQRY: 0A,0100,0200,FF,1000,2000",
        FlowReport(
            last_s=10,
            last=ByteCount(sent_bytes=256, received_bytes=512),
            total_s=255,
            total=ByteCount(sent_bytes=4096, received_bytes=8192),
        ),
    ),
    (
        parse_dsflowrpt,
        "^DSFLOWRPT: 0A,01,02,0100,0200,3,4",
        ByteCount(sent_bytes=256, received_bytes=512),
    ),
    (
        parse_qgdcnt,
        "+QGDCNT: 0,999999999999999999",
        ByteCount(sent_bytes=0, received_bytes=999_999_999_999_999_999),
    ),
    (
        parse_qnwinfo,
        '+QNWINFO: "FDD LTE","44010","LTE BAND 3",1850',
        NetworkInfo(act="FDD LTE", plmn="44010", band="LTE BAND 3", channel=1850),
    ),
    (parse_qnwinfo, '+QNWINFO: "No Service"', None),
    (
        parse_ugcntrd,
        "+UGCNTRD: 255,1,2,3,4",
        ContextCounters(
            session=ByteCount(sent_bytes=1, received_bytes=2, cid=255),
            total=ByteCount(sent_bytes=3, received_bytes=4, cid=255),
        ),
    ),
    (
        parse_cgeqosrdp,
        "+CGEQOSRDP: 1,9,10,20,30,40,50,60",
        QualityOfService(
            cid=1, qci=9, dl_gbr_bps=10_000, ul_gbr_bps=20_000, dl_mbr_bps=30_000,
            ul_mbr_bps=40_000, dl_ambr_bps=50_000, ul_ambr_bps=60_000,
        ),
    ),
    (
        parse_cgeqosrdp,
        "+CGEQOSRDP: 0,255,0",
        QualityOfService(
            cid=0, qci=255, dl_gbr_bps=0, ul_gbr_bps=None, dl_mbr_bps=None, ul_mbr_bps=None,
            dl_ambr_bps=None, ul_ambr_bps=None,
        ),
    ),
    *(
        (
            parse_cgapnrc,
            f"+CGAPNRC: 2,{reports},{unit},40",
            ApnRateControl(
                cid=2, exception_reports=reports == 1, time_unit=unit, uplink_messages=40
            ),
        )
        for reports in (0, 1)
        for unit in (0, 1, 2, 3, 4)
    ),
    (
        parse_cgapnrc,
        "+CGAPNRC: 2",
        ApnRateControl(cid=2, exception_reports=None, time_unit=None, uplink_messages=None),
    ),
    (parse_cfun, "+CFUN: 255", 255),
    (
        parse_cfun_support,
        "+CFUN: (0,1,4-6),(1-0)",
        FunctionalitySupport(levels=(0, 1, 4, 5, 6), resets=(0, 1)),
    ),
    (parse_cfun_support, "+CFUN: (0,1)", FunctionalitySupport(levels=(0, 1), resets=())),
    (
        parse_cscon,
        "+CSCON: 5,1,7,4",
        SignallingConnection(connected=True, state=7, access=4),
    ),
    (parse_cscon, "+CSCON: 0,0", SignallingConnection(connected=False, state=None, access=None)),
    (
        parse_cscon_urc,
        "+CSCON: 0,1,2",
        SignallingConnection(connected=False, state=1, access=2),
    ),
    (parse_cscs, '+CSCS: "IRA"', "IRA"),
    (lambda line: parse_ceer([line, " bye "]), ' +CEER: "EMM cause 15" ', "EMM cause 15; bye"),
    (lambda line: parse_ceer([line]), '+CEER: "XX "X"', 'XX "X'),
    (parse_cgact, "+CGACT: 0,0", ContextState(cid=0, active=False)),
    (
        parse_cgdcont,
        '+CGDCONT: 255,"ipv4","a","10.0.0.1",0,0',
        ContextDefinition(
            cid=255, pdp_type="IP", apn="a", address=ip_address("10.0.0.1")
        ),
    ),
    (
        parse_cgdcont_support,
        '+CGDCONT: (1-3),"NONIP",,,(0)',
        ContextSupport(cids=(1, 2, 3), pdp_type="Non-IP"),
    ),
    (
        parse_cgpaddr,
        '+CGPADDR: 3,10.0.0.1,"2001:db8::1"',
        ContextAddresses(
            cid=3, addresses=(ip_address("10.0.0.1"), ip_address("2001:db8::1"))
        ),
    ),
    (parse_cgpaddr, '+CGPADDR: 3,"0.0.0.0"', ContextAddresses(cid=3, addresses=())),
    (
        parse_cgcontrdp,
        CGCONTRDP,
        DynamicParameters(
            cid=1,
            bearer=5,
            apn="a",
            interface=Interface(address=ip_address("9.0.0.2"), prefix_length=24),
            gateway=ip_address("9.0.0.1"),
            dns=(ip_address("8.8.8.8"), ip_address("8.8.4.4")),
            pcscf=(ip_address("9.1.1.1"), ip_address("9.1.1.2")),
        ),
    ),
    (
        parse_cgcontrdp,
        '+CGCONTRDP: 1,5,"a","10.0.0.2","255.0.0.0","10.0.0.1","8.8.8.8"',
        DynamicParameters(
            cid=1,
            bearer=5,
            apn="a",
            interface=Interface(address=ip_address("10.0.0.2"), prefix_length=8),
            gateway=ip_address("10.0.0.1"),
            dns=(ip_address("8.8.8.8"),),
            pcscf=(),
        ),
    ),
    (
        parse_cgcontrdp,
        '+CGCONTRDP: 1,,"a",,"255.0.0.1"',
        DynamicParameters(
            cid=1, bearer=None, apn="a", interface=None, gateway=ip_address("255.0.0.1"), dns=(),
            pcscf=(),
        ),
    ),
    (parse_crsm, '+CRSM: 255,0,"98"', CardResponse(sw1=255, sw2=0, data=b"\x98")),
    (parse_crsm, "+CRSM: 0,255", CardResponse(sw1=0, sw2=255, data=b"")),
    (parse_csim, '+CSIM: 8,"AABB9F10"', CardResponse(sw1=0x9F, sw2=0x10, data=b"\xaa\xbb")),
    (parse_csim, '+CGLA: 4,"6D01"', CardResponse(sw1=0x6D, sw2=0x01, data=b"")),
    (
        parse_cnum,
        '+CNUM: "me","+819012345678",145',
        OwnNumber(name="me", number="+819012345678", number_type=145),
    ),
    (parse_cnum, "+CNUM: ,,", OwnNumber(name=None, number=None, number_type=None)),
    (parse_cind, "+CIND: 2,4", (2, 4)),
    (parse_ciev, '+CIEV: "signal",4', IndicatorChange(name="signal", value=4)),
    (
        parse_cind_support,
        '+CIND: ("battchg",(0-2)),("signal",(0,1))',
        (Indicator(name="battchg", values=(0, 1, 2)), Indicator(name="signal", values=(0, 1))),
    ),
    (parse_cops, "+COPS: 4", Operator(mode=4, name=None, plmn=None, act=None)),
    (parse_cops, '+COPS: 1,0,"NTT",0', Operator(mode=1, name="NTT", plmn=None, act=0)),
    (parse_cops, '+COPS: 1,2,"440100",16', Operator(mode=1, name=None, plmn="440100", act=16)),
    (parse_cops, '+COPS: 0,0,"00530042",7', Operator(mode=0, name="SB", plmn=None, act=7)),
    (
        lambda line: parse_cops_scan((line,)),
        '+COPS: (2,"a","b","44010",16),,(0-2),(0,2)',
        Scan(operators=(DOCOMO,), modes=(0, 1, 2), formats=(0, 2)),
    ),
    (
        parse_cloudsim,
        '^CLOUDSIM: 2,8,"8981100022152967705"',
        CloudSimState(card=Card.SEED, phase=8, iccid="8981100022152967705"),
    ),
    (
        parse_cgsn,
        "+GSN: 490154203237518,A1",
        Imei(digits="490154203237518", luhn_ok=True, serial="A1"),
    ),
    (parse_identity, '+CGMR: "R 1"', "R 1"),
    (
        lambda line: parse_ati([line, "M", "+GCAP: +CGSM", "R", "more"]),
        "Maker",
        Identification(manufacturer="Maker", model="M", revision="R"),
    ),
    (
        parse_cclk,
        '+CCLK: "04/01/01,00:00:00-04"',
        ClockReading(local=dt.datetime.fromisoformat("2004-01-01"), offset_min=-60),
    ),
    (parse_cclk, '+CCLK: "70/01/01,00:00:00+00"', None),
    (parse_zone_urc, '+CTZV: "+36"', ZoneReport(offset_min=540, dst_h=None, local=None)),
    (
        parse_zone_urc,
        '+CTZEU: -14,1,"2026/11/24,12:00:05"',
        ZoneReport(offset_min=-210, dst_h=1, local=NOON),
    ),
    (
        parse_zone_urc,
        '+CTZU: "19/07/09,11:15:40",+08,1',
        ZoneReport(offset_min=120, dst_h=1, local=dt.datetime.fromisoformat("2019-07-09 11:15:40")),
    ),
    (
        lambda line: parse_interface("2001:db8::1/128", line),
        "",
        Interface(address=ip_address("2001:db8::1"), prefix_length=128),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parser", "line", "value"), VALUES)
def test_a_value_is_what_the_line_tells(parser: Parser, line: str, value: object) -> None:
    """Every attribute; highest and lowest values that are defined."""
    assert parser(line) == value


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('+CREG: 5,11,"C3","1A",16,1,15', {
            "domain": "cs", "stat": Stat.RLOS, "area": 0xC3, "cell": 0x1A, "act": 16,
            "cause_type": 1, "reject_cause": 15, "n": 5,
        }),
        ('+CGREG: 2,1,"C3","1A",0,"01",0,3', {
            "domain": "ps", "stat": Stat.HOME, "area": 0xC3, "cell": 0x1A, "act": 0, "rac": 1,
            "cause_type": 0, "reject_cause": 3, "n": 2,
        }),
        ('+CGREG: 2,1,"C3","01","1A2B",7', {
            "domain": "ps", "stat": Stat.HOME, "area": 0xC3, "cell": 0x1A2B, "act": 7, "rac": 1,
            "n": 2,
        }),
        ('+CEREG: 3,3,"FFFE","0",7,0,15', {
            "domain": "eps", "stat": Stat.DENIED, "act": 7, "cause_type": 0, "reject_cause": 15,
            "n": 3,
        }),
        ('+CEREG: 2,1,"FFFE","1A",7', {
            "domain": "eps", "stat": Stat.HOME, "cell": 0x1A, "act": 7, "n": 2,
        }),
        ('+CEREG: 2,1,"C3","0",7', {
            "domain": "eps", "stat": Stat.HOME, "area": 0xC3, "cell": 0, "act": 7, "n": 2,
        }),
        ('+C5GREG: 3,1,"00000C","000000123",11,4,"01.000001",0,7', {
            "domain": "5gs", "stat": Stat.HOME, "area": 0xC, "cell": 0x123, "act": 11,
            "cause_type": 0, "reject_cause": 7, "n": 3,
        }),
    ],
)  # fmt: skip
def test_a_registration_is_what_the_line_tells(line: str, told: dict[str, Any]) -> None:
    """Each domain has its own order; what is not told is None."""
    nothing = dict.fromkeys(Registration.__slots__)
    assert parse_registration(line) == Registration(**{**nothing, "raw": line, **told})


def test_a_registration_urc_has_an_area_of_three_digits_or_more() -> None:
    """`100` without quotes is an area, `10` is a status."""
    assert parse_registration_urc("+CREG: 1,100,1A").area == 0x100
    assert parse_registration_urc("+CREG: 1,10").stat is Stat.CSFB_NOT_PREFERRED_ROAMING


@pytest.mark.parametrize(
    ("text", "charset", "decoded"),
    [
        ("\xe9", "IRA", "é"),
        ("\xe9", "8859-1", "é"),
        ("\xc3\xa9", "UTF-8", "é"),
        ("00530042", "UCS2", "SB"),
        ("D83D", "UCS2", "D83D"),
        ("00FF0041", "UCS2", "ÿA"),
        ("01000041", "UCS2", "01000041"),
        ("\x00\x1b\x65\x1b\x41B", "GSM", "@€AB"),
        ("001B65", "HEX", "@€"),
    ],
)
def test_text_in_each_character_set(text: str, charset: Any, decoded: str) -> None:
    """Latin, UTF-8, UCS2 and what only looks like it, and the GSM alphabet with its escapes."""
    assert decode_text(text, charset) == decoded


@pytest.mark.parametrize(
    ("text", "looks"),
    [
        ("0020007E", True),
        ("001F", False),
        ("007F", False),
        ("0080", False),
        ("004", False),
        ("", False),
        ("00440100", False),
        ("004G", False),
    ],
)
def test_only_printable_ascii_looks_like_ucs2(text: str, *, looks: bool) -> None:
    """From the blank to the tilde, four digits each."""
    assert looks_like_ucs2(text) is looks
