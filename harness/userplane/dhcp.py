"""The bench's DHCP client (RFC 2131): every offer is an observation about the router.

It speaks through a packet socket, so that it works before the interface has an address and says
what was really on the wire.
"""

from __future__ import annotations

import ipaddress
import secrets
import select
import socket
import struct
from dataclasses import dataclass
from typing import Final, Protocol

from harness.core.clock import Clock, Deadline
from harness.core.errors import RouterError
from harness.core.units import NS_PER_S
from harness.userplane.dhcp_message import (
    BROADCAST_MAC,
    Kind,
    Message,
    Option,
    frame_of,
    message_of,
)
from harness.userplane.links import InterfaceGoneError, Link

_ETHERTYPE_IPV4: Final = 0x0800
_ETHERTYPE_ARP: Final = 0x0806
_EVERY_ETHERTYPE: Final = 0x0003
"""One socket for DHCP and ARP: closing one costs a grace period of the kernel, 10 ms here."""
_FRAME_BYTES: Final = 2048
_RESEND_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Pauses before a discover is sent again; RFC 2131 starts at 4 s, too slow for a bench."""
_WANTED: Final = bytes(
    [Option.SUBNET_MASK, Option.ROUTER, Option.DNS, Option.MTU, Option.LEASE_S, Option.RENEW_S]
)
_DEFAULT_LEASE_S: Final = 3600
_SMALLEST_MTU: Final = 576
"""Every host accepts a datagram of so many bytes (RFC 791, 3.1)."""
_ARP: Final = struct.Struct("!HHBBH6s4s6s4s")


class OpenSocket(Protocol):
    """How the client gets a socket in the router's namespace."""

    def __call__(
        self, family: int, kind: int, proto: int = 0, *, bind: tuple[str, int] | None = None
    ) -> socket.socket:
        """Open it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one server offered.

    Attributes:
        address: The address it offers.
        server: Who it says it is.
        server_mac: Where the frame came from.
        after_s: Seconds since the first discover.
    """

    address: str
    server: str
    server_mac: str
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An address that the router gave to the bench.

    Attributes:
        cidr: Address and prefix length.
        gateway: Default router, or None if none was named.
        dns: Name servers, in the server's order.
        server: Address of the server.
        server_mac: Hardware address of the server.
        lease_s: How long the address is ours, in seconds.
        renew_s: When to ask again, in seconds (T1).
        mtu: Longest packet that the server asks for (option 26), None for none that can be set.
        offers: Everything that was offered.
        servers: Everybody who answered, with an offer or to a request that was not for them.
        took_s: Seconds from the first discover to the acknowledgement.
        findings: What a router must not do, each a sentence.
    """

    cidr: str
    gateway: str | None
    dns: tuple[str, ...]
    server: str
    server_mac: str
    lease_s: int
    renew_s: int
    mtu: int | None
    offers: tuple[Offer, ...]
    servers: tuple[str, ...]
    took_s: float
    findings: tuple[str, ...]

    @property
    def address(self) -> str:
        """The address without its prefix length."""
        return self.cidr.partition("/")[0]


def lease_of(
    ack: Message, offers: tuple[Offer, ...], *, servers: tuple[str, ...], took_s: float
) -> Lease:
    """Read the acknowledgement of a server as a lease, with what is wrong about it."""
    findings = []
    if len(servers) > 1:
        findings.append(f"{len(servers)} DHCP servers answered: {', '.join(servers)}")
    masks = ack.addresses(Option.SUBNET_MASK)
    if not masks:
        findings.append("no subnet mask (option 1) in the acknowledgement; took /24")
    network = ipaddress.ip_interface(f"{ack.your_address}/{masks[0] if masks else 24}")
    gateways = ack.addresses(Option.ROUTER)
    if not gateways:
        findings.append("no router (option 3) in the acknowledgement: there is no default route")
    elif ipaddress.ip_address(gateways[0]) not in network.network:
        findings.append(f"the router {gateways[0]} is not in {network.network}")
    dns = ack.addresses(Option.DNS)
    if not dns:
        findings.append("no name server (option 6) in the acknowledgement")
    lease_s = ack.number(Option.LEASE_S)
    if lease_s is None:
        findings.append(
            f"no lease time (option 51) in the acknowledgement; took {_DEFAULT_LEASE_S} s"
        )
        lease_s = _DEFAULT_LEASE_S
    mtu = ack.number(Option.MTU)
    if mtu is not None and mtu < _SMALLEST_MTU:
        findings.append(f"an MTU of {mtu} (option 26), where every host takes {_SMALLEST_MTU}")
        mtu = None
    return Lease(
        cidr=str(network),
        gateway=gateways[0] if gateways else None,
        dns=dns,
        server=_server_of(ack),
        server_mac=ack.sender_mac.hex(":"),
        lease_s=lease_s,
        renew_s=ack.number(Option.RENEW_S) or lease_s // 2,
        mtu=mtu,
        offers=offers,
        servers=servers,
        took_s=took_s,
        findings=tuple(findings),
    )


def _server_of(message: Message) -> str:
    """Return who a message says it is from (option 54), else who sent it."""
    named = message.addresses(Option.SERVER)
    return named[0] if named else message.sender_address


class Client:
    """One client on one interface; a context-free resource that must be closed."""

    def __init__(
        self, open_socket: OpenSocket, link: Link, clock: Clock, *, second_offer_s: float = 0.01
    ) -> None:
        """Open the socket and switch nothing: the interface must be up before `obtain`.

        Args:
            open_socket: Opens a socket in the router's namespace.
            link: The interface.
            clock: Where time comes from.
            second_offer_s: How long to go on listening for a second server after an offer.
        """
        self._open = open_socket
        self._link = link
        self._clock = clock
        self._second_offer_s = second_offer_s
        self._mac = bytes.fromhex(link.mac.replace(":", ""))
        self._transaction = secrets.randbits(32)
        self._sock = open_socket(
            socket.AF_PACKET, socket.SOCK_RAW, 0, bind=(link.name, _EVERY_ETHERTYPE)
        )
        self._start_ns = 0
        self._offers: list[tuple[Offer, Message]] = []
        self._servers: set[str] = set()

    def close(self) -> None:
        """Close the socket; the lease stays."""
        self._sock.close()

    def obtain(self, deadline: Deadline) -> Lease:
        """Discover, request, and return the lease.

        Raises:
            InterfaceGoneError: The interface went away meanwhile.
            RouterError: Nobody offers an address in time, or the request was refused, or somebody
                else has the address.
        """
        self._start_ns = self._clock.monotonic_ns()
        offer, message = self._discovered(deadline)
        requested = ipaddress.IPv4Address(offer.address).packed
        options = {Option.REQUESTED_ADDRESS: requested, Option.PARAMETERS: _WANTED}
        if Option.SERVER in message.options:
            options[Option.SERVER] = message.options[Option.SERVER]
        frame = self._frame(Kind.REQUEST, options)
        lease = self._lease(self._answer(frame, offer.server, deadline))
        taken_by = self._owner_of(lease.address)
        if taken_by is not None:
            msg = f"DHCP gave {lease.address}, which {taken_by} already has (RFC 5227)"
            raise RouterError(msg)
        return lease

    def renew(self, lease: Lease, deadline: Deadline) -> Lease:
        """Ask the same server for more time.

        Raises:
            InterfaceGoneError: The interface went away meanwhile.
            RouterError: It does not answer in time, or refuses.
        """
        self._start_ns = self._clock.monotonic_ns()
        self._offers = []
        self._servers = set(lease.servers)
        options = {Option.PARAMETERS: _WANTED}
        frame = self._frame(Kind.REQUEST, options, lease)
        return self._lease(self._answer(frame, lease.server, deadline))

    def release(self, lease: Lease) -> None:
        """Give the address back; the server does not answer (RFC 2131, 4.4.6)."""
        server = ipaddress.IPv4Address(lease.server).packed
        self._send(self._frame(Kind.RELEASE, {Option.SERVER: server}, lease))

    def _frame(self, kind: Kind, options: dict[Option, bytes], lease: Lease | None = None) -> bytes:
        message = Message(
            kind=kind,
            transaction=self._transaction,
            client_mac=self._mac,
            client_address=lease.address if lease else "0.0.0.0",  # noqa: S104 - none yet
            options={int(number): value for number, value in options.items()},
        )
        if lease is None:
            return frame_of(message)
        mac = bytes.fromhex(lease.server_mac.replace(":", "")) or BROADCAST_MAC
        return frame_of(message, to_mac=mac, to_address=lease.server)

    def _since_start_s(self) -> float:
        return (self._clock.monotonic_ns() - self._start_ns) / NS_PER_S

    def _lease(self, ack: Message) -> Lease:
        offers = tuple(offer for offer, _ in self._offers)
        self._servers.add(_server_of(ack))
        servers = tuple(sorted(self._servers, key=ipaddress.ip_address))
        return lease_of(ack, offers, servers=servers, took_s=self._since_start_s())

    def _send(self, frame: bytes) -> None:
        try:
            self._sock.send(frame)
        except OSError as error:
            raise self._gone(error) from error

    def _received(self, deadline: Deadline) -> bytes | None:
        """Return the next frame of the interface, or None when there is none in time."""
        if not select.select([self._sock], [], [], deadline.left_s)[0]:
            return None
        try:
            return self._sock.recv(_FRAME_BYTES)
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> InterfaceGoneError:
        return InterfaceGoneError(
            f"{self._link.name} went away {self._since_start_s():.1f} s into DHCP: "
            f"{error.strerror}; is the router plugged in?"
        )

    def _next(self, wait_s: float) -> Message | None:
        """Return the next message to us, or None when there is none in time."""
        deadline = Deadline.after(wait_s, self._clock)
        while (frame := self._received(deadline)) is not None:
            message = message_of(frame, self._transaction)
            if message is None or message.client_mac != self._mac:
                continue
            if message.kind is Kind.OFFER:
                self._note(message)
            return message
        return None

    def _note(self, message: Message) -> None:
        offer = Offer(
            address=message.your_address,
            server=_server_of(message),
            server_mac=message.sender_mac.hex(":"),
            after_s=self._since_start_s(),
        )
        if all(offer.server != known.server for known, _ in self._offers):
            self._offers.append((offer, message))
            self._servers.add(offer.server)

    def _discovered(self, deadline: Deadline) -> tuple[Offer, Message]:
        frame = self._frame(Kind.DISCOVER, {Option.PARAMETERS: _WANTED})
        sent = 0
        while not self._offers and not deadline.passed:
            self._send(frame)
            pause_s = _RESEND_S[min(sent, len(_RESEND_S) - 1)]
            sent += 1
            self._next(deadline.within(pause_s).left_s)
        if not self._offers:
            msg = (
                f"no DHCP offer on {self._link.name} after {deadline.waited_s:.1f} s and {sent} "
                "discovers; expected one from the router"
            )
            raise RouterError(msg)
        listening = deadline.within(self._second_offer_s)
        while not listening.passed:
            self._next(listening.left_s)
        return self._offers[0]

    def _answer(self, frame: bytes, server: str, deadline: Deadline) -> Message:
        """Ask one server until it answers; who else answers is noted, and not believed."""
        sent = 0
        while not deadline.passed:
            self._send(frame)
            pause_s = _RESEND_S[min(sent, len(_RESEND_S) - 1)]
            sent += 1
            pause = deadline.within(pause_s)
            while not pause.passed:
                message = self._next(pause.left_s)
                if message is None or message.kind is Kind.OFFER:
                    continue
                if _server_of(message) != server:
                    self._servers.add(_server_of(message))
                    continue
                if message.kind is Kind.NAK:
                    why = message.options.get(Option.MESSAGE, b"").decode(errors="replace")
                    msg = f"DHCP server {message.sender_address} refused the request: {why!r}"
                    raise RouterError(msg)
                return message
        others = ", ".join(sorted(self._servers - {server}))
        msg = (
            f"no DHCP acknowledgement from {server} on {self._link.name} after "
            f"{deadline.waited_s:.1f} s and {sent} requests"
            + (f"; {others} answered, who was not asked" if others else "")
        )
        raise RouterError(msg)

    def _owner_of(self, address: str, wait_s: float = 0.005) -> str | None:
        """Ask who has the address (RFC 5227 probe); None if nobody says so in `wait_s`."""
        target = ipaddress.IPv4Address(address).packed
        ask = _ARP.pack(1, _ETHERTYPE_IPV4, 6, 4, 1, self._mac, bytes(4), bytes(6), target)
        head = BROADCAST_MAC + self._mac + struct.pack("!H", _ETHERTYPE_ARP)
        self._send(head + ask)
        deadline = Deadline.after(wait_s, self._clock)
        while (answer := self._received(deadline)) is not None:
            if answer[12:14] != head[12:14] or len(answer) < len(head) + _ARP.size:
                continue
            *_, operation, mac, sender, _, _ = _ARP.unpack_from(answer, len(head))
            if operation == 2 and sender == target:  # noqa: PLR2004 - reply, RFC 826
                return str(mac.hex(":"))
        return None
