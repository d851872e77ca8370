"""A SIM that its carrier slows down."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.procedure.replaced import RATE_CASES


def test_a_throttled_sim_is_replaced_and_the_line_recovers(judge: Callable[[str], None]) -> None:
    """Seen, ascribed, replaced by another SIM, and fast again."""
    judge("CS-THR-001")


def test_a_dip_of_three_seconds_changes_nothing(judge: Callable[[str], None]) -> None:
    """The router keeps its SIM."""
    judge("CS-THR-002")


@pytest.mark.parametrize("case_id", [case.info.id for case in RATE_CASES])
def test_each_throttle_is_left(judge: Callable[[str], None], case_id: str) -> None:
    """128 kbit/s to 3 Mbit/s, shaped and policed."""
    judge(case_id)
