"""Who counted what: a counter of the router, access server or carrier against the tap. Pure.

The tap knows every packet of the bench end. A counter counts at a layer (L2 with Ethernet headers,
L3, payload), in a direction or both together, in units of 1000 or 1024. Which of these fits is
found out, not assumed, and what is left over is said in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.measure.packets import Packets
from harness.measure.segments import tcp_segments

_ETHERNET_BYTES: Final = 14
FITS_WITHIN: Final = 0.005
"""A hypothesis fits when what it leaves over is at most half a percent."""
_WRAP: Final = 1 << 32


class Layer(StrEnum):
    """Where a counter counts."""

    L2 = "L2"
    L3 = "L3"
    PAYLOAD = "payload"


class Way(StrEnum):
    """Which direction a counter counts, as the router's user sees it."""

    DOWN = "down"
    UP = "up"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Bytes of one stretch of a capture.

    Attributes:
        packets_down: Packets towards the bench.
        packets_up: Packets from the bench.
        l2_down: Bytes at layer 2 towards the bench.
        l2_up: Bytes at layer 2 from the bench.
        payload_down: TCP payload towards the bench, retransmissions included.
        payload_up: TCP payload from the bench, retransmissions included.
    """

    packets_down: int
    packets_up: int
    l2_down: int
    l2_up: int
    payload_down: int
    payload_up: int

    def count(self, layer: Layer, way: Way) -> int:
        """Return the bytes that a faultless counter of that layer and direction shows."""
        down, up = self._both(layer)
        return {Way.DOWN: down, Way.UP: up, Way.BOTH: down + up}[way]

    def _both(self, layer: Layer) -> tuple[int, int]:
        if layer is Layer.PAYLOAD:
            return self.payload_down, self.payload_up
        if layer is Layer.L2:
            return self.l2_down, self.l2_up
        return (
            self.l2_down - _ETHERNET_BYTES * self.packets_down,
            self.l2_up - _ETHERNET_BYTES * self.packets_up,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """How a counter may count.

    Attributes:
        layer: Layer.
        way: Direction.
        unit_bytes: What the counter calls one of its units: 1, or 1024/1000 when it mixes them up.
        expected_bytes: What it shows then, its own noise of idle times included.
        left_over_bytes: What the counter shows more than that.
    """

    layer: Layer
    way: Way
    unit_bytes: float
    expected_bytes: float
    left_over_bytes: float

    @property
    def left_over(self) -> float:
        """The rest as a part of what was expected."""
        return self.left_over_bytes / self.expected_bytes if self.expected_bytes else float("inf")

    @property
    def fits(self) -> bool:
        """Whether the rest is at most half a percent."""
        return abs(self.left_over) <= FITS_WITHIN


def tally(packets: Packets) -> Tally:
    """Count what a tap saw; payload needs the kept headers."""
    segments = tcp_segments(packets)
    payload = segments.payload_bytes
    down, wire = ~packets.outgoing, packets.wire_bytes.astype(np.int64)
    return Tally(
        packets_down=int(down.sum()),
        packets_up=int(packets.outgoing.sum()),
        l2_down=int(wire[down].sum()),
        l2_up=int(wire[packets.outgoing].sum()),
        payload_down=int(payload[~segments.outgoing].sum()),
        payload_up=int(payload[segments.outgoing].sum()),
    )


def counter_step(before: int, after: int) -> int:
    """Return what a counter counted between two readings; one wrap of 32 bits is undone.

    Raises:
        UsageError: It went back and was not near the end of 32 bits: it was reset.
    """
    if after >= before:
        return after - before
    if before < _WRAP and before - after > _WRAP // 2:
        return after + _WRAP - before
    msg = f"the counter went from {before} to {after}; was the router restarted in between"
    raise UsageError(msg)


def explain(
    counted_bytes: int, seen: Tally, *, drift_bytes_per_s: float = 0.0, lasted_s: float = 0.0
) -> list[Hypothesis]:
    """Return all ways to read a counter, the best first.

    Args:
        counted_bytes: What the counter counted.
        seen: What the tap saw meanwhile.
        drift_bytes_per_s: What the counter counts by itself while the router is left alone.
        lasted_s: Time between the two readings, in seconds.
    """
    own = drift_bytes_per_s * lasted_s
    found = []
    for layer, way, unit in product(Layer, Way, (1.0, 1000 / 1024, 1024 / 1000)):
        expected = seen.count(layer, way) * unit + own
        found.append(
            Hypothesis(
                layer=layer,
                way=way,
                unit_bytes=unit,
                expected_bytes=expected,
                left_over_bytes=counted_bytes - expected,
            )
        )
    # With equal rest the plain unit comes first: `sorted` is stable and 1.0 is tried first.
    return sorted(found, key=lambda each: abs(each.left_over))
