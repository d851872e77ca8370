"""What begins and ends at a date, what a carrier holds a line to, and the router's clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    "case_id", ["CS-CAP25-002", "CS-RESET-001", "CS-RESET-002", "CS-RESET-003"]
)
def test_a_month_begins_anew(judge: Callable[[str], None], case_id: str) -> None:
    """At 00:00 in Japan after 29 February: the plan, the line, and what the bank believes."""
    judge(case_id)


def test_a_suspension_begins_at_nine(judge: Callable[[str], None]) -> None:
    """It serves at 08:59 of the next day, rests at 09:00, and comes back."""
    judge("CS-SUSP-001")


def test_time_and_zone_are_right_after_a_change(judge: Callable[[str], None]) -> None:
    """The clock of the router is the world's."""
    judge("CS-TIME-001")


@pytest.mark.parametrize("case_id", ["CS-CAP-002", "CS-THR-ID-001"])
def test_a_slow_sim_is_measured(judge: Callable[[str], None], case_id: str) -> None:
    """At its contract's rate, and told apart from those that are not slow."""
    judge(case_id)
