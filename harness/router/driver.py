"""What the harness wants of any router, whatever its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from harness.at.cloudsim import CloudSimState
from harness.at.network_time import ClockReading
from harness.core.clock import Deadline

_STATS: Final = {
    0: "idle",
    1: "home",
    2: "searching",
    3: "denied",
    4: "unknown",
    5: "roaming",
    8: "emergency only",
    11: "restricted",
}
"""TS 27.007, 10.1.22, in words; without what is defined for SMS and CSFB only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a router says it is.

    Attributes:
        manufacturer: `+CGMI`.
        model: `+CGMM`.
        firmware: `+CGMR`.
        imei: `+CGSN`.
    """

    manufacturer: str
    model: str
    firmware: str
    imei: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationState:
    """Where the router is registered for packet services (TS 27.007, 10.1.22).

    Attributes:
        stat: The <stat> of +CEREG; None when it is not known.
        registered: Home or roaming.
        plmn: PLMN code of the operator; None when not registered.
        reject_cause: EMM cause of the last reject (+CEREG with n=3), None when there is none.
    """

    stat: int | None
    registered: bool
    plmn: str | None
    reject_cause: int | None

    @property
    def words(self) -> str:
        """The state as a time-line shows it, for example `home 44010`."""
        stat = "not known" if self.stat is None else _STATS.get(self.stat, f"stat {self.stat}")
        return stat if self.plmn is None else f"{stat} {self.plmn}"


class RouterDriver(Protocol):
    """The control plane of one router.

    Every method raises `RouterError` when the router does not answer as it must, and
    `BenchError` when the port is gone.
    """

    def prepare(self, deadline: Deadline) -> None:
        """Set up reports: errors as numbers, registration and vendor URCs."""
        ...

    def identity(self, deadline: Deadline) -> Identity:
        """Return who the router says it is."""
        ...

    def registration(self, deadline: Deadline) -> RegistrationState:
        """Return where the router is registered."""
        ...

    def reject_reports(self) -> list[tuple[int, int]]:
        """Return the network's rejects since the last call: arrival time in ns, EMM cause."""
        ...

    def imsi(self, deadline: Deadline) -> str | None:
        """Return the subscriber of the card in use; None when there is no card."""
        ...

    def iccid(self, deadline: Deadline) -> str | None:
        """Return the card in use; None when there is none."""
        ...

    def pdn_address(self, deadline: Deadline) -> str | None:
        """Return the IPv4 address of the PDN connection; None when there is none."""
        ...

    def name_servers(self, deadline: Deadline) -> tuple[str, ...]:
        """Return the IPv4 addresses of the name servers that the network told (+CGCONTRDP)."""
        ...

    def erase_profile(self, deadline: Deadline) -> bool:
        """Empty the profile store; False when the model has no command for it."""
        ...

    def held_iccid(self, deadline: Deadline) -> str | None:
        """Return whose profile the store holds; None when it is empty.

        Raises:
            UsageError: The model has no command for it; see `tells_held`.
        """
        ...

    @property
    def tells_held(self) -> bool:
        """Whether the model can be asked whose profile its store holds."""
        ...

    def ask_other_sim(self, deadline: Deadline) -> bool:
        """Ask for another SIM as a user may; False when the model has no command for it."""
        ...

    def set_attached(self, deadline: Deadline, *, attached: bool) -> None:
        """Attach to the packet domain or detach from it (TS 27.007 10.1.9)."""
        ...

    def cloud_sim(self, deadline: Deadline) -> CloudSimState | None:
        """Return the vendor's word on the cloud SIM; None when the model has none."""
        ...

    def cloud_sim_reports(self) -> list[tuple[int, CloudSimState]]:
        """Return the vendor's reports since the last call, each with its arrival time in ns."""
        ...

    def clock_reading(self, deadline: Deadline) -> ClockReading | None:
        """Return what the router's clock says (+CCLK); None when it was never set."""
        ...

    def use_card(self, *, cloud: bool, deadline: Deadline) -> bool:
        """Change to the cloud SIM or to the card in the slot; False when the router refuses."""
        ...

    def wants_pin(self, deadline: Deadline) -> bool:
        """Tell whether the card in use waits for its PIN."""
        ...

    def enter_pin(self, pin: str, deadline: Deadline) -> None:
        """Give the card its PIN."""
        ...
