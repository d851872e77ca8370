"""What may happen to a path while it is measured: each names who must act and leaves nothing."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import RouterError
from harness.measure.goodput import GoodputPlan, Stop
from harness.measure.throttle_test import ThrottlePlan
from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.goodput_run import run_goodput
from harness.userplane.links import InterfaceGoneError
from harness.userplane.namespace import Namespace
from harness.userplane.path_mtu import path_mtu
from harness.userplane.tap import Tap, TapSettings
from harness.userplane.testserver import TestServer
from harness.userplane.throttle import Injection, RateLimit, throttled
from harness.userplane.throttle_bench import BenchThrottle
from harness.userplane.throttling_check import check_throttling, datagrams_of
from harness.userplane.traffic import TestServerClient
from harness.userplane.udp_run import Echo, run_idle_latency, run_numbered
from tests.bench.measure_lab import tbf

TOKEN: Final = "only for these tests"
PORT: Final = 5201
PLENTY_S: Final = 30.0
SHORT: Final = GoodputPlan(budget_s=1.0)
SO_ATTACH_FILTER: Final = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """near (lan0, tapped) = ran0, middle, wan0 = far0, the far end with the test server."""

    near: Namespace
    middle: Namespace
    far: Namespace
    listener: socket.socket
    datagrams: socket.socket
    client: TestServerClient
    tap: Tap

    def limit(self, rate_bps: int) -> None:
        """Limit what comes to the bench."""
        self.middle.perform(tbf(self.middle.interface("ran0").index, rate_bps, 5000, 30_000))


@contextmanager
def path_of(
    broker: Broker, near_ip: str, router_ips: tuple[str, str], far_ip: str
) -> Iterator[Path]:
    """Make a path through a router with addresses of one family."""
    size = "64" if ":" in far_ip else "24"
    with (
        broker.namespace("near") as near,
        broker.namespace("middle") as middle,
        broker.namespace("far") as far,
    ):
        for name, end, other, there in (
            ("lan0", near, "ran0", middle),
            ("far0", far, "wan0", middle),
        ):
            end.perform(links.new_veth(name, other, peer_namespace_fd=there.broker_fd))
            for namespace, ifname in ((end, name), (there, other)):
                namespace.offloads_off(ifname)
                gso = links.set_gso_segments(namespace.interface(ifname).index, 1)
                namespace.perform(gso)
                if size == "64":
                    namespace.sysctl(f"ipv6/conf/{ifname}/accept_dad", "0")
        middle.address(f"{router_ips[0]}/{size}", ifname="ran0")
        middle.address(f"{router_ips[1]}/{size}", ifname="wan0")
        middle.sysctl("ipv6/conf/all/forwarding" if size == "64" else "ipv4/ip_forward", "1")
        near.address(f"{near_ip}/{size}", router_ips[0])
        far.address(f"{far_ip}/{size}", router_ips[1], ifname="far0")
        family = socket.AF_INET6 if size == "64" else socket.AF_INET
        listener = far.socket(family, socket.SOCK_STREAM, bind=(far_ip, PORT))
        listener.listen(8)
        datagrams = far.socket(family, socket.SOCK_DGRAM, bind=(far_ip, PORT))
        client = TestServerClient(
            far_ip, PORT, token=TOKEN, connect=near.connected, patience_s=PLENTY_S
        )
        with (
            TestServer(listener, datagrams, token=TOKEN),
            Tap.start(near, settings=TapSettings(snap_bytes=96)) as tap,
        ):
            yield Path(
                near=near, middle=middle, far=far, listener=listener, datagrams=datagrams,
                client=client, tap=tap,
            )  # fmt: skip


@pytest.fixture
def path(broker: Broker) -> Iterator[Path]:
    """Make an IPv4 path."""
    with path_of(broker, "10.9.0.2", ("10.9.0.1", "192.0.2.1"), "192.0.2.10") as made:
        yield made


@contextmanager
def once_received(path: Path, size_bytes: int, then: Callable[[], None]) -> Iterator[None]:
    """Have something happen when so much has come since now."""
    since = path.near.counters("lan0").received_bytes
    problems: list[str] = []

    def wait() -> None:
        deadline = Deadline.after(PLENTY_S, SystemClock())
        while path.near.counters("lan0").received_bytes < since + size_bytes:
            if deadline.passed:
                problems.append(f"{size_bytes} bytes never came")
                return
            deadline.clock.sleep(0.005)
        then()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        assert problems == []


def deaf(sock: socket.socket) -> None:
    """Have the kernel drop what is for a socket before anybody answers it."""
    code = np.frombuffer(struct.pack("=HBBI", 0x06, 0, 0, 0), np.uint8)
    program = struct.pack("@HP", 1, code.ctypes.data)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def unplugged(path: Path) -> Callable[[], None]:
    """Return what takes the router's interface away."""
    return lambda: path.middle.perform(links.delete_link(path.middle.interface("ran0").index))


@pytest.mark.slow
def test_an_interface_that_goes_ends_a_measurement_at_once(path: Path) -> None:
    """In the middle of a download: who measured is told, long before its time is up."""
    path.limit(500_000)

    with (
        once_received(path, 15_000, unplugged(path)),
        pytest.raises(InterfaceGoneError, match=r"went away .* into a measurement"),
    ):
        run_goodput(path.client, path.tap, GoodputPlan(within=1e-9, budget_s=PLENTY_S))


@pytest.mark.slow
def test_an_interface_that_goes_ends_a_throttle_check(path: Path) -> None:
    """A path that is gone is not a slow one."""
    path.limit(64_000)

    with (
        once_received(path, 1_500, unplugged(path)),
        pytest.raises(InterfaceGoneError, match=r"went away .* into a measurement"),
    ):
        check_throttling(
            path.client,
            path.tap,
            ThrottlePlan(threshold_bps=65_000, shortest_s=PLENTY_S, patience_s=PLENTY_S),
            open_datagrams=None,
        )


@pytest.mark.slow
def test_a_throttle_whose_interface_went_leaves_nothing(path: Path) -> None:
    """The first error stays the error, and the interface beside it is removed as well."""
    limit = RateLimit(rate_bps=500_000)
    injection = Injection(uplink=limit, downlink=limit)

    with (
        once_received(path, 15_000, unplugged(path)),
        pytest.raises(InterfaceGoneError, match="into a measurement"),
        throttled(BenchThrottle(path.near), injection),
    ):
        run_goodput(path.client, path.tap, GoodputPlan(within=1e-9, budget_s=PLENTY_S))

    assert [link.name for link in path.near.interfaces()] == ["lo"]


@pytest.mark.slow
def test_a_far_end_that_falls_silent_gives_no_figure(path: Path) -> None:
    """A download that stops after a few packets is told as one that was too short."""
    path.limit(32_000)

    with once_received(path, 1_500, lambda: path.middle.down("ran0")):
        run = run_goodput(path.client, path.tap, SHORT, drain_s=0.1)

    assert run.goodput.stop is Stop.ENDED
    assert run.goodput.wire_bps is None
    assert "no steady stretch" in run.goodput.doubts[0]


def test_a_port_that_is_blocked_is_the_paths_fault(path: Path) -> None:
    """Nobody answers the SYN; address, port and time are named."""
    deaf(path.listener)
    client = TestServerClient(
        *path.client.peer, token=TOKEN, connect=path.near.connected, patience_s=0.2
    )

    with pytest.raises(RouterError, match=r"192\.0\.2\.10 port 5201 after 0\.\d s: timed out"):
        run_goodput(client, path.tap, SHORT)


@pytest.mark.slow
def test_udp_that_is_blocked_is_told(path: Path) -> None:
    """TCP works; echoes, a train and the question for the MTU find that UDP does not."""
    deaf(path.datagrams)
    udp = datagrams_of(path.near.socket)

    with Echo(path.client, udp) as echo, pytest.raises(RouterError, match="none of 3 UDP echoes"):
        run_idle_latency(echo, probes=3)
    with pytest.raises(RouterError, match="no UDP echo of 128 bytes"):
        path_mtu(path.client, udp, answer_s=0.05)
    found = run_numbered(
        path.client, path.tap, rate_bps=1_000_000, duration_s=0.1, open_datagrams=udp
    )

    assert (found.sent, found.lost) == (9, 9)


@pytest.mark.slow
def test_a_path_that_loses_long_packets_is_named(path: Path) -> None:
    """The handshake passes, the download does not, and echoes find the length that still does."""
    index = path.middle.interface("wan0").index
    path.middle.perform(links.set_mtu(index, 1280))

    with pytest.raises(RouterError, match=r"not one byte of the download came; .*MTU"):
        run_goodput(path.client, path.tap, SHORT)

    assert path_mtu(path.client, datagrams_of(path.near.socket), answer_s=0.2) == 1280


@pytest.mark.slow
def test_a_healthy_path_carries_long_packets(path: Path) -> None:
    """1500 bytes, the MTU of Ethernet."""
    assert path_mtu(path.client, datagrams_of(path.near.socket), answer_s=PLENTY_S) == 1500


@pytest.mark.slow
def test_a_router_with_ipv6_only_is_measured(broker: Broker) -> None:
    """No lease for IPv4 is the router's error; its IPv6 is measured to one per cent."""
    with path_of(broker, "fd00:9::2", ("fd00:9::1", "fd00:a::1"), "fd00:a::10") as path:
        path.limit(2_000_000)

        with pytest.raises(RouterError, match="offer"):
            path.near.dhcp(Deadline.after(0.5, SystemClock()))
        run = run_goodput(path.client, path.tap, GoodputPlan(), drain_s=0.5)
        mtu = path_mtu(path.client, datagrams_of(path.near.socket), answer_s=1.0)

    assert run.goodput.wire_bps == pytest.approx(2_000_000, rel=0.01)
    assert mtu == 1500
