"""A SIM that its carrier slows down."""

from __future__ import annotations

from collections.abc import Callable


def test_a_throttled_sim_is_replaced_and_the_line_recovers(judge: Callable[[str], None]) -> None:
    """Seen, ascribed, replaced by another SIM, and fast again."""
    judge("CS-THR-001")


def test_a_dip_of_three_seconds_changes_nothing(judge: Callable[[str], None]) -> None:
    """The router keeps its SIM."""
    judge("CS-THR-002")
