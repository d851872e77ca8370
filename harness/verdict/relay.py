"""Whose fault it is that a card's answers do not get a router onto its carrier. Pure.

The challenge goes carrier, router, access server, bank, and its answer all the way back (TS 33.401
6.1.1); each of the four can spoil it, and each keeps a log of its own. First match decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.core.party import Party
from harness.verdict.blame import Blame


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What the logs on both sides of the relay say of the attaches since power-on.

    Attributes:
        asked: The carrier's log shows an attach as a card of the bank.
        outcomes: What the carrier says of each authentication, in order.
        bank_said: What the access server says of each challenge, in order: auth_ok, auth_resync,
            auth_failed.
        card_absent: The bank had no card where one is listed.
        other_card: The router attached as a card of the bank that it was not given.
        held_as_offered: What the router holds is what it was served; None: not said.
        res_agrees: The response that the carrier calls wrong is the one that the bank gave; None
            when the two logs cannot be compared.
        carrier_waited_s: How long the carrier waited for an answer before it gave up.
        bank_took_s: The longest that the bank took for one, None when it was never asked.
        not_accepted: The carrier found the last answer right and neither accepted nor rejected.
        server_answered: The tap shows the access server answering whatever the router asked.
    """

    asked: bool = False
    outcomes: tuple[str, ...] = ()
    bank_said: tuple[str, ...] = ()
    card_absent: bool = False
    other_card: bool = False
    held_as_offered: bool | None = None
    res_agrees: bool | None = None
    carrier_waited_s: float | None = None
    bank_took_s: float | None = None
    not_accepted: bool = False
    server_answered: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    applies: Callable[[Relay], bool]
    owner: Party | None
    cause: str


_RESYNCS: Final = 2
"""One resynchronisation is the standard's way (TS 24.301 5.4.2.6), a second is not."""


def _bank_was_late(relay: Relay) -> bool:
    """Whether the bank alone took longer than the carrier waits."""
    took_s, waited_s = relay.bank_took_s, relay.carrier_waited_s
    return took_s is not None and waited_s is not None and took_s >= waited_s


_RULES: Final = (
    _Rule(
        applies=lambda r: r.card_absent,
        owner=Party.SIM_BANK,
        cause="the bank has no card where the access server lists one",
    ),
    _Rule(
        applies=lambda r: r.other_card and r.held_as_offered is True,
        owner=Party.SIM_BANK,
        cause="the profile makes the router another card than the one that was chosen",
    ),
    _Rule(
        applies=lambda r: r.other_card and r.held_as_offered is False,
        owner=Party.ROUTER,
        cause="the router attaches as another card, and holds another profile than it was served",
    ),
    _Rule(
        applies=lambda r: "failure" in r.outcomes and "auth_failed" in r.bank_said,
        owner=Party.SIM_BANK,
        cause="the card in the bank refuses its carrier's challenge (MAC failure)",
    ),
    _Rule(
        applies=lambda r: "resync" in r.outcomes and r.bank_said.count("auth_resync") >= _RESYNCS,
        owner=Party.CARRIER,
        cause="the carrier goes on with an old SQN after the card's resynchronisation",
    ),
    _Rule(
        applies=lambda r: "wrong response" in r.outcomes and r.res_agrees is True,
        owner=Party.SIM_BANK,
        cause="the carrier refuses the response exactly as the card in the bank gave it",
    ),
    _Rule(
        applies=lambda r: "wrong response" in r.outcomes and r.res_agrees is False,
        owner=None,
        cause="the response reached the carrier otherwise than the bank gave it",
    ),
    _Rule(
        applies=lambda r: "timeout" in r.outcomes and _bank_was_late(r),
        owner=Party.SIM_BANK,
        cause=(
            "the bank took {bank_took_s:.1f} s for an answer, and the carrier gave up after "
            "{carrier_waited_s:.1f} s"
        ),
    ),
    _Rule(
        applies=lambda r: "timeout" in r.outcomes and r.server_answered is False,
        owner=Party.ACCESS_SERVER,
        cause="the carrier's challenge timed out, and the tap shows the access server silent",
    ),
    _Rule(
        applies=lambda r: "timeout" in r.outcomes and r.server_answered is True,
        owner=Party.ROUTER,
        cause=(
            "the carrier's challenge timed out although access server and bank answer at once: "
            "the router passes it on too late"
        ),
    ),
    _Rule(
        applies=lambda r: r.not_accepted,
        owner=Party.CARRIER,
        cause="the carrier found the card's answer right, and neither accepts nor rejects",
    ),
)


def relay_blame(relay: Relay) -> Blame | None:
    """Return whose fault it is that the relay fails; None when it does not show."""
    if not relay.asked:
        return None
    for rule in _RULES:
        if rule.applies(relay):
            values = {name: getattr(relay, name) for name in Relay.__slots__}
            return Blame(owner=rule.owner, cause=rule.cause.format_map(values))
    return None
