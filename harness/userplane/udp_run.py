"""Numbered datagrams: loss, jitter and reordering of a path, and its latency idle and loaded."""

from __future__ import annotations

import select
import socket
import struct
from types import TracebackType
from typing import Final, Self

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import RouterError
from harness.core.units import BITS_PER_BYTE, NS_PER_S
from harness.measure.delay import Latency, Numbered, WorkingLatency, latency_of, numbered
from harness.measure.train import TrainPlan
from harness.userplane.packet_source import PacketSource
from harness.userplane.testserver_wire import (
    DATAGRAM,
    DATAGRAM_MARK,
    TICKET_BYTES,
    Do,
    Request,
)
from harness.userplane.throttling_check import send_train, train_arrivals
from harness.userplane.traffic import (
    OpenDatagrams,
    TestServerClient,
    Traffic,
    TrafficPlan,
    TrafficSource,
)

_PAD: Final = bytes(24)
_SERVER_TIME: Final = struct.Struct("!Q")
_LARGEST: Final = 2048
_TICKETS: Final = 3
_LONGEST_S: Final = 60.0
_PROBE_S: Final = 0.02


def run_numbered(
    client: TestServerClient,
    tap: PacketSource,
    *,
    rate_bps: float,
    duration_s: float,
    open_datagrams: OpenDatagrams,
    packet_bytes: int = 1442,
    clock: Clock | None = None,
) -> Numbered:
    """Have numbered datagrams sent to the bench at a rate and account for them.

    Args:
        client: The test server.
        tap: Sees the bench end; running, with headers.
        rate_bps: Rate at layer 2.
        duration_s: How long, in seconds.
        open_datagrams: Opens a UDP socket in the router's namespace.
        packet_bytes: Size of each datagram at layer 2.
        clock: Where time comes from.

    Raises:
        BenchError: The test server refuses.
        RouterError: The path through the router does not carry it.
    """
    packets = max(1, round(rate_bps * duration_s / BITS_PER_BYTE / packet_bytes))
    plan = TrainPlan(rate_bps=rate_bps, packet_bytes=packet_bytes, packets=packets)
    taken = send_train(
        client,
        tap,
        plan,
        open_datagrams=open_datagrams,
        quiet_s=1.0,
        clock=clock or SystemClock(),
    )
    arrivals = train_arrivals(taken)
    return numbered(arrivals.number, arrivals.sent_ns, arrivals.t_ns, sent=packets)


class Echo:
    """Short datagrams there and back.

    Args:
        client: The test server.
        open_datagrams: Opens a UDP socket in the router's namespace.
        clock: Where time comes from.

    Raises:
        BenchError: The test server refuses.
    """

    def __init__(
        self,
        client: TestServerClient,
        open_datagrams: OpenDatagrams,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        ticket = client.ticket(Request(do=Do.ECHO, longest_s=_LONGEST_S))
        self._socket = open_datagrams(*client.peer)
        for _ in range(_TICKETS):
            self._socket.send(ticket)
        self._sent = 0
        self.samples_s: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def sent(self) -> int:
        """Number of questions sent."""
        return self._sent

    def ask(self) -> None:
        """Send one question."""
        now_ns = self._clock.monotonic_ns()
        head = DATAGRAM.pack(DATAGRAM_MARK, self._sent, now_ns)
        self._socket.send(head + bytes(_SERVER_TIME.size) + _PAD)
        self._sent += 1

    def collect(self, wait_s: float) -> None:
        """Take the answers that come within `wait_s` seconds."""
        deadline = Deadline.after(wait_s, self._clock)
        while select.select([self._socket], [], [], deadline.left_s)[0]:
            try:
                answer = self._socket.recv(_LARGEST, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionRefusedError):
                continue
            now_ns = self._clock.monotonic_ns()
            if len(answer) > TICKET_BYTES and answer.startswith(DATAGRAM_MARK):
                _, _, sent_ns = DATAGRAM.unpack_from(answer)
                self.samples_s.append((now_ns - sent_ns) / NS_PER_S)


def run_idle_latency(echo: Echo, *, probes: int = 20) -> Latency:
    """Return the latency of the path without other traffic.

    Raises:
        RouterError: No answer came.
    """
    echo.samples_s.clear()
    for _ in range(probes):
        echo.ask()
        echo.collect(_PROBE_S)
    echo.collect(1.0 if len(echo.samples_s) < probes else 0.0)
    return _latency(echo, probes)


def run_working_latency(
    echo: Echo,
    source: TrafficSource,
    plan: TrafficPlan,
    *,
    probes: int = 20,
    clock: Clock | None = None,
) -> WorkingLatency:
    """Return the latency idle, then while a transfer fills the path.

    The first half of the time under load is left out: the queue has to fill first.

    Raises:
        BenchError: The far end refuses.
        RouterError: No answer came.
    """
    clock = clock or SystemClock()
    idle = run_idle_latency(echo, probes=probes)
    traffic: Traffic = source.start(plan)
    try:
        filled = Deadline.after(plan.longest_s / 2, clock)
        while not filled.passed and traffic.pump(_PROBE_S):
            pass
        echo.samples_s.clear()
        sent, due = 0, Deadline.after(0, clock)
        while traffic.pump(_PROBE_S) and len(echo.samples_s) < probes:
            if due.passed:
                echo.ask()
                sent, due = sent + 1, Deadline.after(_PROBE_S, clock)
            echo.collect(0.0)
        echo.collect(0.0 if echo.samples_s else 1.0)
    finally:
        traffic.stop()
    return WorkingLatency(idle=idle, loaded=_latency(echo, sent))


def _latency(echo: Echo, probes: int) -> Latency:
    if not echo.samples_s:
        msg = f"none of {probes} UDP echoes came back; does the path let UDP through"
        raise RouterError(msg)
    return latency_of(echo.samples_s)
