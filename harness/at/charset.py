"""Character sets of strings (TS 27.007 5.5, TS 23.038 6.2.1, TS 27.005 3.1)."""

from __future__ import annotations

import re
from typing import Final, Literal, NoReturn

from harness.at.errors import AtFramingError

Charset = Literal["IRA", "GSM", "UCS2", "HEX", "8859-1", "UTF-8"]

_GSM: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENSION: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_ESCAPE: Final = 0x1B
_LATIN_END: Final = 0x100
_HEX_UNITS: Final = re.compile(r"(?:[0-9A-Fa-f]{4})+", re.ASCII)
_HEX_BYTES: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)


def decode_text(text: str, charset: Charset) -> str:
    """Turn a string of the router into text.

    With UCS2, plain text is accepted as it is: some routers send it although UCS2 is set.

    Args:
        text: The string as it came, one character a byte.
        charset: What +CSCS is set to.

    Raises:
        AtFramingError: The string is not of this character set.
    """
    if charset in {"IRA", "8859-1"}:
        return text
    if charset == "UCS2":
        return _ucs2(text)
    if charset == "UTF-8":
        return _utf8(text)
    data = _pairs(text) if charset == "HEX" else text.encode("latin-1")
    return _gsm(data, text)


def looks_like_ucs2(text: str) -> bool:
    """Tell whether a string can only be UCS2 in hexadecimal digits: `00530042` for `SB`.

    Numbers are the hard case: `44010440` may be a number. So each unit must be a printable
    character of the Basic Latin block.
    """
    if not _HEX_UNITS.fullmatch(text):
        return False
    units = [int(text[place : place + 4], 16) for place in range(0, len(text), 4)]
    return all(0x20 <= unit < 0x7F for unit in units)  # noqa: PLR2004 - Basic Latin


def _ucs2(text: str) -> str:
    if not _HEX_UNITS.fullmatch(text):
        return text
    try:
        decoded = bytes.fromhex(text).decode("utf-16-be")
    except UnicodeError:
        return text
    # Plain text that happens to be hexadecimal digits, such as `44010440`, gives odd characters.
    if text.isdecimal() and not all(ord(char) < _LATIN_END for char in decoded):
        return text
    return decoded


def _utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        _refuse(text, "UTF-8")


def _pairs(text: str) -> bytes:
    if not _HEX_BYTES.fullmatch(text):
        _refuse(text, "pairs of hexadecimal digits")
    return bytes.fromhex(text)


def _gsm(data: bytes, text: str) -> str:
    decoded = []
    escaped = False
    for value in data:
        if value >= len(_GSM):
            _refuse(text, "the GSM 7 bit default alphabet")
        if escaped:
            decoded.append(_GSM_EXTENSION.get(value, _GSM[value]))
            escaped = False
        elif value == _ESCAPE:
            escaped = True
        else:
            decoded.append(_GSM[value])
    return "".join(decoded)


def _refuse(text: str, expected: str) -> NoReturn:
    msg = f"{text!r} is not {expected}"
    raise AtFramingError(msg)
