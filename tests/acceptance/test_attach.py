"""Attaching as the SIM that was given."""

from __future__ import annotations

from collections.abc import Callable


def test_on_each_carrier_all_parties_name_the_same_card(judge: Callable[[str], None]) -> None:
    """P0 to P7 on four carriers; ICCID, IMSI, PLMN and address agree."""
    judge("CS-ATT-001")


def test_a_card_refused_for_good_is_not_tried_again(judge: Callable[[str], None]) -> None:
    """Ten causes, each followed by another card."""
    judge("CS-ATT-002")


def test_a_card_refused_for_a_moment_is_tried_again(judge: Callable[[str], None]) -> None:
    """By the same card, at most five times."""
    judge("CS-ATT-003")


def test_a_late_answer_of_the_card_is_borne(judge: Callable[[str], None]) -> None:
    """The carrier asks twice."""
    judge("CS-ATT-004")


def test_an_sqn_that_fell_behind_is_resynchronised(judge: Callable[[str], None]) -> None:
    """Once."""
    judge("CS-ATT-005")


def test_data_come_back_after_a_loss_of_coverage(judge: Callable[[str], None]) -> None:
    """Of the carrier, and of all."""
    judge("CS-ATT-006")


def test_a_silent_carrier_is_left_for_another(judge: Callable[[str], None]) -> None:
    """By a SIM of another carrier."""
    judge("CS-ATT-007")


def test_attach_on_attach_is_a_distribution(judge: Callable[[str], None]) -> None:
    """Ten times, with median and 95th percentile."""
    judge("CS-ATT-008")
