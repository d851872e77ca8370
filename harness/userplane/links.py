"""Interfaces, addresses and routes as rtnetlink writes them (rtnetlink(7))."""

from __future__ import annotations

import ipaddress
import socket
import struct
from dataclasses import dataclass
from typing import Final

from harness.core.errors import BenchError
from harness.userplane.netlink import (
    CREATE,
    EXCLUSIVE,
    REPLACE,
    Reply,
    attribute,
    attributes_of,
    message,
    nested,
    text_of,
)

RTM_NEWLINK: Final = 16
RTM_DELLINK: Final = 17
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_DELADDR: Final = 21
RTM_NEWROUTE: Final = 24
GROUP_LINK: Final = 1
"""RTMGRP_LINK: interfaces that come, go and change."""

_IFF_UP: Final = 1
_IFF_LOWER_UP: Final = 0x10000
_IFLA_ADDRESS: Final = 1
_IFLA_IFNAME: Final = 3
_IFLA_MTU: Final = 4
_IFLA_TXQLEN: Final = 13
_IFLA_LINKINFO: Final = 18
_IFLA_IFALIAS: Final = 20
_IFLA_STATS64: Final = 23
_IFLA_NET_NS_FD: Final = 28
_IFLA_GSO_MAX_SEGS: Final = 40
_INFO_KIND: Final = 1
_INFO_DATA: Final = 2
_VETH_PEER: Final = 1
_LINK: Final = struct.Struct("=BxHiII")
_STATS: Final = struct.Struct("=8Q")
_IFA_ADDRESS: Final = 1
_IFA_LOCAL: Final = 2
_IFA_FLAG_NODAD: Final = 0x02
_RTA_DST: Final = 1
_RTA_OIF: Final = 4
_RTA_GATEWAY: Final = 5
_TABLE_MAIN: Final = 254
_PROTOCOL_STATIC: Final = 4
_SCOPE_LINK: Final = 253
_TYPE_UNICAST: Final = 1
_IPV6: Final = 6


class InterfaceGoneError(BenchError):
    """An interface vanished: unplugged, re-enumerated, or its virtual router ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What an interface counted at layer 2, Ethernet header included, FCS not.

    Attributes:
        received_bytes: Bytes that came in.
        sent_bytes: Bytes that went out.
        received_packets: Packets that came in.
        sent_packets: Packets that went out.
        received_drops: Packets that came in and were thrown away.
        sent_drops: Packets that were to go out and were thrown away.
        errors: Damaged packets, both directions.
    """

    received_bytes: int
    sent_bytes: int
    received_packets: int
    sent_packets: int
    received_drops: int
    sent_drops: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One interface as the kernel describes it.

    Attributes:
        index: Number of the interface in its namespace.
        name: Name of the interface.
        mac: Hardware address in lower case with colons; empty if it has none.
        kind: `veth`, `ifb`, `tun` …; empty for hardware.
        up: Whether it is switched on.
        carrier: Whether something is at the other end.
        mtu: Longest packet at layer 3, in bytes.
        alias: Free text on the interface; says who moved it here.
        counters: What it counted so far.
    """

    index: int
    name: str
    mac: str
    kind: str
    up: bool
    carrier: bool
    mtu: int
    alias: str
    counters: Counters | None


def link_of(reply: Reply) -> Link:
    """Read RTM_NEWLINK or RTM_DELLINK."""
    _, _, index, flags, _ = _LINK.unpack_from(reply.body)
    found = attributes_of(reply.body[_LINK.size :])
    info = attributes_of(found.get(_IFLA_LINKINFO, b""))
    stats = found.get(_IFLA_STATS64, b"")
    counters = None
    if len(stats) >= _STATS.size:
        rx, tx, rx_bytes, tx_bytes, rx_err, tx_err, rx_drop, tx_drop = _STATS.unpack_from(stats)
        counters = Counters(
            received_bytes=rx_bytes,
            sent_bytes=tx_bytes,
            received_packets=rx,
            sent_packets=tx,
            received_drops=rx_drop,
            sent_drops=tx_drop,
            errors=rx_err + tx_err,
        )
    return Link(
        index=index,
        name=text_of(found.get(_IFLA_IFNAME, b"")),
        mac=found.get(_IFLA_ADDRESS, b"").hex(":"),
        kind=text_of(info.get(_INFO_KIND, b"")),
        up=bool(flags & _IFF_UP),
        carrier=bool(flags & _IFF_LOWER_UP),
        mtu=int.from_bytes(found.get(_IFLA_MTU, b""), "little"),
        alias=text_of(found.get(_IFLA_IFALIAS, b"")),
        counters=counters,
    )


def get_link(name: str) -> bytes:
    """Ask for the interface of that name."""
    return message(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name))


def get_links() -> bytes:
    """Ask for all interfaces of a namespace (to be sent as a dump)."""
    return message(RTM_GETLINK, _LINK.pack(0, 0, 0, 0, 0))


def set_up(index: int, *, up: bool = True) -> bytes:
    """Switch an interface on or off."""
    return message(RTM_NEWLINK, _LINK.pack(0, 0, index, _IFF_UP if up else 0, _IFF_UP))


def move(index: int, *, namespace_fd: int, name: str, alias: str) -> bytes:
    """Move an interface to another namespace under another name, in one step.

    Args:
        index: Its number in the namespace where the request is sent.
        namespace_fd: The other namespace, a descriptor of the sending process.
        name: Its name over there.
        alias: Text to leave on it; empty clears it.
    """
    body = _LINK.pack(0, 0, index, 0, _IFF_UP)
    body += attribute(_IFLA_NET_NS_FD, namespace_fd) + attribute(_IFLA_IFNAME, name)
    return message(RTM_NEWLINK, body + attribute(_IFLA_IFALIAS, alias.encode()))


def rename(index: int, *, name: str, alias: str) -> bytes:
    """Give an interface that is switched off another name and alias."""
    body = _LINK.pack(0, 0, index, 0, _IFF_UP) + attribute(_IFLA_IFNAME, name)
    return message(RTM_NEWLINK, body + attribute(_IFLA_IFALIAS, alias.encode()))


def set_mtu(index: int, mtu: int) -> bytes:
    """Set the longest packet of an interface, in bytes at layer 3."""
    return message(RTM_NEWLINK, _LINK.pack(0, 0, index, 0, 0) + attribute(_IFLA_MTU, mtu))


def set_mac(index: int, mac: str) -> bytes:
    """Give an interface that is switched off another hardware address."""
    address = bytes.fromhex(mac.replace(":", ""))
    return message(RTM_NEWLINK, _LINK.pack(0, 0, index, 0, 0) + attribute(_IFLA_ADDRESS, address))


def set_gso_segments(index: int, segments: int) -> bytes:
    """Limit how many segments the kernel may hand to the interface as one packet."""
    body = _LINK.pack(0, 0, index, 0, 0) + attribute(_IFLA_GSO_MAX_SEGS, segments)
    return message(RTM_NEWLINK, body)


def new_link(name: str, kind: str, *, queue_packets: int = 1000) -> bytes:
    """Make an interface of a kind that needs no parameters, switched on."""
    body = _LINK.pack(0, 0, 0, _IFF_UP, _IFF_UP) + attribute(_IFLA_IFNAME, name)
    body += attribute(_IFLA_TXQLEN, queue_packets)
    body += nested(_IFLA_LINKINFO, attribute(_INFO_KIND, kind.encode()))
    return message(RTM_NEWLINK, body, flags=CREATE | EXCLUSIVE)


def new_veth(name: str, peer: str, *, peer_namespace_fd: int | None = None) -> bytes:
    """Make a pair of interfaces; `peer` may be born in another namespace."""
    far = _LINK.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, peer)
    if peer_namespace_fd is not None:
        far += attribute(_IFLA_NET_NS_FD, peer_namespace_fd)
    data = nested(_INFO_DATA, attribute(_VETH_PEER, far))
    body = _LINK.pack(0, 0, 0, 0, 0) + attribute(_IFLA_IFNAME, name)
    body += nested(_IFLA_LINKINFO, attribute(_INFO_KIND, b"veth"), data)
    return message(RTM_NEWLINK, body, flags=CREATE | EXCLUSIVE)


def delete_link(index: int) -> bytes:
    """Remove an interface that is not hardware."""
    return message(RTM_DELLINK, _LINK.pack(0, 0, index, 0, 0))


def _family(version: int) -> int:
    return int(socket.AF_INET6 if version == _IPV6 else socket.AF_INET)


def new_address(index: int, cidr: str) -> bytes:
    """Give an interface an address such as `192.168.43.2/24`."""
    interface = ipaddress.ip_interface(cidr)
    packed = interface.ip.packed
    head = struct.pack(
        "=BBBBI", _family(interface.version), interface.network.prefixlen, _IFA_FLAG_NODAD, 0, index
    )
    body = head + attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
    return message(RTM_NEWADDR, body, flags=CREATE | REPLACE)


def delete_address(index: int, cidr: str) -> bytes:
    """Take an address from an interface."""
    interface = ipaddress.ip_interface(cidr)
    head = struct.pack(
        "=BBBBI", _family(interface.version), interface.network.prefixlen, 0, 0, index
    )
    return message(RTM_DELADDR, head + attribute(_IFA_LOCAL, interface.ip.packed))


def new_route(destination: str, *, gateway: str | None, index: int) -> bytes:
    """Send `destination` (such as `0.0.0.0/0`) through an interface and, if given, a gateway."""
    network = ipaddress.ip_network(destination)
    scope = 0 if gateway else _SCOPE_LINK
    head = struct.pack(
        "=BBBBBBBBI",
        _family(network.version),
        network.prefixlen,
        0,
        0,
        _TABLE_MAIN,
        _PROTOCOL_STATIC,
        scope,
        _TYPE_UNICAST,
        0,
    )
    body = attribute(_RTA_DST, network.network_address.packed) if network.prefixlen else b""
    if gateway is not None:
        body += attribute(_RTA_GATEWAY, ipaddress.ip_address(gateway).packed)
    body += attribute(_RTA_OIF, index)
    return message(RTM_NEWROUTE, head + body, flags=CREATE | REPLACE)
