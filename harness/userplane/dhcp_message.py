"""DHCP messages in Ethernet frames (RFC 2131, RFC 2132): bytes to values and back."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from harness.core.errors import RouterError

BROADCAST_MAC: Final = b"\xff" * 6
_MAGIC: Final = b"\x63\x82\x53\x63"
_ETHERTYPE_IPV4: Final = 0x0800
_ETHERNET_BYTES: Final = 14
_IPV4_BYTES: Final = 20
_UDP_BYTES: Final = 8
_UDP: Final = 17
_SERVER_PORT: Final = 67
_CLIENT_PORT: Final = 68
_BOOTREQUEST: Final = 1
_BOOTREPLY: Final = 2
_FLAG_BROADCAST: Final = 0x8000
_FIXED: Final = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_PAD: Final = 0
_END: Final = 255
_LEAST_BYTES: Final = 300
"""Length of a BOOTP message; some servers drop anything shorter (RFC 1542, 2.1)."""


class Option(IntEnum):
    """Options that the bench asks for or reads (RFC 2132)."""

    SUBNET_MASK = 1
    ROUTER = 3
    DNS = 6
    MTU = 26
    REQUESTED_ADDRESS = 50
    LEASE_S = 51
    MESSAGE_TYPE = 53
    SERVER = 54
    PARAMETERS = 55
    MESSAGE = 56
    RENEW_S = 58
    REBIND_S = 59
    CLIENT_ID = 61


class Kind(IntEnum):
    """DHCP message types (RFC 2132, 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One DHCP message.

    Attributes:
        kind: Message type.
        transaction: Number that ties answers to requests.
        client_mac: Hardware address of the client.
        client_address: Address that the client already has.
        your_address: Address that the server gives.
        options: Options by number, as bytes.
        sender_mac: Hardware address the frame came from.
        sender_address: IP address it came from.
    """

    kind: Kind
    transaction: int
    client_mac: bytes
    client_address: str = "0.0.0.0"  # noqa: S104 - "none yet" in a message, not a bind
    your_address: str = "0.0.0.0"  # noqa: S104 - the same
    options: dict[int, bytes] = field(default_factory=dict)
    sender_mac: bytes = b""
    sender_address: str = ""

    def addresses(self, option: Option) -> tuple[str, ...]:
        """Read an option that is a list of IPv4 addresses; empty if it is not there."""
        value = self.options.get(option, b"")
        starts = range(0, len(value) - 3, 4)
        return tuple(str(ipaddress.IPv4Address(value[at : at + 4])) for at in starts)

    def number(self, option: Option) -> int | None:
        """Read an option that is a number; None if it is not there."""
        value = self.options.get(option)
        return None if value is None else int.from_bytes(value, "big")


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame_of(message: Message, *, to_mac: bytes = BROADCAST_MAC, to_address: str = "") -> bytes:
    """Write a client's message as an Ethernet frame.

    Args:
        message: What to send; `sender_mac` and `sender_address` are ignored.
        to_mac: Destination; everybody unless the server is known.
        to_address: Destination; everybody if empty.
    """
    own = ipaddress.IPv4Address(message.client_address).packed
    flags = 0 if any(own) else _FLAG_BROADCAST
    fixed = _FIXED.pack(
        _BOOTREQUEST, 1, 6, 0, message.transaction, 0, flags, own, bytes(4), bytes(4), bytes(4),
        message.client_mac, b"", b"", _MAGIC,
    )  # fmt: skip
    options = bytes([Option.MESSAGE_TYPE, 1, message.kind])
    options += b"".join(bytes([k, len(v)]) + v for k, v in message.options.items())
    payload = (fixed + options + bytes([_END])).ljust(_LEAST_BYTES, b"\0")
    udp = struct.pack("!HHHH", _CLIENT_PORT, _SERVER_PORT, _UDP_BYTES + len(payload), 0)
    target = ipaddress.IPv4Address(to_address or "255.255.255.255").packed
    length = _IPV4_BYTES + len(udp) + len(payload)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, _UDP, 0, own, target)
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    ethernet = to_mac + message.client_mac + struct.pack("!H", _ETHERTYPE_IPV4)
    return ethernet + head + udp + payload


def _udp_payload(frame: bytes) -> tuple[bytes, str] | None:
    if len(frame) < _ETHERNET_BYTES + _IPV4_BYTES + _UDP_BYTES + _FIXED.size:
        return None
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    packet = frame[_ETHERNET_BYTES:]
    header_bytes = (packet[0] & 0xF) * 4
    if ethertype != _ETHERTYPE_IPV4 or packet[9] != _UDP or header_bytes < _IPV4_BYTES:
        return None
    ports = struct.unpack_from("!HH", packet, header_bytes)
    if ports != (_SERVER_PORT, _CLIENT_PORT):
        return None
    sender = str(ipaddress.IPv4Address(packet[12:16]))
    return packet[header_bytes + _UDP_BYTES :], sender


def _options_of(data: bytes) -> dict[int, bytes]:
    options: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != _END:
        if data[at] == _PAD:
            at += 1
            continue
        if at + 1 >= len(data) or at + 2 + data[at + 1] > len(data):
            msg = f"DHCP option {data[at]} is cut off: {data[at:].hex()}"
            raise RouterError(msg)
        length = data[at + 1]
        options[data[at]] = options.get(data[at], b"") + data[at + 2 : at + 2 + length]
        at += 2 + length
    return options


def message_of(frame: bytes, transaction: int | None = None) -> Message | None:
    """Read a server's message, of one transaction or any, from a frame; None if it is none.

    Raises:
        RouterError: It is a DHCP message that RFC 2131 does not allow.
    """
    found = _udp_payload(frame)
    if found is None:
        return None
    payload, sender_address = found
    if len(payload) < _FIXED.size:
        return None
    operation, _, mac_bytes, _, number, _, _, own, yours, _, _, mac, _, _, magic = (
        _FIXED.unpack_from(payload)
    )
    if operation != _BOOTREPLY or magic != _MAGIC or transaction not in {None, number}:
        return None
    options = _options_of(payload[_FIXED.size :])
    kinds = options.pop(Option.MESSAGE_TYPE, b"")
    if len(kinds) != 1 or kinds[0] not in set(Kind):
        msg = f"DHCP message type {kinds.hex()!r} from {sender_address} is not one of RFC 2132"
        raise RouterError(msg)
    return Message(
        kind=Kind(kinds[0]),
        transaction=number,
        client_mac=mac[: min(mac_bytes, 6)],
        client_address=str(ipaddress.IPv4Address(own)),
        your_address=str(ipaddress.IPv4Address(yours)),
        options=options,
        sender_mac=frame[6:12],
        sender_address=sender_address,
    )
