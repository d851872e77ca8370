"""IP addresses as 27.007 writes them (10.1.1 `<PDP_addr>`, 10.1.40 +CGPIAF).

IPv4 as four numbers, with its mask as eight; IPv6 as 16 or 32 numbers, or in colon form with a
prefix length or a mask behind a blank.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NUMBERS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3})*", re.ASCII)
_IPV4_BYTES: Final = 4
_IPV6_BYTES: Final = 16
_COLON_FORM: Final = re.compile(
    r"(?P<address>[0-9A-Fa-f:.]+)(?:/(?P<length>\d{1,3})| +(?P<mask>[0-9A-Fa-f:.]+))?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An address with what is known about its network.

    Attributes:
        address: The address.
        prefix_length: Length of the network part in bits; None when no mask was told.
    """

    address: Address
    prefix_length: int | None


def parse_address(text: str | None, line: str) -> Address | None:
    """Read an address; None when there is none, or it is all zeros.

    Raises:
        AtFramingError: The text is no address.
    """
    interface = parse_interface(text, line)
    return interface.address if interface else None


def parse_interface(text: str | None, line: str) -> Interface | None:
    """Read an address with or without a mask; None when there is none, or it is all zeros.

    Args:
        text: The value, without quotes.
        line: The line it comes from, for error messages.

    Raises:
        AtFramingError: The text is no address.
    """
    text = (text or "").strip()
    if not text:
        return None
    try:
        interface = _dotted(text) if _NUMBERS.fullmatch(text) else _colons(text)
    except ValueError as exc:
        msg = f"{text!r} is not an IP address: {line!r}"
        raise AtFramingError(msg) from exc
    return None if interface.address.is_unspecified else interface


def mask_length(text: str) -> int | None:
    """Return the length of the network part that a mask of numbers says; None when it is none."""
    if _NUMBERS.fullmatch(text) is None:
        return None
    try:
        return _length(bytes(int(part) for part in text.split(".")))
    except ValueError:
        return None


def _dotted(text: str) -> Interface:
    data = bytes(int(part) for part in text.split("."))
    for size in (_IPV4_BYTES, _IPV6_BYTES):
        if len(data) in {size, 2 * size}:
            mask = data[size:]
            return Interface(
                address=ipaddress.ip_address(data[:size]),
                prefix_length=_length(mask) if mask else None,
            )
    msg = f"{len(data)} numbers"
    raise ValueError(msg)


def _colons(text: str) -> Interface:
    match = _COLON_FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    address = ipaddress.ip_address(match["address"])
    length = int(match["length"]) if match["length"] else None
    if match["mask"]:
        length = _length(ipaddress.ip_address(match["mask"]).packed)
    if length is not None and length > address.max_prefixlen:
        raise ValueError(text)
    return Interface(address=address, prefix_length=length)


def _length(mask: bytes) -> int:
    bits = "".join(f"{value:08b}" for value in mask)
    if "01" in bits:
        msg = "a mask has its ones first"
        raise ValueError(msg)
    return bits.count("1")
