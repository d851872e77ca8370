"""Traffic through a router, as a measurement needs it: started, pumped, stopped, accounted for.

`TrafficSource` is what measurements see; the harness' own test server is one, iperf3 another.
Sockets come from a `Connect`, so that they lie in the right namespace; nothing here opens one.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import select
import socket
import sys
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, Self

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError, RouterError, UsageError
from harness.core.units import BITS_PER_BYTE
from harness.userplane.namespace import NoConnectionError
from harness.userplane.tcpinfo import TcpInfo, read_tcp_info, tcp_info_from
from harness.userplane.testserver_wire import (
    NONCE_BYTES,
    TICKET_BYTES,
    Do,
    Request,
    check_token,
    write_request,
)

Connect = Callable[[str, int, Deadline], socket.socket]
"""Opens a TCP connection to (address, port) from the router's namespace before a deadline."""

OpenDatagrams = Callable[[str, int], socket.socket]
"""Opens a UDP socket connected to (address, port) in the router's namespace."""

_BUFFER_BYTES: Final = 1 << 18
_ANSWER_BYTES: Final = 65536
_UNLIMITED: Final = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficPlan:
    """Traffic that is wanted.

    Attributes:
        upload: From the bench into the network instead of the other way.
        flows: Number of TCP connections at once.
        total_bytes: Most payload of all flows together.
        longest_s: Longest time, in seconds.
        congestion: Congestion control of the sending side, empty for its default.
        window_bytes: Receive buffer of each flow, which bounds what is in flight; 0 leaves it to
            the kernel.
        window_bps: Let the window pass this rate at least in the round trip of the handshake.
        pacing_bps: Pacing of each flow's sender, 0 for none.
    """

    upload: bool = False
    flows: int = 1
    total_bytes: int = _UNLIMITED
    longest_s: float = 10.0
    congestion: str = ""
    window_bytes: int = 0
    window_bps: int = 0
    pacing_bps: int = 0

    def __post_init__(self) -> None:
        """Refuse traffic that is none.

        Raises:
            UsageError: There is no flow, no byte or no time.
        """
        if self.flows < 1 or self.total_bytes < 1 or self.longest_s <= 0:
            msg = f"traffic has a flow, a byte and a time at least; got {self!r}"
            raise UsageError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficReport:
    """What the traffic's own ends say; secondary evidence beside the tap.

    Attributes:
        app_bytes: Payload that the application read or wrote.
        duration_s: From start to stop, in seconds.
        connect_s: Time of the first connection's handshake, in seconds: an idle round trip.
        infos: TCP_INFO of the sending side, one a flow; empty as long as nobody asked for that of a
            far end (`Traffic.infos`).
    """

    app_bytes: int
    duration_s: float
    connect_s: float
    infos: tuple[TcpInfo, ...]


class Traffic(Protocol):
    """Traffic that runs."""

    @property
    def local_ports(self) -> tuple[int, ...]:
        """TCP ports on the bench's side; empty when they are not known."""
        ...

    @property
    def connect_s(self) -> float:
        """Time of the first handshake, in seconds; 0.0 when not known."""
        ...

    def pump(self, wait_s: float) -> bool:
        """Move bytes for up to `wait_s` seconds; return whether there is more to come."""
        ...

    def stop(self) -> TrafficReport:
        """End it, whether it was done or not; calling twice is allowed."""
        ...

    def infos(self) -> tuple[TcpInfo, ...]:
        """Return TCP_INFO of the sending side after the end; may cost a connection a flow.

        Raises:
            RouterError: The path does not carry the question.
        """
        ...


class TrafficSource(Protocol):
    """Something that can make traffic."""

    def start(self, plan: TrafficPlan) -> Traffic:
        """Start traffic.

        Raises:
            BenchError: The far end cannot be reached or does not do it.
            RouterError: The path through the router does not carry it.
        """
        ...


class TestServerClient:
    """The bench's side of the harness' own test server.

    Args:
        address: Address of the test server as seen from behind the router.
        port: Its TCP and UDP port.
        token: Shared secret.
        connect: Opens connections in the router's namespace.
        patience_s: Longest time for a connection and an answer, in seconds.
        clock: Where time comes from.
    """

    __test__ = False  # pytest takes classes named Test... for its own

    def __init__(
        self,
        address: str,
        port: int,
        *,
        token: str,
        connect: Connect,
        patience_s: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        self._address = address
        self._port = port
        self._token = check_token(token)
        self._connect = connect
        self._patience_s = patience_s
        self._clock = clock or SystemClock()

    @property
    def peer(self) -> tuple[str, int]:
        """Address and port of the test server."""
        return self._address, self._port

    def start(self, plan: TrafficPlan) -> TcpTraffic:
        """Open the flows of `plan` and ask for the transfer."""
        return TcpTraffic(self, plan, self._clock)

    def ask(self, request: Request) -> tuple[socket.socket, str, float]:
        """Connect and send a request.

        Returns:
            The connection, the request's nonce, and the time of the handshake in seconds.

        Raises:
            RouterError: The path carries no connection to the server.
        """
        connection, connect_s = self.open()
        return connection, self.send_request(connection, request), connect_s

    def open(self) -> tuple[socket.socket, float]:
        """Connect; return the connection and the time of the handshake in seconds.

        Raises:
            RouterError: The path carries no connection to the server.
        """
        deadline = Deadline.after(self._patience_s, self._clock)
        try:
            connection = self._connect(self._address, self._port, deadline)
        except (OSError, NoConnectionError) as exc:
            msg = (
                f"no TCP connection to the test server {self._address} port {self._port} after "
                f"{deadline.waited_s:.1f} s: {exc.__cause__ or exc}; "
                "is it running, and does the path let it through"
            )
            raise RouterError(msg) from exc
        return connection, deadline.waited_s

    def send_request(self, connection: socket.socket, request: Request) -> str:
        """Send a request on an open connection; return its nonce."""
        nonce = secrets.token_hex(NONCE_BYTES)
        connection.settimeout(self._patience_s)
        connection.sendall(write_request(request, self._token, nonce))
        return nonce

    def ticket(self, request: Request) -> bytes:
        """Ask for a UDP train or echo; return the ticket that starts it.

        Raises:
            BenchError: The server closed the connection: wrong token, or above its limits.
        """
        connection, _, _ = self.ask(request)
        with connection:
            ticket = read_all(connection, TICKET_BYTES)
        if len(ticket) != TICKET_BYTES:
            raise refused(self._address, self._port)
        return ticket

    def info(self, nonce: str) -> TcpInfo | None:
        """Return the server's TCP_INFO of an earlier transfer; None when it has none."""
        connection, _, _ = self.ask(Request(do=Do.INFO, about=nonce))
        with connection:
            fields = json.loads(read_all(connection, _ANSWER_BYTES) or b"{}")
        return tcp_info_from(fields) if fields else None


class TcpTraffic:
    """TCP flows to or from a test server.

    Args:
        client: Who opens connections.
        plan: What is wanted.
        clock: Where time comes from.

    Attributes:
        app_bytes: Payload read or written so far.
        connect_s: Time of the first handshake, in seconds.
    """

    def __init__(self, client: TestServerClient, plan: TrafficPlan, clock: Clock) -> None:
        self._client = client
        self._plan = plan
        self._deadline = Deadline.after(plan.longest_s, clock)
        self._buffer = bytearray(_BUFFER_BYTES)
        self._nonces: list[str] = []
        self.app_bytes = 0
        self._poller = select.poll()
        self._flows: dict[int, socket.socket] = {}
        self._ports: list[int] = []
        self._report: TrafficReport | None = None
        self.connect_s = 0.0
        try:
            for _ in range(plan.flows):
                self._open()
        except BaseException:
            self._close_flows()
            raise

    @property
    def local_ports(self) -> tuple[int, ...]:
        """TCP ports on the bench's side."""
        return tuple(self._ports)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._close_flows()

    def pump(self, wait_s: float) -> bool:
        """Move what can be moved within `wait_s` seconds; return whether there is more to come.

        Raises:
            BenchError: The server refused the transfer, or broke it off before its first byte.
        """
        ready = self._poller.poll(min(wait_s, self._deadline.left_s) * 1000)
        for fileno, _ in ready:
            flow = self._flows[fileno]
            try:
                count = self._move(flow)
            except BlockingIOError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                count = 0
            self.app_bytes += count
            if not count:
                self._end(fileno)
        return bool(self._flows) and not self._deadline.passed

    @property
    def unacknowledged_bytes(self) -> int:
        """Payload of open uploads that the far end has not acknowledged (tcp(7), SIOCOUTQ).

        What the application wrote lies in the kernel's buffer first; on a slow path for seconds.
        """
        left = (fcntl.ioctl(flow, termios.TIOCOUTQ, bytes(4)) for flow in self._flows.values())
        return sum(int.from_bytes(count, sys.byteorder) for count in left)

    def stop(self) -> TrafficReport:
        """Close the flows; an upload's TCP_INFO is read before."""
        if self._report is not None:
            return self._report
        duration_s = self._deadline.waited_s
        flows = self._flows.values() if self._plan.upload else ()
        infos = tuple(read_tcp_info(flow) for flow in flows)
        self._close_flows()
        self._report = TrafficReport(
            app_bytes=self.app_bytes,
            duration_s=duration_s,
            connect_s=self.connect_s,
            infos=infos,
        )
        return self._report

    def infos(self) -> tuple[TcpInfo, ...]:
        """Return that of an upload, or ask the server for its own; costs a connection a flow."""
        if self._plan.upload:
            return self.stop().infos
        found = (self._client.info(nonce) for nonce in self._nonces)
        return tuple(info for info in found if info is not None)

    def _open(self) -> None:
        plan = self._plan
        request = Request(
            do=Do.RECEIVE if plan.upload else Do.SEND,
            total_bytes=max(1, plan.total_bytes // plan.flows),
            longest_s=plan.longest_s,
            congestion="" if plan.upload else plan.congestion,
            pacing_bps=0 if plan.upload else plan.pacing_bps,
        )
        connection, took_s = self._client.open()
        try:
            self._prepare(connection, took_s)
            self._nonces.append(self._client.send_request(connection, request))
        except BaseException:
            connection.close()
            raise
        self.connect_s = self.connect_s or took_s
        connection.setblocking(False)
        self._flows[connection.fileno()] = connection
        self._ports.append(int(connection.getsockname()[1]))
        self._poller.register(connection, select.POLLOUT if plan.upload else select.POLLIN)

    def _prepare(self, connection: socket.socket, rtt_s: float) -> None:
        plan = self._plan
        if plan.window_bytes and not plan.upload:
            # The kernel doubles the number and advertises about half of it (tcp(7)).
            needed = round(plan.window_bps * rtt_s / BITS_PER_BYTE)
            window = max(plan.window_bytes, needed)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        if plan.upload and plan.congestion:
            name = plan.congestion.encode()
            try:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name)
            except OSError as exc:
                msg = f"this kernel has no congestion control {plan.congestion!r} for us: {exc}"
                raise BenchError(msg) from exc

    def _move(self, flow: socket.socket) -> int:
        if not self._plan.upload:
            return flow.recv_into(self._buffer)
        left = self._plan.total_bytes - self.app_bytes
        return flow.send(memoryview(self._buffer)[:left]) if left > 0 else 0

    def _end(self, fileno: int) -> None:
        flow = self._flows.pop(fileno)
        self._poller.unregister(fileno)
        flow.close()
        if not self.app_bytes and not self._flows:
            raise refused(*self._client.peer)

    def _close_flows(self) -> None:
        for flow in self._flows.values():
            flow.close()
        self._flows.clear()


def refused(address: str, port: int) -> BenchError:
    """Return the error for a connection that the test server closed without a byte."""
    return BenchError(
        f"the test server {address} port {port} closed the connection without a byte; "
        "is the token the same on both sides, and the request within its limits"
    )


def read_all(connection: socket.socket, most: int) -> bytes:
    """Return up to `most` bytes, fewer when the other side ends before."""
    data = b""
    while len(data) < most:
        try:
            chunk = connection.recv(most - len(data))
        except ConnectionResetError:
            break
        if not chunk:
            break
        data += chunk
    return data
