"""Whose fault a failure is: rules over what was observed, first match decides. Pure.

The rules read in the order in which a lab rules parties out: first the bench itself, then what a
party said of itself, then what only one party can have caused. "Don't know" is an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from harness.core.party import Party

# TS 24.301 9.9.3.9 and TS 24.008 10.5.5.14: which causes speak of the card, not of the network.
CARD_CAUSES: Final = frozenset({2, 3, 6, 8})
"""IMSI unknown, illegal UE, illegal ME, EPS and non-EPS services not allowed."""
AUTHENTICATION_CAUSES: Final = frozenset({20, 21})
"""MAC failure, synch failure: the answer came late or from the wrong card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was observed when a phase did not end in time; None is "was not looked at".

    Attributes:
        phase: The phase that did not end, for example `P6`.
        bench_problem: A problem of the bench itself, in words.
        port_lost: The AT port vanished although nobody cut the power.
        at_answers: The router answers AT.
        interface_present: The router's network interface is there.
        registered_on: PLMN code on which the router says it is registered.
        reject_cause: EMM cause of the last reject that was seen.
        reject_from_card: That reject speaks of the card, and the card is used elsewhere as well.
        cloud_problem: A party that did not serve the lab, or said so itself.
        router_asked_server: The tap shows the router trying to reach the access server.
        server_answered: The tap shows the access server answering it.
        server_said: Kinds of the access server's events on this router, in order.
        healthy_sims_left: SIMs that the server counts as healthy and has not given away.
        pdn_address: Address that the router says its PDN connection has.
        pdn_asked: The carrier saw the router ask for a PDN connection.
        lan_lease: The router gave the bench an address.
        uplink_works: The bench's own test server answers the bench on the far side.
        carrier_got: Bytes of the router's user arrived at the carrier, by its counter.
        carrier_gave: Bytes for the router's user left the carrier, by its counter.
        place_plmn: PLMN code of the strongest carrier where the router stands.
        chosen_plmn: PLMN code of the SIM that the access server chose.
        choice_reason: What the access server said of its choice.
        chosen_state: What the access server itself had listed that SIM as.
        disagree: What AT, access server and carrier do not agree on: `iccid`, `imsi`, `plmn`,
            `address`.
        slow_sim: Last digits of a SIM that was throttled while in use.
        replaced_by: Last digits of the SIM that was given for it, None when none was.
        refused_because: Why the router refuses the profile, in its own word.
    """

    phase: str
    bench_problem: str | None = None
    port_lost: bool = False
    at_answers: bool | None = None
    interface_present: bool | None = None
    registered_on: str | None = None
    reject_cause: int | None = None
    reject_from_card: bool | None = None
    cloud_problem: Party | None = None
    router_asked_server: bool | None = None
    server_answered: bool | None = None
    server_said: tuple[str, ...] = field(default=())
    healthy_sims_left: int | None = None
    pdn_address: str | None = None
    pdn_asked: bool | None = None
    lan_lease: bool | None = None
    uplink_works: bool | None = None
    carrier_got: bool | None = None
    carrier_gave: bool | None = None
    place_plmn: str | None = None
    chosen_plmn: str | None = None
    choice_reason: str | None = None
    chosen_state: str | None = None
    disagree: tuple[str, ...] = field(default=())
    slow_sim: str | None = None
    replaced_by: str | None = None
    refused_because: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The owner of a failure.

    Attributes:
        owner: The party that must act; None is "don't know".
        cause: Why, in words that name the evidence.
    """

    owner: Party | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of the table.

    Attributes:
        applies: Whether the facts fit.
        owner: Who is at fault then.
        cause: Text of the cause, with the fields of `Facts` in braces.
    """

    applies: Callable[[Facts], bool]
    owner: Party | None
    cause: str


_SEED_PHASES: Final = frozenset({"P1", "P2", "P3", "P4", "P5"})
_SERVER_PHASES: Final = frozenset({"P2", "P3", "P4", "P5"})
_GIVEABLE: Final = frozenset({"healthy", "near_cap"})
_NO_LOCATION: Final = frozenset({"location_absent", "location_stale"})

RULES: Final = (
    Rule(
        applies=lambda f: f.bench_problem is not None,
        owner=Party.BENCH,
        cause="{bench_problem}",
    ),
    Rule(
        applies=lambda f: f.port_lost,
        owner=Party.BENCH,
        cause="the AT port vanished in the middle, and nobody had cut the power",
    ),
    Rule(
        applies=lambda f: f.phase == "P0" and f.at_answers is False,
        owner=Party.ROUTER,
        cause="the router has power and a port, and answers no AT command",
    ),
    Rule(
        applies=lambda f: (
            f.phase == "P3" and "no_sim" in f.server_said and f.healthy_sims_left == 0
        ),
        owner=Party.SIM_BANK,
        cause="the access server had no healthy SIM left in the bank",
    ),
    Rule(
        applies=lambda f: (
            f.phase == "P3" and "no_sim" in f.server_said and (f.healthy_sims_left or 0) > 0
        ),
        owner=Party.ACCESS_SERVER,
        cause="the access server found no SIM while {healthy_sims_left} healthy ones are free",
    ),
    Rule(
        applies=lambda f: (
            f.phase in _SERVER_PHASES
            and f.router_asked_server is True
            and f.server_answered is False
        ),
        owner=Party.ACCESS_SERVER,
        cause="the tap shows the router calling the access server and no answer",
    ),
    Rule(
        applies=lambda f: f.phase in _SEED_PHASES and f.cloud_problem is Party.ACCESS_SERVER,
        owner=Party.ACCESS_SERVER,
        cause="the access server does not serve the lab side either",
    ),
    Rule(
        # A server that answers with errors is logged in at again; here nothing was asked any more.
        applies=lambda f: (
            f.phase == "P3"
            and f.server_answered is True
            and f.server_said.count("login") == 1
            and not {"selected", "no_sim"} & set(f.server_said)
        ),
        owner=Party.ROUTER,
        cause="the router logged in and reported its place, and never asked for a SIM",
    ),
    Rule(
        # The server took the router's login under the same key: the key is not the trouble.
        applies=lambda f: f.phase in {"P4", "P5"} and f.refused_because == "signature",
        owner=Party.ACCESS_SERVER,
        cause="the profile that is served is not signed with the key that the router logs in with",
    ),
    Rule(
        applies=lambda f: f.reject_cause in AUTHENTICATION_CAUSES,
        owner=Party.ACCESS_SERVER,
        cause="the network refused the relayed authentication (cause #{reject_cause})",
    ),
    Rule(
        applies=lambda f: f.reject_cause in CARD_CAUSES and f.reject_from_card is True,
        owner=Party.SIM_BANK,
        cause="the card is refused (cause #{reject_cause}) because it is used elsewhere as well",
    ),
    Rule(
        applies=lambda f: f.reject_cause is not None,
        owner=Party.CARRIER,
        cause="the carrier rejects the attach with cause #{reject_cause}",
    ),
    Rule(
        applies=lambda f: f.cloud_problem is not None and f.phase in _SERVER_PHASES,
        owner=Party.ACCESS_SERVER,
        cause="a service behind the access server does not serve: {cloud_problem}",
    ),
    Rule(
        applies=lambda f: f.phase in _SERVER_PHASES and f.router_asked_server is False,
        owner=Party.ROUTER,
        cause="the tap shows that the router never called the access server",
    ),
    Rule(
        applies=lambda f: f.phase == "P7" and f.pdn_address is None and f.pdn_asked is not True,
        owner=Party.ROUTER,
        cause="the router is registered on {registered_on} and never opened its PDN connection",
    ),
    Rule(
        applies=lambda f: f.phase == "P7" and f.pdn_address is None and f.pdn_asked is True,
        owner=Party.CARRIER,
        cause="the router asked for a PDN connection and the carrier gave none",
    ),
    Rule(
        applies=lambda f: f.phase == "P7" and f.lan_lease is False,
        owner=Party.ROUTER,
        cause="the router has a PDN connection and gives its user no address",
    ),
    Rule(
        applies=lambda f: f.phase == "P7" and f.uplink_works is False,
        owner=Party.BENCH,
        cause="the bench's own test server does not answer on the far side",
    ),
    Rule(
        applies=lambda f: f.phase == "P7" and f.carrier_got is True and f.carrier_gave is False,
        owner=Party.CARRIER,
        cause="the user's packets reach the carrier and nothing comes back from it",
    ),
    Rule(
        applies=lambda f: f.phase == "P7" and f.carrier_got is False and f.lan_lease is True,
        owner=None,
        cause="the user's packets do not reach the carrier's counter; nothing says where they go",
    ),
    Rule(
        applies=lambda f: f.phase == "P6" and f.at_answers is True and f.registered_on is None,
        owner=Party.ROUTER,
        cause="the router holds a profile and no network rejected it, yet it does not register",
    ),
    Rule(
        applies=lambda f: f.phase in {"P5", "P6", "P7"} and f.at_answers is False,
        owner=Party.ROUTER,
        cause="the router stopped answering AT in {phase}",
    ),
    Rule(
        applies=lambda f: f.chosen_state is not None and f.chosen_state not in _GIVEABLE,
        owner=Party.ACCESS_SERVER,
        cause="the access server gave out a SIM that it lists as {chosen_state}",
    ),
    Rule(
        applies=lambda f: f.choice_reason in _NO_LOCATION,
        owner=Party.ROUTER,
        cause="the access server could not use the router's location: {choice_reason}",
    ),
    Rule(
        applies=lambda f: f.chosen_plmn is not None and f.chosen_plmn != f.place_plmn,
        owner=Party.ACCESS_SERVER,
        cause="the access server chose {chosen_plmn} where {place_plmn} has healthy SIMs",
    ),
    Rule(
        applies=lambda f: {"iccid", "imsi"} <= set(f.disagree),
        owner=Party.SIM_BANK,
        cause="the profile makes the router another card than the one that was chosen",
    ),
    Rule(
        applies=lambda f: bool(f.disagree),
        owner=Party.ROUTER,
        cause="what the router shows by AT is not what the carrier serves: {disagree}",
    ),
    Rule(
        applies=lambda f: f.slow_sim is not None and f.chosen_state == "healthy",
        owner=Party.ACCESS_SERVER,
        cause="the access server still lists the throttled SIM {slow_sim} as healthy",
    ),
    Rule(
        applies=lambda f: f.slow_sim is not None and f.replaced_by is None,
        owner=Party.ROUTER,
        cause="the SIM in use was throttled and the router never asked for another",
    ),
    Rule(
        applies=lambda f: f.slow_sim is not None and f.replaced_by == f.slow_sim,
        owner=Party.ACCESS_SERVER,
        cause="the access server gave the throttled SIM {slow_sim} again",
    ),
)


def blame(facts: Facts) -> Blame:
    """Return whose fault it is that a phase did not end."""
    for rule in RULES:
        if rule.applies(facts):
            values = {name: getattr(facts, name) for name in Facts.__slots__}
            return Blame(owner=rule.owner, cause=rule.cause.format_map(values))
    return Blame(owner=None, cause=f"{facts.phase} did not end, and nothing says whose fault it is")
