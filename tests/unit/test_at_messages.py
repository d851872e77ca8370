"""Each parser of ``harness.at`` says which value of which line it does not understand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.at.address import parse_interface
from harness.at.card import parse_ccho, parse_crsm, parse_csim
from harness.at.cesq import parse_cesq
from harness.at.cfun import parse_cfun, parse_cfun_support, parse_cscon, parse_cscon_urc, parse_cscs
from harness.at.cgev import parse_cgev
from harness.at.charset import decode_text
from harness.at.cimi import parse_cimi
from harness.at.cloudsim import parse_cloudsim
from harness.at.cmee import parse_cmee
from harness.at.cops import parse_cops, parse_cops_scan
from harness.at.cpin import parse_cpin
from harness.at.csq import parse_csq
from harness.at.errors import AtFramingError
from harness.at.huawei import parse_dsflowqry, parse_dsflowrpt, parse_hcsq, parse_sysinfoex
from harness.at.iccid import parse_iccid
from harness.at.identification import parse_ati, parse_cgsn, parse_identity
from harness.at.network_time import parse_cclk, parse_zone_urc
from harness.at.pdp import (
    parse_cgact,
    parse_cgatt,
    parse_cgcontrdp,
    parse_cgdcont,
    parse_cgdcont_support,
    parse_cgpaddr,
)
from harness.at.qos import parse_cgapnrc, parse_cgeqosrdp
from harness.at.quectel import parse_qeng, parse_qgdcnt, parse_qnwinfo
from harness.at.registration import (
    parse_registration,
    parse_registration_modes,
    parse_registration_urc,
)
from harness.at.simcom import parse_cpsi
from harness.at.subscriber import parse_ciev, parse_cind, parse_cind_support, parse_cnum
from harness.at.ublox import parse_ugcntrd

Parser = Callable[[str], Any]
Row = tuple[Parser, str, str, str]


def numbers(parser: Parser, line: str, *names: tuple[int, str], kind: str = "number") -> list[Row]:
    """Return rows in which the value at each place of `line` is `x!` instead."""
    head, _, values = line.partition(": ")
    rows = []
    for place, name in names:
        spoiled = values.split(",")
        spoiled[place] = "x!"
        text = f"{head}: {','.join(spoiled)}"
        article = "a hexadecimal number" if kind == "hex" else "a number"
        rows.append((parser, text, f"<{name}> 'x!' is not {article}", f"{name}"))
    return rows


PDP_TYPES = "IP, IPV6, IPV4V6, PPP, Non-IP, Ethernet, Unstructured, X.25"
SERVING = '+QENG: "servingcell","NOCONN",'
QENG_LTE = SERVING + '"LTE","FDD",440,10,1A2B,123,1850,3,5,5,12AB,-95,-10,-65,12'
QENG_WCDMA = SERVING + '"WCDMA",440,20,C3,1A2B,10736,12,1,-70,-5'
QENG_GSM = SERVING + '"GSM",262,01,C3,1A2B,21,700,0,-61'
QENG_NSA = '+QENG: "NR5G-NSA",440,20,501,-85,20,-11,643334,77'
QENG_SA = SERVING + '"NR5G-SA","TDD",440,10,1A2B,90,12AB,640000,78,12,-88,-11,21'
CPSI_LTE = "+CPSI: LTE,Online,440-10,0x12AB,274,257,EUTRAN-BAND3,1850,5,5,-94,-850,-545,15"
CPSI_WCDMA = "+CPSI: WCDMA,Online,440-20,0x00C3,6734,WCDMA IMT 2000,12,10736"
CPSI_GSM = "+CPSI: GSM,Online,262-01,0x182d,12401,27 EGSM 900"
CPSI_NR = "+CPSI: NR5G_SA,Online,440-10,0x12AB,123,90,NR5G_BAND78,640000,-880,-110,21"
CPSI_BESIDE = "+CPSI: NR5G_NSA,1,NR5G_BAND78,627264,-960,-110,15"
DSFLOWQRY = "^DSFLOWQRY: 0A,0100,0200,FF,1000,2000"
SIX = ((0, "last_time"), (1, "last_tx"), (2, "last_rx"), (3, "total_time"), (4, "total_tx"))

NO_NUMBERS = [
    *numbers(parse_csq, "+CSQ: 20,99", (0, "rssi"), (1, "ber")),
    *numbers(parse_cesq, "+CESQ: 0,0,0,0,0,0,0,0,0", (0, "rxlev"), (1, "ber"), (2, "rscp")),
    *numbers(parse_cesq, "+CESQ: 0,0,0,0,0,0,0,0,0", (3, "ecno"), (4, "rsrq"), (5, "rsrp")),
    *numbers(parse_cesq, "+CESQ: 0,0,0,0,0,0,0,0,0", (6, "ss_rsrq"), (7, "ss_rsrp")),
    *numbers(parse_cesq, "+CESQ: 0,0,0,0,0,0,0,0,0", (8, "ss_sinr")),
    *numbers(parse_hcsq, '^HCSQ: "LTE",50,46,151,20', (1, "rssi"), (2, "rsrp"), (3, "sinr")),
    *numbers(parse_hcsq, '^HCSQ: "LTE",50,46,151,20', (4, "rsrq")),
    *numbers(parse_hcsq, '^HCSQ: "WCDMA",30,30,58', (1, "rssi"), (2, "rscp"), (3, "ecio")),
    *numbers(parse_sysinfoex, '^SYSINFOEX: 2,3,0,1,,6,"LTE"', (0, "srv_status")),
    *numbers(parse_sysinfoex, '^SYSINFOEX: 2,3,0,1,,6,"LTE"', (1, "srv_domain")),
    *numbers(parse_sysinfoex, '^SYSINFOEX: 2,3,0,1,,6,"LTE"', (2, "roam_status")),
    *numbers(parse_sysinfoex, '^SYSINFOEX: 2,3,0,1,,6,"LTE"', (3, "sim_state")),
    *numbers(parse_dsflowqry, DSFLOWQRY, *SIX, (5, "total_rx"), kind="hex"),
    *numbers(parse_dsflowrpt, "^DSFLOWRPT: A,10,20,100,200", (0, "time"), kind="hex"),
    *numbers(parse_dsflowrpt, "^DSFLOWRPT: A,10,20,100,200", (1, "tx_rate"), kind="hex"),
    *numbers(parse_dsflowrpt, "^DSFLOWRPT: A,10,20,100,200", (2, "rx_rate"), kind="hex"),
    *numbers(parse_dsflowrpt, "^DSFLOWRPT: A,10,20,100,200", (3, "tx"), (4, "rx"), kind="hex"),
    *numbers(parse_qeng, QENG_LTE, (6, "cellid"), (12, "tac"), kind="hex"),
    *numbers(parse_qeng, QENG_LTE, (7, "pcid"), (8, "earfcn"), (13, "rsrp"), (14, "rsrq")),
    *numbers(parse_qeng, QENG_LTE, (15, "rssi"), (16, "sinr")),
    *numbers(parse_qeng, QENG_WCDMA, (5, "lac"), (6, "cellid"), kind="hex"),
    *numbers(parse_qeng, QENG_WCDMA, (7, "uarfcn"), (8, "psc"), (10, "rscp"), (11, "ecio")),
    *numbers(parse_qeng, QENG_GSM, (5, "lac"), (6, "cellid"), kind="hex"),
    *numbers(parse_qeng, QENG_GSM, (7, "bsic"), (8, "arfcn")),
    *numbers(parse_qeng, QENG_NSA, (3, "pcid"), (4, "rsrp"), (5, "sinr"), (6, "rsrq")),
    *numbers(parse_qeng, QENG_NSA, (7, "arfcn")),
    *numbers(parse_qeng, QENG_SA, (6, "cellid"), (8, "tac"), kind="hex"),
    *numbers(parse_qeng, QENG_SA, (7, "pcid"), (9, "arfcn"), (12, "rsrp"), (13, "rsrq")),
    *numbers(parse_qeng, QENG_SA, (14, "sinr")),
    *numbers(parse_qnwinfo, '+QNWINFO: "FDD LTE","44010","LTE BAND 3",1850', (3, "channel")),
    *numbers(parse_qgdcnt, "+QGDCNT: 1,2", (0, "bytes_sent"), (1, "bytes_recv")),
    *numbers(parse_cpsi, CPSI_LTE, (3, "TAC"), kind="hex"),
    *numbers(parse_cpsi, CPSI_LTE, (4, "SCellID"), (5, "PCellID"), (7, "earfcn"), (10, "RSRQ")),
    *numbers(parse_cpsi, CPSI_LTE, (11, "RSRP"), (12, "RSSI"), (13, "RSSNR")),
    *numbers(parse_cpsi, CPSI_WCDMA, (3, "LAC"), kind="hex"),
    *numbers(parse_cpsi, CPSI_WCDMA, (4, "Cell ID"), (6, "PSC"), (7, "Freq")),
    *numbers(parse_cpsi, CPSI_GSM, (3, "LAC"), kind="hex"),
    *numbers(parse_cpsi, CPSI_GSM, (4, "Cell ID")),
    *numbers(parse_cpsi, CPSI_NR, (3, "TAC"), kind="hex"),
    *numbers(parse_cpsi, CPSI_NR, (4, "SCellID"), (5, "PCellID"), (7, "earfcn"), (8, "RSRP")),
    *numbers(parse_cpsi, CPSI_NR, (9, "RSRQ"), (10, "SNR")),
    *numbers(parse_cpsi, CPSI_BESIDE, (1, "PCellID"), (3, "earfcn"), (4, "RSRP"), (5, "RSRQ")),
    *numbers(parse_cpsi, CPSI_BESIDE, (6, "SNR")),
    *numbers(parse_ugcntrd, "+UGCNTRD: 31,1,2,3,4", (0, "cid"), (1, "sent_sess_bytes")),
    *numbers(parse_ugcntrd, "+UGCNTRD: 31,1,2,3,4", (2, "received_sess_bytes")),
    *numbers(parse_ugcntrd, "+UGCNTRD: 31,1,2,3,4", (3, "sent_total_bytes")),
    *numbers(parse_ugcntrd, "+UGCNTRD: 31,1,2,3,4", (4, "received_total_bytes")),
    *numbers(parse_cgeqosrdp, "+CGEQOSRDP: 1,9,0,0,0,0,128,64", (0, "cid"), (1, "QCI")),
    *numbers(parse_cgeqosrdp, "+CGEQOSRDP: 1,9,0,0,0,0,128,64", (2, "DL_GBR"), (3, "UL_GBR")),
    *numbers(parse_cgeqosrdp, "+CGEQOSRDP: 1,9,0,0,0,0,128,64", (4, "DL_MBR"), (5, "UL_MBR")),
    *numbers(parse_cgeqosrdp, "+CGEQOSRDP: 1,9,0,0,0,0,128,64", (6, "DL_AMBR"), (7, "UL_AMBR")),
    *numbers(parse_cgapnrc, "+CGAPNRC: 1,1,2,40", (1, "Additional_exception_reports")),
    *numbers(parse_cgapnrc, "+CGAPNRC: 1,1,2,40", (0, "cid"), (2, "Uplink_time_unit")),
    *numbers(parse_cgapnrc, "+CGAPNRC: 1,1,2,40", (3, "Maximum_uplink_rate")),
    *numbers(parse_cgev, "+CGEV: NW PDN ACT 1,0,2", (1, "reason"), (2, "cid_other")),
    *numbers(parse_cgev, "+CGEV: NW MODIFY 1,2,0", (1, "change_reason"), (2, "event_type")),
    *numbers(parse_cgev, "+CGEV: NW ACT 1,2,0", (1, "cid"), (2, "event_type")),
    *numbers(parse_cgev, '+CGEV: NW DEACT "IP","10.0.0.1",1', (2, "cid")),
    *numbers(parse_cfun, "+CFUN: 1", (0, "fun")),
    *numbers(parse_cscon, "+CSCON: 1,1,7,4", (0, "n"), (1, "mode"), (2, "state"), (3, "access")),
    *numbers(parse_cscon_urc, "+CSCON: 1,7,4", (0, "mode"), (1, "state"), (2, "access")),
    *numbers(parse_cgatt, "+CGATT: 1", (0, "state")),
    *numbers(parse_cgact, "+CGACT: 1,1", (0, "cid"), (1, "state")),
    *numbers(parse_cgdcont, '+CGDCONT: 1,"IP","a"', (0, "cid")),
    *numbers(parse_cgpaddr, '+CGPADDR: 1,"10.0.0.1"', (0, "cid")),
    *numbers(parse_cgcontrdp, '+CGCONTRDP: 1,5,"a"', (0, "cid"), (1, "bearer_id")),
    *numbers(parse_crsm, '+CRSM: 144,0,"98"', (0, "sw1"), (1, "sw2")),
    *numbers(parse_csim, '+CSIM: 4,"9000"', (0, "length")),
    *numbers(parse_ccho, "+CCHO: 1", (0, "sessionid")),
    *numbers(parse_cnum, '+CNUM: "me","+819012345678",145', (2, "type")),
    *numbers(parse_ciev, "+CIEV: 2,4", (1, "value")),
    *numbers(parse_cind, "+CIND: 2,4", (1, "ind")),
    *numbers(parse_cops, '+COPS: 0,2,"44010",7', (0, "mode"), (1, "format"), (3, "AcT")),
    *numbers(parse_cloudsim, '^CLOUDSIM: 1,7,""', (0, "card"), (1, "phase")),
    *numbers(parse_registration, '+CREG: 2,1,"C3","1A",7,0,15', (0, "n"), (1, "stat")),
    *numbers(parse_registration, '+CREG: 2,1,"C3","1A",7,0,15', (2, "lac or tac"), kind="hex"),
    *numbers(parse_registration, '+CREG: 2,1,"C3","1A",7,0,15', (3, "ci"), kind="hex"),
    *numbers(parse_registration, '+CREG: 2,1,"C3","1A",7,0,15', (5, "cause_type")),
    *numbers(parse_registration, '+CREG: 2,1,"C3","1A",7,0,15', (6, "reject_cause")),
    *numbers(parse_registration_urc, "+CREG: 3", (0, "stat")),
    *numbers(parse_registration, '+CGREG: 2,1,"C3","1A",7,"01",0,3', (5, "rac"), kind="hex"),
]


@pytest.mark.parametrize(
    ("parser", "line", "what"), [row[:3] for row in NO_NUMBERS], ids=[row[3] for row in NO_NUMBERS]
)
def test_what_is_no_number_is_named_as_the_standard_names_it(
    parser: Parser, line: str, what: str
) -> None:
    """The name of the parameter, the value, and the whole line."""
    with pytest.raises(AtFramingError) as caught:
        parser(line)

    assert str(caught.value) == f"{what}: {line!r}"


def scan(line: str) -> object:
    """Read one line of a network scan."""
    return parse_cops_scan((line,))


REFUSED = [
    (parse_hcsq, "^HCSQ: ", "<sysmode> is missing"),
    (parse_hcsq, '^HCSQ: "LTE",97', "^HCSQ <rssi> 97 is not defined (0 to 96 or 255)"),
    (parse_hcsq, '^HCSQ: "LTE",0,98', "^HCSQ <rsrp> 98 is not defined (0 to 97 or 255)"),
    (parse_hcsq, '^HCSQ: "LTE",0,0,252', "^HCSQ <sinr> 252 is not defined (0 to 251 or 255)"),
    (parse_hcsq, '^HCSQ: "LTE",0,0,0,35', "^HCSQ <rsrq> 35 is not defined (0 to 34 or 255)"),
    (parse_hcsq, '^HCSQ: "NR",127', "^HCSQ <rsrp> 127 is not defined (0 to 126 or 255)"),
    (parse_hcsq, '^HCSQ: "NR",0,0,127', "^HCSQ <rsrq> 127 is not defined (0 to 126 or 255)"),
    (parse_hcsq, '^HCSQ: "WCDMA",97', "^HCSQ <rssi> 97 is not defined (0 to 96 or 255)"),
    (parse_hcsq, '^HCSQ: "WCDMA",0,97', "^HCSQ <rscp> 97 is not defined (0 to 96 or 255)"),
    (parse_hcsq, '^HCSQ: "WCDMA",0,0,66', "^HCSQ <ecio> 66 is not defined (0 to 65 or 255)"),
    (parse_hcsq, '^HCSQ: "GSM",-1', "^HCSQ <rssi> -1 is not defined (0 to 96 or 255)"),
    (parse_sysinfoex, "^SYSINFOEX: 5,0,0,1", "<srv_status> 5 is not defined"),
    (parse_sysinfoex, "^SYSINFOEX: 2,5,0,1", "<srv_domain> 5 is not defined"),
    (parse_sysinfoex, "^SYSINFOEX: 2,256,0,1", "<srv_domain> 256 is not defined"),
    (parse_sysinfoex, "^SYSINFOEX: 2,3,2,1", "<roam_status> 2 is not defined"),
    (parse_sysinfoex, "^SYSINFOEX: 2,3,1,256", "<sim_state> 256 is not defined"),
    (parse_dsflowqry, "^DSFLOWQRY: 0,0,0,0,0", "<total_rx> is missing"),
    (parse_dsflowrpt, "^DSFLOWRPT: 0,0,0,0", "<rx> is missing"),
    (parse_qeng, '+QENG: "servingcell"', "<state> is missing"),
    (parse_qeng, '+QENG: "servingcell","ASLEEP"', "+QENG <state> 'ASLEEP' is not defined"),
    (parse_qeng, SERVING + '"5GPLUS"', "+QENG <rat> '5GPLUS' is not known"),
    (parse_qeng, "+QENG: ", "<rat> is missing"),
    (parse_qeng, SERVING + '"LTE","FDD",44,10,1', "'44', '10' are no MCC and MNC"),
    (parse_qeng, SERVING + '"WCDMA",440,1,1', "'440', '1' are no MCC and MNC"),
    (parse_qeng, SERVING + '"GSM",440,1,1', "'440', '1' are no MCC and MNC"),
    (parse_qeng, SERVING + '"NR5G-SA","TDD",440,1,1', "'440', '1' are no MCC and MNC"),
    (parse_qeng, '+QENG: "NR5G-NSA",440,1,1', "'440', '1' are no MCC and MNC"),
    (parse_qnwinfo, '+QNWINFO: ,"44010"', "<Act> is missing"),
    (parse_qgdcnt, "+QGDCNT: 1", "<bytes_recv> is missing"),
    (parse_qgdcnt, "+QGDCNT: -1,0", "<bytes_sent> -1 is not defined"),
    (parse_cpsi, "+CPSI: ", "<System Mode> is missing"),
    (parse_cpsi, "+CPSI: LTE", "<MCC-MNC> is missing"),
    (parse_cpsi, "+CPSI: LTE,Online,44010", "'44010', '' are no MCC and MNC"),
    (parse_cpsi, "+CPSI: LTE,Online,440-10-1", "'440', '10-1' are no MCC and MNC"),
    (parse_cpsi, "+CPSI: 7G,Online,440-10", "+CPSI <System Mode> '7G' is not known"),
    (parse_ugcntrd, "+UGCNTRD: 1,2,3,4", "<received_total_bytes> is missing"),
    (parse_ugcntrd, "+UGCNTRD: 256,1,2,3,4", "<cid> 256 is not defined"),
    (parse_cgeqosrdp, "+CGEQOSRDP: 1,256", "<QCI> 256 is not defined"),
    (parse_cgeqosrdp, "+CGEQOSRDP: 256,1", "<cid> 256 is not defined"),
    (parse_cgeqosrdp, "+CGEQOSRDP: 1,9,-1", "<DL_GBR> -1 is not a rate"),
    (parse_cgapnrc, "+CGAPNRC: 1,2", "+CGAPNRC carries a value that is not defined"),
    (parse_cgapnrc, "+CGAPNRC: 1,0,5", "+CGAPNRC carries a value that is not defined"),
    (parse_cgapnrc, "+CGAPNRC: 256", "<cid> 256 is not defined"),
    (parse_cgev, "+CGEV: NW SLEEP", "+CGEV 'NW SLEEP' is not an event of 27.007"),
    (parse_cgev, "+CGEV: DETACH", "+CGEV 'DETACH' does not say whose event it is"),
    (parse_cgev, '+CGEV: "NW SLEEP"', "+CGEV 'NW SLEEP' is not an event of 27.007"),
    (parse_cgev, '+CGEV: "NW"', "+CGEV 'NW' is not an event of 27.007"),
    (parse_cgev, "+CGEV: NW CLASS", "<class> is missing"),
    (parse_cgev, "+CGEV: NW PDN ACT", "<cid> is missing"),
    (parse_cgev, "+CGEV: NW PDN ACT 256", "<cid> 256 is not defined"),
    (parse_cgev, "+CGEV: NW PDN DEACT 256", "<cid> 256 is not defined"),
    (parse_cgev, "+CGEV: NW MODIFY 256,1,0", "<cid> 256 is not defined"),
    (parse_cgev, "+CGEV: NW ACT", "<p_cid> is missing"),
    (parse_cgev, "+CGEV: NW ACT 256,1", "<p_cid> 256 is not defined"),
    (parse_cgev, "+CGEV: NW ACT 1,256", "<cid> 256 is not defined"),
    (parse_cgev, "+CGEV: NW REACT", "<PDP_type> is missing"),
    (parse_cgev, "+CGEV: NW REACT IP,10.0.0", "'10.0.0' is not an IP address"),
    (parse_cfun, "+CFUN: 256", "<fun> 256 is not defined"),
    (parse_cfun_support, "+CFUN: ", "<list of supported <fun>s> is missing"),
    (parse_cfun_support, "+CFUN: (0,x)", "'x' is not a number or a range"),
    (parse_cfun_support, "+CFUN: (0),(y)", "'y' is not a number or a range"),
    (parse_cscon, "+CSCON: 6,1", "<n> 6 is not defined"),
    (parse_cscon, "+CSCON: 1,2", "<mode> 2 is not defined"),
    (parse_cscs, "+CSCS: ", "<chset> is missing"),
    (parse_cgatt, "+CGATT: 2", "<state> 2 is not defined"),
    (parse_cgact, "+CGACT: 256,1", "<cid> 256 is not defined"),
    (parse_cgact, "+CGACT: 1,2", "<state> 2 is not defined"),
    (parse_cgdcont, "+CGDCONT: 256", "<cid> 256 is not defined"),
    (parse_cgdcont, "+CGDCONT: 1", "<PDP_type> is missing"),
    (parse_cgdcont, '+CGDCONT: 1,"IP","a","10.0"', "'10.0' is not an IP address"),
    (
        parse_cgdcont,
        '+CGDCONT: 1,"ATM"',
        f"<PDP_type> 'ATM' is not defined ({PDP_TYPES})",
    ),
    (parse_cgdcont_support, "+CGDCONT: ", "<cids> is missing"),
    (parse_cgdcont_support, "+CGDCONT: (1-16)", "<PDP_type> is missing"),
    (parse_cgdcont_support, "+CGDCONT: (z)", "'z' is not a number or a range"),
    (parse_cgpaddr, "+CGPADDR: 256", "<cid> 256 is not defined"),
    (parse_cgpaddr, "+CGPADDR: 1,10.0", "'10.0' is not an IP address"),
    (parse_cgcontrdp, "+CGCONTRDP: 256", "<cid> 256 is not defined"),
    (parse_cgcontrdp, '+CGCONTRDP: 1,5,"a","10.0"', "'10.0' is not an IP address"),
    (parse_cgcontrdp, '+CGCONTRDP: 1,5,"a",,"10.0"', "'10.0' is not an IP address"),
    (parse_crsm, "+CRSM: 256,0", "<sw1> 256 is not defined"),
    (parse_crsm, "+CRSM: 144,256", "<sw2> 256 is not defined"),
    (parse_crsm, '+CRSM: 144,0,"9"', "'9' is not pairs of hexadecimal digits"),
    (parse_csim, "+CSIM: ", "<length> is missing"),
    (parse_csim, "+CSIM: 4", "<response> is missing"),
    (parse_csim, '+CSIM: 6,"9000"', "<length> 6 is not that of the response, 4 digits"),
    (parse_csim, '+CSIM: 2,"90"', "<length> 2 is not that of the response, 2 digits"),
    (parse_csim, '+CSIM: 4,"90xy"', "'90xy' is not pairs of hexadecimal digits"),
    (parse_ccho, "+CCHO: -1", "<sessionid> -1 is not defined"),
    (parse_ccho, "+CCHO: 2147483648", "<sessionid> 2147483648 is not defined"),
    (parse_ciev, "+CIEV: ", "<ind> is missing"),
    (parse_ciev, "+CIEV: 1", "<value> is missing"),
    (parse_cops, "+COPS: 5", "<mode> 5 is not defined"),
    (parse_cops, '+COPS: 0,3,"x"', "<format> 3 is not defined"),
    (parse_cops, '+COPS: 0,2,"4401"', "+COPS <oper> '4401' is not a PLMN code of 5 or 6 digits"),
    (parse_cops, '+COPS: 0,2,"44010",17', "+COPS <AcT> 17 is not defined"),
    (parse_cops, '+COPS: 0,2,"44010",-1', "+COPS <AcT> -1 is not defined"),
    (scan, '+COPS: (4,"a","b","44010",7)', "<stat> 4 is not defined"),
    (scan, '+COPS: ("x","a","b","44010",7)', "<stat> 'x' is not a number"),
    (scan, '+COPS: (1,"a")', '+COPS: an operator has at least 4 values, (1,"a") has 2'),
    (
        scan,
        '+COPS: (1,"a","b","4401")',
        "+COPS <numeric oper> '4401' is not a PLMN code of 5 or 6 digits",
    ),
    (scan, "+COPS: " + "x" * 81, f"+COPS: no entry in brackets at {'x' * 80!r}"),
    (parse_cloudsim, '^CLOUDSIM: 3,0,""', "<card> 3 is not defined"),
    (parse_cloudsim, '^CLOUDSIM: 1,9,""', "<phase> 9 is not defined"),
    (
        parse_cloudsim,
        '^CLOUDSIM: 1,8,"89"',
        "^CLOUDSIM <iccid> '89' is not 18 to 20 digits",
    ),
    (parse_registration, "+CREG: 1", "<n>,<stat> expected, this is the form of a URC"),
    (parse_registration, "+CREG: 6,1", "<n> 6 is not defined"),
    (parse_registration, "+CREG: 2,12", "<stat> 12 is not defined"),
    (parse_registration, '+CEREG: 2,1,"C3","1A",17', "<AcT> 17 is not defined"),
    (parse_registration, '+CEREG: 2,1,"C3","1A",-1', "<AcT> -1 is not defined"),
    (parse_registration_modes, "+CREG: ", "<list of supported <n>s> is missing"),
    (parse_cind_support, "+CIND: (x)", "+CIND: no (\"name\",(values)) at '(x)'"),
    (parse_cpin, "+CPIN: MAYBE", "+CPIN <code> 'MAYBE' is not defined"),
    (parse_cimi, "1234", "not an IMSI of 14 or 15 digits"),
    (parse_cmee, "+CMEE: 3", "not a +CMEE response"),
    (parse_iccid, "+CCID: 1", "not an ICCID of 18 to 20 digits"),
    (parse_iccid, "1" * 19, "an ICCID begins with 89"),
    (
        parse_iccid,
        "9818010022519276071",
        "an ICCID in the order of its bytes has an even number of digits",
    ),
    (parse_cgsn, "+CGSN: 1", "not an IMEI of 15 digits"),
    (parse_identity, "+CGMM: ", "no identification text"),
    (parse_cclk, '+CCLK: "soon"', "+CCLK 'soon' is not yy/MM/dd,hh:mm:ss"),
    (
        parse_cclk,
        '+CCLK: "26/02/30,00:00:00"',
        "'26/02/30,00:00:00' is no time that exists (day is out of range for month)",
    ),
    (
        parse_cclk,
        '+CCLK: "26/11/24,12:00:05+96"',
        "<tz> +96 is not a number of quarter hours below a day",
    ),
    (parse_zone_urc, "+CTZV: x", "not a time zone report"),
    (parse_zone_urc, '+CTZE: +36,0,"2026"', "'2026' is not yy/MM/dd,hh:mm:ss"),
    (
        parse_zone_urc,
        '+CTZE: +36,0,"2026/13/01,00:00:00"',
        "'2026/13/01,00:00:00' is no time that exists (month must be in 1..12)",
    ),
    (parse_zone_urc, "+CTZV: -96", "<tz> -96 is not a number of quarter hours below a day"),
    (lambda line: parse_interface("10.0", line), "+X: 10.0", "'10.0' is not an IP address"),
]


@pytest.mark.parametrize(("parser", "line", "what"), REFUSED)
def test_a_refusal_says_what_and_shows_the_line(parser: Parser, line: str, what: str) -> None:
    """The value that is not understood, what would be, and the raw line."""
    with pytest.raises(AtFramingError) as caught:
        parser(line)

    assert str(caught.value) == f"{what}: {line!r}"


def test_an_answer_of_several_lines_is_shown_whole() -> None:
    """ATI without any text."""
    with pytest.raises(AtFramingError) as caught:
        parse_ati([" ", "+X: 1"])

    assert str(caught.value) == "no identification text: (' ', '+X: 1')"


@pytest.mark.parametrize(
    ("text", "charset", "message"),
    [
        ("\xff", "UTF-8", "'ÿ' is not UTF-8"),
        ("A", "HEX", "'A' is not pairs of hexadecimal digits"),
        ("80", "HEX", "'80' is not the GSM 7 bit default alphabet"),
        ("\x80", "GSM", "'\\x80' is not the GSM 7 bit default alphabet"),
    ],
)
def test_a_string_of_another_character_set_is_shown(text: str, charset: Any, message: str) -> None:
    """The string, and what it is not."""
    with pytest.raises(AtFramingError) as caught:
        decode_text(text, charset)

    assert str(caught.value) == message
