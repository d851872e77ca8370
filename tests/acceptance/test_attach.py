"""Attaching as the SIM that was given."""

from __future__ import annotations

from collections.abc import Callable


def test_on_each_carrier_all_parties_name_the_same_card(judge: Callable[[str], None]) -> None:
    """P0 to P7 on four carriers; ICCID, IMSI, PLMN and address agree."""
    judge("CS-ATT-001")
