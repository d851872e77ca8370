"""What a router's user gets: bytes that the tap counts at layer 3, and a rate by a small probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.core.clock import Deadline
from harness.measure.accounting import Layer, Way, tally
from harness.procedure.serving import Serving

PROBE_BYTES: Final = 30_000
_PROBE_S: Final = 30.0
_REACH_S: Final = 120.0
_SETTLE_S: Final = 20.0
_RETIRED_S: Final = 0.3  # the tap shows a packet only after its block was handed over
_PAYLOAD_SHARE: Final = 0.9  # less than of any flow, so that a piece never goes too far
_LEAST_BYTES: Final = 1_000
_CLOSE_BYTES: Final = 3_000


@dataclass(slots=True, kw_only=True)
class Meter:
    """Counts the user's bytes at the bench end since it was made.

    Attributes:
        user: The router in service.
        down_bytes: Bytes to the user, at layer 3.
        up_bytes: Bytes from the user, at layer 3.
    """

    user: Serving
    down_bytes: int = 0
    up_bytes: int = 0

    def begin(self) -> None:
        """Start at zero."""
        self.read()
        self.down_bytes = self.up_bytes = 0

    def read(self) -> int:
        """Return the bytes of both directions so far."""
        run = self.user.run
        run.clock.sleep(_RETIRED_S)
        seen = tally(run.dut.require_tap("bench-end").poll())
        self.down_bytes += seen.count(Layer.L3, Way.DOWN)
        self.up_bytes += seen.count(Layer.L3, Way.UP)
        return self.down_bytes + self.up_bytes

    def settle(self) -> int:
        """Read until nothing comes any more: what a router still held in its queues counts, too."""
        limit = Deadline.after(_SETTLE_S, self.user.run.clock)
        before, count = -1, self.read()
        while count > before and not limit.passed:
            before, count = count, self.read()
        return count

    def reach(self, target_bytes: int) -> int:
        """Download until so many bytes were counted, or a little less; return the count."""
        limit = Deadline.after(_REACH_S, self.user.run.clock)
        count = self.read()
        while target_bytes - count > _CLOSE_BYTES and not limit.passed:
            piece = max(_LEAST_BYTES, round((target_bytes - count) * _PAYLOAD_SHARE))
            self.user.move(piece, Deadline.after(_PROBE_S, self.user.run.clock))
            count = self.read()
        return count


def probe(user: Serving, size_bytes: int = PROBE_BYTES) -> float:
    """Return the rate of a small download in bit/s: a limited line shows, and little is burnt."""
    return user.move(size_bytes, Deadline.after(_PROBE_S, user.run.clock))
