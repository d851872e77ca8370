"""``harness.userplane.delay``: a slow, lossy line on a kernel without netem."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.userplane.delay import DelayLine, kernel_has_netem
from harness.userplane.delay_queue import Line
from harness.userplane.throttle import Injection, RateLimit, throttled
from harness.userplane.throttle_bench import BenchThrottle

if TYPE_CHECKING:
    from harness.userplane.namespace import Namespace
    from tests.userplane.conftest import Pair


@pytest.fixture
def ping(wire: Pair) -> Callable[[Namespace, int], list[float]]:
    """Return a function that sends datagrams to and fro and lists their round trips in s."""

    def run(beyond: Namespace, count: int) -> list[float]:
        trips = []
        with (
            wire.router.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.1", 7)) as far,
            beyond.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.2", 7)) as near,
        ):
            near.settimeout(5.0)
            far.settimeout(5.0)
            for _ in range(count):
                begin = time.monotonic()
                near.sendto(b"x", ("10.9.0.1", 7))
                far.sendto(*far.recvfrom(10))
                near.recv(10)
                trips.append(time.monotonic() - begin)
        return trips

    return run


def _line(wire: Pair, line: Line) -> DelayLine:
    wire.bench.adopt("vusb0")
    delay_line = DelayLine.start(wire.broker, wire.bench, up=line, down=line)
    delay_line.namespace.address("10.9.0.2/24", "10.9.0.1")
    return delay_line


@pytest.mark.slow
def test_every_packet_takes_its_time(
    wire: Pair, ping: Callable[[Namespace, int], list[float]]
) -> None:
    """Twenty milliseconds each way is a round trip of at least forty, and after a change of two."""
    with _line(wire, Line(delay_s=0.02)) as line:
        slow = ping(line.namespace, 5)
        line.change(up=Line(delay_s=0.001), down=Line(delay_s=0.001))
        fast = ping(line.namespace, 5)
        up, down = line.close()

    assert min(slow) >= 0.04
    assert min(fast) >= 0.002
    assert min(fast) < min(slow)
    assert up.carried >= 10
    assert down.carried >= 10
    assert (up.lost, up.overflowed) == (0, 0)


@pytest.mark.slow
def test_a_throttle_works_beyond_the_line(
    wire: Pair, ping: Callable[[Namespace, int], list[float]]
) -> None:
    """The namespace beyond is limited like any other."""
    with _line(wire, Line(delay_s=0.001)) as line:
        throttle = BenchThrottle(line.namespace)
        limit = RateLimit(rate_bps=128_000)
        with throttled(throttle, Injection(uplink=limit, downlink=limit)):
            ping(line.namespace, 3)
            state = throttle.state()

    assert state.uplink_passed is not None
    assert state.downlink_passed is not None
    assert state.uplink_passed.passed_bytes > 100
    assert state.downlink_passed.passed_bytes > 100


def test_a_line_that_loses_everything_says_so(wire: Pair) -> None:
    """Nothing arrives, and the report counts what was lost."""
    with _line(wire, Line(loss=1.0)) as line:
        with line.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
            near.sendto(b"x", ("10.9.0.1", 7))
            patience = Deadline.after(5.0, SystemClock())
            while line.namespace.counters("lan0").sent_packets == 0 and not patience.passed:
                pass
        up, down = line.close()

    assert up.lost >= 1
    assert (up.carried, down.carried) == (0, 0)


def test_a_killed_line_is_told(wire: Pair) -> None:
    """The error says that the process ended."""
    line = _line(wire, Line())
    line._process.kill()
    line._process.wait()

    with pytest.raises(BenchError, match=r"delay line to bench beyond the line"):
        line.change(up=Line(), down=Line())
    with pytest.raises(BenchError, match="ended without a report"):
        line.close()


def test_asking_for_netem_leaves_nothing(pair: Pair) -> None:
    """Whatever the kernel says, the interface of the probe is gone."""
    answer = kernel_has_netem(pair.bench)

    assert answer in {True, False}
    assert sorted(link.name for link in pair.bench.interfaces()) == ["lan0", "lo"]
