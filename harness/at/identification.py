"""Who the router is: +CGMI, +CGMM, +CGMR, +CGSN (TS 27.007 5), +GMI… and I (V.250 6.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.core.identity import luhn_ok

_NAMED: Final = re.compile(r"[+^]C?GM[IMR] ?: ?(?P<rest>.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
_FIRST_QUOTED: Final = re.compile(r'"(?P<text>[^"]*)".*', re.DOTALL)
_REVISION: Final = re.compile(r"revision ?: ?(?P<rest>.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
_IMEI: Final = re.compile(
    r'\s*(?:(?:\+C?GSN|\+EGMR|IMEI) ?: ?)?"?(?P<imei>\d{15})"?'
    r'(?:, ?"?(?P<serial>[^",]{1,64})"?)?\s*',
    re.ASCII | re.IGNORECASE,
)
_ATI: Final = re.compile(
    r"\s*(?P<name>manufacturer|model|revision|imei) ?: ?(?P<value>.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imei:
    """An IMEI as a router tells it.

    Attributes:
        digits: 15 digits.
        luhn_ok: Whether the last digit checks the others (TS 23.003 6.2.1).
        serial: A serial number that some routers add.
    """

    digits: str
    luhn_ok: bool
    serial: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """What ATI tells; what it does not is None.

    Attributes:
        manufacturer: Who made it.
        model: What it is.
        revision: Version of its firmware.
        imei: Its IMEI.
    """

    manufacturer: str | None = None
    model: str | None = None
    revision: str | None = None
    imei: str | None = None


def parse_identity(line: str) -> str:
    """Read one line of +CGMI, +CGMM or +CGMR: with or without name and quotes.

    Of several quoted values the first is taken (`+GMM: "L850 LTE Module","L850"`).

    Raises:
        AtFramingError: Nothing is in it.
    """
    named = _NAMED.fullmatch(line.strip())
    text = named["rest"] if named else line.strip()
    revision = _REVISION.fullmatch(text)
    text = revision["rest"] if revision else text
    quoted = _FIRST_QUOTED.fullmatch(text)
    text = (quoted["text"] if quoted else text).strip()
    if not text:
        msg = f"no identification text: {line!r}"
        raise AtFramingError(msg)
    return text


def parse_cgsn(line: str) -> Imei:
    """Read one line of +CGSN, +CGSN=1 or +GSN.

    Raises:
        AtFramingError: It holds no 15 digits.
    """
    match = _IMEI.fullmatch(line)
    if match is None:
        msg = f"not an IMEI of 15 digits: {line!r}"
        raise AtFramingError(msg)
    return Imei(digits=match["imei"], luhn_ok=luhn_ok(match["imei"]), serial=match["serial"])


def parse_ati(lines: Sequence[str]) -> Identification:
    """Read the answer to ATI: named lines, or manufacturer, model and revision in this order.

    Raises:
        AtFramingError: There is no line.
    """
    found: dict[str, str] = {}
    bare: list[str] = []
    for line in lines:
        match = _ATI.fullmatch(line)
        if match is not None:
            found.setdefault(match["name"].lower(), match["value"].strip())
        elif line.strip() and not line.lstrip().startswith("+"):
            bare.append(line.strip())
    if not found and not bare:
        msg = f"no identification text: {tuple(lines)!r}"
        raise AtFramingError(msg)
    for name, text in zip(("manufacturer", "model", "revision"), bare, strict=False):
        found.setdefault(name, text)
    return Identification(**{name: text or None for name, text in found.items()})
