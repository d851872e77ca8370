"""``harness.userplane.dhcp``: an address from the router, and what was odd about it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import RouterError
from harness.userplane import dhcp, links
from harness.userplane.dhcp_message import Kind
from harness.userplane.links import InterfaceGoneError

if TYPE_CHECKING:
    from harness.userplane.namespace import Namespace
    from tests.userplane.conftest import Pair

GOOD = "3501{kind:02x}3604{server}0104ffffff0003040a0900010608080808080101010133040000003c"
"""Options of a normal answer: type, server, mask, router, DNS, a lease of 60 s."""


def _frame(query: bytes, options: bytes, *, address: str, server: str) -> bytes:
    """Answer a client's frame by hand: Ethernet, IPv4, UDP, BOOTP (RFC 2131, figure 1)."""
    bootp = bytearray(query[42 : 42 + 236])
    bootp[0] = 2
    bootp[16:20] = socket.inet_aton(address)
    payload = bytes(bootp) + b"\x63\x82\x53\x63" + options + b"\xff"
    udp = struct.pack("!HHHH", 67, 68, 8 + len(payload), 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0)
    ip += socket.inet_aton(server) + b"\xff\xff\xff\xff"
    return b"\xff" * 6 + b"\x02\0\0\0\0\x07" + b"\x08\0" + ip + udp + payload


class Server:
    """A DHCP server of a few lines; `seen` lists the message types that came."""

    def __init__(
        self,
        namespace: Namespace,
        *,
        server: str = "10.9.0.1",
        address: str = "10.9.0.77",
        options: str = GOOD,
        refuse: bool = False,
        deaf_to: int = 0,
        meddles: bool = False,
    ) -> None:
        """Be deaf to the first so many of each kind, or meddle: refuse what others are asked."""
        self.seen: list[int] = []
        self.refuse, self.silent = refuse, False
        self._server, self._address, self._options = server, address, options
        self._deaf_to, self._meddles = deaf_to, meddles
        self._sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, bind=("far0", 0x0800))
        self._sock.settimeout(0.02)

    def run(self, stop: threading.Event) -> None:
        """Answer until stopped."""
        while not stop.is_set():
            try:
                query = self._sock.recv(2048)
            except TimeoutError:
                continue
            if query[23] == 17 and query[36:38] == b"\0\x43":
                self._answer(query)
        self._sock.close()

    def _answer(self, query: bytes) -> None:
        kind = query[query.index(b"\x35\x01", 278) + 2]
        self.seen.append(kind)
        if self.seen.count(kind) <= self._deaf_to or kind not in {1, 3} or self.silent:
            return
        wanted = socket.inet_aton(self._server)
        mine = wanted in query[278:] or (b"\x36\x04" not in query[278:] and not self._meddles)
        if (kind == 1 or mine) == self._meddles:
            return
        answer = 2 if kind == 1 else (6 if self.refuse or self._meddles else 5)
        text = self._options.format(kind=answer, server=wanted.hex())
        frame = _frame(query, bytes.fromhex(text), address=self._address, server=self._server)
        self._sock.send(frame)


@contextmanager
def _serving(*servers: Server) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=server.run, args=(stop,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def _client(ready: Pair) -> Iterator[dhcp.Client]:
    client = dhcp.Client(ready.bench.socket, ready.bench.interface("lan0"), SystemClock())
    try:
        yield client
    finally:
        client.close()


def _deadline(seconds: float = 5.0) -> Deadline:
    return Deadline.after(seconds, SystemClock())


@pytest.fixture
def ready(wire: Pair) -> Pair:
    """Adopt the bench end of the wire without an address."""
    wire.bench.adopt("vusb0")
    wire.bench.up()
    return wire


def test_a_lease_has_everything_the_router_said(ready: Pair) -> None:
    """Address, gateway, DNS, times and the one offer are in the lease."""
    with _serving(Server(ready.router)):
        lease = ready.bench.dhcp(_deadline())

    assert lease.cidr == "10.9.0.77/24"
    assert lease.gateway == "10.9.0.1"
    assert lease.dns == ("8.8.8.8", "1.1.1.1")
    assert (lease.lease_s, lease.renew_s) == (60, 30)
    assert [(offer.address, offer.server) for offer in lease.offers] == [("10.9.0.77", "10.9.0.1")]
    assert lease.server_mac == "02:00:00:00:00:07"
    assert lease.findings == ()


def test_the_leased_address_and_route_are_set(ready: Pair) -> None:
    """After the lease a socket in the namespace gets out through the router."""
    with (
        _serving(Server(ready.router)),
        ready.router.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.1", 9)) as sink,
    ):
        ready.bench.dhcp(_deadline())
        with ready.bench.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", ("10.9.0.1", 9))
        sink.settimeout(5.0)
        _, sender = sink.recvfrom(10)

    assert sender[0] == "10.9.0.77"


def test_nobody_offers_is_the_routers_error(ready: Pair) -> None:
    """Without a server the error says how long was waited and how often asked."""
    with pytest.raises(RouterError, match=r"no DHCP offer on lan0 after 0\.\d s and 2 discovers"):
        ready.bench.dhcp(_deadline(0.2))


def test_two_servers_are_a_finding(ready: Pair) -> None:
    """Both offers are kept, the first one is taken, and the lease says that there were two."""
    other = Server(ready.router, server="10.9.0.3", address="10.9.0.78")
    with _serving(Server(ready.router), other):
        lease = ready.bench.dhcp(_deadline())

    assert sorted(offer.server for offer in lease.offers) == ["10.9.0.1", "10.9.0.3"]
    assert lease.servers == ("10.9.0.1", "10.9.0.3")
    assert lease.findings == ("2 DHCP servers answered: 10.9.0.1, 10.9.0.3",)


def test_a_lost_discover_is_sent_again(ready: Pair) -> None:
    """A server that misses the first discover still gives a lease."""
    server = Server(ready.router, deaf_to=1)
    with _serving(server):
        lease = ready.bench.dhcp(_deadline())

    assert lease.address == "10.9.0.77"
    assert server.seen[:2] == [Kind.DISCOVER, Kind.DISCOVER]


def test_a_refused_request_is_the_routers_error(ready: Pair) -> None:
    """A NAK is told with the server that sent it."""
    with (
        _serving(Server(ready.router, refuse=True)),
        pytest.raises(RouterError, match=r"DHCP server 10\.9\.0\.1 refused the request"),
    ):
        ready.bench.dhcp(_deadline())


def test_a_refusal_of_another_server_is_a_finding_and_not_believed(ready: Pair) -> None:
    """Another router's server in the same switch refuses what ours was asked for, twice."""
    other = Server(ready.router, server="192.168.1.1", meddles=True)
    with _serving(Server(ready.router, deaf_to=2), other):
        lease = ready.bench.dhcp(_deadline())

    assert (lease.address, lease.server) == ("10.9.0.77", "10.9.0.1")
    assert lease.servers == ("10.9.0.1", "192.168.1.1")
    assert lease.findings == ("2 DHCP servers answered: 10.9.0.1, 192.168.1.1",)


def test_only_another_server_answers_the_request(ready: Pair) -> None:
    """Ours gave a lease and falls silent; the error names it, and who was not asked."""
    ours = Server(ready.router)
    other = Server(ready.router, server="192.168.1.1", meddles=True)
    told = (
        r"no DHCP acknowledgement from 10\.9\.0\.1 on lan0 after 0\.\d s and \d requests; "
        r"192\.168\.1\.1 answered, who was not asked"
    )
    with _serving(ours, other):
        lease = ready.bench.dhcp(_deadline())
        ours.silent = True
        with _client(ready) as client, pytest.raises(RouterError, match=told):
            client.renew(lease, _deadline(0.3))


@pytest.mark.parametrize(
    ("told", "has", "findings"),
    [(1420, 1420, ()), (9000, 1500, ()), (68, 1500, ("an MTU of 68 (option 26)",))],
)
def test_the_interface_takes_the_mtu_that_the_router_tells(
    ready: Pair, told: int, has: int, findings: tuple[str, ...]
) -> None:
    """A smaller one that a host may have; what no host has to accept is a finding."""
    with _serving(Server(ready.router, options=f"{GOOD}1a02{told:04x}")):
        lease = ready.bench.dhcp(_deadline())

    assert ready.bench.interface("lan0").mtu == has
    assert [text.partition(",")[0] for text in lease.findings] == list(findings)


def test_a_lease_held_is_renewed_in_the_namespace(ready: Pair) -> None:
    """One request to the server that gave it, and the address stays."""
    server = Server(ready.router)
    with _serving(server):
        lease = ready.bench.dhcp(_deadline())
        again = ready.bench.dhcp(_deadline(), held=lease)

    assert (again.cidr, again.gateway) == (lease.cidr, lease.gateway)
    assert server.seen == [Kind.DISCOVER, Kind.REQUEST, Kind.REQUEST]


def test_a_renewal_that_is_refused_is_the_routers_error(ready: Pair) -> None:
    """The address is no longer ours (RFC 2131, 4.3.2): a NAK, told with its server."""
    server = Server(ready.router)
    with _serving(server):
        lease = ready.bench.dhcp(_deadline())
        server.refuse = True
        refused = r"DHCP server 10\.9\.0\.1 refused the request"
        with _client(ready) as client, pytest.raises(RouterError, match=refused):
            client.renew(lease, _deadline())


def test_an_interface_that_goes_meanwhile_is_the_benchs_error(ready: Pair) -> None:
    """Pulled while nobody answers: who asked is told at once, and not that nobody offers."""
    far0 = ready.router.interface("far0").index
    told = r"lan0 went away \d+\.\d s into DHCP: .*plugged in"
    sink = ready.router.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, bind=("far0", 0x0800))
    sink.settimeout(30.0)

    def pull() -> None:
        sink.recv(2048)
        ready.router.perform(links.delete_link(far0))

    thread = threading.Thread(target=pull)
    with sink, _client(ready) as client:
        thread.start()
        with pytest.raises(InterfaceGoneError, match=told):
            client.obtain(_deadline(30.0))
        thread.join()


def test_an_address_that_somebody_has_is_told(ready: Pair) -> None:
    """The router hands out its own address: a conflict, named with the owner's MAC."""
    with (
        _serving(Server(ready.router, address="10.9.0.1")),
        pytest.raises(RouterError, match=r"DHCP gave 10\.9\.0\.1, which [0-9a-f:]{17} already"),
    ):
        ready.bench.dhcp(_deadline())


def test_what_the_router_left_out_is_found(ready: Pair) -> None:
    """An answer with nothing but type and server gives four findings."""
    bare = Server(ready.router, options="3501{kind:02x}3604{server}")
    with _serving(bare):
        lease = ready.bench.dhcp(_deadline())

    assert lease.gateway is None
    assert lease.findings == (
        "no subnet mask (option 1) in the acknowledgement; took /24",
        "no router (option 3) in the acknowledgement: there is no default route",
        "no name server (option 6) in the acknowledgement",
        "no lease time (option 51) in the acknowledgement; took 3600 s",
    )


def test_a_lease_is_renewed_and_released(ready: Pair) -> None:
    """Renewing asks the same server, releasing tells it."""
    server = Server(ready.router)
    with _serving(server):
        lease = ready.bench.dhcp(_deadline())
        with _client(ready) as client:
            renewed = client.renew(lease, _deadline())
            client.release(lease)
        patience = _deadline()
        while Kind.RELEASE not in server.seen and not patience.passed:
            ready.bench.interface("lan0")

    assert renewed.cidr == "10.9.0.77/24"
    assert server.seen == [Kind.DISCOVER, Kind.REQUEST, Kind.REQUEST, Kind.RELEASE]
