"""Which packets on the mirror port of the seed bearers are one router's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.cloud.core_network import CoreNetwork
from harness.core.clock import Deadline
from harness.core.errors import BenchError, CloudError

_SEED: Final = "seed"


def newest_event(core: CoreNetwork | None, deadline: Deadline) -> int | None:
    """Return the number of the core network's newest event; None when nobody can tell."""
    if core is None:
        return None
    try:
        return max((event.seq for event in core.events(after=0, deadline=deadline)), default=0)
    except (CloudError, BenchError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedAddresses:
    """Whose address is whose on the seed bearers.

    Attributes:
        own: Addresses that the router had since its power-on.
        others: Addresses that other routers had, ever.
    """

    own: frozenset[str]
    others: frozenset[str]


def seed_addresses(
    core: CoreNetwork | None, imei: str, *, after: int, deadline: Deadline
) -> SeedAddresses | None:
    """Return the addresses of seed bearers as the core network gave them.

    Args:
        core: The lab's core network, None when it has none.
        imei: The router.
        after: Number of the core network's event after which its own count.
        deadline: Until when it may take.

    Returns:
        None when nobody can tell, so that every packet may be the router's. A network that gives
        one address to two routers within one boot is told apart by nothing.
    """
    if core is None:
        return None
    try:
        events = core.events(after=0, deadline=deadline)
    except (CloudError, BenchError):
        return None
    own, others = set(), set()
    for event in events:
        if event.kind != "pdn" or event.bearer != _SEED or event.address is None:
            continue
        if event.imei != imei:
            others.add(event.address)
        elif event.seq > after:
            own.add(event.address)
    return SeedAddresses(own=frozenset(own), others=frozenset(others - own))
