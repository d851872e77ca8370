"""Errors of the virtual bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class WorldError(Exception):
    """The virtual bench cannot be built; the text says what to do."""


class Refused(Exception):  # noqa: N818 - an answer with a status, not a mistake of ours
    """A request that the access server answers with an error.

    Attributes:
        status: HTTP status.
        error: Its name.
        facts: More of the answer.
    """

    def __init__(self, status: int, error: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error
        self.facts = dict(facts or {})
