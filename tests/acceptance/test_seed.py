"""The SIM that a router starts on."""

from __future__ import annotations

from collections.abc import Callable


def test_a_cold_boot_ends_on_the_seed_sim(judge: Callable[[str], None]) -> None:
    """Its own card, attached in time, every AT port alive."""
    judge("CS-SEED-001")


def test_no_coverage_of_the_seed_network_is_borne(judge: Callable[[str], None]) -> None:
    """No restart while it lasts, a profile soon after."""
    judge("CS-SEED-002")


def test_the_seed_bearer_is_not_for_the_user(judge: Callable[[str], None]) -> None:
    """Nothing of the LAN's traffic is on it."""
    judge("CS-SEED-003")


def test_a_rejected_seed_sim_is_not_hammered(judge: Callable[[str], None]) -> None:
    """A handful of attempts, and up again after the next power-on."""
    judge("CS-SEED-004")
