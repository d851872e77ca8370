"""The internet's name server: a fixed table of A records (RFC 1035), and ways to misbehave."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from collections.abc import Mapping
from typing import cast

from devices.virtual import identity

RECORDS: Mapping[str, str] = {
    identity.ACCESS_HOST: identity.ACCESS,
    "core.cloudsim.test": identity.CORE_API,
    "dns.cloudsim.test": identity.DNS,
    "test.cloudsim.test": identity.UPLINK,
}
_HEADER_BYTES = 12
_TYPE_A, _CLASS_IN = 1, 1
_TTL_S = 60
_RESPONSE, _AUTHORITATIVE, _AVAILABLE = 0x8000, 0x0400, 0x0080
_NAME_ERROR = 3
_POINTER_TO_QUESTION = 0xC00C


def answer(query: bytes, records: Mapping[str, str] = RECORDS) -> bytes | None:
    """Return the answer to a query; ``None`` when it is none that can be answered."""
    if len(query) < _HEADER_BYTES:
        return None
    ident, flags, questions = struct.unpack_from(">HHH", query)
    if flags & _RESPONSE or questions != 1:
        return None
    labels, offset = [], _HEADER_BYTES
    while offset < len(query) and query[offset]:
        length = query[offset]
        labels.append(query[offset + 1 : offset + 1 + length].decode("latin-1").lower())
        offset += 1 + length
    question = query[_HEADER_BYTES : offset + 5]
    if len(question) < offset + 5 - _HEADER_BYTES:
        return None
    kind, family = struct.unpack_from(">HH", query, offset + 1)
    address = records.get(".".join(labels))
    found = address is not None and (kind, family) == (_TYPE_A, _CLASS_IN)
    code = 0 if address is not None else _NAME_ERROR
    head = _RESPONSE | _AUTHORITATIVE | _AVAILABLE | flags & 0x0100 | code
    body = struct.pack(">HHHHHH", ident, head, 1, int(found), 0, 0) + question
    if found and address is not None:
        packed = ipaddress.IPv4Address(address).packed
        body += struct.pack(">HHHIH", _POINTER_TO_QUESTION, _TYPE_A, _CLASS_IN, _TTL_S, 4) + packed
    return body


class NameServer(asyncio.DatagramProtocol):
    """Answers queries; silent while the lab wants it gone."""

    def __init__(self) -> None:
        self.silent = False
        self.delay_s = 0.0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # CPython's own datagram transport is not a subclass of the class that describes it.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query, late if the lab says so."""
        reply = None if self.silent else answer(data)
        if reply is not None and self._transport is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay_s, self._transport.sendto, reply, addr)
