"""What the lab wants of any access server, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from harness.cloud.model import RouterState, ServerEvent, Sim, SimState, SpeedRule
from harness.core.clock import Deadline


class CloudAdapter(Protocol):
    """The lab side of an access server with its SIM bank.

    Every method raises `CloudError`, naming the party, when the server does not serve it.
    """

    def utc_us(self, deadline: Deadline) -> int:
        """Return the server's time."""
        ...

    def router(self, imei: str, deadline: Deadline) -> RouterState | None:
        """Return what the server knows of a router; None when it has never seen it."""
        ...

    def sims(self, deadline: Deadline) -> Sequence[Sim]:
        """Return every SIM that the server knows."""
        ...

    def events(
        self, *, after: int, deadline: Deadline, imei: str | None = None
    ) -> Sequence[ServerEvent]:
        """Return what happened after event number `after`, oldest first."""
        ...

    def set_sim_state(self, iccid: str, state: SimState, reason: str, deadline: Deadline) -> None:
        """Mark a SIM, for example as quarantined."""
        ...

    def set_speed_rules(self, imei: str, rules: Sequence[SpeedRule], deadline: Deadline) -> None:
        """Give a router other tiers of speed than it had; the server's own stay."""
        ...

    def reassign(self, imei: str, reason: str, deadline: Deadline) -> None:
        """Ask the server to give a router another SIM."""
        ...

    def spoil(self, fault: Mapping[str, Any], deadline: Deadline) -> None:
        """Let the device side go wrong in a way that the lab chooses; an empty order ends it."""
        ...
