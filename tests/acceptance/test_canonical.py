"""A cloud-SIM router from power-on to its first byte of data."""

from __future__ import annotations

from collections.abc import Callable


def test_a_router_boots_downloads_a_profile_attaches_and_carries_data(
    judge: Callable[[str], None],
) -> None:
    """P0 to P7, each within its limit."""
    judge("CANON-001")


def test_a_throttle_is_seen_at_its_rate_and_is_gone_afterwards(
    judge: Callable[[str], None],
) -> None:
    """The rate that the bench injects is the rate that a user gets, and only while it lasts."""
    judge("THR-001")
