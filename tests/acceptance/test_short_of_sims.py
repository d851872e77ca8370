"""A pool without a healthy SIM."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("case_id", ["CS-DRY-001", "CS-DRY-002"])
def test_a_dry_pool_is_borne_in_order(judge: Callable[[str], None], case_id: str) -> None:
    """At power-on and in service: no storm, and service again after the refill."""
    judge(case_id)


def test_slow_everywhere_is_no_reason_to_thrash(judge: Callable[[str], None]) -> None:
    """Every SIM is slow: the router changes a few times at most."""
    judge("CS-THR-004")
