"""The USIM as an APDU peer: TS 102 221 clauses 10 and 11, TS 31.102 clauses 4.2 and 7.1."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType

from devices.virtual.at.modem import CardView

SUCCESS = b"\x90\x00"
_FILE_NOT_FOUND = b"\x6a\x82"
_WRONG_INSTRUCTION = b"\x6d\x00"
_WRONG_LENGTH = b"\x67\x00"
_WRONG_MAC = b"\x98\x62"
_REFUSED = b"\x69\x82"
_SELECT, _AUTHENTICATE, _READ_BINARY = 0xA4, 0x88, 0xB0
_VERIFY, _UNBLOCK, _STATUS = 0x20, 0x2C, 0xF2
_TRIES_LEFT = MappingProxyType({_VERIFY: 3, _UNBLOCK: 10})
_HEADER = 5
_AUTHENTICATE_DATA = 34  # 10 RAND16 10 AUTN16

FILES = MappingProxyType(
    {
        0x2FE2: "EF_ICCID",
        0x6F07: "EF_IMSI",
        0x6FAD: "EF_AD",
        0x6F46: "EF_SPN",
        0x6F3E: "EF_GID1",
        0x6F7B: "EF_FPLMN",
        0x6F61: "EF_OPLMNwACT",
        0x6F60: "EF_PLMNwACT",
        0x6F62: "EF_HPLMNwACT",
        0x6F31: "EF_HPPLMN",
        0x6F38: "EF_UST",
        0x6FE3: "EF_EPSLOCI",
        0x6FB7: "EF_ECC",
    }
)
"""Elementary files by their identifier (TS 31.102 clause 4.2, ICCID: TS 102 221 clause 13.2)."""

_DEFAULTS = MappingProxyType(
    {
        "EF_HPPLMN": bytes.fromhex("05"),
        "EF_UST": bytes.fromhex("0000000000000000"),
        "EF_ECC": bytes.fromhex("11F0FF11F9FF"),
        "EF_FPLMN": b"\xff" * 12,
        "EF_PLMNwACT": b"\xff" * 40,
        "EF_HPLMNwACT": b"\xff" * 5,
        "EF_OPLMNwACT": b"\xff" * 40,
        "EF_SPN": b"\xff" * 17,
        "EF_EPSLOCI": b"\xff" * 17 + b"\x01",
    }
)

Authenticate = Callable[[bytes, bytes], Awaitable[bytes | None]]


def read_file(card: CardView, file_id: int) -> bytes | None:
    """Return the content of an elementary file, None if the card has no such file."""
    name = FILES.get(file_id)
    if name is None:
        return None
    return card.files.get(name, _DEFAULTS.get(name))


async def execute(card: CardView, apdu: bytes, authenticate: Authenticate) -> bytes:
    """Answer one command APDU: data and status word."""
    instruction, p1, p2 = apdu[1:4]
    length = apdu[4] if len(apdu) >= _HEADER else 0
    data = apdu[_HEADER : _HEADER + length]
    if instruction == _SELECT:
        return _select(card, data)
    if instruction == _AUTHENTICATE:
        return await _authenticate(data, authenticate)
    if instruction == _READ_BINARY and p1 & 0x80:  # READ BINARY with a short file identifier
        content = {0x02: read_file(card, 0x2FE2), 0x07: read_file(card, 0x6F07)}.get(p1 & 0x1F)
        return _FILE_NOT_FOUND if content is None else content[p2 : p2 + length] + SUCCESS
    if instruction in _TRIES_LEFT:  # without data these ask for the tries left
        return _REFUSED if data else bytes((0x63, 0xC0 | _TRIES_LEFT[instruction]))
    if instruction == _STATUS:
        return SUCCESS
    return _WRONG_INSTRUCTION


def _select(card: CardView, data: bytes) -> bytes:
    directories = (b"\x3f\x00", b"\x7f\x20", b"\x7f\xff", b"\x7f\x10")
    if data in directories or data.startswith(b"\xa0\x00\x00\x00\x87\x10\x02"):
        return SUCCESS
    file_id = int.from_bytes(data[-2:], "big")
    return SUCCESS if read_file(card, file_id) is not None else _FILE_NOT_FOUND


async def _authenticate(data: bytes, authenticate: Authenticate) -> bytes:
    if len(data) != _AUTHENTICATE_DATA or data[0] != 16 or data[17] != 16:  # noqa: PLR2004
        return _WRONG_LENGTH
    answer = await authenticate(data[1:17], data[18:34])
    return _WRONG_MAC if answer is None else answer + SUCCESS
