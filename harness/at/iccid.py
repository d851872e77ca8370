"""ICCID of the card in use (ITU-T E.118): +CCID, +ICCID, +QCCID, ^ICCID, #CCID, !ICCID, +CICCID.

No standard has such a command, so each vendor's has its own name, which ends in CID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.core.identity import luhn_ok

_LINE: Final = re.compile(
    r'\s*(?:[+^#!%$*]?[A-Z]{0,8}C?CID ?: ?)?"?(?P<digits>[0-9A-Fa-f]{18,20})[Ff]{0,2}"?\s*',
    re.ASCII,
)
_INDUSTRY: Final = "89"  # E.118: telecommunication
_SWAPPED_INDUSTRY: Final = "98"


@dataclass(frozen=True, slots=True, kw_only=True)
class Iccid:
    """An ICCID as a card has it.

    Attributes:
        digits: 18 to 20 digits in reading order, without filler; some issuers use A to E.
        luhn_ok: Whether the last digit checks the others; many cards in use fail it.
        swapped: Whether the router told the digits in the order of the card's bytes.
    """

    digits: str
    luhn_ok: bool
    swapped: bool


def parse_iccid(line: str) -> Iccid:
    """Read an ICCID with or without a name, quotes, filler, or swapped digits.

    Raises:
        AtFramingError: The line holds no ICCID.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        msg = f"not an ICCID of 18 to 20 digits: {line!r}"
        raise AtFramingError(msg)
    digits = match["digits"].upper()
    swapped = digits.startswith(_SWAPPED_INDUSTRY)
    if swapped:
        if len(digits) % 2:
            msg = f"an ICCID in the order of its bytes has an even number of digits: {line!r}"
            raise AtFramingError(msg)
        digits = swapped_digits(digits)
    digits = digits.rstrip("F")
    if not digits.startswith(_INDUSTRY):
        msg = f"an ICCID begins with 89: {line!r}"
        raise AtFramingError(msg)
    return Iccid(digits=digits, luhn_ok=luhn_ok(digits), swapped=swapped)


def swapped_digits(digits: str) -> str:
    """Exchange the two digits of each byte, as cards store them (TS 31.102 4.2.2)."""
    return "".join(digits[place + 1] + digits[place] for place in range(0, len(digits) - 1, 2))
