"""The router's LAN: its address, DHCP and a DNS proxy towards the user's bearer."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from pathlib import Path

from devices.virtual.firmware.dhcp import DhcpServer
from devices.virtual.firmware.transport import ask, bound_socket
from devices.virtual.netlink import Rtnl, forward_packets

_DHCP_SERVER_PORT, _DHCP_CLIENT_PORT, _DNS_PORT = 67, 68, 53
_DNS_ANSWER_S = 5.0
_QUESTIONS_AT_ONCE = 64
_SERVFAIL = 0x8182
# The LAN of the router next to it, when its cable ends in the wrong switch.
_FOREIGN_LAN = ipaddress.IPv4Interface("192.168.77.1/24")
_FOREIGN_POOL = ("192.168.77.100", "192.168.77.199")


class Lan:
    """What hangs on the router's LAN interface.

    Args:
        ifname: The interface.
        address: The router's address there, with prefix length.
        pool: First and last address DHCP gives out.
    """

    def __init__(
        self,
        ifname: str,
        address: str,
        pool: tuple[str, str],
        defects: frozenset[str] = frozenset(),
    ) -> None:
        self._defects = defects
        self._ifname = ifname
        self._address = ipaddress.IPv4Interface(address)
        self._dhcp = [DhcpServer(interface=self._address, pool=pool)]
        if "foreign_dhcp" in defects:
            self._dhcp.append(DhcpServer(interface=_FOREIGN_LAN, pool=_FOREIGN_POOL))
        self._sockets: list[socket.socket] = []
        self._asking: set[asyncio.Task[None]] = set()
        self.upstream: tuple[str, tuple[str, ...]] | None = None

    def open(self) -> None:
        """Address the interface, forward packets, and listen.

        Raises:
            OSError: The interface is not there, or a port is taken.
        """
        for scope in ("all", "default"):
            switch = Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6")
            if switch.exists():
                switch.write_text("1", encoding="ascii")  # this world speaks IPv4 only
        with Rtnl() as rtnl:
            rtnl.address(self._ifname, str(self._address))
            rtnl.up(self._ifname)
            rtnl.up("lo")
        forward_packets()
        for port, on_readable in ((_DHCP_SERVER_PORT, self._on_dhcp), (_DNS_PORT, self._on_dns)):
            sock = bound_socket(socket.SOCK_DGRAM, self._ifname)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind(("", port))
            self._sockets.append(sock)
            asyncio.get_running_loop().add_reader(sock, on_readable, sock)

    def close(self) -> None:
        """Stop listening; may be called again."""
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()
        for task in self._asking:
            task.cancel()

    def _on_dhcp(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the interface may be going away
            question = sock.recv(2048)
            for server in self._dhcp:
                reply = server.handle(question)
                if reply is not None and "dhcp_silent" not in self._defects:
                    sock.sendto(reply.data, (reply.destination, _DHCP_CLIENT_PORT))

    def _on_dns(self, sock: socket.socket) -> None:
        try:
            question, client = sock.recvfrom(4096)
        except OSError:
            return
        if "dns_proxy_dead" in self._defects or len(self._asking) >= _QUESTIONS_AT_ONCE:
            return
        task = asyncio.ensure_future(self._ask(sock, question, client))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, sock: socket.socket, question: bytes, client: tuple[str, int]) -> None:
        answer = await self._ask_upstream(question)
        with contextlib.suppress(OSError):
            sock.sendto(answer, client)

    async def _ask_upstream(self, question: bytes) -> bytes:
        ifname, servers = self.upstream or ("", ())
        for server in servers:
            with contextlib.suppress(OSError):
                async with asyncio.timeout(_DNS_ANSWER_S):
                    return await ask(question, server=server, ifname=ifname)
        return question[:2] + _SERVFAIL.to_bytes(2, "big") + question[4:]
