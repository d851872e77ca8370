"""A profile that is held whole or not at all, and gone when it was given back."""

from __future__ import annotations

from collections.abc import Callable


def test_power_cuts_during_installation_are_survived(judge: Callable[[str], None]) -> None:
    """Twenty moments, each followed by another start."""
    judge("CS-HOLD-001")


def test_a_released_profile_is_erased(judge: Callable[[str], None]) -> None:
    """At once, and still after a boot."""
    judge("CS-HOLD-002")


def test_a_factory_reset_erases_the_profile(judge: Callable[[str], None]) -> None:
    """It is downloaded anew."""
    judge("CS-HOLD-003")
