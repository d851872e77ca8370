"""A question to a name server and what its answer comes to (RFC 1035 4.1)."""

from __future__ import annotations

import struct
from typing import Final

_HEADER: Final = struct.Struct(">HHHHHH")
_RECURSION_DESIRED: Final = 0x0100
_RESPONSE: Final = 0x8000
_RCODE: Final = 0x000F
_TYPE_A, _CLASS_IN = 1, 1
_LABEL_BYTES: Final = 63
NO_ERROR: Final = 0
NAME_ERROR: Final = 3
"""The name does not exist: an answer all the same."""


def question(ident: int, name: str) -> bytes:
    """Return a question for the IPv4 address of a name.

    Raises:
        ValueError: A label of the name is empty, longer than 63 bytes, or not ASCII.
    """
    labels = [label.encode("ascii") for label in name.split(".")]
    if not all(0 < len(label) <= _LABEL_BYTES for label in labels):
        msg = f"{name!r} is no domain name: each label has 1 to {_LABEL_BYTES} bytes"
        raise ValueError(msg)
    packed = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    head = _HEADER.pack(ident, _RECURSION_DESIRED, 1, 0, 0, 0)
    return head + packed + struct.pack(">HH", _TYPE_A, _CLASS_IN)


def response_code(ident: int, message: bytes) -> int | None:
    """Return the RCODE of the answer to a question; None when the message is no answer to it."""
    if len(message) < _HEADER.size:
        return None
    answered, flags = (int(number) for number in _HEADER.unpack_from(message)[:2])
    if answered != ident or not flags & _RESPONSE:
        return None
    return flags & _RCODE
