"""``devices.virtual.at.session``: one AT port of the virtual router."""

from __future__ import annotations

import asyncio

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

CELL = Cell(plmn="44010", tac=0x3001, ci=0x1A2B30, act=7, rsrp_dbm=-85.0, rsrq_db=-10.0)


class Bench:
    """A modem that does at once what it is told, and keeps a list of it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.scan_ends = asyncio.Event()

    async def set_function(self, fun: int) -> None:
        """Note it."""
        self.done.append(f"fun {fun}")

    def reset(self) -> None:
        """Note it."""
        self.done.append("reset")

    async def scan(self) -> tuple[Cell, ...]:
        """Scan until the test lets it end."""
        await self.scan_ends.wait()
        return (CELL,)

    async def select_network(self, plmn: str | None) -> bool:
        """Take docomo only."""
        return plmn in {None, "44010"}

    async def set_attached(self, *, attached: bool) -> bool:
        """Note it."""
        self.done.append(f"attached {attached}")
        return True

    async def set_pdn(self, cid: int, *, active: bool) -> bool:
        """Refuse."""
        self.done.append(f"pdn {cid} {active}")
        return False

    async def authenticate(self, rand: bytes, autn: bytes) -> bytes | None:
        """Answer the challenge of zeros only."""
        if rand != autn:
            return None
        return bytes.fromhex("DB04AABBCCDD10") + b"\x11" * 16 + b"\x10" + b"\x22" * 16

    def ask_reassignment(self) -> bool:
        """Refuse."""
        return False

    def switch_card(self, kind: CardKind) -> bool:
        """Note it."""
        self.done.append(f"card {int(kind)}")
        return True

    def factory_reset(self) -> None:
        """Note it."""
        self.done.append("factory")

    def held_iccid(self) -> str:
        """Hold the first card."""
        return "8981100000000000010"

    def byte_count(self) -> ByteCount:
        """Return two numbers that cannot be mixed up."""
        return ByteCount(dl=5000, ul=70)

    def reset_byte_count(self) -> None:
        """Note it."""
        self.done.append("zero")

    def local_time(self) -> LocalTime:
        """Return noon in Japan."""
        return LocalTime(text="26/11/24,12:00:00+36", zone_quarters=36)

    def set_local_time(self, text: str) -> None:
        """Note it."""
        self.done.append(text)


def modem(actions: Bench | None = None, style: str = "unisoc") -> Modem:
    """Return a modem registered on docomo with a cloud card."""
    files = {
        "EF_ICCID": bytes.fromhex("981801000000000010F0"),
        "EF_IMSI": bytes.fromhex("084904010100000010"),
        "EF_AD": bytes.fromhex("00000002"),
    }
    card = CardView(
        kind=CardKind.CLOUD,
        iccid="8981100000000000010",
        imsi="440101000000001",
        plmn="44010",
        atr=b"\x3b",
        files=files,
    )
    return Modem(
        actions=actions or Bench(),
        style=style,
        manufacturer="Virtual",
        model="virtual-unisoc",
        revision="VR1.0.0",
        imei="860000000000017",
        card=card,
        phase=7,
        attached=True,
        cells=(CELL,),
        registration=Registration(stat=Stat.HOME, plmn="44010", tac=0x3001, ci=0x1A2B30),
        contexts={
            1: PdnContext(
                cid=1,
                apn="virtual.docomo.test",
                is_active=True,
                address="10.41.1.2",
                gateway="10.41.0.1",
                dns=("203.0.113.53",),
            )
        },
    )


class Wire:
    """A session over a plain list of bytes."""

    def __init__(self, of: Modem) -> None:
        self.sent = bytearray()
        self.session = AtSession(of, table_for(of.style), self.sent.extend)

    def say(self, data: bytes) -> bytes:
        """Send bytes and return what came back at once."""
        self.sent.clear()
        self.session.feed(data)
        return bytes(self.sent)


def test_echo_is_on_until_switched_off() -> None:
    """The command comes back with its CR; after ATE0 nothing does."""
    wire = Wire(modem())

    assert wire.say(b"AT\r") == b"AT\r\r\nOK\r\n"
    assert wire.say(b"ATE0\r") == b"ATE0\r\r\nOK\r\n"
    assert wire.say(b"AT\r") == b"\r\nOK\r\n"


def test_numeric_results_without_leading_crlf() -> None:
    """ATV0: information text ends in CRLF only, the result is a digit and CR."""
    wire = Wire(modem())
    wire.say(b"ATE0V0\r")

    assert wire.say(b"AT+CGSN\r") == b"860000000000017\r\n0\r"
    assert wire.say(b"AT+NONE\r") == b"4\r"


def test_quiet_says_nothing() -> None:
    """ATQ1 suppresses result codes."""
    wire = Wire(modem())
    wire.say(b"ATE0Q1\r")

    assert wire.say(b"AT\r") == b""


def test_an_error_stops_the_line() -> None:
    """What follows a failed command of the line is not executed (V.250 clause 5.2.3)."""
    wire = Wire(modem())
    wire.say(b"ATE0\r")

    assert wire.say(b"AT+CMEE=9;E1\r") == b"\r\nERROR\r\n"
    assert wire.say(b"AT\r") == b"\r\nOK\r\n"


def test_a_slash_repeats_the_last_line() -> None:
    """A/ needs no CR (V.250 clause 5.2.4)."""
    wire = Wire(modem())
    wire.say(b"ATE0\r")
    wire.say(b"AT+CGSN\r")

    assert wire.say(b"A/") == b"\r\n860000000000017\r\n\r\nOK\r\n"


def test_backspace_deletes() -> None:
    """The character in S5 deletes the one before it."""
    wire = Wire(modem())
    wire.say(b"ATE0\r")

    assert wire.say(b"AT+CGSX\bN\r") == b"\r\n860000000000017\r\n\r\nOK\r\n"


def test_every_cut_gives_the_same_bytes() -> None:
    """Characters one by one answer like the whole line."""
    whole = Wire(modem()).say(b'AT+CGDCONT=2,"IP","x"\rAT+CGDCONT?\r')
    wire = Wire(modem())

    single = b"".join(wire.say(bytes((byte,))) for byte in b'AT+CGDCONT=2,"IP","x"\rAT+CGDCONT?\r')

    assert single == whole


def test_junk_before_a_command_is_ignored() -> None:
    """Only AT begins a command line."""
    wire = Wire(modem())
    wire.say(b"ATE0\r")

    assert wire.say(b"\x00\xff\r\nxyzAAT\r") == b"\r\nOK\r\n"


def test_an_endless_line_is_an_error_and_bounded() -> None:
    """More than 2048 characters: ERROR, and the next command works."""
    wire = Wire(modem())
    wire.say(b"ATE0\r")

    assert wire.say(b"AT+" + b"X" * 100_000 + b"\r") == b"\r\nERROR\r\n"
    assert wire.say(b"AT\r") == b"\r\nOK\r\n"


def test_a_scan_is_aborted_by_any_character() -> None:
    """AT+COPS=? ends with OK as soon as something is typed (V.250 clause 5.6.1)."""

    async def run() -> bytes:
        wire = Wire(modem())
        wire.say(b"ATE0\r")
        assert wire.say(b"AT+COPS=?\r") == b""
        await asyncio.sleep(0)
        wire.sent.clear()
        wire.session.feed(b"x")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return bytes(wire.sent)

    assert asyncio.run(run()) == b"\r\nOK\r\n"


def test_an_unsolicited_line_waits_for_the_answer() -> None:
    """A line nobody asked for comes behind the answer of the command that runs."""

    async def run() -> bytes:
        bench = Bench()
        wire = Wire(modem(bench))
        wire.say(b"ATE0\r")
        wire.say(b"AT+COPS=?\r")
        wire.session.unsolicited("+CEREG: 1")
        bench.scan_ends.set()
        for _ in range(4):
            await asyncio.sleep(0)
        return bytes(wire.sent)

    assert asyncio.run(run()) == (
        b'\r\n+COPS: (2,"NTT DOCOMO","DOCOMO","44010",7),,(0-4),(0-2)\r\n\r\nOK\r\n'
        b"\r\n+CEREG: 1\r\n"
    )


def test_a_command_sent_too_early_waits() -> None:
    """What is typed while a command runs that cannot be aborted is worked on afterwards."""

    async def run() -> bytes:
        wire = Wire(modem())
        wire.say(b"ATE0\r")
        wire.session.feed(b"AT+CGATT=0\rAT+CGSN\r")
        for _ in range(4):
            await asyncio.sleep(0)
        return bytes(wire.sent)

    assert asyncio.run(run()).endswith(b"\r\nOK\r\n\r\n860000000000017\r\n\r\nOK\r\n")


def test_both_styles_know_their_own_commands_only() -> None:
    """AT+VIRTUALSIMINIT is Unisoc's, AT+ERSIM MediaTek's."""
    unisoc, mediatek = Wire(modem()), Wire(modem(style="mediatek"))

    assert unisoc.say(b"AT+VIRTUALSIMINIT?\r").endswith(b"+VIRTUALSIMINIT: 1\r\n\r\nOK\r\n")
    assert unisoc.say(b"AT+ERSIM?\r").endswith(b"\r\nERROR\r\n")
    assert mediatek.say(b"AT+ERSIM?\r").endswith(b"+ERSIM: 1\r\n\r\nOK\r\n")
    assert mediatek.say(b"AT+VIRTUALSIMINIT?\r").endswith(b"\r\nERROR\r\n")


def test_no_key_and_no_imsi_but_cimi() -> None:
    """Of all commands that are listed, read forms show the IMSI in +CIMI only."""
    wire = Wire(modem())
    wire.say(b"ATE0\r")
    names = wire.say(b"AT+CLAC\r").decode().split()
    shown = [name for name in names if b"440101000000001" in wire.say(f"{name}?\r".encode())]

    assert "AT+CIMI" in names
    assert shown == []
