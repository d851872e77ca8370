"""iperf3 as a second source of traffic behind the same Protocol.

Its figures are kept beside the tap's and never taken for them: its sender counts bytes that are
still in socket buffers (esnet/iperf #692), its receiver ignores what comes after the end (#306).
"""

from __future__ import annotations

import json
import select
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError
from harness.userplane.tcpinfo import TcpInfo
from harness.userplane.traffic import TrafficPlan, TrafficReport

_STOP_S: Final = 2.0
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class IperfResult:
    """What iperf3 says of a run.

    Attributes:
        received_bytes: Bytes that its receiver counted.
        received_bps: Its receiver's rate, in bit/s.
        sent_bps: Its sender's rate, in bit/s; not what crossed the link.
        retransmits: Segments sent again, None when its sender does not know.
    """

    received_bytes: int
    received_bps: float
    sent_bps: float
    retransmits: int | None


def parse_iperf(text: str) -> IperfResult:
    """Read the output of ``iperf3 --json``.

    Raises:
        BenchError: It is not that, or iperf3 reports an error.
    """
    try:
        report = json.loads(text)
    except ValueError:
        msg = f"iperf3 gave no JSON: {text[:80]!r}"
        raise BenchError(msg) from None
    if "error" in report:
        msg = f"iperf3: {report['error']}"
        raise BenchError(msg)
    try:
        received, sent = report["end"]["sum_received"], report["end"]["sum_sent"]
        return IperfResult(
            received_bytes=int(received["bytes"]),
            received_bps=float(received["bits_per_second"]),
            sent_bps=float(sent["bits_per_second"]),
            retransmits=sent.get("retransmits"),
        )
    except (KeyError, TypeError) as exc:
        msg = f"iperf3 gave JSON without {exc}: {text[:80]!r}"
        raise BenchError(msg) from exc


def iperf_arguments(address: str, port: int, plan: TrafficPlan) -> list[str]:
    """Return the arguments of an iperf3 client for `plan`."""
    arguments = ["-c", address, "-p", str(port), "--json", "-P", str(plan.flows)]
    arguments += ["-t", f"{max(1, round(plan.longest_s))}"]
    if not plan.upload:
        arguments.append("-R")
    if plan.congestion:
        arguments += ["-C", plan.congestion]
    if plan.window_bytes:
        arguments += ["-w", str(plan.window_bytes)]
    if plan.pacing_bps:
        arguments += ["--fq-rate", str(plan.pacing_bps)]
    return arguments


class IperfSource:
    """iperf3 against an iperf3 server.

    Args:
        address: Address of the server as seen from behind the router.
        port: Its port.
        prefix: What to put before the program, so that it runs in the router's namespace.
        clock: Where time comes from.
    """

    def __init__(
        self, address: str, port: int, *, prefix: Sequence[str] = (), clock: Clock | None = None
    ) -> None:
        self._address = address
        self._port = port
        self._prefix = tuple(prefix)
        self._clock = clock or SystemClock()

    def start(self, plan: TrafficPlan) -> IperfTraffic:
        """Start iperf3.

        Raises:
            BenchError: It is not installed.
        """
        program = shutil.which("iperf3")
        if program is None:
            msg = "iperf3 is not installed; on Debian: apt install iperf3"
            raise BenchError(msg)
        argv = [*self._prefix, program, *iperf_arguments(self._address, self._port, plan)]
        return IperfTraffic(argv, self._clock)


class IperfTraffic:
    """An iperf3 client that runs.

    Args:
        argv: Program and arguments.
        clock: Where time comes from.
    """

    connect_s = 0.0
    local_ports: tuple[int, ...] = ()

    def __init__(self, argv: Sequence[str], clock: Clock) -> None:
        self._started = Deadline.after(0, clock)
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._text = b""
        self._report: TrafficReport | None = None
        self.result: IperfResult | None = None

    def pump(self, wait_s: float) -> bool:
        """Wait up to `wait_s` seconds; return whether it still runs."""
        pipe = self._process.stdout
        if pipe is None or pipe.closed:
            return False
        if not select.select([pipe], [], [], wait_s)[0]:
            return True
        chunk = pipe.read1(_CHUNK)  # type: ignore[attr-defined]  # Popen's pipes are buffered
        self._text += chunk
        return bool(chunk)

    def infos(self) -> tuple[TcpInfo, ...]:
        """Return nothing: iperf3 keeps what its own side saw in its report."""
        return ()

    def stop(self) -> TrafficReport:
        """End it and read its report; calling twice is allowed.

        Raises:
            BenchError: It gave no report although it had ended by itself.
        """
        if self._report is not None:
            return self._report
        duration_s = self._started.waited_s
        early = self._process.poll() is None and self.pump(0)
        if early:
            self._process.terminate()
        try:
            rest, _ = self._process.communicate(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            rest, _ = self._process.communicate()
        self._text += rest or b""
        if not early:
            self.result = parse_iperf(self._text.decode(errors="replace"))
        self._report = TrafficReport(
            app_bytes=self.result.received_bytes if self.result else 0,
            duration_s=duration_s,
            connect_s=0.0,
            infos=(),
        )
        return self._report
