"""Whose fault it is that a router in service does not go on as it must. Pure.

`blame` is about the phases of a boot; these rules are about what comes after it: another SIM,
plans and tiers, counters, the date. First match decides; "don't know" is an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.core.party import Party
from harness.verdict.blame import Blame


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """What was observed of a router in service; None is "was not looked at".

    Attributes:
        what: What was not as it must be, in words.
        bench_problem: A problem of the bench itself, in words.
        vanished: The router's AT port is gone.
        power_is_on: The power strip says that it is on.
        heard: The access server or a carrier hears the router after that.
        must_change: Another SIM was due: by order of the lab, by quota, by a mark.
        ordered: The access server's log says that it told the router to change.
        asked: The access server's log says that the router asked for another SIM.
        heard_server: The router's heartbeats arrived meanwhile.
        same_again: The SIM that was given is the one that was to go.
        listed_as: What the access server lists the SIM as.
        server_holds: What the access server holds is not what the lab ordered, in words.
        server_told: What the access server's log says it told the router is not that, in words.
        reported: What the router reported is not what the tap saw, in words.
        booked: The server's books are not what its own log says the router reported, in words.
        carrier_billed: The carrier's counter is not what the tap saw, in words.
        carrier_set: The rate that the carrier's own log says it set and its contract does not.
        network_time: What is wrong with the time that the carrier's log says it sent.
        shows: What the router does or shows although all others told it right, in words.
        far_end_works: The bench's own test server answers the bench on the far side.
        bank_said: What is wrong with the bank's own list, in words.
    """

    what: str
    bench_problem: str | None = None
    vanished: bool = False
    power_is_on: bool | None = None
    heard: bool | None = None
    must_change: bool = False
    ordered: bool | None = None
    asked: bool | None = None
    heard_server: bool | None = None
    same_again: bool = False
    listed_as: str | None = None
    server_holds: str | None = None
    server_told: str | None = None
    reported: str | None = None
    booked: str | None = None
    carrier_billed: str | None = None
    carrier_set: str | None = None
    network_time: str | None = None
    shows: str | None = None
    far_end_works: bool | None = None
    bank_said: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRule:
    """One line of the table, as in `blame`."""

    applies: Callable[[ServiceFacts], bool]
    owner: Party | None
    cause: str


SERVICE_RULES: Final = (
    ServiceRule(
        applies=lambda f: f.bench_problem is not None,
        owner=Party.BENCH,
        cause="{bench_problem}",
    ),
    ServiceRule(
        applies=lambda f: f.far_end_works is False,
        owner=Party.BENCH,
        cause="{what}: the bench's own test server does not answer on the far side",
    ),
    ServiceRule(
        applies=lambda f: f.vanished and f.heard is False and f.power_is_on is True,
        owner=Party.ROUTER,
        cause="the router died: it has power, its ports are gone and nobody hears it any more",
    ),
    ServiceRule(
        applies=lambda f: f.vanished and f.heard is True,
        owner=Party.BENCH,
        cause="the AT port vanished in the middle, and the router goes on",
    ),
    ServiceRule(
        applies=lambda f: f.bank_said is not None,
        owner=Party.SIM_BANK,
        cause="{what}: {bank_said}",
    ),
    ServiceRule(
        applies=lambda f: f.same_again,
        owner=Party.ACCESS_SERVER,
        cause="{what}: the access server gave the SIM again that was to go",
    ),
    ServiceRule(
        applies=lambda f: f.server_holds is not None,
        owner=Party.ACCESS_SERVER,
        cause="{what}: the access server holds {server_holds}",
    ),
    ServiceRule(
        applies=lambda f: f.server_told is not None,
        owner=Party.ACCESS_SERVER,
        cause="{what}: the access server told the router {server_told}",
    ),
    ServiceRule(
        applies=lambda f: f.booked is not None,
        owner=Party.ACCESS_SERVER,
        cause="{what}: the access server books {booked}",
    ),
    ServiceRule(
        applies=lambda f: f.carrier_billed is not None,
        owner=Party.CARRIER,
        cause="{what}: the carrier counts {carrier_billed}",
    ),
    ServiceRule(
        applies=lambda f: f.carrier_set is not None,
        owner=Party.CARRIER,
        cause="{what}: the carrier holds the line to {carrier_set}",
    ),
    ServiceRule(
        applies=lambda f: f.network_time is not None,
        owner=Party.CARRIER,
        cause="{what}: the carrier sent {network_time}",
    ),
    ServiceRule(
        applies=lambda f: f.reported is not None,
        owner=Party.ROUTER,
        cause="{what}: the router reports {reported}",
    ),
    ServiceRule(
        applies=lambda f: f.must_change and f.ordered is True and f.asked is False,
        owner=Party.ROUTER,
        cause="{what}: the router was told to change and never asked for another SIM",
    ),
    ServiceRule(
        applies=lambda f: f.must_change and f.ordered is False and f.heard_server is True,
        owner=Party.ACCESS_SERVER,
        cause="{what}: the access server heard the router and never told it to change",
    ),
    ServiceRule(
        applies=lambda f: f.must_change and f.heard_server is False and f.heard is True,
        owner=Party.ROUTER,
        cause="{what}: the router serves on and sends the access server nothing",
    ),
    ServiceRule(
        applies=lambda f: f.shows is not None,
        owner=Party.ROUTER,
        cause="{what}: {shows}",
    ),
)


def blame_service(facts: ServiceFacts) -> Blame:
    """Return whose fault it is."""
    for rule in SERVICE_RULES:
        if rule.applies(facts):
            values = {name: getattr(facts, name) for name in ServiceFacts.__slots__}
            return Blame(owner=rule.owner, cause=rule.cause.format_map(values))
    return Blame(owner=None, cause=f"{facts.what}, and nothing says whose fault it is")
