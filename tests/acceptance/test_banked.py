"""Which SIM is given, and what the bank lists."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("case_id", ["CS-QUAR-001", "CS-THR-AS-001", "CS-THR-003"])
def test_a_bad_sim_is_not_given(judge: Callable[[str], None], case_id: str) -> None:
    """Quarantined, listed as throttled, or found slow by the router before a power cycle."""
    judge(case_id)


@pytest.mark.parametrize("case_id", ["CS-REG-001", "CS-BANK-001"])
def test_the_list_of_the_bank_is_right(judge: Callable[[str], None], case_id: str) -> None:
    """Nothing unknown counts as healthy, and each card is there once."""
    judge(case_id)
