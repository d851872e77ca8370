"""Delay, jitter and loss at the bench end without netem, which many kernels do not have.

The router's interface stays where it is; a namespace beyond it has a TAP interface of the same
hardware address, and a small process carries frames between the two. A throttle and a tap belong
into the namespace beyond. Limits of the process: about 100,000 packets a second for both directions
together on one core, and packets up to some milliseconds late when the host is busy; the latest is
in its report. Packets stay in order.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from harness.core.errors import BenchError
from harness.core.units import NS_PER_S
from harness.userplane import links, qdiscs
from harness.userplane.delay_queue import Line
from harness.userplane.namespace import Namespace

if TYPE_CHECKING:
    from harness.userplane.broker import Broker

_SOL_PACKET: Final = 263
_PACKET_VNET_HDR: Final = 15
"""A header that says which checksums are still open: a veth's other end leaves them to hardware."""
_PACKET_IGNORE_OUTGOING: Final = 23
_ETH_P_ALL: Final = 3
_END_S: Final = 5.0
_PROBE: Final = "netem-probe"


def kernel_has_netem(namespace: Namespace) -> bool:
    """Tell whether the kernel has netem, by trying it on an interface made for this.

    Raises:
        BenchError: The interface could not be made.
    """
    namespace.perform(links.new_link(_PROBE, "ifb"))
    index = namespace.interface(_PROBE).index
    try:
        namespace.perform(qdiscs.probe_netem(index))
    except BenchError:
        return False
    finally:
        namespace.perform(links.delete_link(index))
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What one direction of a line did.

    Attributes:
        carried: Packets that arrived.
        lost: Packets that were lost by chance.
        overflowed: Packets that found the line full.
        latest_s: By how much the latest packet came later than it should have, in seconds.
    """

    carried: int
    lost: int
    overflowed: int
    latest_s: float


class DelayLine:
    """A running line; a context manager that ends it.

    Attributes:
        namespace: The namespace beyond the line; its interface has the router's name for it.
    """

    def __init__(self, namespace: Namespace, process: subprocess.Popen[str]) -> None:
        self.namespace = namespace
        self._process = process
        self._report: tuple[Carried, Carried] | None = None

    @classmethod
    def start(
        cls, broker: Broker, router: Namespace, *, up: Line, down: Line, seed: int = 1
    ) -> Self:
        """Put a line between the router's interface `lan0` and a new namespace.

        Args:
            broker: Who makes the namespace.
            router: Where `lan0` is; it must have no address, or this host answers twice.
            up: What happens to packets to the router.
            down: What happens to packets from it.
            seed: Where chance starts, so that a run can be repeated.

        Raises:
            BenchError: There is no such interface, or no TAP interface is to be had.
        """
        lan = router.interface("lan0")
        router.up("lan0")
        beyond = broker.namespace(f"{router.name} beyond the line")
        tap = beyond.tap("lan0")
        index = beyond.interface("lan0").index
        beyond.perform(links.set_mac(index, lan.mac), links.set_mtu(index, lan.mtu))
        beyond.offloads_off("lan0")
        beyond.up("lan0")
        wire = router.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        wire.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
        wire.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        wire.bind(("lan0", _ETH_P_ALL))
        argv = [sys.executable, "-m", "harness.userplane.delay_main"]
        argv += [str(tap.fileno()), str(wire.fileno()), str(seed)]
        with tap, wire:
            process = subprocess.Popen(
                argv,
                pass_fds=[tap.fileno(), wire.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        line = cls(beyond, process)
        line.change(up=up, down=down)
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def change(self, *, up: Line, down: Line) -> None:
        """Change what happens to packets from now on; those on the way keep their time.

        Raises:
            BenchError: The process of the line is gone.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        heard = ""
        if stdin is not None and stdout is not None:
            try:
                stdin.write(json.dumps([asdict(up), asdict(down)]) + "\n")
                stdin.flush()
                heard = stdout.readline()
            except BrokenPipeError:
                heard = ""
        if not heard:
            msg = f"delay line to {self.namespace.name}: its process ended; was it killed?"
            raise BenchError(msg)

    def close(self) -> tuple[Carried, Carried]:
        """End the line and return what its two directions did; a second call is allowed.

        Raises:
            BenchError: The process of the line did not say.
        """
        if self._report is None:
            try:
                text, _ = self._process.communicate(timeout=_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                text, _ = self._process.communicate()
            self.namespace.close()
            self._report = _report_of(text, self.namespace.name)
        return self._report


def _report_of(text: str, name: str) -> tuple[Carried, Carried]:
    if not text:
        msg = f"delay line to {name}: its process ended without a report; was it killed?"
        raise BenchError(msg)
    up, down = (
        Carried(
            carried=one["carried"],
            lost=one["lost"],
            overflowed=one["overflowed"],
            latest_s=one["late_ns"] / NS_PER_S,
        )
        for one in json.loads(text)
    )
    return up, down
