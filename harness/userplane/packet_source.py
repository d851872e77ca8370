"""What measurements see of a tap."""

from __future__ import annotations

from typing import Protocol

from harness.measure.packets import Packets


class PacketSource(Protocol):
    """A tap that can be read while it runs."""

    @property
    def vanished(self) -> bool:
        """Whether the interface went down or away since the tap was started."""
        ...

    def poll(self) -> Packets:
        """Return the packets since the last call, possibly none, without waiting."""
        ...

    def now_ns(self) -> int:
        """Return the time by the clock of the packets."""
        ...
