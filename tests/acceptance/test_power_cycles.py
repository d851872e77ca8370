"""A router that comes up every time, whenever the power went."""

from __future__ import annotations

from collections.abc import Callable


def test_every_power_cycle_ends_with_data(judge: Callable[[str], None]) -> None:
    """A distribution, not one boot."""
    judge("CS-BOOT-001")


def test_a_power_cut_in_the_middle_is_survived(judge: Callable[[str], None]) -> None:
    """During download, attach and change of SIM."""
    judge("CS-BOOT-002")
