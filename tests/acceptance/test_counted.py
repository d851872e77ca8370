"""Plans, tiers and counters."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("case_id", ["CS-CAP25-001", "CS-CAP25-003"])
def test_a_cap_holds_at_its_byte_and_rate(judge: Callable[[str], None], case_id: str) -> None:
    """The plan of 25 GB, and tiers over a power cycle."""
    judge(case_id)


@pytest.mark.parametrize("case_id", ["CS-ACC-001", "CS-ACC-002"])
def test_all_count_the_same(judge: Callable[[str], None], case_id: str) -> None:
    """Router, access server and carrier against the tap, also over a power cycle."""
    judge(case_id)
