"""How fast the user's line is where nobody slows it, carrier by carrier; and whose fault if not."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

from harness.core.party import Party
from harness.core.units import format_rate
from harness.measure.measurement import Measurement
from harness.procedure.case import CaseRun
from harness.procedure.metering import probe
from harness.procedure.serving import Serving
from harness.userplane.udp_run import run_numbered
from harness.verdict.line_blame import FreeLine, blame_slow_line

RATE_LIMIT: Final = "attach.free_rate"
_PROBE_BYTES: Final = 500_000
_FRAME_BYTES: Final = 1442
_PACKET_BYTES: Final = _FRAME_BYTES - 14
"""The carrier counts at layer 3."""
_TRAIN_S: Final = 0.5
_DRAIN_S: Final = 2.0


def look_at_line(user: Serving, carrier: str) -> FreeLine:
    """Measure a line by a small download; a slow one by a train of datagrams as well.

    Raises:
        BenchError: The test server cannot be used.
        RouterError: The path does not carry the train.
    """
    rate_bps = probe(user, _PROBE_BYTES)
    low_bps = user.run.limits[RATE_LIMIT].low or 0.0
    if rate_bps >= low_bps:
        return FreeLine(carrier=carrier, rate_bps=rate_bps, is_slow=False)
    before = user.line()
    rates = [bps for bps in (before.throttled_bps, before.downlink_bps) if bps is not None]
    packets, arrived = _train(user, 2 * low_bps)
    user.run.clock.sleep(_DRAIN_S)
    return FreeLine(
        carrier=carrier,
        rate_bps=rate_bps,
        is_slow=True,
        carrier_set=format_rate(min(rates)) if rates else None,
        sent_bytes=packets * _PACKET_BYTES,
        booked_bytes=user.line().dl_bytes - before.dl_bytes,
        arrived_bytes=arrived * _PACKET_BYTES,
    )


def judge_lines(run: CaseRun, lines: Sequence[FreeLine]) -> None:
    """Judge the rate of each carrier's line; who is at fault is in what they have in common."""
    owner: Party | None = None
    if any(line.is_slow for line in lines):
        blame = blame_slow_line(lines)
        owner = blame.owner
        run.result.event("note", blame.cause, party=owner)
    for line in lines:
        rate = Measurement(name=RATE_LIMIT, value=line.rate_bps, unit="bit/s", n=1)
        run.measured(RATE_LIMIT, rate, owner=owner, step=f"{line.carrier} free rate")


def _train(user: Serving, rate_bps: float) -> tuple[int, int]:
    """Have datagrams sent to the user; return how many were sent and how many came."""
    namespace = user.run.dut.namespace

    def opened(address: str, port: int) -> socket.socket:
        sock = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((address, port))
        return sock

    seen = run_numbered(
        user.client(),
        user.run.dut.require_tap("bench-end"),
        rate_bps=rate_bps,
        duration_s=_TRAIN_S,
        open_datagrams=opened,
        packet_bytes=_FRAME_BYTES,
        clock=user.run.clock,
    )
    return seen.sent, seen.sent - seen.lost
