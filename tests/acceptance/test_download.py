"""What a router takes for a profile, and what it lets be seen of it."""

from __future__ import annotations

from collections.abc import Callable


def test_a_foreign_certificate_is_refused(judge: Callable[[str], None]) -> None:
    """No login at a server that only looks like ours."""
    judge("CS-DL-004")


def test_the_seed_bearer_carries_nothing_in_clear(judge: Callable[[str], None]) -> None:
    """TLS to the access server and DNS, nothing else."""
    judge("CS-DL-006")


def test_a_download_on_a_good_bearer_is_quick(judge: Callable[[str], None]) -> None:
    """Seconds, and little more than its bytes."""
    judge("CS-DL-001")


def test_a_download_that_breaks_off_goes_on(judge: Callable[[str], None]) -> None:
    """Not from byte 0 again."""
    judge("CS-DL-002")


def test_a_damaged_profile_is_never_held(judge: Callable[[str], None]) -> None:
    """One chunk or all of them."""
    judge("CS-DL-003")


def test_a_replayed_profile_is_refused(judge: Callable[[str], None]) -> None:
    """The answers of an earlier choice."""
    judge("CS-DL-005")


def test_a_bad_seed_bearer_is_borne(judge: Callable[[str], None]) -> None:
    """Slow, late, lossy: it takes longer."""
    judge("CS-DL-007")


def test_errors_of_the_server_are_survived(judge: Callable[[str], None]) -> None:
    """500 on everything, then late chunks."""
    judge("CS-DL-008")


def test_no_log_shows_an_imsi(judge: Callable[[str], None]) -> None:
    """Neither the router's nor the access server's."""
    judge("CS-DL-009")


def test_a_server_that_is_gone_is_survived(judge: Callable[[str], None]) -> None:
    """And its name, too."""
    judge("CS-DL-010")
