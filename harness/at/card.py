"""Access to the card: +CRSM (TS 27.007 8.18), +CSIM (8.17), +CCHO +CGLA +CCHC (8.43 to 8.45)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import body, split_fields, split_values

EF_ICCID: Final = 0x2FE2
EF_IMSI: Final = 0x6F07
EF_AD: Final = 0x6FAD
EF_SPN: Final = 0x6F46
READ_BINARY: Final = 176
READ_RECORD: Final = 178
GET_RESPONSE: Final = 192
UPDATE_BINARY: Final = 214
STATUS: Final = 242

_BYTE: Final = range(256)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_STATUS_DIGITS: Final = 4
_BARE_NUMBER: Final = re.compile(r"\s*\d{1,9}\s*", re.ASCII)
_SESSIONS_MAX: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class CardResponse:
    """What the card answered (TS 31.101 10.2).

    Attributes:
        sw1: First status byte.
        sw2: Second status byte.
        data: The data before them.
    """

    sw1: int
    sw2: int
    data: bytes

    @property
    def ok(self) -> bool:
        """Whether the command was carried out: 9000, or 91xx, 92xx, 9Exx, 9Fxx and 61xx."""
        return (self.sw1, self.sw2) == (0x90, 0x00) or self.sw1 in {0x91, 0x92, 0x9E, 0x9F, 0x61}


def parse_crsm(line: str) -> CardResponse:
    """Read one ``+CRSM`` information response.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CRSM")
    return CardResponse(
        sw1=fields.one_of(0, "sw1", _BYTE),
        sw2=fields.one_of(1, "sw2", _BYTE),
        data=_bytes(fields.text(2) or "", line),
    )


def parse_csim(line: str) -> CardResponse:
    """Read one ``+CSIM`` or ``+CGLA`` information response.

    Raises:
        AtFramingError: The line is not one, or its length is not that of its data.
    """
    fields = split_values(body(line, "+CSIM", "+CGLA"), line)
    length = fields.need_number(0, "length")
    text = fields.need(1, "response")
    if length != len(text) or length < _STATUS_DIGITS:
        msg = f"<length> {length} is not that of the response, {len(text)} digits: {line!r}"
        raise AtFramingError(msg)
    data = _bytes(text, line)
    return CardResponse(sw1=data[-2], sw2=data[-1], data=data[:-2])


def parse_ccho(line: str) -> int:
    """Read the session number that ``AT+CCHO`` opened, with or without its name.

    Raises:
        AtFramingError: The line is not one.
    """
    if _BARE_NUMBER.fullmatch(line):
        return int(line)
    return split_fields(line, "+CCHO").one_of(0, "sessionid", range(_SESSIONS_MAX))


def mnc_digits(administrative_data: bytes) -> int | None:
    """Return how many digits the MNC has, from EF_AD (TS 31.102 4.2.18); None when not told."""
    if len(administrative_data) < 4:  # noqa: PLR2004 - the fourth byte tells it
        return None
    digits = administrative_data[3] & 0x0F
    return digits if digits in {2, 3} else None


def _bytes(text: str, line: str) -> bytes:
    if _HEX.fullmatch(text) is None:
        msg = f"{text!r} is not pairs of hexadecimal digits: {line!r}"
        raise AtFramingError(msg)
    return bytes.fromhex(text)
