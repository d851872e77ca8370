"""What the lab wants of any access server, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from harness.cloud.model import RouterState, ServerEvent, Sim, SimState, SpeedRule
from harness.core.clock import Deadline

LOG: Final = "cloud.log"
"""The server tells its time and what happened: `utc_us`, `events`."""
MARK: Final = "cloud.mark"
"""The lab may mark a SIM: `set_sim_state`."""
RULES: Final = "cloud.rules"
"""The lab may set a router's tiers of speed: `set_speed_rules`."""
STEER: Final = "cloud.steer"
"""The lab may have a router given another SIM: `reassign`."""
FAULTS: Final = "cloud.faults"
"""The lab may let the device side go wrong: `spoil`."""


class CloudAdapter(Protocol):
    """The lab side of an access server with its SIM bank.

    Every method raises `CloudError`, naming the party, when the server does not serve it, and
    `UsageError` when this kind of server never does; `capabilities` says so before.
    """

    @property
    def capabilities(self) -> frozenset[str]:
        """What of `LOG`, `MARK`, `RULES`, `STEER` and `FAULTS` this kind of server has."""
        ...

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

    def log(self, deadline: Deadline) -> str | None:
        """Return the server's log as its operator reads it; None when it gives none away."""
        ...

    def spoil(self, fault: Mapping[str, Any], deadline: Deadline) -> None:
        """Let the device side go wrong in a way that the lab chooses.

        An order with nothing but an imei ends it for this router, an empty one for all.
        """
        ...
