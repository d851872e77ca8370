"""TCP through one router's path that nothing limits: ours beside iperf3, taken in turns.

bench end (tapped) = router, forwarding = far end: two veth pairs of the kernel, offloads off as
wherever bytes are counted. Both kinds run for a second each, one after the other.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.iperf import IperfSource
from harness.userplane.namespace import Namespace
from harness.userplane.tap import Tap, TapSettings
from harness.userplane.testserver import TestServer
from harness.userplane.traffic import TestServerClient, TrafficPlan

SERVER = ("192.0.2.10", 5201)
PEER_PORT = 5301
TOKEN = "only-for-this-benchmark"
SECONDS = 1.0


@dataclass(slots=True)
class OpenPath:
    """Rates of payload in bit/s, one a run; what the tap lost in ours."""

    ours_bps: list[float] = field(default_factory=list)
    peer_bps: list[float] = field(default_factory=list)
    lost: int = 0


def laid(broker: Broker, stack: ExitStack) -> tuple[Namespace, Namespace]:
    """Lay the path; return both ends."""
    near, router, far = (
        stack.enter_context(broker.namespace(name)) for name in ("near", "router", "far")
    )
    for end, name, other in ((near, "lan0", "ran0"), (far, "far0", "wan0")):
        end.perform(links.new_veth(name, other, peer_namespace_fd=router.broker_fd))
        end.offloads_off(name)
        router.offloads_off(other)
    router.address("10.9.0.1/24", ifname="ran0")
    router.address("192.0.2.1/24", ifname="wan0")
    router.sysctl("ipv4/ip_forward", "1")
    near.address("10.9.0.2/24", "10.9.0.1")
    far.address(f"{SERVER[0]}/24", "192.0.2.1", ifname="far0")
    return near, far


def ours(near: Namespace, found: OpenPath) -> None:
    """Download for a second with the tap running, as a measurement does."""
    settings = TapSettings(snap_bytes=96, block_bytes=1 << 20, blocks=32)
    client = TestServerClient(*SERVER, token=TOKEN, connect=near.connected)
    with Tap.start(near, settings=settings) as tap:
        began = time.monotonic()
        with client.start(TrafficPlan(longest_s=SECONDS)) as traffic:
            while traffic.pump(0.01):
                pass
            took = time.monotonic() - began
            found.ours_bps.append(traffic.app_bytes * 8 / took)
        found.lost += tap.stop().dropped_packets


def peer(broker: Broker, near: Namespace, far: Namespace, found: OpenPath) -> None:
    """Download for a second with iperf3."""
    program = shutil.which("iperf3")
    if program is None or os.geteuid():
        return

    def prefix(namespace: Namespace) -> tuple[str, ...]:
        return ("nsenter", f"--net=/proc/{broker.pid}/fd/{namespace.broker_fd}")

    argv = [*prefix(far), program, "-s", "-1", "-p", str(PEER_PORT)]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        source = IperfSource(SERVER[0], PEER_PORT, prefix=prefix(near))
        running = source.start(TrafficPlan(longest_s=SECONDS))
        while running.pump(1.0):
            pass
        running.stop()
        if running.result is not None:
            found.peer_bps.append(running.result.received_bps)
    finally:
        server.kill()
        server.wait()


def measured(runs: int) -> OpenPath:
    """Run both in turns."""
    found = OpenPath()
    with Broker.start(private=True) as broker, ExitStack() as stack:
        near, far = laid(broker, stack)
        listener = far.socket(socket.AF_INET, socket.SOCK_STREAM, bind=SERVER)
        listener.listen(8)
        datagrams = far.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=SERVER)
        stack.enter_context(TestServer(listener, datagrams, token=TOKEN))
        for _ in range(runs):
            ours(near, found)
            peer(broker, near, far, found)
    return found
