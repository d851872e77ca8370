"""A router's own network namespace: its interface, addresses, routes and sockets."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from io import FileIO
from typing import TYPE_CHECKING, Any, Final, Self

from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.userplane import dhcp, links
from harness.userplane.links import Counters, InterfaceGoneError, Link
from harness.userplane.netlink import NETLINK_ROUTE, NetlinkError, NetlinkSocket, replies_of

if TYPE_CHECKING:
    from harness.userplane.broker import Broker

Socket = socket.socket
MARK: Final = "cloudsim-harness moved "
"""Text left on an interface that was moved; its old name follows."""
_IFF_TUN: Final = 0x0001
_IFF_TAP: Final = 0x0002
_IFF_NO_PI: Final = 0x1000
_IFF_VNET_HDR: Final = 0x4000
_MONITOR_BYTES: Final = 1 << 16


class NoConnectionError(BenchError):
    """A TCP connection was tried from a namespace and did not come about."""


class LinkMonitor:
    """Interfaces that come and go in one namespace, from the moment it was opened."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def fileno(self) -> int:
        """Return the descriptor, readable when something happened."""
        return self._sock.fileno()

    def close(self) -> None:
        """Stop listening."""
        self._sock.close()

    def wait(self, wait_s: float) -> list[tuple[bool, Link]]:
        """Wait at most `wait_s` seconds; return what happened as (is there, interface)."""
        if not select.select([self._sock], [], [], wait_s)[0]:
            return []
        return [
            (reply.kind == links.RTM_NEWLINK, links.link_of(reply))
            for reply in replies_of(self._sock.recv(_MONITOR_BYTES))
            if reply.kind in {links.RTM_NEWLINK, links.RTM_DELLINK}
        ]


class Namespace:
    """One network namespace that the broker holds for us."""

    def __init__(self, *, broker: Broker, number: int, fd: int, name: str) -> None:
        self._broker = broker
        self._number = number
        self._reader: NetlinkSocket | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.name = name
        self.broker_fd = fd
        """The broker's descriptor of it, for netlink requests that name a namespace."""

    @property
    def _reading(self) -> NetlinkSocket:
        with self._lock:
            if self._reader is None:
                self._reader = self._broker.reader(self._number)
            return self._reader

    @property
    def path(self) -> str:
        """A path that `nsenter --net=` takes, as long as the broker lives."""
        return f"/proc/{self._broker.pid}/fd/{self.broker_fd}"

    def forget(self) -> None:
        """Close what this process holds of it."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def close(self) -> None:
        """Give its interfaces back and let it go; the kernel frees it with its last socket."""
        if self._closed:
            return
        self._closed = True
        self.forget()
        self._broker.drop(self._number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def perform(self, *requests: bytes) -> None:
        """Have netlink requests sent in this namespace.

        Raises:
            BenchError: The kernel refused one.
        """
        self._broker.perform(self._number, requests)

    def ask(self, request: bytes, *, dump: bool = False) -> list[Any]:
        """Read from the kernel in this namespace.

        Raises:
            NetlinkError: The kernel refused it.
        """
        return self._reading.ask(request, dump=dump)

    def interfaces(self) -> list[Link]:
        """Return every interface that is in it now."""
        return [links.link_of(reply) for reply in self.ask(links.get_links(), dump=True)]

    def interface(self, ifname: str) -> Link:
        """Return one interface.

        Raises:
            InterfaceGoneError: There is none of that name.
        """
        try:
            return links.link_of(self.ask(links.get_link(ifname))[0])
        except NetlinkError as error:
            there = ", ".join(link.name for link in self.interfaces())
            msg = f"{self.name}: no interface {ifname!r}; there are {there}: {error.strerror}"
            raise InterfaceGoneError(msg) from error

    def counters(self, ifname: str) -> Counters:
        """Return what an interface counted so far, at layer 2.

        Raises:
            BenchError: There is none of that name, or it does not count.
        """
        counters = self.interface(ifname).counters
        if counters is None:
            msg = f"{self.name}: {ifname} has no counters"
            raise BenchError(msg)
        return counters

    def adopt(self, ifname: str, as_name: str = "lan0") -> Link:
        """Take an interface from the first namespace, rename it and switch its offloads off.

        Whatever moves loses its addresses and shapers and is switched off by the kernel.

        Raises:
            BenchError: It is not there, or the name is taken here.
        """
        request = {"do": "adopt", "namespace": self._number, "ifname": ifname}
        self._broker.ask(request | {"as_name": as_name, "mark": MARK})
        self.offloads_off(as_name)
        return self.interface(as_name)

    def release(self, ifname: str = "lan0") -> bool:
        """Put an adopted interface back under its old name; False if it had vanished."""
        request = {"do": "release", "namespace": self._number, "ifname": ifname}
        back: bool = self._broker.ask(request)[0]["back"]
        return back

    def refetch(
        self, matches: Callable[[Link], bool], deadline: Deadline, as_name: str = "lan0"
    ) -> Link:
        """Adopt an interface again that vanished here and came back in the first namespace.

        Args:
            matches: Tells whether an interface is the one; its name may be another one now.
            deadline: How long to wait for it.
            as_name: Its name in here.

        Raises:
            BenchError: It did not come back in time.
        """
        monitor = self._broker.first.monitor()
        try:
            candidates = self._broker.first.interfaces()
            while True:
                for link in candidates:
                    if matches(link):
                        return self.adopt(link.name, as_name)
                if deadline.passed:
                    msg = f"{self.name}: no interface came back after {deadline.waited_s:.1f} s"
                    raise BenchError(msg)
                candidates = [link for there, link in monitor.wait(deadline.left_s) if there]
        finally:
            monitor.close()

    def monitor(self) -> LinkMonitor:
        """Listen for interfaces that come and go."""
        bind = (0, links.GROUP_LINK)
        sock = self.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE, bind=bind)
        return LinkMonitor(sock)

    def up(self, ifname: str = "lan0") -> None:
        """Switch an interface on."""
        self.perform(links.set_up(self.interface(ifname).index))

    def down(self, ifname: str = "lan0") -> None:
        """Switch an interface off."""
        self.perform(links.set_up(self.interface(ifname).index, up=False))

    def address(self, cidr: str, gateway: str | None = None, ifname: str = "lan0") -> None:
        """Give an interface an address and, through `gateway`, the default route."""
        index = self.interface(ifname).index
        requests = [links.set_up(index), links.new_address(index, cidr)]
        if gateway is not None:
            everything = "::/0" if ":" in gateway else "0.0.0.0/0"
            requests.append(links.new_route(everything, gateway=gateway, index=index))
        self.perform(*requests)

    def offloads_off(self, ifname: str) -> None:
        """Have every packet pass on its own, as the wire carries it."""
        self._broker.ask({"do": "offloads", "namespace": self._number, "ifname": ifname})

    def sysctl(self, name: str, value: str) -> None:
        """Set a parameter below `/proc/sys/net` of this namespace."""
        self._broker.ask({"do": "sysctl", "namespace": self._number, "name": name, "value": value})

    def tun(self, ifname: str) -> int:
        """Make a TUN interface; the descriptor returned carries its packets."""
        request = {"do": "tun", "namespace": self._number, "ifname": ifname}
        return self._broker.ask(request | {"flags": _IFF_TUN | _IFF_NO_PI})[1][0]

    def tap(self, ifname: str) -> FileIO:
        """Make a TAP interface; what is returned carries its frames, each behind a virtio header.

        Raises:
            BenchError: The kernel refused it, or /dev/net/tun is not there.
        """
        request = {"do": "tun", "namespace": self._number, "ifname": ifname}
        flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR
        return FileIO(self._broker.ask(request | {"flags": flags})[1][0], "r+")

    def socket(
        self, family: int, kind: int, proto: int = 0, *, bind: tuple[Any, ...] | None = None
    ) -> Socket:
        """Open a socket in here, whoever asks; bound by the broker where that needs privilege."""
        return self._broker.open_socket(self._number, family, kind, proto, bind=bind)

    def packet_socket(self) -> Socket:
        """Open a packet socket that hears nothing until it is bound to an interface."""
        return self.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)

    def connected(self, address: str, port: int, deadline: Deadline) -> Socket:
        """Connect to a server over TCP from in here.

        Raises:
            NoConnectionError: It did not answer in time, or refused.
        """
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = self.socket(family, socket.SOCK_STREAM)
        sock.settimeout(max(deadline.left_s, 0.001))
        try:
            sock.connect((address, port))
        except OSError as error:
            sock.close()
            msg = (
                f"{self.name}: no TCP connection to {address} port {port} "
                f"after {deadline.waited_s:.1f} s: {error}"
            )
            raise NoConnectionError(msg) from error
        sock.settimeout(None)
        return sock

    def dhcp(
        self, deadline: Deadline, ifname: str = "lan0", *, held: dhcp.Lease | None = None
    ) -> dhcp.Lease:
        """Get an address from the router, or more time for the one held; set it and the route.

        Raises:
            RouterError: Nobody offers an address, or the request was refused.
        """
        link = self.interface(ifname)
        client = dhcp.Client(self.socket, link, deadline.clock)
        try:
            lease = client.renew(held, deadline) if held else client.obtain(deadline)
        finally:
            client.close()
        if held is None or (lease.cidr, lease.gateway) != (held.cidr, held.gateway):
            self.address(lease.cidr, lease.gateway, ifname)
        if lease.mtu is not None and lease.mtu < link.mtu:
            self.perform(links.set_mtu(link.index, lease.mtu))
        return lease
