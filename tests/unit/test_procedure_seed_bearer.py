"""Whose packets on the seed bearers are a router's."""

from __future__ import annotations

from typing import Any

from harness.cloud.core_network import CoreNetwork
from harness.cloud.service import Service
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import CloudError
from harness.core.party import Party
from harness.procedure.seed_bearer import SeedAddresses, seed_addresses

MINE, OTHER = "860000000000017", "860000000000025"


def pdn(seq: int, imei: str, address: str, bearer: str = "seed") -> dict[str, Any]:
    """Return one event of the core network."""
    return {
        "seq": seq,
        "utc_us": 0,
        "kind": "pdn",
        "imei": imei,
        "bearer": bearer,
        "address": address,
    }


class Canned(Service):
    """A core network that tells these events, or does not serve."""

    events: tuple[dict[str, Any], ...] | None = ()

    def call(self, method: str, path: str, **what: object) -> Any:
        """Answer with the events."""
        del method, path, what
        if self.events is None:
            msg = "it is down"
            raise CloudError(msg, party=Party.CARRIER)
        return {"events": list(self.events)}


def told(events: tuple[dict[str, Any], ...] | None) -> SeedAddresses | None:
    """Return what is made of the events after number 10."""

    class Telling(Canned):
        pass

    Telling.events = events
    core = CoreNetwork(Telling(name="core", party=Party.CARRIER, url="http://127.0.0.1:1"))
    return seed_addresses(core, MINE, after=10, deadline=Deadline.after(10, SystemClock()))


def test_its_own_count_since_power_on_and_others_always() -> None:
    """Data bearers are not meant; an address that changed hands is its own now."""
    found = told(
        (
            pdn(3, MINE, "10.0.0.1"),
            pdn(4, OTHER, "10.0.0.2"),
            pdn(5, OTHER, "10.0.0.4"),
            pdn(11, MINE, "10.0.0.3"),
            pdn(12, MINE, "10.64.0.1", "main"),
            pdn(13, MINE, "10.0.0.4"),
        )
    )

    assert found == SeedAddresses(
        own=frozenset({"10.0.0.3", "10.0.0.4"}), others=frozenset({"10.0.0.2"})
    )


def test_nobody_can_tell_when_the_core_network_does_not_serve() -> None:
    """And where there is none."""
    assert told(None) is None
    assert seed_addresses(None, MINE, after=0, deadline=Deadline.after(10, SystemClock())) is None
