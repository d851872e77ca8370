"""``harness.procedure.cards``: which card a router acted as, by the access server's log."""

from __future__ import annotations

from harness.cloud.model import ServerEvent
from harness.procedure.cards import cards_held

FIRST, SECOND = "8981100000000000010", "8981200000000000019"


def said(kind: str, iccid: str | None = None) -> ServerEvent:
    """Return a line of the access server's log."""
    return ServerEvent(seq=1, utc_us=0, kind=kind, iccid=iccid)


def held(*events: tuple[int, ServerEvent], now: str | None = None) -> list[object]:
    """Return (card, from, to) for a case that began at 10."""
    return [(h.iccid, h.start_ns, h.end_ns) for h in cards_held(events, begun_ns=10, now=now)]


def test_from_a_profile_held_to_its_release_and_the_last_goes_on() -> None:
    """Other lines of the log change nothing."""
    assert held(
        (11, said("selected", FIRST)),
        (20, said("held", FIRST)),
        (25, said("login")),
        (30, said("rejected", FIRST)),
        (31, said("released", FIRST)),
        (40, said("held", SECOND)),
    ) == [(FIRST, 20, 31), (SECOND, 40, None)]


def test_a_router_that_came_with_a_card_had_it_from_the_begin() -> None:
    """Its replacement is what the case is about."""
    assert held((31, said("released", FIRST)), (40, said("held", SECOND))) == [
        (FIRST, 10, 31),
        (SECOND, 40, None),
    ]


def test_a_release_that_was_not_logged_leaves_no_two_cards_in_one_router() -> None:
    """The next one held ends the first."""
    found = held((20, said("held", FIRST)), (40, said("held", SECOND)))

    assert found == [(FIRST, 20, 40), (SECOND, 40, None)]


def test_the_same_profile_fetched_again_is_one_use() -> None:
    """A power cut in an installation, for example."""
    assert held((20, said("held", FIRST)), (40, said("held", FIRST))) == [(FIRST, 20, None)]


def test_what_ended_before_the_case_is_not_of_it() -> None:
    """The log has what went on between two cases, too."""
    found = held((5, said("released", FIRST)), (20, said("held", SECOND)))

    assert found == [(SECOND, 20, None)]


def test_a_card_held_before_the_case_and_again_in_it_is_in_use_from_then_on() -> None:
    """A cold boot begins with an erased store, whatever the server gave the router before."""
    found = held((5, said("held", FIRST)), (20, said("held", FIRST)), now=FIRST)

    assert found == [(FIRST, 20, None)]


def test_without_a_change_the_server_tells_which_card_the_router_has() -> None:
    """And nothing is invented where it has none."""
    assert held((12, said("heartbeat")), now=FIRST) == [(FIRST, 10, None)]
    assert held((12, said("heartbeat"))) == []


def test_a_release_leaves_a_router_without_a_card() -> None:
    """Whatever the server says of the time after."""
    assert held((31, said("released", FIRST)), now=SECOND) == [(FIRST, 10, 31)]
