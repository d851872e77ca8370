"""Strips of outlets by number, whatever switches them: what feeds the routers of a bench."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.lab.power_outlet import HttpOutlet, SnmpOutlet
from harness.lab.power_usb import UhubctlPort
from harness.lab.schema import Power


class Strip(Protocol):
    """Outlets that can be switched by number."""

    @property
    def switches_cards(self) -> bool:
        """Whether it also puts and pulls the card of a router's own slot."""
        ...

    def is_on(self, relay: int, deadline: Deadline) -> bool | None:
        """Return whether an outlet says that it is on; None when it does not say.

        Raises:
            BenchError: It does not answer.
        """
        ...

    def switch(self, relay: int, *, on: bool, deadline: Deadline) -> None:
        """Switch an outlet.

        Raises:
            BenchError: It does not answer, or did not switch.
        """
        ...

    def insert_card(self, relay: int, *, inserted: bool, deadline: Deadline) -> None:
        """Put the card into the slot of the router at an outlet, or pull it.

        Raises:
            BenchError: Nothing there switches cards, or it did not.
        """
        ...


class Outlet(Protocol):
    """One outlet."""

    def on(self, deadline: Deadline) -> None:
        """Switch on."""
        ...

    def off(self, deadline: Deadline) -> None:
        """Switch off."""
        ...

    def is_on(self, deadline: Deadline) -> bool | None:
        """Return what it says of itself; None when it does not say."""
        ...


class Outlets:
    """A strip made of single outlets.

    Args:
        outlet: Returns the outlet of a number.
    """

    switches_cards = False

    def __init__(self, outlet: Callable[[int], Outlet]) -> None:
        self._outlet = outlet

    def is_on(self, relay: int, deadline: Deadline) -> bool | None:
        """Return whether an outlet says that it is on."""
        return self._outlet(relay).is_on(deadline)

    def switch(self, relay: int, *, on: bool, deadline: Deadline) -> None:
        """Switch an outlet."""
        outlet = self._outlet(relay)
        if on:
            outlet.on(deadline)
        else:
            outlet.off(deadline)

    def insert_card(self, relay: int, *, inserted: bool, deadline: Deadline) -> None:
        """Raise: such strips switch no cards."""
        del inserted, deadline
        msg = f"outlet {relay}: this strip switches no cards; put or pull the card by hand"
        raise BenchError(msg)


def strip_of(power: Power) -> Outlets:
    """Return the outlets that lab.toml describes."""
    return Outlets(lambda relay: outlet_of(power, relay))


def outlet_of(power: Power, relay: int) -> HttpOutlet | SnmpOutlet | UhubctlPort:
    """Return one outlet by its number; the schema has seen to what its kind needs."""
    if power.kind == "uhubctl":
        hub = power.hub or ""
        return UhubctlPort(lambda: f"{hub}{'.' if '-' in hub else '-'}{relay}")
    if power.kind == "snmp":
        return SnmpOutlet(
            host=power.host or "",
            community=power.community or "",
            oid=f"{power.oid}.{relay}",
        )
    return HttpOutlet(url=power.url or "", outlet=relay, dialect=power.kind)
