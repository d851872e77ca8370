"""What happened in a core network, numbered, for those who ask later."""

from __future__ import annotations

from collections import deque
from typing import Any

from devices.virtual.world_clock import WorldClock

_KEPT = 20_000


class Journal:
    """The last events, oldest first.

    Args:
        clock: Gives each event its time.
    """

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self._events: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self.last = 0

    def note(self, kind: str, **facts: object) -> None:
        """Add an event."""
        self.last += 1
        event = {"seq": self.last, "utc_us": self._clock.utc_us(), "kind": kind, **facts}
        self._events.append(event)

    def after(self, seq: int, imei: str | None = None) -> list[dict[str, Any]]:
        """Return the events that came after one."""
        return [
            event
            for event in self._events
            if event["seq"] > seq and (imei is None or event.get("imei") == imei)
        ]
