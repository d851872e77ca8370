"""A goodput measurement: traffic on one side, the tap on the other, stopped once it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import RouterError
from harness.core.units import BITS_PER_BYTE
from harness.measure.goodput import Goodput, GoodputMeter, GoodputPlan, Stop
from harness.userplane.ceiling import CpuMeter, read_cpu_times
from harness.userplane.links import InterfaceGoneError
from harness.userplane.packet_source import PacketSource
from harness.userplane.tcpinfo import TcpInfo
from harness.userplane.traffic import (
    Traffic,
    TrafficPlan,
    TrafficReport,
    TrafficSource,
)

PUMP_S: Final = 0.01
_QUIET_S: Final = 0.1
_TWO_PACKETS_BITS: Final = 2 * 1514 * BITS_PER_BYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodputRun:
    """What a run found.

    Attributes:
        goodput: From the tap; its `bytes_burnt` has the drain of the queues in it.
        report: From the traffic's own ends, TCP_INFO of the sender with it.
        cpu_limited: The bench's own processor had nothing left: not a figure of the router.
        waited_s: From the start of the traffic to the figure, in seconds, the drain left out.
    """

    goodput: Goodput
    report: TrafficReport
    cpu_limited: bool
    waited_s: float


def run_goodput(
    source: TrafficSource,
    tap: PacketSource,
    plan: GoodputPlan,
    *,
    traffic: TrafficPlan | None = None,
    drain_s: float = 3.0,
    clock: Clock | None = None,
) -> GoodputRun:
    """Measure the rate of one direction and stop.

    Args:
        source: Makes the traffic.
        tap: Sees the bench end; running.
        plan: What to reach and what to spend.
        traffic: Flows, congestion control and window; its direction is that of `plan`.
        drain_s: Longest time to wait afterwards for what is still in the queues, in seconds.
        clock: Where time comes from.

    Raises:
        BenchError: The test server refuses.
        InterfaceGoneError: The interface at the tap went away meanwhile.
        RouterError: The path through the router does not carry the traffic.
    """
    clock = clock or SystemClock()
    wanted = replace(traffic or TrafficPlan(), upload=plan.outgoing, longest_s=plan.budget_s + 1)
    tap.poll()
    cpu = CpuMeter(read_cpu_times)
    started = Deadline.after(plan.budget_s + 1, clock)
    running = source.start(wanted)
    try:
        if plan.rtt_s == 0:
            plan = replace(plan, rtt_s=running.connect_s)
        if plan.outgoing and len(running.local_ports) == 1:
            plan = replace(plan, upload_port=running.local_ports[0])
        meter = GoodputMeter(plan)
        goodput = _feed(running, tap, meter, started)
        waited_s = started.waited_s
        cpu_limited = cpu.limited()
    finally:
        report = running.stop()
    if not plan.outgoing and not report.app_bytes and goodput.wire_bps is None:
        raise nothing_came(report, started)
    burnt = goodput.bytes_burnt + drained(
        tap, plan.rtt_s, Deadline.after(drain_s, clock), rate_bps=goodput.wire_bps
    )
    report = replace(report, infos=_infos(running))
    burnt += tap.poll().bytes_total()
    doubts = goodput.doubts
    if cpu_limited:
        doubts = (*doubts, "the bench's own processor had nothing left")
    return GoodputRun(
        goodput=replace(goodput, bytes_burnt=burnt, doubts=doubts),
        report=report,
        cpu_limited=cpu_limited,
        waited_s=waited_s,
    )


def drained(tap: PacketSource, rtt_s: float, deadline: Deadline, *, rate_bps: float | None) -> int:
    """Return the bytes that still come until it is quiet, or time is up.

    It is quiet when nothing came for a round trip and the time of two packets, and a last look
    finds nothing either: a busy host may have kept us from looking.

    Args:
        tap: Sees what comes.
        rtt_s: Idle round trip, in seconds.
        deadline: Longest time to wait.
        rate_bps: Rate of the path, None when it is not known.
    """
    quiet_s = _QUIET_S + rtt_s + (_TWO_PACKETS_BITS / rate_bps if rate_bps else 0.0)
    total, last = 0, False
    quiet = Deadline.after(quiet_s, deadline.clock)
    while not deadline.passed:
        more = tap.poll().bytes_total()
        total += more
        if more:
            quiet, last = Deadline.after(quiet_s, deadline.clock), False
        elif last:
            break
        last = quiet.passed
        deadline.clock.sleep(PUMP_S)
    return total


def check_there(tap: PacketSource, since: Deadline) -> None:
    """Refuse to go on measuring on an interface that is gone.

    Args:
        tap: Watches the interface.
        since: Started with the measurement.

    Raises:
        InterfaceGoneError: It went down or away.
    """
    if tap.vanished:
        msg = (
            f"the router's network interface went away {since.waited_s:.1f} s into a measurement; "
            "was it unplugged, or did the router start again"
        )
        raise InterfaceGoneError(msg)


def nothing_came(report: TrafficReport, since: Deadline) -> RouterError:
    """Return the error for a path that let a connection through and then nothing."""
    msg = (
        f"the test server took the connection after {report.connect_s:.3f} s, and in "
        f"{since.waited_s:.1f} s not one byte of the download came; does the path lose what is "
        "longer than a handshake (its MTU)"
    )
    return RouterError(msg)


def _infos(running: Traffic) -> tuple[TcpInfo, ...]:
    """Return what the sender's kernel says; the figure stands without it."""
    try:
        return running.infos()
    except RouterError:
        return ()


def _feed(running: Traffic, tap: PacketSource, meter: GoodputMeter, since: Deadline) -> Goodput:
    more = True
    while more:
        more = running.pump(PUMP_S)
        check_there(tap, since)
        found = meter.feed(tap.poll())
        if found is not None:
            return found
    return meter.conclude(Stop.ENDED)
