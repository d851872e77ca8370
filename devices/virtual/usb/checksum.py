"""Completing checksums that a veth leaves open: its peer's kernel trusts it, a USB host does not.

RFC 768 and RFC 9293 over IPv4 (RFC 791) and IPv6 (RFC 8200, 8.1). On such a frame the field holds
the sum of the pseudo-header only.
"""

from __future__ import annotations

import struct
from typing import Final

_ETHERNET_BYTES: Final = 14
_IPV4, _IPV6 = 0x0800, 0x86DD
_IPV6_BYTES: Final = 40
_FIELD_AT: Final = {6: 16, 17: 6}
_UDP: Final = 17


def internet_sum(data: bytes) -> int:
    """Return the one's complement sum of 16-bit words (RFC 1071), not yet inverted."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def completed(frame: bytes) -> bytes:
    """Return an Ethernet frame whose TCP or UDP checksum is right; others unchanged.

    Fragments are left alone: their checksum is over data that is not here.
    """
    if len(frame) < _ETHERNET_BYTES:
        return frame
    kind = int.from_bytes(frame[12:14], "big")
    packet = frame[_ETHERNET_BYTES:]
    if kind == _IPV4 and len(packet) >= 20:  # noqa: PLR2004 - the shortest header
        if int.from_bytes(packet[6:8], "big") & 0x3FFF:
            return frame
        start, end = (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big")
        protocol, addresses = packet[9], packet[12:20]
    elif kind == _IPV6 and len(packet) >= _IPV6_BYTES:
        start, end = _IPV6_BYTES, _IPV6_BYTES + int.from_bytes(packet[4:6], "big")
        protocol, addresses = packet[6], packet[8:40]
    else:
        return frame
    segment = bytearray(packet[start:end])
    at = _FIELD_AT.get(protocol)
    if at is None or len(segment) < at + 2 or end > len(packet):
        return frame
    segment[at : at + 2] = b"\0\0"
    pseudo = addresses + struct.pack(">HH", protocol, len(segment))
    value = ~internet_sum(pseudo + bytes(segment)) & 0xFFFF
    if protocol == _UDP and value == 0:
        value = 0xFFFF
    segment[at : at + 2] = value.to_bytes(2, "big")
    whole = _ETHERNET_BYTES + start
    return frame[:whole] + bytes(segment) + frame[_ETHERNET_BYTES + end :]
