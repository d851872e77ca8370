"""Ethernet, IPv4, IPv6, TCP and UDP headers of a captured frame (RFC 791, 8200, 9293, 768)."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import Final

from harness.userplane.pcapng import Record

TCP: Final = 6
UDP: Final = 17
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
ACK: Final = 0x10
_VLAN: Final = 0x8100
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_ETHERNET_BYTES: Final = 14
_IPV4_BYTES: Final = 20
_IPV6_BYTES: Final = 40
_TCP_BYTES: Final = 20
_UDP_BYTES: Final = 8
_EXTENSIONS: Final = frozenset({0, 43, 60})
"""Hop-by-hop, routing and destination options of IPv6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One IP packet.

    Attributes:
        t_ns: Time stamp, in nanoseconds since 1970.
        outgoing: Whether it left the bench; None if the capture does not say.
        source: Address of the sender.
        target: Address of the receiver.
        protocol: 6 is TCP, 17 is UDP.
        source_port: Port of the sender; 0 without ports.
        target_port: Port of the receiver; 0 without ports.
        l2_bytes: Length on the wire, Ethernet header included.
        l3_bytes: Length of the IP packet.
        payload_bytes: What TCP or UDP carries, on the wire.
        payload: As much of it as was kept.
        sequence: TCP sequence number.
        acknowledged: TCP acknowledgement number.
        flags: TCP flags.
    """

    t_ns: int
    outgoing: bool | None
    source: str
    target: str
    protocol: int
    source_port: int
    target_port: int
    l2_bytes: int
    l3_bytes: int
    payload_bytes: int
    payload: bytes
    sequence: int = 0
    acknowledged: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    source: str
    target: str
    protocol: int
    l3_bytes: int
    header_bytes: int
    first_fragment: bool


def _network_v4(packet: bytes) -> _Network | None:
    if len(packet) < _IPV4_BYTES:
        return None
    header_bytes = (packet[0] & 0xF) * 4
    total, _, fragment = struct.unpack_from("!HHH", packet, 2)
    return _Network(
        source=str(ipaddress.IPv4Address(packet[12:16])),
        target=str(ipaddress.IPv4Address(packet[16:20])),
        protocol=packet[9],
        l3_bytes=total,
        header_bytes=header_bytes,
        first_fragment=fragment & 0x1FFF == 0,
    )


def _network_v6(packet: bytes) -> _Network | None:
    if len(packet) < _IPV6_BYTES:
        return None
    (length,) = struct.unpack_from("!H", packet, 4)
    protocol, at = packet[6], _IPV6_BYTES
    while protocol in _EXTENSIONS and at + 2 <= len(packet):
        protocol, at = packet[at], at + 8 * (packet[at + 1] + 1)
    return _Network(
        source=str(ipaddress.IPv6Address(packet[8:24])),
        target=str(ipaddress.IPv6Address(packet[24:40])),
        protocol=protocol,
        l3_bytes=_IPV6_BYTES + length,
        header_bytes=at,
        first_fragment=True,
    )


def segment_of(record: Record) -> Segment | None:
    """Read the headers of a frame; None if it is not IP or too little of it was kept."""
    frame = record.frame
    if len(frame) < _ETHERNET_BYTES:
        return None
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    at = _ETHERNET_BYTES
    if ethertype == _VLAN and len(frame) >= at + 4:
        (ethertype,) = struct.unpack_from("!H", frame, 16)
        at += 4
    packet = frame[at:]
    network = None
    if ethertype == _IPV4:
        network = _network_v4(packet)
    elif ethertype == _IPV6:
        network = _network_v6(packet)
    return None if network is None else _segment(record, network, packet)


def _segment(record: Record, network: _Network, packet: bytes) -> Segment:
    transport = packet[network.header_bytes : network.l3_bytes]
    ports, header_bytes, numbers, flags = (0, 0), 0, (0, 0), 0
    if network.first_fragment and network.protocol == TCP and len(transport) >= _TCP_BYTES:
        ports = struct.unpack_from("!HH", transport)
        numbers = struct.unpack_from("!II", transport, 4)
        header_bytes, flags = (transport[12] >> 4) * 4, transport[13]
    elif network.first_fragment and network.protocol == UDP and len(transport) >= _UDP_BYTES:
        ports = struct.unpack_from("!HH", transport)
        header_bytes = _UDP_BYTES
    return Segment(
        t_ns=record.t_ns,
        outgoing=record.outgoing,
        source=network.source,
        target=network.target,
        protocol=network.protocol,
        source_port=ports[0],
        target_port=ports[1],
        l2_bytes=record.wire_bytes,
        l3_bytes=network.l3_bytes,
        payload_bytes=max(0, network.l3_bytes - network.header_bytes - header_bytes),
        payload=transport[header_bytes:],
        sequence=numbers[0],
        acknowledged=numbers[1],
        flags=flags,
    )
