"""What a router takes for a profile, and what it lets be seen of it."""

from __future__ import annotations

from collections.abc import Callable


def test_a_foreign_certificate_is_refused(judge: Callable[[str], None]) -> None:
    """No login at a server that only looks like ours."""
    judge("CS-DL-004")


def test_the_seed_bearer_carries_nothing_in_clear(judge: Callable[[str], None]) -> None:
    """TLS to the access server and DNS, nothing else."""
    judge("CS-DL-006")
