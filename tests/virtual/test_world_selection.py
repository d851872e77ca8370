"""``devices.virtual.selection``: which SIM a router is given."""

from __future__ import annotations

import pytest

from devices.virtual.selection import Candidate, Wish, choose

DOCOMO, KDDI = "44010", "44051"
GB = 10**9


def card(iccid: str, plmn: str, state: str = "healthy", left: int | None = GB) -> Candidate:
    """Return a free card."""
    return Candidate(iccid=iccid, plmn=plmn, state=state, free=True, left_bytes=left)


def wish(
    reason: str = "boot",
    plmn: str | None = DOCOMO,
    age_s: float = 0.0,
    previous: str | None = None,
    slow: frozenset[str] = frozenset(),
) -> Wish:
    """Return what a router in Japan asks for."""
    return Wish(
        reason=reason, plmn=plmn, location_age_s=age_s, previous_iccid=previous, slow_iccids=slow
    )


def test_carrier_of_the_place_comes_first() -> None:
    """The strongest carrier's SIM is chosen even if another has more left."""
    choice = choose([card("k", KDDI, left=90 * GB), card("d", DOCOMO)], wish())

    assert (choice.iccid, choice.why) == ("d", "place")


def test_most_gigabytes_left_wins_within_a_carrier() -> None:
    """Of two SIMs of the carrier the fuller one is chosen."""
    choice = choose([card("d1", DOCOMO, left=GB), card("d2", DOCOMO, left=2 * GB)], wish())

    assert choice.iccid == "d2"


@pytest.mark.parametrize("state", ["throttled", "suspected", "unknown", "quarantined", "absent"])
def test_a_sim_that_is_not_known_to_be_healthy_is_never_chosen(state: str) -> None:
    """Rather no SIM than one that may be slow."""
    choice = choose([card("d", DOCOMO, state)], wish())

    assert (choice.iccid, choice.why) == (None, "no_healthy_sim")


def test_a_sim_near_its_cap_is_the_last_resort() -> None:
    """A healthy SIM of another carrier is better than one near its cap at the place's."""
    near = card("d", DOCOMO, "near_cap")

    assert choose([near, card("k", KDDI)], wish()).iccid == "k"
    assert choose([near], wish()).iccid == "d"


def test_a_sim_in_use_is_not_given_twice() -> None:
    """A SIM that another router holds is not free."""
    taken = Candidate(iccid="d", plmn=DOCOMO, state="healthy", free=False, left_bytes=GB)

    assert choose([taken], wish()).iccid is None


@pytest.mark.parametrize("reason", ["cap", "slow", "reject", "weak", "lost"])
def test_reassignment_gives_another_sim(reason: str) -> None:
    """Whatever the reason, the SIM that the router had is not given again."""
    choice = choose([card("d1", DOCOMO), card("d2", DOCOMO)], wish(reason, previous="d1"))

    assert choice.iccid == "d2"


def test_slow_sims_are_avoided() -> None:
    """A SIM that was slow on this router is not given to it."""
    choice = choose([card("d", DOCOMO), card("k", KDDI)], wish(slow=frozenset({"d"})))

    assert (choice.iccid, choice.why) == ("k", "other_carrier")


def test_two_slow_sims_of_a_carrier_make_it_the_last_choice() -> None:
    """When two of a carrier's SIMs are slow, the carrier is regulating, not the card."""
    cards = [card(name, DOCOMO) for name in ("d1", "d2", "d3")] + [card("k", KDDI)]

    choice = choose(cards, wish("slow", previous="d2", slow=frozenset({"d1", "d2"})))

    assert choice.iccid == "k"


def test_after_a_rejection_another_carrier_is_tried() -> None:
    """A carrier that rejected one SIM is tried last."""
    cards = [card("d1", DOCOMO), card("d2", DOCOMO), card("k", KDDI)]

    assert choose(cards, wish("reject", previous="d1")).iccid == "k"


def test_reboot_keeps_a_healthy_sim_of_the_place() -> None:
    """A router that only rebooted keeps what it holds."""
    cards = [card("d1", DOCOMO, left=GB), card("d2", DOCOMO, left=9 * GB)]

    choice = choose(cards, wish(previous="d1"))

    assert (choice.iccid, choice.why) == ("d1", "kept")


def test_moved_router_gets_the_new_places_carrier() -> None:
    """A router that rebooted elsewhere gets the carrier of the new place."""
    choice = choose([card("d", DOCOMO), card("k", KDDI)], wish(plmn=KDDI, previous="d"))

    assert (choice.iccid, choice.why) == ("k", "place")


@pytest.mark.parametrize(
    ("plmn", "age_s", "why"),
    [(None, 0.0, "location_absent"), (DOCOMO, 600.1, "location_stale"), (DOCOMO, 600.0, "place")],
)
def test_reason_code_tells_what_the_location_was_worth(
    plmn: str | None, age_s: float, why: str
) -> None:
    """Without a fresh location the fullest SIM is given, and the reason code says so."""
    cards = [card("d", DOCOMO), card("k", KDDI, left=5 * GB)]

    choice = choose(cards, wish(plmn=plmn, age_s=age_s))

    assert choice.why == why
    assert choice.iccid == ("d" if why == "place" else "k")


def test_abroad_there_is_no_sim() -> None:
    """The bank has Japanese SIMs only: elsewhere the answer is none, not any."""
    choice = choose([card("d", DOCOMO)], wish(plmn="31026"))

    assert (choice.iccid, choice.why) == (None, "no_sim_for_country")
