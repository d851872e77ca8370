"""Is a router's path throttled: one TCP download, and a short UDP train where TCP cannot tell."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.units import BITS_PER_BYTE
from harness.measure.packets import HEADER_BYTES, Packets, joined
from harness.measure.throttle_test import ThrottleDecision, ThrottlePlan, ThrottleTest
from harness.measure.train import (
    TAIL_S,
    TrainArrivals,
    TrainPlan,
    judge_train,
    longer_tail_s,
    train_for,
)
from harness.userplane.goodput_run import PUMP_S, check_there, drained
from harness.userplane.packet_source import PacketSource
from harness.userplane.testserver_wire import DATAGRAM_MARK, Do, Request
from harness.userplane.traffic import (
    OpenDatagrams,
    TestServerClient,
    TrafficPlan,
)

_CLAMP_BYTES: Final = 48_000
_CLAMP_ABOVE: Final = 3.0
_HEAD: Final = struct.Struct("!IQ")
_UDP: Final = 17
_TICKETS: Final = 3
_QUIET_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottlingCheck:
    """What a check found and cost.

    Attributes:
        decision: The answer; that of the train where there was one.
        tcp: What the TCP download alone said.
        train: The train that was sent, None when TCP was enough.
        waited_s: From the start to the answer, in seconds.
        bytes_burnt: Bytes at layer 2, both directions, the drain of the queues included.
    """

    decision: ThrottleDecision
    tcp: ThrottleDecision
    train: TrainPlan | None
    waited_s: float
    bytes_burnt: int


def check_throttling(
    client: TestServerClient,
    tap: PacketSource,
    plan: ThrottlePlan,
    *,
    open_datagrams: OpenDatagrams | None,
    congestion: str = "",
    budget_s: float = 20.0,
    drain_s: float = 3.0,
    clock: Clock | None = None,
) -> ThrottlingCheck:
    """Answer whether the path is slower than the plan's threshold.

    Args:
        client: The test server.
        tap: Sees the bench end; running, with headers.
        plan: The question; the round trip is measured when it is 0.0.
        open_datagrams: Opens a UDP socket in the router's namespace; None forbids the train.
        congestion: Congestion control of the server's side.
        budget_s: Longest time to spend on TCP, in seconds.
        drain_s: Longest time to wait afterwards for what is still in the queues, in seconds.
        clock: Where time comes from.

    Raises:
        BenchError: The test server refuses.
        InterfaceGoneError: The interface at the tap went away meanwhile.
        RouterError: The path through the router does not carry the traffic.
    """
    clock = clock or SystemClock()
    started = Deadline.after(budget_s, clock)
    tap.poll()
    asked, tcp, burnt = _download(client, tap, plan, congestion=congestion, budget=started)
    if tcp.throttled is not None or open_datagrams is None:
        waited_s = started.waited_s
        drain = Deadline.after(drain_s, clock)
        burnt += drained(tap, asked.rtt_s, drain, rate_bps=tcp.rate_bps)
        return ThrottlingCheck(
            decision=tcp, tcp=tcp, train=None, waited_s=waited_s, bytes_burnt=burnt
        )
    for tail_s in (TAIL_S, longer_tail_s(asked)):
        train = train_for(asked, tail_s=tail_s)
        taken = send_train(
            client,
            tap,
            train,
            open_datagrams=open_datagrams,
            quiet_s=asked.rtt_s + _QUIET_S,
            clock=clock,
        )
        burnt += taken.bytes_total()
        decision = judge_train(asked, train, train_arrivals(taken))
        if decision.throttled is not None:
            break
    return ThrottlingCheck(
        decision=decision, tcp=tcp, train=train, waited_s=started.waited_s, bytes_burnt=burnt
    )


def _download(
    client: TestServerClient,
    tap: PacketSource,
    plan: ThrottlePlan,
    *,
    congestion: str,
    budget: Deadline,
) -> tuple[ThrottlePlan, ThrottleDecision, int]:
    """Run the TCP download to its answer.

    Returns:
        The plan with round trip and port, the answer, and the bytes that the tap had seen.
    """
    budget_s = budget.left_s
    enough = round(plan.threshold_bps * budget_s / BITS_PER_BYTE * 4)
    wanted = TrafficPlan(
        congestion=congestion,
        window_bytes=_CLAMP_BYTES,
        window_bps=round(_CLAMP_ABOVE * plan.threshold_bps),
        longest_s=budget_s,
        total_bytes=min(max(1_000_000, enough), TrafficPlan().total_bytes),
    )
    burnt = 0
    with client.start(wanted) as traffic:
        idle_s = plan.rtt_s or traffic.connect_s
        asked = replace(plan, local_port=traffic.local_ports[0], rtt_s=idle_s)
        test = ThrottleTest(asked)
        decision = None
        more = True
        while decision is None and more:
            more = traffic.pump(PUMP_S)
            check_there(tap, budget)
            packets = tap.poll()
            burnt += packets.bytes_total()
            decision = test.feed(packets, tap.now_ns())
    return asked, decision or test.conclude(), burnt


def send_train(
    client: TestServerClient,
    tap: PacketSource,
    train: TrainPlan,
    *,
    open_datagrams: OpenDatagrams,
    quiet_s: float,
    clock: Clock,
) -> Packets:
    """Have a UDP train sent and return what the tap saw until it was quiet for `quiet_s`."""
    request = Request(
        do=Do.TRAIN,
        pacing_bps=round(train.rate_bps),
        packet_bytes=train.packet_bytes,
        packets=train.packets,
        longest_s=train.duration_s + 5,
    )
    ticket = client.ticket(request)
    parts = [tap.poll()]
    with open_datagrams(*client.peer) as datagrams:
        for _ in range(_TICKETS):
            datagrams.send(ticket)
        quiet = Deadline.after(quiet_s + train.duration_s, clock)
        whole = Deadline.after(quiet_s + 4 * train.duration_s + 5, clock)
        while not quiet.passed and not whole.passed:
            clock.sleep(PUMP_S)
            packets = tap.poll()
            parts.append(packets)
            numbers = train_arrivals(packets).number
            if len(numbers):
                left_s = (train.packets - int(numbers[-1])) * _packet_s(train)
                quiet = Deadline.after(quiet_s + left_s, clock)
                if int(numbers[-1]) == train.packets - 1:
                    break
    return joined(parts)


def train_arrivals(packets: Packets) -> TrainArrivals:
    """Pick the datagrams of a train out of what a tap saw (IPv4 and IPv6)."""
    t_ns, number, sent_ns, size = [], [], [], []
    for index in np.flatnonzero(~packets.outgoing).tolist() if packets.headers else []:
        head = packets.headers[index * HEADER_BYTES : (index + 1) * HEADER_BYTES]
        at = head.find(DATAGRAM_MARK, 42, 82)
        if at < 0 or _UDP not in {head[23], head[20]}:
            continue
        one, sent = _HEAD.unpack_from(head, at + len(DATAGRAM_MARK))
        t_ns.append(int(packets.t_ns[index]))
        number.append(one)
        sent_ns.append(sent)
        size.append(int(packets.wire_bytes[index]))
    return TrainArrivals(
        t_ns=np.array(t_ns, np.int64),
        number=np.array(number, np.int64),
        sent_ns=np.array(sent_ns, np.int64),
        wire_bytes=np.array(size, np.int64),
        asked_ns=_asked_ns(packets, t_ns[0]) if t_ns else None,
    )


def _asked_ns(packets: Packets, first_ns: int) -> int | None:
    """Return when the last packet left before the first datagram of a train came."""
    before = packets.t_ns[packets.outgoing & (packets.t_ns < first_ns)]
    return int(before[-1]) if len(before) else None


def datagrams_of(
    open_socket: Callable[[int, int], socket.socket],
) -> OpenDatagrams:
    """Return an `OpenDatagrams` on a namespace's `socket(family, kind)`."""

    def opened(address: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        datagrams = open_socket(family, socket.SOCK_DGRAM)
        datagrams.connect((address, port))
        return datagrams

    return opened


def _packet_s(train: TrainPlan) -> float:
    return train.packet_bytes * BITS_PER_BYTE / train.rate_bps
