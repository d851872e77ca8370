"""Answers of the virtual router, as 3GPP TS 27.007 and TS 27.005 write them."""

from __future__ import annotations

import asyncio

import pytest

from devices.virtual.at.commands import table_for
from devices.virtual.at.modem import (
    ByteCount,
    CardKind,
    CardView,
    Cell,
    LocalTime,
    Modem,
    PdnContext,
    Registration,
    Stat,
)
from devices.virtual.at.session import AtSession


class Still:
    """A modem on which nothing ever changes."""

    async def set_function(self, fun: int) -> None:
        """Do nothing."""

    def reset(self) -> None:
        """Do nothing."""

    async def scan(self) -> tuple[Cell, ...]:
        """Hear two networks."""
        return (
            Cell(plmn="44010", tac=1, ci=1, act=7, rsrp_dbm=-85.0, rsrq_db=-10.0),
            Cell(plmn="44020", tac=1, ci=2, act=7, rsrp_dbm=-95.0, rsrq_db=-10.0),
        )

    async def select_network(self, plmn: str | None) -> bool:
        """Work for docomo and for automatic selection."""
        return plmn in {None, "44010"}

    async def set_attached(self, *, attached: bool) -> bool:
        """Work."""
        return attached in {True, False}

    async def set_pdn(self, cid: int, *, active: bool) -> bool:
        """Work for the first context."""
        return cid == 1 or not active

    async def authenticate(self, rand: bytes, autn: bytes) -> bytes | None:
        """Answer as a card with RES AABBCCDD, or with AUTS for RAND 1."""
        if rand[-1] == 1:
            return bytes.fromhex("DC0E" + "33" * 14)
        if autn[-1]:
            return None
        return bytes.fromhex("DB04AABBCCDD10" + "11" * 16 + "10" + "22" * 16)

    def ask_reassignment(self) -> bool:
        """Refuse."""
        return False

    def switch_card(self, kind: CardKind) -> bool:
        """Refuse the physical card."""
        return kind is CardKind.CLOUD

    def factory_reset(self) -> None:
        """Do nothing."""

    def held_iccid(self) -> str:
        """Hold the first card."""
        return "8981100000000000010"

    def byte_count(self) -> ByteCount:
        """Return two numbers that cannot be mixed up."""
        return ByteCount(dl=5000, ul=70)

    def reset_byte_count(self) -> None:
        """Do nothing."""

    def local_time(self) -> LocalTime:
        """Return noon in Japan."""
        return LocalTime(text="26/11/24,12:00:00+36", zone_quarters=36)

    def set_local_time(self, text: str) -> None:
        """Do nothing."""


def modem() -> Modem:
    """Return a modem registered on docomo."""
    return Modem(
        actions=Still(),
        style="unisoc",
        manufacturer="Virtual",
        model="virtual-unisoc",
        revision="VR1.0.0",
        imei="860000000000017",
        phase=7,
        attached=True,
        card=CardView(
            kind=CardKind.CLOUD,
            iccid="8981100000000000010",
            imsi="440101000000001",
            plmn="44010",
            atr=b"\x3b",
            files={
                "EF_ICCID": bytes.fromhex("981801000000000010F0"),
                "EF_IMSI": bytes.fromhex("084904010100000010"),
                "EF_AD": bytes.fromhex("00000002"),
            },
        ),
        cells=(Cell(plmn="44010", tac=0x3001, ci=0x1A2B30, act=7, rsrp_dbm=-85, rsrq_db=-10),),
        registration=Registration(stat=Stat.HOME, plmn="44010", tac=0x3001, ci=0x1A2B30),
        contexts={
            1: PdnContext(
                cid=1,
                apn="virtual.docomo.test",
                is_active=True,
                address="10.41.1.2",
                gateway="10.41.0.1",
                dns=("203.0.113.53", "203.0.113.54"),
                ambr_dl_bps=40_000_000,
                ambr_ul_bps=10_000_000,
            )
        },
    )


def answer(command: bytes, of: Modem | None = None, before: bytes = b"") -> bytes:
    """Return what one command is answered with, echo off and +CMEE=1."""

    async def run() -> bytes:
        sent = bytearray()
        session = AtSession(of or modem(), table_for("unisoc"), sent.extend)
        session.feed(b"ATE0+CMEE=1;" + before + b"\r")
        sent.clear()
        session.feed(command + b"\r")
        for _ in range(10):
            await asyncio.sleep(0)
        return bytes(sent)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("clause", "command", "expected"),
    [
        ("27.007 5.4 +CGSN", b"AT+CGSN", b"\r\n860000000000017\r\n\r\nOK\r\n"),
        ("27.007 5.4 +CGSN", b"AT+CGSN=1", b'\r\n+CGSN: "860000000000017"\r\n\r\nOK\r\n'),
        ("27.007 5.6 +CIMI", b"AT+CIMI", b"\r\n440101000000001\r\n\r\nOK\r\n"),
        ("27.007 8.3 +CPIN", b"AT+CPIN?", b"\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        ("27.007 7.2 +CREG", b"AT+CREG?", b"\r\n+CREG: 0,1\r\n\r\nOK\r\n"),
        ("27.007 7.2 +CREG", b"AT+CREG=?", b"\r\n+CREG: (0-3)\r\n\r\nOK\r\n"),
        ("27.007 10.1.22 +CEREG", b"AT+CEREG=?", b"\r\n+CEREG: (0-5)\r\n\r\nOK\r\n"),
        ("27.007 10.1.47 +C5GREG", b"AT+C5GREG?", b"\r\n+C5GREG: 0,0\r\n\r\nOK\r\n"),
        ("27.007 7.3 +COPS", b"AT+COPS?", b'\r\n+COPS: 0,0,"NTT DOCOMO",7\r\n\r\nOK\r\n'),
        (
            "27.007 7.3 +COPS",
            b"AT+COPS=?",
            (b'\r\n+COPS: (2,"NTT DOCOMO","DOCOMO","44010",7),(1,"SoftBank","SoftBank","44020",7),'
            b",(0-4),(0-2)\r\n\r\nOK\r\n"),
        ),
        ("27.007 7.3 +COPS", b'AT+COPS=1,2,"44020"', b"\r\n+CME ERROR: 30\r\n"),
        ("27.007 8.5 +CSQ", b"AT+CSQ", b"\r\n+CSQ: 28,99\r\n\r\nOK\r\n"),
        ("27.007 8.5 +CSQ", b"AT+CSQ=?", b"\r\n+CSQ: (0-31,99),(0-7,99)\r\n\r\nOK\r\n"),
        ("27.007 8.69 +CESQ", b"AT+CESQ", b"\r\n+CESQ: 99,99,255,255,20,56\r\n\r\nOK\r\n"),
        ("27.007 10.1.9 +CGATT", b"AT+CGATT?", b"\r\n+CGATT: 1\r\n\r\nOK\r\n"),
        ("27.007 10.1.9 +CGATT", b"AT+CGATT=?", b"\r\n+CGATT: (0,1)\r\n\r\nOK\r\n"),
        ("27.007 10.1.10 +CGACT", b"AT+CGACT?", b"\r\n+CGACT: 1,1\r\n\r\nOK\r\n"),
        (
            "27.007 10.1.1 +CGDCONT",
            b"AT+CGDCONT?",
            b'\r\n+CGDCONT: 1,"IP","virtual.docomo.test","10.41.1.2",0,0\r\n\r\nOK\r\n',
        ),
        ("27.007 10.1.14 +CGPADDR", b"AT+CGPADDR=1", b'\r\n+CGPADDR: 1,"10.41.1.2"\r\n\r\nOK\r\n'),
        ("27.007 10.1.14 +CGPADDR", b"AT+CGPADDR=9", b"\r\n+CME ERROR: 50\r\n"),
        (
            "27.007 10.1.23 +CGCONTRDP",
            b"AT+CGCONTRDP=1",
            (b'\r\n+CGCONTRDP: 1,5,"virtual.docomo.test","10.41.1.2.255.255.255.0","10.41.0.1",'
            b'"203.0.113.53","203.0.113.54"\r\n\r\nOK\r\n'),
        ),
        (
            "27.007 10.1.28 +CGEQOSRDP",
            b"AT+CGEQOSRDP=1",
            b"\r\n+CGEQOSRDP: 1,9,0,0,0,0,40000,10000\r\n\r\nOK\r\n",
        ),
        ("27.007 10.1.19 +CGEREP", b"AT+CGEREP=?", b"\r\n+CGEREP: (0-2),(0,1)\r\n\r\nOK\r\n"),
        ("27.007 10.1.30 +CSCON", b"AT+CSCON?", b"\r\n+CSCON: 0,0\r\n\r\nOK\r\n"),
        ("27.007 8.2 +CFUN", b"AT+CFUN?", b"\r\n+CFUN: 1\r\n\r\nOK\r\n"),
        ("27.007 8.2 +CFUN", b"AT+CFUN=?", b"\r\n+CFUN: (0,1,4),(0-1)\r\n\r\nOK\r\n"),
        ("27.007 8.2 +CFUN", b"AT+CFUN=7", b"\r\n+CME ERROR: 50\r\n"),
        ("27.007 8.15 +CCLK", b"AT+CCLK?", b'\r\n+CCLK: "26/11/24,12:00:00+36"\r\n\r\nOK\r\n'),
        ("27.007 8.40 +CTZU", b"AT+CTZU?", b"\r\n+CTZU: 1\r\n\r\nOK\r\n"),
        ("27.007 8.41 +CTZR", b"AT+CTZR=?", b"\r\n+CTZR: (0-3)\r\n\r\nOK\r\n"),
        ("27.007 9.1 +CMEE", b"AT+CMEE=?", b"\r\n+CMEE: (0-2)\r\n\r\nOK\r\n"),
        (
            "27.007 8.18 +CRSM",
            b"AT+CRSM=176,28589,0,0,4",
            b'\r\n+CRSM: 144,0,"00000002"\r\n\r\nOK\r\n',
        ),
        (
            "27.007 8.18 +CRSM",
            b"AT+CRSM=176,12258,0,0,10",
            b'\r\n+CRSM: 144,0,"981801000000000010F0"\r\n\r\nOK\r\n',
        ),
        ("27.007 8.18 +CRSM", b"AT+CRSM=176,11111,0,0,4", b"\r\n+CRSM: 106,130\r\n\r\nOK\r\n"),
        (
            "27.007 8.17 +CSIM",
            b'AT+CSIM=14,"00A40004026FAD"',
            b'\r\n+CSIM: 4,"9000"\r\n\r\nOK\r\n',
        ),
        (
            "TS 31.102 7.1.2 AUTHENTICATE",
            b'AT+CSIM=78,"008800812210' + b"00" * 16 + b"10" + b"00" * 16 + b'"',
            b'\r\n+CSIM: 84,"DB04AABBCCDD10' + b"11" * 16 + b"10" + b"22" * 16 + b'9000"'
            b"\r\n\r\nOK\r\n",
        ),
        (
            "TS 31.102 7.1.2 synchronisation failure",
            b'AT+CSIM=78,"008800812210' + b"00" * 15 + b"0110" + b"00" * 16 + b'"',
            b'\r\n+CSIM: 36,"DC0E' + b"33" * 14 + b'9000"\r\n\r\nOK\r\n',
        ),
        (
            "TS 31.102 7.3 9862, incorrect MAC",
            b'AT+CSIM=78,"008800812210' + b"00" * 16 + b"10" + b"00" * 15 + b'FF"',
            b'\r\n+CSIM: 4,"9862"\r\n\r\nOK\r\n',
        ),
        (
            "27.007 8.45 +CCHO",
            b'AT+CCHO="A0000000871002FFFFFFFF8907090000"',
            b"\r\n+CCHO: 1\r\n\r\nOK\r\n",
        ),
        ("27.007 8.43 +CGLA", b'AT+CGLA=3,10,"00F2000000"', b"\r\n+CME ERROR: 21\r\n"),
        ("27.007 8.1 +CPAS", b"AT+CPAS", b"\r\n+CPAS: 0\r\n\r\nOK\r\n"),
        ("27.007 5.7 *", b"ATI", (b"\r\nManufacturer: Virtual\r\nModel: virtual-unisoc\r\n"
         b"Revision: VR1.0.0\r\nIMEI: 860000000000017\r\n+GCAP: +CGSM\r\n\r\nOK\r\n")),
        ("27.005 3.2.3 +CMGF", b"AT+CMGF=?", b"\r\n+CMGF: (0,1)\r\n\r\nOK\r\n"),
        ("27.005 3.2.2 +CPMS", b'AT+CPMS="SM"', b"\r\n+CPMS: 0,50,0,50,0,50\r\n\r\nOK\r\n"),
        ("27.005 3.4.2 +CMGL", b"AT+CMGL=4", b"\r\nOK\r\n"),
        ("27.005 3.5.1 +CMGS", b"AT+CMGS=20", b"\r\n+CMS ERROR: 331\r\n"),
        ("vendor +QGDCNT", b"AT+QGDCNT?", b"\r\n+QGDCNT: 70,5000\r\n\r\nOK\r\n"),
        (
            "vendor +QNWINFO",
            b"AT+QNWINFO",
            b'\r\n+QNWINFO: "FDD LTE","44010","LTE BAND 1",276\r\n\r\nOK\r\n',
        ),
        (
            "vendor ^MBAU",
            b'AT^MBAU="' + b"00" * 16 + b'","' + b"00" * 16 + b'"',
            b'\r\n^MBAU: 0,"AABBCCDD","' + b"11" * 16 + b'","' + b"22" * 16 + b'"\r\n\r\nOK\r\n',
        ),
    ],
)  # fmt: skip
def test_the_answer_is_the_clause_s(clause: str, command: bytes, expected: bytes) -> None:
    """Each command is answered by the bytes its clause gives."""
    assert answer(command) == expected, clause


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (b"0", b"\r\n+CEREG: 0,1\r\n\r\nOK\r\n"),
        (b"1", b"\r\n+CEREG: 1,1\r\n\r\nOK\r\n"),
        (b"2", b'\r\n+CEREG: 2,1,"3001","001A2B30",7\r\n\r\nOK\r\n'),
        (b"3", b'\r\n+CEREG: 3,1,"3001","001A2B30",7\r\n\r\nOK\r\n'),
    ],
)
def test_cereg_shows_as_much_as_n_asks_for(report: bytes, expected: bytes) -> None:
    """<n> 0 and 1: status only; 2 and more: tracking area, cell and AcT (clause 10.1.22)."""
    assert answer(b"AT+CEREG?", before=b"+CEREG=" + report) == expected


def test_cereg_3_tells_the_reject_cause() -> None:
    """Denied: cause type 0 is an EMM cause, here 11, PLMN not allowed (clause 10.1.22)."""
    refused = modem()
    refused.registration = Registration(stat=Stat.DENIED, reject_cause=11)

    shown = answer(b"AT+CEREG?", of=refused, before=b"+CEREG=3")

    assert shown == b"\r\n+CEREG: 3,3,,,,0,11\r\n\r\nOK\r\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (b"+CMEE=0", b"\r\nERROR\r\n"),
        (b"+CMEE=1", b"\r\n+CME ERROR: 10\r\n"),
        (b"+CMEE=2", b"\r\n+CME ERROR: SIM not inserted\r\n"),
    ],
)
def test_cmee_chooses_the_form_of_an_error(before: bytes, expected: bytes) -> None:
    """ERROR, a number, or a text (clause 9.1)."""
    empty = modem()
    empty.card = None

    assert answer(b"AT+CIMI", of=empty, before=before) == expected


@pytest.mark.parametrize(
    ("rsrp_dbm", "expected"), [(-44, b"97"), (-45, b"96"), (-140, b"1"), (-141, b"0")]
)
def test_cesq_borders(rsrp_dbm: int, expected: bytes) -> None:
    """<rsrp> 97 is -44 dBm and more, 1 is -140 dBm (clause 8.69)."""
    edge = modem()
    edge.cells = (Cell(plmn="44010", tac=1, ci=1, act=7, rsrp_dbm=rsrp_dbm, rsrq_db=-3),)

    assert answer(b"AT+CESQ", of=edge) == b"\r\n+CESQ: 99,99,255,255,34," + expected + (
        b"\r\n\r\nOK\r\n"
    )


def test_a_locked_card_wants_its_pin() -> None:
    """+CPIN? shows SIM PIN, +CIMI is error 11, a wrong PIN error 16 (clauses 8.3 and 9.2.1)."""
    locked = modem()
    card = locked.card
    assert card is not None
    locked.card = CardView(
        kind=CardKind.PHYSICAL,
        iccid=card.iccid,
        imsi=card.imsi,
        plmn=card.plmn,
        atr=card.atr,
        files=card.files,
        pin="1234",
    )

    assert answer(b"AT+CPIN?", of=locked) == b"\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"
    assert answer(b"AT+CIMI", of=locked) == b"\r\n+CME ERROR: 11\r\n"
    assert answer(b'AT+CPIN="9999"', of=locked) == b"\r\n+CME ERROR: 16\r\n"
    assert answer(b'AT+CPIN="1234"', of=locked) == b"\r\nOK\r\n"
    assert answer(b"AT+CPIN?", of=locked) == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"
