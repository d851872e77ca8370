"""Who called whom: TCP handshakes with one server, read off the headers that a tap kept."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

from harness.measure.packets import HEADER_BYTES, Packets

_ETHERTYPE: Final = slice(12, 14)
_IPV4: Final = b"\x08\x00"
_IP: Final = 14
_PROTOCOL: Final = _IP + 9
_SOURCE: Final = slice(_IP + 12, _IP + 16)
_DESTINATION: Final = slice(_IP + 16, _IP + 20)
_TCP: Final = 6
_FLAGS: Final = 13
_SYN: Final = 0x02
_RST: Final = 0x04


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a tap saw of calls to one server.

    Attributes:
        asked: Somebody opened a connection to it.
        answered: It answered with something else than a reset.
        total_bytes: Bytes at layer 2 between it and anybody, both directions.
    """

    asked: bool
    answered: bool
    total_bytes: int


def calls_to(packets: Packets, server: str) -> Calls:
    """Look for TCP connections to `server`, an IPv4 address; headers must have been kept."""
    wanted = ipaddress.IPv4Address(server).packed
    asked = answered = False
    total_bytes = 0
    for number, size in enumerate(packets.wire_bytes.tolist()):
        frame = packets.headers[number * HEADER_BYTES : (number + 1) * HEADER_BYTES]
        if frame[_ETHERTYPE] != _IPV4 or wanted not in {frame[_SOURCE], frame[_DESTINATION]}:
            continue
        total_bytes += size
        if frame[_PROTOCOL] != _TCP:
            continue
        flags = frame[_IP + (frame[_IP] & 0x0F) * 4 + _FLAGS]
        if frame[_DESTINATION] == wanted:
            asked = asked or bool(flags & _SYN)
        else:
            answered = answered or not flags & _RST
    return Calls(asked=asked, answered=answered, total_bytes=total_bytes)
