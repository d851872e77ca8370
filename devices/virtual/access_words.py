"""What the access server's log says of answers that it gave."""

from __future__ import annotations

import hashlib


def digest_of(res: bytes) -> str:
    """Return what tells two responses apart without showing them."""
    return hashlib.sha256(res).hexdigest()[:8]


class ToldRules:
    """The speed rules that each router was told last."""

    def __init__(self) -> None:
        self._told: dict[str, list[dict[str, int]]] = {}

    def news(self, imei: str, rules: list[dict[str, int]]) -> str:
        """Return rules in words when a router is told them anew, nothing when it knew them."""
        if rules == self._told.get(imei, []):
            return ""
        self._told[imei] = rules
        words = (f"{rule['rate_bps']} bit/s after {rule['after_bytes']} B" for rule in rules)
        return ", ".join(words) or "none"
