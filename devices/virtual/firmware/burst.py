"""A burst of large echoes to the carrier's gateway (RFC 792): finds a policer.

A policer has no queue, so a small question passes it in no time. Twenty frames at once do not:
it lets its bucket through and drops the rest.
"""

from __future__ import annotations

import asyncio
import socket
import struct

COUNT = 20
_PAYLOAD_BYTES = 1400
_ECHO_REQUEST, _ECHO_REPLY = 8, 0
_IP_HEADER_BYTES = 20
_ANSWERS_WITHIN_S = 0.8


def checksum(data: bytes) -> int:
    """Return the Internet checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(ident: int, sequence: int) -> bytes:
    """Return one echo request."""
    rest = struct.pack(">HH", ident, sequence) + bytes(_PAYLOAD_BYTES)
    head = bytes((_ECHO_REQUEST, 0))
    return head + struct.pack(">H", checksum(head + b"\0\0" + rest)) + rest


def is_reply(packet: bytes, ident: int) -> bool:
    """Tell whether an IP packet is an answer to our burst."""
    body = packet[_IP_HEADER_BYTES:]
    return len(body) > 6 and body[0] == _ECHO_REPLY and body[4:6] == ident.to_bytes(2, "big")  # noqa: PLR2004


async def lost_share(gateway: str, ifname: str, ident: int) -> float:
    """Send a burst through one bearer and return which share of it was not answered.

    Raises:
        OSError: The bearer is gone.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, ifname.encode())
        for sequence in range(COUNT):
            sock.sendto(echo_request(ident, sequence), (gateway, 0))
        answered = 0
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN_S):
                while answered < COUNT:
                    answered += is_reply(await loop.sock_recv(sock, 4096), ident)
        except TimeoutError:
            pass
    return 1 - answered / COUNT
