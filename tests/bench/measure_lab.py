"""A path of the real kernel for benchmarks of the measuring side.

near (bench end, tap) = veth = carrier (limiter towards near) = TUN line = far (test server)
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.core.units import BITS_PER_BYTE
from harness.measure.packets import HEADER_BYTES
from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace
from harness.userplane.netlink import CREATE, attribute, message, nested
from harness.userplane.tap import Tap, TapSettings
from harness.userplane.testserver import TestServer
from harness.userplane.traffic import TestServerClient

TOKEN = "only-for-this-benchmark"
SERVER = ("192.0.2.10", 5201)
_NEWQDISC, _DELQDISC = 36, 37
_ROOT = 0xFFFFFFFF
_TICK_NS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSetting:
    """What a path is like.

    Attributes:
        rate_bps: Rate of the limiter towards the bench; 0 for none.
        burst_bytes: Depth of its bucket.
        queue_bytes: Queue behind it; about one packet makes it a policer.
        one_way_s: Delay of each direction.
        jitter_s: Random part on top.
        slot_s: Raster in which a scheduler lets packets go.
        loss: Random loss of each direction.
    """

    rate_bps: float = 0.0
    burst_bytes: int = 5000
    queue_bytes: int = 30_000
    one_way_s: float = 0.02
    jitter_s: float = 0.0
    slot_s: float = 0.0
    loss: float = 0.0


def tbf(index: int, rate_bps: float, burst_bytes: int, queue_bytes: int) -> bytes:
    """Return the request that puts a token bucket on an interface."""
    rate = int(rate_bps // BITS_PER_BYTE)
    ticks = min(int(burst_bytes * 1e9 / rate / _TICK_NS), 0xFFFFFFFF)
    spec = struct.pack("BBHhHI", 0, 1, 0, -1, 0, rate)
    parms = spec + bytes(12) + struct.pack("III", queue_bytes, ticks, 0)
    body = struct.pack("BxxxiIII", 0, index, 0x10000, _ROOT, 0) + attribute(1, b"tbf\0")
    body += nested(2, attribute(1, parms), attribute(6, struct.pack("I", burst_bytes)))
    return message(_NEWQDISC, body, flags=CREATE | 0x100)


class Lab:
    """The path, up."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._stack = contextlib.ExitStack()
        self._line: subprocess.Popen[bytes] | None = None
        names = ("near", "carrier", "far")
        self.near, self.carrier, self.far = (
            self._stack.enter_context(broker.namespace(name)) for name in names
        )
        self.near.perform(links.new_veth("lan0", "ran0", peer_namespace_fd=self.carrier.broker_fd))
        self.near.address("10.9.0.2/24", "10.9.0.1")
        self.carrier.address("10.9.0.1/24", ifname="ran0")
        for namespace, ifname in ((self.near, "lan0"), (self.carrier, "ran0")):
            namespace.offloads_off(ifname)
            namespace.perform(links.set_gso_segments(namespace.interface(ifname).index, 1))
        self._tuns = (self.carrier.tun("line0"), self.far.tun("line0"))
        self.carrier.address("10.9.1.1/24", ifname="line0")
        self.far.address("10.9.1.2/24", "10.9.1.1", ifname="line0")
        self.far.perform(links.new_address(self.far.interface("line0").index, SERVER[0] + "/32"))
        line = self.carrier.interface("line0").index
        self.carrier.perform(links.new_route(SERVER[0] + "/32", gateway="10.9.1.2", index=line))
        self.carrier.sysctl("ipv4/ip_forward", "1")
        listener = self.far.socket(socket.AF_INET, socket.SOCK_STREAM, bind=SERVER)
        listener.listen(16)
        datagrams = self.far.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=SERVER)
        self.server = self._stack.enter_context(TestServer(listener, datagrams, token=TOKEN))
        settings = TapSettings(snap_bytes=HEADER_BYTES)
        self.tap = self._stack.enter_context(Tap.start(self.near, settings=settings))
        self.client = TestServerClient(*SERVER, token=TOKEN, connect=self.near.connected)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end_line()
        self._stack.close()

    @contextlib.contextmanager
    def path(self, path: PathSetting) -> Iterator[None]:
        """Make the path like that, for a while."""
        index = self.carrier.interface("ran0").index
        if path.rate_bps:
            self.carrier.perform(tbf(index, path.rate_bps, path.burst_bytes, path.queue_bytes))
        program = Path(__file__).with_name("measure_delay_line.py")
        numbers = (path.one_way_s, path.jitter_s, path.slot_s, path.loss)
        argv = [sys.executable, str(program), *map(str, self._tuns), *map(str, numbers)]
        self._line = subprocess.Popen(argv, pass_fds=self._tuns)
        try:
            yield
        finally:
            self._end_line()
            if path.rate_bps:
                body = struct.pack("BxxxiIII", 0, index, 0, _ROOT, 0)
                self.carrier.perform(message(_DELQDISC, body))

    def prefix(self, namespace: Namespace) -> tuple[str, ...]:
        """Return what runs a program in one of the namespaces; needs root."""
        return ("nsenter", f"--net=/proc/{self._broker.pid}/fd/{namespace.broker_fd}")

    def _end_line(self) -> None:
        if self._line is not None:
            self._line.kill()
            self._line.wait()
            self._line = None
