"""A DHCP server's decisions (RFC 2131, options of RFC 2132), without sockets."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)

_FIXED = struct.Struct(">BBBBIHH4s4s4s4s16s64s128s")
_COOKIE = bytes.fromhex("63825363")
_PAD, _END = 0, 255
_MASK, _ROUTER, _DNS, _REQUESTED, _LEASE, _TYPE, _SERVER, _MTU = 1, 3, 6, 50, 51, 53, 54, 26
_BROADCAST_FLAG = 0x8000
_BOOTREQUEST, _BOOTREPLY = 1, 2
_SMALLEST_REPLY = 300
_NO_ADDRESS = bytes(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a client sent.

    Attributes:
        kind: Option 53.
        hardware: Client hardware address, 6 bytes.
        ciaddr: The address the client already uses; empty for none.
        requested: Option 50; empty for none.
        server: Option 54; empty for none.
    """

    kind: int
    xid: int
    flags: int
    hardware: bytes
    ciaddr: str
    requested: str
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back, and where to.

    Attributes:
        data: The datagram's payload.
        destination: An address, or the broadcast address.
    """

    data: bytes
    destination: str


def decode(data: bytes) -> Message | None:
    """Read a client's message; None if it is not one a server answers."""
    if len(data) < _FIXED.size + 4 or data[_FIXED.size : _FIXED.size + 4] != _COOKIE:
        return None
    head = _FIXED.unpack_from(data)
    if head[0] != _BOOTREQUEST or head[2] != 6:  # noqa: PLR2004 - Ethernet
        return None
    options = _options(data[_FIXED.size + 4 :])
    if len(options.get(_TYPE, b"")) != 1:
        return None
    return Message(
        kind=options[_TYPE][0],
        xid=head[4],
        flags=head[6],
        hardware=head[11][:6],
        ciaddr=_address(head[7]),
        requested=_address(options.get(_REQUESTED, b"")),
        server=_address(options.get(_SERVER, b"")),
    )


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    offset = 0
    while offset < len(data) and data[offset] != _END:
        if data[offset] == _PAD:
            offset += 1
            continue
        if offset + 1 >= len(data):
            break
        length = data[offset + 1]
        found[data[offset]] = data[offset + 2 : offset + 2 + length]
        offset += 2 + length
    return found


def _address(data: bytes) -> str:
    return "" if len(data) != 4 or data == _NO_ADDRESS else str(ipaddress.IPv4Address(data))  # noqa: PLR2004


@dataclass(slots=True, kw_only=True)
class DhcpServer:
    """Addresses for the clients of one LAN.

    Attributes:
        interface: The router's own address with prefix length.
        pool: First and last address given out.
        lease_s: For how long, in seconds.
        leases: Hardware address to address.
    """

    interface: ipaddress.IPv4Interface
    pool: tuple[str, str]
    lease_s: int = 3600
    leases: dict[bytes, str] = field(default_factory=dict)

    def handle(self, data: bytes) -> Reply | None:
        """Answer one datagram; None where RFC 2131 says to keep silent."""
        message = decode(data)
        if message is None:
            return None
        own = str(self.interface.ip)
        if message.kind == DISCOVER:
            address = self._choose(message)
            return self._reply(message, OFFER, address) if address else None
        if message.kind == REQUEST:
            if message.server not in {"", own}:
                self.leases.pop(message.hardware, None)  # the client took another server's offer
                return None
            return self._confirm(message)
        if message.kind in {RELEASE, DECLINE}:
            self.leases.pop(message.hardware, None)
        elif message.kind == INFORM:
            return self._reply(message, ACK, "")
        return None

    def _confirm(self, message: Message) -> Reply:
        wanted = message.requested or message.ciaddr
        if wanted and wanted == self._choose(message, wanted):
            self.leases[message.hardware] = wanted
            return self._reply(message, ACK, wanted)
        return self._reply(message, NAK, "")

    def _choose(self, message: Message, wanted: str = "") -> str:
        """Return the client's address, the wanted one if it is free, or the first free one."""
        if message.hardware in self.leases:
            return self.leases[message.hardware]
        taken = set(self.leases.values())
        low, high = (int(ipaddress.IPv4Address(border)) for border in self.pool)
        for candidate in (wanted or message.requested, ""):
            if candidate and candidate not in taken:
                number = int(ipaddress.IPv4Address(candidate))
                if low <= number <= high:
                    return candidate
        for number in range(low, high + 1):
            address = str(ipaddress.IPv4Address(number))
            if address not in taken:
                if message.kind == DISCOVER:
                    self.leases[message.hardware] = address
                return address
        return ""

    def _reply(self, message: Message, kind: int, address: str) -> Reply:
        own = self.interface.ip.packed
        options: Mapping[int, bytes] = {_TYPE: bytes((kind,)), _SERVER: own}
        if kind != NAK:
            options = {
                **options,
                _MASK: self.interface.network.netmask.packed,
                _ROUTER: own,
                _DNS: own,
                _MTU: (1500).to_bytes(2, "big"),
            }
            if address:
                options = {**options, _LEASE: self.lease_s.to_bytes(4, "big")}
        yiaddr = ipaddress.IPv4Address(address).packed if address else _NO_ADDRESS
        ciaddr = ipaddress.IPv4Address(message.ciaddr).packed if message.ciaddr else _NO_ADDRESS
        hardware = message.hardware.ljust(16, b"\0")
        head = _FIXED.pack(
            _BOOTREPLY, 1, 6, 0, message.xid, 0, message.flags,
            _NO_ADDRESS if kind == NAK else ciaddr, yiaddr, own, _NO_ADDRESS,
            hardware, b"", b"",
        )  # fmt: skip
        body = b"".join(bytes((code, len(value))) + value for code, value in options.items())
        data = (head + _COOKIE + body + bytes((_END,))).ljust(_SMALLEST_REPLY, b"\0")
        is_known = message.ciaddr and kind == ACK
        return Reply(data=data, destination=message.ciaddr if is_known else "255.255.255.255")
