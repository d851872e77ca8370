"""The card in the router's own slot, beside its cloud SIM."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("case_id", ["CS-SW-001", "CS-SW-002", "CS-SW-003"])
def test_cards_are_changed(judge: Callable[[str], None], case_id: str) -> None:
    """Both ways with its PIN, to an empty slot, and pulled under load."""
    judge(case_id)
