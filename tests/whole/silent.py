"""A run that nobody waits for."""

from __future__ import annotations

from harness.verdict.verdict import Verdict


class Silent:
    """Nobody waits."""

    def started(self, step: str, limit_s: float | None) -> None:
        """Say nothing."""

    def ended(self, step: str, verdict: Verdict, text: str) -> None:
        """Say nothing."""
