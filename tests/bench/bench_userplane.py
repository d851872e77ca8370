"""The kernel side of the user plane, ours and the peers' from one run: `python -m` or by path.

Each line: what, median, lowest to highest over the runs, unit, and the ratio to the peer.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np

from harness.core.clock import Deadline, SystemClock
from harness.core.units import format_rate
from harness.measure.packets import Int64
from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace
from harness.userplane.tap import Tap, TapSettings
from harness.userplane.throttle import Injection, RateLimit
from harness.userplane.throttle_bench import BenchThrottle
from tests.bench import capture_peers, userplane_open_path

HERE = Path(__file__).parent
RUNS = 5
UDP_SEGMENT = 103
FAST_BPS = 10_000_000
"""From here on a short flood a little above the rate is enough to use the bucket up."""
WINDOW_S = 0.01
RATES = (128_000, 1_000_000, 10_000_000, 50_000_000, 150_000_000, 1_000_000_000)


def show(what: str, values: list[float], unit: str, note: str = "") -> float:
    """Print one line of the table and return the median."""
    middle = statistics.median(values)
    sys.stdout.write(
        f"{what:<44}{middle:>11.4g}  {min(values):.4g} to {max(values):.4g} {unit}  {note}\n"
    )
    return middle


@contextmanager
def dhcp_server(namespace: Namespace) -> Iterator[None]:
    """Answer every discover and request with 10.9.0.2, so that a lease can be timed."""
    sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, bind=("far0", 0x0800))
    sock.settimeout(0.05)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                query = sock.recv(2048)
            except TimeoutError:
                continue
            if query[23] == 17 and query[36:38] == b"\0\x43":  # UDP to port 67
                sock.send(answer_to(query))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sock.close()


def answer_to(query: bytes) -> bytes:
    """Turn a client's frame into a server's, byte by byte."""
    kind = 2 if query[query.index(b"\x35\x01", 278) + 2] == 1 else 5
    bootp = bytearray(query[42:278])
    bootp[0] = 2
    bootp[16:20] = bytes([10, 9, 0, 2])
    payload = bytes(bootp) + b"\x63\x82\x53\x63\x35\x01" + bytes([kind])
    payload += bytes.fromhex("36040a0900010104ffffff0003040a09000106040808080833040000003cff")
    length = len(payload)
    head = (
        bytes.fromhex("4500") + (28 + length).to_bytes(2, "big") + bytes.fromhex("0000000040110000")
    )
    head += bytes([10, 9, 0, 1, 255, 255, 255, 255, 0, 67, 0, 68])
    head += (8 + length).to_bytes(2, "big") + b"\0\0"
    return b"\xff" * 6 + b"\x02\0\0\0\0\x07\x08\0" + head + payload


def lay_wire(broker: Broker, router: Namespace, near: str = "vusb0") -> None:
    """Make a new wire between the first namespace and the router's."""
    broker.first.perform(links.new_veth(near, "far0", peer_namespace_fd=router.broker_fd))
    router.offloads_off("far0")
    router.address("10.9.0.1/24", ifname="far0")


def bench_setup(peers: dict[str, list[float]]) -> None:
    """Time one router's namespace, lease, shapers both ways and tap, and taking them down."""
    parts: dict[str, list[float]] = {}
    limit = RateLimit(rate_bps=10_000_000)
    starts = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        with Broker.start(private=True) as broker:
            starts.append((time.perf_counter() - begin) * 1e3)
            router = broker.namespace("router")
            lay_wire(broker, router)
            with dhcp_server(router):
                one_setup(broker, limit, parts)
    show("broker start", starts, "ms")
    for name, values in parts.items():
        note = ""
        for peer in ("ip, tc", "pyroute2"):
            key = f"{peer} {name.rpartition(' ')[2]}"
            if name.startswith("all but DHCP") and key in peers:
                theirs = statistics.median(peers[key]) * 1e3
                note += f"{peer} {theirs:.1f} ms ({theirs / statistics.median(values):.1f} x)  "
        show(name, values, "ms", note)


def one_setup(broker: Broker, limit: RateLimit, parts: dict[str, list[float]]) -> None:
    """Set one router up and take it down again."""

    def note(name: str, since: float) -> float:
        now = time.perf_counter()
        parts.setdefault(name, []).append((now - since) * 1e3)
        return now

    begin = at = time.perf_counter()
    bench = broker.namespace("r1")
    bench.adopt("vusb0")
    bench.up()
    at = note("  namespace and adopt", at)
    lease_begin = at
    bench.dhcp(Deadline.after(5.0, SystemClock()))
    at = note("  DHCP lease", at)
    lease_s = at - lease_begin
    throttle = BenchThrottle(bench)
    throttle.apply(Injection(uplink=limit, downlink=limit))
    at = note("  shapers both ways, read back", at)
    tap = Tap.start(bench)
    at = note("  tap", at)
    parts.setdefault("all but DHCP: up", []).append((at - begin - lease_s) * 1e3)
    note("all: up", begin)
    begin = at = time.perf_counter()
    tap.stop()
    at = note("  tap stopped and flushed", at)
    tap.close()
    at = note("  ring given back", at)
    throttle.remove()
    at = note("  shapers gone, proven", at)
    bench.close()
    note("  interface put back, namespace gone", at)
    note("all but DHCP: down", begin)


def bench_change(pair: tuple[Broker, Namespace], peers: dict[str, list[float]]) -> None:
    """Time a change of a running throttle."""
    throttle = BenchThrottle(pair[1])
    injection = Injection(uplink=RateLimit(rate_bps=10_000_000), changing=True)
    throttle.apply(injection)
    times = []
    for number in range(200):
        limit = RateLimit(rate_bps=1_000_000 + 8_000 * number)
        begin = time.perf_counter()
        throttle.change(Injection(uplink=limit, changing=True))
        times.append((time.perf_counter() - begin) * 1e3)
    throttle.remove()
    note = ""
    if "tc change" in peers:
        theirs = statistics.median(peers["tc change"]) * 1e3
        note = f"tc {theirs:.2f} ms ({theirs / statistics.median(times):.0f} x)"
    show("change of a throttle", times, "ms", note)


def flood(broker: Broker, packets_s: float, size: int, seconds: float, log: Path) -> int:
    """Send from the first namespace; return how many were sent."""
    argv = [sys.executable, str(HERE / "userplane_flood.py")]
    argv += [str(int(packets_s)), str(size), str(seconds)]
    program = broker.spawn(argv, stderr=log)
    sent = int(program.stdout.readline() or b"0")
    program.close()
    return sent


def bench_rate(log: Path) -> None:
    """Compare the rate that gets through a tbf with what was asked for, packet edge to edge."""
    for rate in RATES:
        ratios = []
        for _ in range(RUNS):
            with Broker.start(private=True) as broker:
                router = broker.namespace("router")
                broker.first.perform(
                    links.new_veth("vusb0", "far0", peer_namespace_fd=router.broker_fd)
                )
                router.address("10.9.0.1/24", ifname="far0")
                router.offloads_off("far0")
                broker.first.address("10.9.0.2/24", ifname="vusb0")
                broker.first.offloads_off("vusb0")
                throttle = BenchThrottle(broker.first, "vusb0")
                limit = RateLimit(rate_bps=rate)
                throttle.apply(Injection(uplink=limit))
                with Tap.start(router, "far0", settings=TapSettings(snap_bytes=96)) as tap:
                    seconds, times = (4.0, 3.0) if rate < FAST_BPS else (1.0, 1.4)
                    flood(broker, times * rate / 8 / 1442, 1400, seconds, log)
                    tap.stop()
                    ratios.append(achieved(tap, limit) / rate)
        goal = "0.995 to 1.005" if 1_000_000 <= rate <= 150_000_000 else "0.99 to 1.01"
        show(f"achieved / configured at {format_rate(rate)}", ratios, "", f"goal {goal}")


def achieved(tap: Tap, limit: RateLimit, *, outgoing: bool = False) -> float:
    """Return the rate after the bucket was used up, in bit/s."""
    packets = tap.poll(headers=False)
    long = packets.wire_bytes > 1000  # the flood's, not ARP
    long &= packets.outgoing == outgoing
    t_ns, size = packets.t_ns[long], packets.wire_bytes[long]
    passed = np.cumsum(size, dtype=np.int64)
    buckets = 2 if limit.rate_bps < FAST_BPS else 5
    first = int(np.searchsorted(passed, buckets * limit.burst_bytes))
    first = min(first, len(t_ns) - 2)
    moved = int(passed[-1] - passed[first])
    return moved * 8e9 / float(t_ns[-1] - t_ns[first])


def bench_tap(log: Path) -> None:
    """Flood a tap and count what it lost."""
    cases = (("96 bytes kept", 96, 64, 1_000_000), ("whole frames of 1442", 0, 1400, 500_000))
    for name, snap, size, goal in cases:
        lost, rates, peaks, costs = [], [], [], []
        for _ in range(RUNS):
            with Broker.start(private=True) as broker:
                router = broker.namespace("router")
                lay_wire(broker, router)
                broker.first.address("10.9.0.2/24", ifname="vusb0")
                broker.first.offloads_off("vusb0")
                settings = TapSettings(
                    snap_bytes=snap, block_bytes=1 << 20, blocks=96, retire_ms=60
                )
                with Tap.start(router, "far0", settings=settings) as tap:
                    begin = time.process_time()
                    sent = flood(broker, goal, size, 0.5, log)
                    result = tap.stop()
                    costs.append((time.process_time() - begin) * 1e6 / result.received_packets)
                    packets = tap.poll(headers=False)
                    span = float(packets.t_ns[-1] - packets.t_ns[0]) / 1e9
                    rates.append(len(packets) / span)
                    peaks.append(float(np.bincount(_windows(packets.t_ns)).max()) / WINDOW_S)
                    seen = result.received_packets - result.dropped_packets
                    lost.append(float(max(0, sent - seen)))
        show(f"tap, {name}: packets a second seen", rates, "", f"goal {goal}")
        show(f"tap, {name}: in the fastest 10 ms", peaks, "", "a busy host stops the sender")
        show(f"tap, {name}: lost", lost, "packets", "goal 0")
        show(f"tap, {name}: cost", costs, "us of CPU a packet")


def _windows(t_ns: Int64) -> Int64:
    """Return the number of the window in which each packet came."""
    return np.asarray((t_ns - t_ns[0]) // round(WINDOW_S * 1e9), np.int64)


def bench_captures(folder: Path) -> None:
    """Print what part of a flood is in the file of the tap, of tcpdump, dumpcap and scapy."""
    for name, captured in capture_peers.rows(folder, RUNS):
        show(f"in the file, {name}", captured.percent, "%", f"sent {captured.sent_s} a second")


def bench_open_path() -> None:
    """Print what TCP gets through a path without a limit, and what iperf3 gets."""
    found = userplane_open_path.measured(RUNS)
    note = f"goal 0.9 x iperf3; the tap lost {found.lost}"
    if found.peer_bps:
        show("peer: iperf3 unshaped", [bps / 1e6 for bps in found.peer_bps], "Mbit/s")
        ratio = statistics.median(found.ours_bps) / statistics.median(found.peer_bps)
        note = f"{ratio:.2f} x iperf3, {note}"
    show(
        "TCP through a router, unshaped, tapped", [b / 1e6 for b in found.ours_bps], "Mbit/s", note
    )


def bench_many(routers: int = 64, rate_bps: int = 10_000_000, seconds: float = 2.0) -> None:
    """Run many limited and tapped routers at once; one process floods them all."""
    limit = RateLimit(rate_bps=rate_bps)
    with Broker.start(private=True) as broker, ExitStack() as stack:
        taps, senders = [], []
        for number in range(routers):
            router = broker.namespace(f"far{number}")
            lay_wire(broker, router, f"vusb{number}")
            bench = broker.namespace(f"r{number}")
            bench.adopt(f"vusb{number}")
            bench.address("10.9.0.2/24", "10.9.0.1")
            BenchThrottle(bench).apply(Injection(uplink=limit))
            settings = TapSettings(snap_bytes=96, blocks=16, retire_ms=60)
            taps.append(stack.enter_context(Tap.start(bench, settings=settings)))
            sender = stack.enter_context(bench.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1400)
            sender.setblocking(False)
            sender.connect(("10.9.0.1", 9))
            senders.append(sender)
        group = bytes(1400 * 12)
        pause_s = 12 * 1442 * 8 / rate_bps / 1.3
        begin, rounds = time.perf_counter(), 0
        while (now := time.perf_counter() - begin) < seconds:
            if now < rounds * pause_s:
                time.sleep(rounds * pause_s - now)
            for sender in senders:
                with suppress(OSError):  # its queue is full, or nobody listens
                    sender.send(group)
            rounds += 1
        lost = sum(tap.stop().dropped_packets for tap in taps)
        ratios = [achieved(tap, limit, outgoing=True) / rate_bps for tap in taps]
    show(
        f"{routers} routers at {format_rate(rate_bps)}, tapped",
        ratios,
        "of the rate",
        f"lost {lost}",
    )


def main() -> None:
    """Print the table."""
    peers: dict[str, list[float]] = {}
    if os.geteuid() == 0:
        argv = ["unshare", "--net", "--mount", sys.executable, str(HERE / "userplane_peers.py")]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        peers = json.loads(done.stdout) if done.returncode == 0 else {}
        if not peers:
            sys.stdout.write(f"no peers: {done.stderr.strip()[-300:]}\n")
    for name, values in peers.items():
        show(f"peer: {name}", [value * 1e3 for value in values], "ms")
    bench_setup(peers)
    with tempfile.TemporaryDirectory() as folder, Broker.start(private=True) as broker:
        log = Path(folder, "log")
        router = broker.namespace("router")
        lay_wire(broker, router)
        bench = broker.namespace("r1")
        bench.adopt("vusb0")
        bench.up()
        bench_change((broker, bench), peers)
        bench_rate(log)
        bench_tap(log)
        bench_captures(Path(folder))
    bench_open_path()
    bench_many()


if __name__ == "__main__":
    main()
