"""``harness.userplane.throttle_bench``: the kernel limits what we asked for, and then no more."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import BenchError, UsageError
from harness.userplane import qdiscs
from harness.userplane.netlink import CREATE, REPLACE, attribute, message
from harness.userplane.throttle import (
    Injection,
    Mode,
    RateLimit,
    check_proven,
    throttled,
)
from harness.userplane.throttle_bench import BenchThrottle

if TYPE_CHECKING:
    from tests.userplane.conftest import Pair


@pytest.mark.parametrize(
    ("rate_bps", "burst_bytes"),
    [(32_000, 5000), (128_000, 5000), (10_000_000, 6250), (1_000_000_000, 1_000_000)],
)
def test_what_is_read_back_is_what_was_asked_for(
    pair: Pair, rate_bps: int, burst_bytes: int
) -> None:
    """Rate and bucket of both directions come back from the kernel."""
    limit = RateLimit(rate_bps=rate_bps)
    applied = BenchThrottle(pair.bench).apply(Injection(uplink=limit, downlink=limit))

    for found in (applied.configured.uplink, applied.configured.downlink):
        assert found is not None
        assert found.rate_bps == rate_bps
        assert abs(found.burst_bytes - burst_bytes) <= 1 + burst_bytes // 1000
    assert applied.tap_ifname == "ifb-lan0"


def test_after_removal_nothing_is_left(pair: Pair) -> None:
    """No qdisc and no ifb stays; removing twice is allowed."""
    throttle = BenchThrottle(pair.bench)
    limit = RateLimit(rate_bps=128_000)
    with throttled(throttle, Injection(uplink=limit, downlink=limit)):
        names = sorted(link.name for link in pair.bench.interfaces())
    throttle.remove()
    state = throttle.state()

    assert names == ["ifb-lan0", "lan0", "lo"]
    assert (state.uplink, state.downlink) == (None, None)
    assert sorted(link.name for link in pair.bench.interfaces()) == ["lan0", "lo"]


def test_a_leftover_of_ours_is_replaced(pair: Pair) -> None:
    """A run that was killed between apply and remove does not hinder the next one."""
    limit = RateLimit(rate_bps=128_000)
    BenchThrottle(pair.bench).apply(Injection(uplink=limit, downlink=limit))

    faster = RateLimit(rate_bps=256_000)
    applied = BenchThrottle(pair.bench).apply(Injection(uplink=faster))

    assert applied.configured.uplink is not None
    assert applied.configured.uplink.rate_bps == 256_000
    assert applied.configured.downlink is None


def test_somebody_elses_shaper_is_named_and_not_removed(pair: Pair) -> None:
    """A qdisc under another handle is the bench's error and stays."""
    index = pair.bench.interface("lan0").index
    head = struct.pack("=BxxxiIII", 0, index, 0x0001_0000, qdiscs.ROOT, 0)
    body = head + attribute(1, "bfifo")
    pair.bench.perform(message(36, body, flags=CREATE | REPLACE))

    with pytest.raises(BenchError, match=r"bfifo 1: is already there and not ours"):
        BenchThrottle(pair.bench).apply(Injection(uplink=RateLimit(rate_bps=128_000)))
    replies = pair.bench.ask(qdiscs.get_qdiscs(), dump=True)
    kinds = {q.kind for q in map(qdiscs.qdisc_of, replies) if q.index == index}
    assert kinds == {"bfifo"}


def test_somebody_elses_ingress_is_named_and_not_removed(pair: Pair) -> None:
    """Every ingress has the same handle; without our own interface behind it, it is not ours."""
    pair.bench.perform(qdiscs.set_ingress(pair.bench.interface("lan0").index))

    limit = RateLimit(rate_bps=128_000)
    for injection in (Injection(uplink=limit), Injection(downlink=limit)):
        with pytest.raises(BenchError, match=r"ingress ffff: is already there and not ours"):
            BenchThrottle(pair.bench).apply(injection)
    replies = pair.bench.ask(qdiscs.get_qdiscs(), dump=True)
    assert "ingress" in {q.kind for q in map(qdiscs.qdisc_of, replies)}


def test_a_changing_rate_is_changed(pair: Pair) -> None:
    """The new rate, bucket and queue are read back after a change."""
    throttle = BenchThrottle(pair.bench)
    throttle.apply(
        Injection(
            uplink=RateLimit(rate_bps=10_000_000),
            downlink=RateLimit(rate_bps=10_000_000),
            changing=True,
        )
    )
    throttle.change(
        Injection(uplink=RateLimit(rate_bps=128_000), downlink=RateLimit(rate_bps=384_000))
    )
    state = throttle.state()

    assert state.uplink is not None
    assert state.downlink is not None
    assert (state.uplink.rate_bps, state.uplink.queue_bytes) == (128_000, 30_000)
    assert (state.downlink.rate_bps, state.downlink.queue_bytes) == (384_000, 30_000)


def test_a_fixed_rate_cannot_be_changed(pair: Pair) -> None:
    """Changing a tbf would refill its bucket, so it is refused."""
    throttle = BenchThrottle(pair.bench)
    throttle.apply(Injection(uplink=RateLimit(rate_bps=128_000)))

    with pytest.raises(UsageError, match="changing=True"):
        throttle.change(Injection(uplink=RateLimit(rate_bps=256_000)))


def test_a_throttle_that_saw_no_traffic_is_not_proven(pair: Pair) -> None:
    """The counters show whether packets really went through the limit."""
    throttle = BenchThrottle(pair.bench)
    limit = RateLimit(rate_bps=128_000)
    before = throttle.apply(Injection(uplink=limit)).configured
    with pytest.raises(BenchError, match="no byte went through the uplink limit"):
        check_proven(throttle.where, before, before)
    with pair.bench.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x" * 100, ("10.9.0.1", 9))

    check_proven(throttle.where, before, throttle.state())


def _flood(pair: Pair, *, count: int, size: int) -> tuple[int, float]:
    """Send `count` datagrams at once; return how many arrive and over which time in seconds."""
    sink = pair.router.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.1", 9))
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sink.settimeout(0.3)
    source = pair.bench.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(count):
        source.sendto(bytes(size), ("10.9.0.1", 9))
    arrived, first, last = 0, 0.0, 0.0
    try:
        while True:
            sink.recv(2000)
            last = time.monotonic()
            first = first or last
            arrived += 1
    except TimeoutError:
        pass
    sink.close()
    source.close()
    return arrived, last - first


@pytest.mark.slow
def test_a_policer_lets_its_bucket_pass_and_drops_the_rest(pair: Pair) -> None:
    """Twenty frames of 1042 bytes meet a bucket of 8000 bytes at 64 kbit/s: seven or eight pass.

    The queue holds one packet more (1600 bytes), which passes as soon as there are tokens.
    """
    throttle = BenchThrottle(pair.bench)
    limit = RateLimit(rate_bps=64_000, mode=Mode.POLICER, bucket_bytes=8000)
    with throttled(throttle, Injection(uplink=limit)):
        arrived, _ = _flood(pair, count=20, size=1000)
        state = throttle.state()

    assert arrived in {8, 9}
    assert state.uplink_passed is not None
    assert state.uplink_passed.dropped_packets == 20 - arrived


@pytest.mark.slow
def test_a_shaper_delays_and_drops_nothing(pair: Pair) -> None:
    """Twenty frames of 1042 bytes at 1 Mbit/s take the time of 15840 bytes beyond the bucket."""
    throttle = BenchThrottle(pair.bench)
    with throttled(throttle, Injection(uplink=RateLimit(rate_bps=1_000_000))):
        arrived, took_s = _flood(pair, count=20, size=1000)

    assert arrived == 20
    assert took_s > 0.11


@pytest.mark.parametrize(
    ("rate_bps", "bucket_bytes", "problem"),
    [
        (31_999, None, "31999 bit/s is not between"),
        (1_000_000_001, None, "1000000001 bit/s is not between"),
        (128_000, 1513, "a bucket of 1513 bytes never lets"),
    ],
)
def test_a_limit_that_no_kernel_can_do_is_refused(
    rate_bps: int, bucket_bytes: int | None, problem: str
) -> None:
    """Rates outside 32 kbit/s to 1 Gbit/s and buckets below a frame make no sense."""
    with pytest.raises(UsageError, match=problem):
        RateLimit(rate_bps=rate_bps, bucket_bytes=bucket_bytes)
