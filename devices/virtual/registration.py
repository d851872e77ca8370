"""Registration of one modem stack with a network: which message may come when.

States and messages are those of TS 24.301 clause 5, thinned out to what a card and a carrier
can notice: EMM-DEREGISTERED, the common procedure of authentication, EMM-REGISTERED.
"""

from __future__ import annotations

from asyncio import TimerHandle
from dataclasses import dataclass
from enum import Enum

from devices.virtual.aka import Challenge
from devices.virtual.bearers import Bearer
from devices.virtual.subscribers import Subscriber


class State(Enum):
    """Where a registration stands."""

    DEREGISTERED = "deregistered"
    AUTHENTICATING = "authenticating"
    REGISTERED = "registered"


# Which message is heard in which state; what is not here is ignored and noted, as a network does.
HEARD: dict[str, frozenset[State]] = {
    "attach": frozenset(State),
    "detach": frozenset(State),
    "auth_response": frozenset({State.AUTHENTICATING}),
    "auth_failure": frozenset({State.AUTHENTICATING}),
    "pdn": frozenset({State.REGISTERED}),
    "pdn_release": frozenset({State.REGISTERED}),
}

# EMM causes, TS 24.301 annex A
ILLEGAL_UE = 3
NOT_ALLOWED = 8
PLMN_NOT_ALLOWED = 11
NETWORK_FAILURE = 17
MAC_FAILURE = 20
SYNCH_FAILURE = 21
# Detach type "IMSI appeared elsewhere" carries cause 2 (TS 23.401 clause 5.3.8.4)
CANCELLED = 2
# ESM causes, TS 24.301 annex B
UNKNOWN_APN = 27
TOO_MANY_BEARERS = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A router of the bench.

    Attributes:
        name: As ``lab.toml`` calls it; planted faults go by it.
        netns_fd: Its namespace.
    """

    name: str
    netns_fd: int


@dataclass(slots=True, kw_only=True)
class Stack:
    """One of the two stacks of a router's modem, as the networks see it.

    Attributes:
        imei: The router.
        name: ``seed`` or ``main``.
        state: Where its registration stands.
        plmn: Network it registers with.
        subscriber: As whom.
        challenge: What it has to answer.
        sent: How often the challenge was sent.
        resynced: Whether SQN was set right once in this attempt.
        timer: T3460.
        cid: Context of its PDN connection.
        bearer: Its PDN connection.
        reachable: Whether its network's signal reaches it.
    """

    imei: str
    name: str
    state: State = State.DEREGISTERED
    plmn: str = ""
    subscriber: Subscriber | None = None
    challenge: Challenge | None = None
    sent: int = 0
    resynced: bool = False
    timer: TimerHandle | None = None
    cid: int = 0
    bearer: Bearer | None = None
    reachable: bool = True

    def stop_timer(self) -> None:
        """Stop T3460; may be called again."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
