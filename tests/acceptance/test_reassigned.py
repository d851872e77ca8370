"""Another SIM, by order and by quota."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("case_id", ["CS-REB-001", "CS-REB-003", "CS-CAP-001"])
def test_another_sim_is_taken(judge: Callable[[str], None], case_id: str) -> None:
    """By order, four times in a row, and when the quota is used up."""
    judge(case_id)


@pytest.mark.slow
def test_fifty_changes_leave_nothing_behind(judge: Callable[[str], None]) -> None:
    """The soak: about three minutes."""
    judge("CS-REB-002")
