"""What the bench itself can do: its own ceiling, measured and kept, and a processor at its limit.

Above nine tenths of the ceiling a figure says nothing about a router.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError
from harness.core.units import BITS_PER_BYTE
from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.testserver import TOKEN_VARIABLE
from harness.userplane.traffic import TcpTraffic, TestServerClient, TrafficPlan

_STAT: Final = Path("/proc/stat")
_IDLE_FIELDS: Final = (3, 4)
_NOTHING_LEFT: Final = 0.05
_OWN_SHARE: Final = 0.95
_WORKS_HARD: Final = 0.25
_SHORTEST_S: Final = 0.05
_START_S: Final = 10.0
_TOKEN: Final = "ceiling-of-this-bench"  # noqa: S105 - both ends are ours, in private namespaces


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """Processor time since some start, in seconds.

    Attributes:
        wall_s: Time on the wall.
        own_s: Time that this process had.
        idle: Ticks in which a core of the host had nothing to do.
        ticks: Ticks of all cores.
    """

    wall_s: float
    own_s: float
    idle: int
    ticks: int


def read_cpu_times() -> CpuTimes:
    """Read the host's and this process's processor times (proc(5), /proc/stat)."""
    fields = [int(text) for text in _STAT.read_text().split("\n", 1)[0].split()[1:]]
    return CpuTimes(
        wall_s=time.monotonic(),
        own_s=time.process_time(),
        idle=sum(fields[index] for index in _IDLE_FIELDS),
        ticks=sum(fields),
    )


class CpuMeter:
    """Tells whether the processor was the limit since it was made.

    Args:
        read: Reads processor times.
    """

    def __init__(self, read: Callable[[], CpuTimes]) -> None:
        self._read = read
        self._start = read()

    def limited(self) -> bool:
        """Whether this process used a core up, or worked hard while no core was idle.

        A host that others keep busy does not distort a transfer that needs next to nothing.
        """
        now, start = self._read(), self._start
        wall_s = now.wall_s - start.wall_s
        if wall_s < _SHORTEST_S:
            return False
        ticks = now.ticks - start.ticks
        idle = (now.idle - start.idle) / ticks if ticks else 1.0
        own = (now.own_s - start.own_s) / wall_s
        return own > _OWN_SHARE or (idle < _NOTHING_LEFT and own > _WORKS_HARD)


def kept_ceiling_bps(path: Path, measure: Callable[[], float]) -> float:
    """Return the bench's ceiling in bit/s, measured once a host and kernel.

    Args:
        path: File that keeps it.
        measure: Measures it.

    Raises:
        BenchError: The file cannot be written.
    """
    key = f"{socket.gethostname()} {platform.release()}"
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        kept = {}
    value = kept.get(key) if isinstance(kept, dict) else None
    if isinstance(value, int | float) and value > 0:
        return float(value)
    ceiling_bps = measure()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({key: round(ceiling_bps)}))
    except OSError as exc:
        msg = f"{path}: the bench's ceiling cannot be kept: {exc.strerror}"
        raise BenchError(msg) from exc
    return ceiling_bps


def measure_ceiling_bps(
    broker: Broker, *, duration_s: float = 0.5, clock: Clock | None = None
) -> float:
    """Return the TCP rate through a veth pair without offloads, both ends on this host, in bit/s.

    Args:
        broker: Makes two namespaces for it, gone again afterwards.
        duration_s: How long to send, in seconds.
        clock: Where time comes from.
    """
    clock = clock or SystemClock()
    with broker.namespace("ceiling-near") as near, broker.namespace("ceiling-far") as far:
        near.perform(links.new_veth("lan0", "wan0", peer_namespace_fd=far.broker_fd))
        near.address("192.0.2.1/30")
        far.address("192.0.2.2/30", ifname="wan0")
        near.offloads_off("lan0")
        far.offloads_off("wan0")
        inet = socket.AF_INET
        listener = far.socket(inet, socket.SOCK_STREAM, bind=("192.0.2.2", 5201))
        listener.listen(4)
        datagrams = far.socket(inet, socket.SOCK_DGRAM, bind=("192.0.2.2", 5201))
        with _serving(listener, datagrams):
            client = TestServerClient("192.0.2.2", 5201, token=_TOKEN, connect=near.connected)
            with client.start(TrafficPlan(longest_s=duration_s + _START_S)) as traffic:
                # The server's process has to start before time counts.
                while not traffic.app_bytes and traffic.pump(duration_s):
                    pass
                return _rate_of_second_half(traffic, Deadline.after(duration_s, clock))


@contextlib.contextmanager
def _serving(listener: socket.socket, datagrams: socket.socket) -> Iterator[None]:
    """Run a test server in a process of its own: two ends in one would share one core."""
    with listener, datagrams:
        fds = (listener.fileno(), datagrams.fileno())
        argv = [sys.executable, "-m", "harness.userplane.testserver"]
        argv += ["--fds", ",".join(map(str, fds))]
        environment = os.environ | {TOKEN_VARIABLE: _TOKEN}
        server = subprocess.Popen(
            argv, pass_fds=fds, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
    try:
        yield
    finally:
        server.kill()
        server.wait()


def _rate_of_second_half(traffic: TcpTraffic, deadline: Deadline) -> float:
    """Return the payload rate after slow start, in bit/s."""
    half = Deadline.after(deadline.left_s / 2, deadline.clock)
    while not half.passed:
        traffic.pump(half.left_s)
    before, since = traffic.app_bytes, Deadline.after(0, deadline.clock)
    while not deadline.passed:
        traffic.pump(deadline.left_s)
    return (traffic.app_bytes - before) * BITS_PER_BYTE / since.waited_s
