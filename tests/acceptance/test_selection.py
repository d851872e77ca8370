"""Which SIM the access server gives a router."""

from __future__ import annotations

from collections.abc import Callable


def test_each_carriers_place_gets_a_sim_of_that_carrier(judge: Callable[[str], None]) -> None:
    """Four places, four carriers, and the reason is the place."""
    judge("CS-SEL-001")


def test_a_barred_sim_is_never_given(judge: Callable[[str], None]) -> None:
    """Quarantined, throttled, unknown: another carrier's SIM is given instead."""
    judge("CS-SEL-003")


def test_a_router_that_was_moved_gets_the_new_place_s_sim(judge: Callable[[str], None]) -> None:
    """Although it holds the old one's profile."""
    judge("CS-SEL-002")


def test_a_router_that_hears_no_carrier_is_given_a_sim(judge: Callable[[str], None]) -> None:
    """It serves once a carrier is heard."""
    judge("CS-SEL-004")


def test_a_sim_of_unknown_terms_is_not_given(judge: Callable[[str], None]) -> None:
    """It is listed as unknown as soon as its terms are withdrawn."""
    judge("CS-SEL-005")
