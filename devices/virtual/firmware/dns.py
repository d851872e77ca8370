"""As much DNS as a router's resolver needs (RFC 1035 clause 4): one question, A records."""

from __future__ import annotations

import ipaddress
import struct

_HEADER_BYTES = 12
_TYPE_A, _CLASS_IN = 1, 1
_RECURSION_WANTED = 0x0100
_POINTER = 0xC0


class DnsError(Exception):
    """A DNS message that cannot be used."""


def encode_query(name: str, number: int) -> bytes:
    """Return a question for the A records of a name."""
    labels = b"".join(
        bytes((len(label),)) + label.encode("ascii") for label in name.rstrip(".").split(".")
    )
    header = struct.pack(">6H", number, _RECURSION_WANTED, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack(">HH", _TYPE_A, _CLASS_IN)


def decode_addresses(message: bytes, number: int) -> tuple[str, ...]:
    """Return the A records of an answer.

    Raises:
        DnsError: The message is no answer to this question, or cut short.
    """
    if len(message) < _HEADER_BYTES:
        msg = f"a DNS answer of {len(message)} bytes, expected 12 at least"
        raise DnsError(msg)
    got, flags, questions, answers = struct.unpack_from(">4H", message)
    if got != number or not flags & 0x8000:
        msg = f"DNS answer {got:#06x} with flags {flags:#06x} does not belong to {number:#06x}"
        raise DnsError(msg)
    try:
        offset = _HEADER_BYTES
        for _ in range(questions):
            offset = _skip_name(message, offset) + 4
        return tuple(_addresses(message, offset, answers))
    except (struct.error, IndexError) as exc:
        msg = "a DNS answer that is cut short"
        raise DnsError(msg) from exc


def _addresses(message: bytes, offset: int, count: int) -> list[str]:
    found: list[str] = []
    for _ in range(count):
        offset = _skip_name(message, offset)
        kind, _class, _ttl, size = struct.unpack_from(">HHIH", message, offset)
        offset += 10
        if kind == _TYPE_A:
            found.append(str(ipaddress.IPv4Address(message[offset : offset + size])))
        offset += size
    return found


def _skip_name(message: bytes, offset: int) -> int:
    while message[offset]:
        if message[offset] >= _POINTER:
            return offset + 2
        offset += 1 + message[offset]
    return offset + 1
