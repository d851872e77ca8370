"""Goodput, throttling, echoes and trains over a shaped veth pair of the real kernel."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness.measure.goodput import GoodputPlan, Stop
from harness.measure.throttle_test import ThrottlePlan
from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.ceiling import measure_ceiling_bps
from harness.userplane.goodput_run import run_goodput
from harness.userplane.namespace import Namespace
from harness.userplane.tap import Tap, TapSettings
from harness.userplane.testserver import TestServer
from harness.userplane.throttling_check import check_throttling, datagrams_of
from harness.userplane.traffic import TestServerClient, TrafficPlan
from harness.userplane.udp_run import Echo, run_idle_latency, run_numbered, run_working_latency
from tests.bench.measure_lab import tbf

pytestmark = pytest.mark.slow

TOKEN = "only for these tests"
NEAR, FAR = "192.0.2.1", "192.0.2.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Both ends of a veth pair."""

    near: Namespace
    far: Namespace
    client: TestServerClient
    tap: Tap

    def limit(self, rate_bps: int, *, queue_bytes: int = 30_000, burst_bytes: int = 5000) -> None:
        """Limit what comes to the bench."""
        index = self.far.interface("wan0").index
        self.far.perform(tbf(index, rate_bps, burst_bytes, queue_bytes))


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """Run a private broker."""
    with Broker.start(private=True) as running:
        yield running


@pytest.fixture
def bench(broker: Broker) -> Iterator[Bench]:
    """Make a bench end, a far end and a test server there."""
    with broker.namespace("near") as near, broker.namespace("far") as far:
        near.perform(links.new_veth("lan0", "wan0", peer_namespace_fd=far.broker_fd))
        near.address(f"{NEAR}/30")
        far.address(f"{FAR}/30", ifname="wan0")
        near.offloads_off("lan0")
        far.offloads_off("wan0")
        far.perform(links.set_gso_segments(far.interface("wan0").index, 1))
        listener = far.socket(socket.AF_INET, socket.SOCK_STREAM, bind=(FAR, 5201))
        listener.listen(8)
        datagrams = far.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=(FAR, 5201))
        client = TestServerClient(FAR, 5201, token=TOKEN, connect=near.connected)
        with (
            TestServer(listener, datagrams, token=TOKEN),
            Tap.start(near, settings=TapSettings(snap_bytes=96)) as tap,
        ):
            yield Bench(near=near, far=far, client=client, tap=tap)


def test_the_goodput_is_the_shaped_rate(bench: Bench) -> None:
    """2 Mbit/s at layer 2 are measured within one percent, and it stops by itself."""
    bench.limit(2_000_000)

    run = run_goodput(bench.client, bench.tap, GoodputPlan(), drain_s=0.5)

    assert run.goodput.stop is Stop.NARROW
    assert run.goodput.wire_bps == pytest.approx(2_000_000, rel=0.01)
    assert run.goodput.payload_bps == pytest.approx(2_000_000 * 1448 / 1514, rel=0.02)
    assert run.goodput.bytes_burnt < 600_000
    (info,) = run.report.infos
    assert info.mss_bytes == 1448
    assert info.bytes_sent >= run.report.app_bytes


def test_an_upload_is_measured_behind_its_limiter(bench: Bench) -> None:
    """1 Mbit/s on the way up, seen in the acknowledgements."""
    index = bench.near.interface("lan0").index
    bench.near.perform(tbf(index, 1_000_000, 5000, 30_000))

    run = run_goodput(bench.client, bench.tap, GoodputPlan(outgoing=True), drain_s=0.5)

    assert run.goodput.wire_bps == pytest.approx(1_000_000, rel=0.02)
    assert run.goodput.payload_bps == pytest.approx(1_000_000 * 1448 / 1514, rel=0.02)
    (info,) = run.report.infos
    assert info.mss_bytes == 1448
    assert 0 < info.bytes_acknowledged <= info.bytes_sent


def test_a_shaped_path_is_found_throttled(bench: Bench) -> None:
    """512 kbit/s is below 2.2 Mbit/s."""
    bench.limit(512_000)

    check = check_throttling(
        bench.client,
        bench.tap,
        ThrottlePlan(threshold_bps=2_200_000),
        open_datagrams=datagrams_of(bench.near.socket),
        drain_s=0.5,
    )

    assert check.decision.throttled is True
    assert check.decision.rate_bps == pytest.approx(512_000, rel=0.02)


def test_an_open_path_is_found_not_throttled(bench: Bench) -> None:
    """20 Mbit/s is not."""
    bench.limit(20_000_000, burst_bytes=20_000, queue_bytes=100_000)

    check = check_throttling(
        bench.client,
        bench.tap,
        ThrottlePlan(threshold_bps=2_200_000),
        open_datagrams=None,
        drain_s=0.5,
    )

    assert check.decision.throttled is False
    assert check.train is None


def test_numbered_datagrams_are_accounted_for(bench: Bench) -> None:
    """1 Mbit/s for 0.3 s through a free path: nothing lost, nothing late."""
    found = run_numbered(
        bench.client,
        bench.tap,
        rate_bps=1_000_000,
        duration_s=0.3,
        open_datagrams=datagrams_of(bench.near.socket),
    )

    assert (found.sent, found.lost, found.reordered, found.repeated) == (26, 0, 0, 0)


def test_many_flows_share_the_rate(bench: Bench) -> None:
    """Four connections through 4 Mbit/s are measured as one path, and each is told of."""
    bench.limit(4_000_000)

    run = run_goodput(
        bench.client, bench.tap, GoodputPlan(), traffic=TrafficPlan(flows=4), drain_s=0.5
    )

    assert run.goodput.wire_bps == pytest.approx(4_000_000, rel=0.01)
    assert len(run.report.infos) == 4


def test_latency_grows_while_the_path_works(bench: Bench) -> None:
    """At 2 Mbit/s each full packet in the queue adds 6 ms; idle there is none."""
    bench.limit(2_000_000)

    with Echo(bench.client, datagrams_of(bench.near.socket)) as echo:
        idle = run_idle_latency(echo, probes=5)
        working = run_working_latency(
            echo, bench.client, TrafficPlan(longest_s=1.0, congestion="cubic"), probes=5
        )

    assert idle.median_s < 0.03
    assert working.added_s > 0.006


def test_the_bench_has_a_ceiling_of_its_own(broker: Broker) -> None:
    """Both ends on this host, nothing limits but the host: some rate comes out."""
    assert measure_ceiling_bps(broker, duration_s=0.3) > 1e6
