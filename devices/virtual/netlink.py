"""The few rtnetlink and nftables requests the virtual world needs, as the kernel reads them.

Written from ``linux/rtnetlink.h``, ``linux/if_link.h``, ``linux/pkt_sched.h`` and
``linux/netfilter/nf_tables.h``. One request, one acknowledgement: an error is raised where
it was made. Nothing is cached, so interfaces may come and go.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from devices.virtual.namespaces import inside

_REQUEST, _ACK, _EXCL, _CREATE, _REPLACE = 0x1, 0x4, 0x200, 0x400, 0x100
_NLMSG_ERROR = 2
_NEWLINK, _DELLINK, _GETLINK, _NEWADDR = 16, 17, 18, 20
_NEWROUTE, _DELROUTE, _NEWNEIGH, _NEWQDISC, _DELQDISC = 24, 25, 28, 36, 37
_IFF_UP = 1
_NESTED = 0x8000
_SOL_NETLINK, _EXT_ACK, _CAP_ACK = 270, 11, 10
_ROOT = 0xFFFFFFFF
_RT_MAIN, _RTPROT_STATIC, _RTN_UNICAST, _RTNH_ONLINK = 254, 4, 1, 4
_SCOPE_LINK = 253
_NUD_PERMANENT = 0x80
_PSCHED_TICK_NS = 64
_U32_MAX = 0xFFFFFFFF
_NETLINK_NETFILTER = 12
_ETHERNET_HEADER_BYTES = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCounters:
    """What the kernel counted on one interface, Ethernet headers included.

    Attributes:
        rx_packets: Frames received.
        tx_packets: Frames sent (after the queueing discipline).
        rx_bytes: Bytes received.
        tx_bytes: Bytes sent.
    """

    rx_packets: int
    tx_packets: int
    rx_bytes: int
    tx_bytes: int

    @property
    def rx_l3_bytes(self) -> int:
        """Bytes received, counted at layer 3."""
        return self.rx_bytes - _ETHERNET_HEADER_BYTES * self.rx_packets

    @property
    def tx_l3_bytes(self) -> int:
        """Bytes sent, counted at layer 3."""
        return self.tx_bytes - _ETHERNET_HEADER_BYTES * self.tx_packets


def attribute(kind: int, value: bytes | str | int) -> bytes:
    """Encode one netlink attribute; text gets its NUL, numbers are 32 bit in host order."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = struct.pack("I", value)
    length = 4 + len(value)
    return struct.pack("HH", length, kind) + value + b"\0" * (-length % 4)


def nest(kind: int, *attributes: bytes) -> bytes:
    """Encode attributes inside an attribute."""
    return attribute(kind | _NESTED, b"".join(attributes))


def _link_header(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    return struct.pack("BxHiII", 0, 0, index, flags, change)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


class Rtnl:
    """A routing socket in one network namespace; usable as a context manager.

    Args:
        netns_fd: The namespace; ``None`` is the one the calling thread is in.
    """

    def __init__(self, netns_fd: int | None = None) -> None:
        if netns_fd is None:
            self._socket = self._open()
        else:
            with inside(netns_fd):
                self._socket = self._open()
        self._sequence = 0

    @staticmethod
    def _open() -> socket.socket:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        sock = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        sock.bind((0, 0))
        sock.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        sock.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        return sock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; may be called again."""
        self._socket.close()

    def _request(self, kind: int, flags: int, body: bytes, what: str) -> bytes:
        """Send one request and return the body of its answer (empty for an acknowledgement)."""
        self._sequence += 1
        head = struct.pack("IHHII", 16 + len(body), kind, flags | _REQUEST, self._sequence, 0)
        self._socket.send(head + body)
        while True:
            for answer, sequence, content in _messages(self._socket.recv(65536)):
                if sequence != self._sequence:
                    continue
                if answer != _NLMSG_ERROR:
                    return content
                number = -struct.unpack_from("i", content)[0]
                if number:
                    msg = f"{what}: {os.strerror(number)}"
                    raise OSError(number, msg)
                return b""

    def index(self, name: str) -> int:
        """Return the index of an interface."""
        body = _link_header() + attribute(3, name)
        answer = self._request(_GETLINK, 0, body, f"find {name}")
        return int(struct.unpack_from("i", answer, 4)[0])

    def counters(self, name: str) -> LinkCounters:
        """Read the kernel's counters of one interface."""
        body = _link_header() + attribute(3, name)
        answer = self._request(_GETLINK, 0, body, f"count {name}")
        for kind, value in _attributes(answer[16:]):
            if kind == 23:  # noqa: PLR2004 - IFLA_STATS64
                rx_packets, tx_packets, rx_bytes, tx_bytes = struct.unpack_from("4Q", value)
                return LinkCounters(
                    rx_packets=rx_packets,
                    tx_packets=tx_packets,
                    rx_bytes=rx_bytes,
                    tx_bytes=tx_bytes,
                )
        msg = f"count {name}: the kernel gave no counters"
        raise OSError(msg)

    def veth(self, name: str, mac: str, peer: str, peer_mac: str, peer_netns_fd: int) -> None:
        """Make a pair of interfaces, one here and one in another namespace.

        Segmentation offload is off on both (``GSO_MAX_SEGS`` 1): what is counted is what is sent.
        """
        plain = attribute(40, 1) + attribute(1, _mac(mac))
        far = _link_header() + attribute(3, peer) + attribute(1, _mac(peer_mac))
        far += attribute(28, peer_netns_fd) + attribute(40, 1)
        info = nest(18, attribute(1, b"veth"), nest(2, attribute(1, far)))
        body = _link_header() + attribute(3, name) + plain + info
        self._request(_NEWLINK, _ACK | _CREATE | _EXCL, body, f"make {name} and {peer}")

    def bridge(self, name: str, mac: str) -> None:
        """Make a bridge."""
        info = nest(18, attribute(1, b"bridge"))
        body = _link_header() + attribute(3, name) + attribute(1, _mac(mac)) + attribute(40, 1)
        self._request(_NEWLINK, _ACK | _CREATE | _EXCL, body + info, f"make {name}")

    def join_bridge(self, name: str, bridge: str) -> None:
        """Make an interface a port of a bridge."""
        body = _link_header(self.index(name)) + attribute(10, self.index(bridge))
        self._request(_NEWLINK, _ACK, body, f"put {name} into {bridge}")

    def delete(self, name: str) -> None:
        """Remove an interface, and its peer with it."""
        self._request(_DELLINK, _ACK, _link_header() + attribute(3, name), f"remove {name}")

    def up(self, name: str) -> None:
        """Switch an interface on."""
        body = _link_header(0, _IFF_UP, _IFF_UP) + attribute(3, name)
        self._request(_NEWLINK, _ACK, body, f"switch {name} on")

    def address(self, name: str, address: str) -> None:
        """Give an interface an address (``192.0.2.1/24``)."""
        wanted = ipaddress.ip_interface(address)
        body = struct.pack("BBBBI", 2, wanted.network.prefixlen, 0, 0, self.index(name))
        body += attribute(2, wanted.ip.packed) + attribute(1, wanted.ip.packed)
        self._request(_NEWADDR, _ACK | _CREATE | _REPLACE, body, f"give {name} {address}")

    def route(self, network: str, *, gateway: str | None = None, name: str | None = None) -> None:
        """Add or replace a route.

        Args:
            network: Where to, as ``0.0.0.0/0``.
            gateway: The next hop; reached on link when an interface is named too.
            name: The interface to leave by.
        """
        body = self._route_body(network, gateway=gateway, name=name)
        self._request(_NEWROUTE, _ACK | _CREATE | _REPLACE, body, f"route {network}")

    def delete_route(
        self, network: str, *, gateway: str | None = None, name: str | None = None
    ) -> None:
        """Remove a route; arguments as for `route`."""
        body = self._route_body(network, gateway=gateway, name=name)
        self._request(_DELROUTE, _ACK, body, f"remove route {network}")

    def _route_body(self, network: str, *, gateway: str | None, name: str | None) -> bytes:
        wanted = ipaddress.ip_network(network)
        flags = _RTNH_ONLINK if gateway and name else 0
        scope = 0 if gateway else _SCOPE_LINK
        kinds = (_RT_MAIN, _RTPROT_STATIC, scope, _RTN_UNICAST)
        body = struct.pack("BBBBBBBBI", 2, wanted.prefixlen, 0, 0, *kinds, flags)
        if wanted.prefixlen:
            body += attribute(1, wanted.network_address.packed)
        if gateway:
            body += attribute(5, ipaddress.ip_address(gateway).packed)
        if name:
            body += attribute(4, self.index(name))
        return body

    def neighbour(self, name: str, address: str, mac: str) -> None:
        """Pin a neighbour: the kernel's table is one for all namespaces and would overflow."""
        body = struct.pack("BxxxiHBB", 2, self.index(name), _NUD_PERMANENT, 0, 0)
        body += attribute(1, ipaddress.ip_address(address).packed) + attribute(2, _mac(mac))
        self._request(_NEWNEIGH, _ACK | _CREATE | _REPLACE, body, f"neighbour {address}")

    def tbf(self, name: str, *, rate_bps: int, bucket_bytes: int, queue_bytes: int) -> None:
        """Shape what leaves by an interface: a token bucket with a queue.

        A queue as short as one frame makes it a policer.
        """
        rate = rate_bps // 8
        spec = struct.pack("BBHhHI", 0, 1, 0, -1, 0, min(rate, _U32_MAX))
        buffer_ticks = min(bucket_bytes * 10**9 // rate // _PSCHED_TICK_NS, _U32_MAX)
        parameters = spec + bytes(12) + struct.pack("III", queue_bytes, buffer_ticks, 0)
        options = attribute(1, parameters) + attribute(6, bucket_bytes)
        if rate > _U32_MAX:
            options += attribute(4, struct.pack("Q", rate))
        body = struct.pack("BxxxiIII", 0, self.index(name), 0, _ROOT, 0)
        body += attribute(1, "tbf") + nest(2, options)
        self._request(_NEWQDISC, _ACK | _CREATE | _REPLACE, body, f"shape {name}")

    def unshape(self, name: str) -> None:
        """Remove the shaper from an interface."""
        body = struct.pack("BxxxiIII", 0, self.index(name), 0, _ROOT, 0)
        self._request(_DELQDISC, _ACK, body, f"unshape {name}")


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    offset = 0
    while offset < len(data):
        length, kind, _, sequence, _ = struct.unpack_from("IHHII", data, offset)
        yield kind, sequence, data[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(data):
        length, kind = struct.unpack_from("HH", data, offset)
        yield kind & 0x3FFF, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def add_default_route(ifname: str, gateway: str) -> None:
    """Send everything without a better route out of an interface of this namespace.

    Args:
        ifname: The bearer's interface.
        gateway: The next hop from ``pdn_accept``; it need not be in the bearer's network.
    """
    with Rtnl() as rtnl:
        rtnl.route("0.0.0.0/0", gateway=gateway, name=ifname)


def delete_default_route(ifname: str, gateway: str) -> None:
    """Take the default route away again."""
    with Rtnl() as rtnl:
        rtnl.delete_route("0.0.0.0/0", gateway=gateway, name=ifname)


def forward_packets() -> None:
    """Make this namespace a router."""
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def masquerade(ifname: str) -> None:
    """Hide this namespace's other networks behind the address of one interface.

    Replaces what an earlier call set up.
    """

    def message(kind: int, flags: int, family: int, body: bytes, resource: int = 0) -> bytes:
        head = struct.pack("IHHII", 20 + len(body), kind, flags | _REQUEST, 1, 0)
        return head + struct.pack(">BBH", family, 0, resource) + body

    def number(kind: int, value: int) -> bytes:
        return attribute(kind, struct.pack(">I", value))

    def expression(name: str, *parts: bytes) -> bytes:
        return nest(1, attribute(1, name), *([nest(2, *parts)] if parts else []))

    table = attribute(1, "virtual-nat")
    hook = nest(4, number(1, 4), number(2, 100))  # postrouting, priority srcnat
    chain = attribute(1, "virtual-nat") + attribute(3, "post") + hook + attribute(7, "nat")
    leaving = expression("meta", number(1, 1), number(2, 7))  # meta oifname → register 1
    name = attribute(1, ifname.encode().ljust(16, b"\0"))
    matches = expression("cmp", number(1, 1), number(2, 0), nest(3, name))
    rule = attribute(1, "virtual-nat") + attribute(2, "post")
    rule += nest(4, leaving, matches, expression("masq"))
    batch = [
        message(16, 0, 0, b"", 10),  # NFNL_MSG_BATCH_BEGIN for nftables
        message(0xA00, _CREATE | _ACK, 2, table),
        message(0xA02, _ACK, 2, table),  # remove the old one; the line above made sure of it
        message(0xA00, _CREATE | _ACK, 2, table),
        message(0xA03, _CREATE | _ACK, 2, chain),
        message(0xA06, _CREATE | _ACK | 0x800, 2, rule),
        message(17, 0, 0, b"", 10),
    ]
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
    with socket.socket(socket.AF_NETLINK, kind, _NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        sock.settimeout(2.0)
        sock.send(b"".join(batch))
        acknowledged = 0
        while acknowledged < len(batch) - 2:
            for answer, _, content in _messages(sock.recv(65536)):
                if answer != _NLMSG_ERROR:
                    continue
                acknowledged += 1
                error = -struct.unpack_from("i", content)[0]
                if error:
                    msg = f"masquerade {ifname}: {os.strerror(error)}"
                    raise OSError(error, msg)
