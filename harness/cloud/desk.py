"""What the lab wants of a service's own desk: plans, tiers, suspensions, usage and the date.

Not every access server has one that a lab may use; what needs it is a capability of the bench.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from harness.cloud.model import UsageRow
from harness.core.clock import Deadline


@runtime_checkable
class ServiceDesk(Protocol):
    """The service's desk; every method raises `CloudError` when it does not serve."""

    def usage(self, imei: str, deadline: Deadline) -> Sequence[UsageRow]:
        """Return what a router reported to have used, by SIM and hour."""
        ...

    def set_plan(self, imei: str, plan: Mapping[str, Any], deadline: Deadline) -> None:
        """Sell a router's user another plan; an empty one is the lab's own."""
        ...

    def suspend(self, imei: str, requested_utc_us: int | None, deadline: Deadline) -> None:
        """Ask for a suspension at a moment; None takes it back."""
        ...

    def set_used(self, iccid: str, used_bytes: int, deadline: Deadline) -> None:
        """Let the service count a SIM's use of this period as a given one."""
        ...

    def set_disclosed(self, iccid: str, deadline: Deadline, *, disclosed: bool) -> None:
        """Tell the service that a SIM's terms are known, or are not after all."""
        ...

    def set_date(self, date: str | float, deadline: Deadline) -> None:
        """Put the whole world at another date.

        Args:
            date: ISO date and time in Japan, or how far the world is ahead of the host in seconds.
            deadline: Until when.
        """
        ...
