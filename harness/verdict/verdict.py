"""Verdicts of TTCN-3 (ES 201 873-1, 24): ordered, merged by maximum."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Verdict(IntEnum):
    """What a case, a phase or a run came to; a greater one overrules a smaller one."""

    NONE = 0
    PASS = 1
    INCONC = 2
    FAIL = 3
    ERROR = 4

    @property
    def word(self) -> str:
        """The verdict as it is written to records: lower case."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Verdict:
        """Read what `word` wrote; an unknown word is a KeyError."""
        return cls[word.upper()]


def merge(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the greatest verdict; NONE of none."""
    return max(verdicts, default=Verdict.NONE)
