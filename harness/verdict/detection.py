"""What a suite catches of planted faults, and whom it blames: trials, matrix, goal. Pure.

A suite that only ever saw a healthy router proves nothing. Each planted fault is tried once and
ends as one of five outcomes; the goal is over all of them, so a try that broke counts against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.core.party import Party
from harness.verdict.verdict import Verdict

CAUGHT_SHARE: Final = 1.0
"""Share of the planted faults that must be caught."""
RIGHT_SHARE: Final = 0.95
"""Share of the planted faults whose owner must be named rightly."""
DONT_KNOW: Final = "don't know"
NOT_CAUGHT: Final = "not caught"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedFault:
    """One line of a virtual bench's catalogue.

    Attributes:
        name: The switch.
        title: A few words for a table.
        party: Who is at fault.
        symptom: What is seen from outside, one sentence.
        case: Id of the case that must catch it.
    """

    name: str
    title: str
    party: Party
    symptom: str
    case: str


class Outcome(StrEnum):
    """What a try came to."""

    RIGHT = "right"
    UNKNOWN = "don't know"
    WRONG = "wrong party"
    MISSED = "missed"
    BROKE = "broke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One planted fault, tried.

    Attributes:
        fault: What was planted.
        verdict: What the suite came to; None when it did not come to one.
        owner: Whom it blamed; None is "don't know".
        by: Id of the case that did not pass, empty when none.
        cause: Why, in the suite's words; how it broke when there is no verdict.
        took_s: How long it took, in seconds.
    """

    fault: PlantedFault
    verdict: Verdict | None
    owner: Party | None
    by: str
    cause: str
    took_s: float

    @property
    def outcome(self) -> Outcome:
        """What it came to; a case that was not run has caught nothing."""
        if self.verdict is None:
            return Outcome.BROKE
        if self.verdict <= Verdict.PASS:
            return Outcome.MISSED
        if self.owner is None:
            return Outcome.UNKNOWN
        return Outcome.RIGHT if self.owner is self.fault.party else Outcome.WRONG

    @property
    def blamed(self) -> str:
        """Column of the matrix that it belongs to."""
        if self.outcome in {Outcome.MISSED, Outcome.BROKE}:
            return NOT_CAUGHT
        return self.owner.value if self.owner else DONT_KNOW


COLUMNS: Final = (*(party.value for party in Party), DONT_KNOW, NOT_CAUGHT)
"""Columns of the confusion matrix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What all tries together came to.

    Attributes:
        trials: The tries.
    """

    trials: Sequence[Trial]

    def count(self, *outcomes: Outcome) -> int:
        """Return how many tries came to one of these."""
        return sum(trial.outcome in outcomes for trial in self.trials)

    @property
    def caught(self) -> int:
        """How many did not pass unseen."""
        return self.count(Outcome.RIGHT, Outcome.UNKNOWN, Outcome.WRONG)

    @property
    def matrix(self) -> dict[Party, dict[str, int]]:
        """Tries by who was at fault and who was blamed."""
        cells = Counter((trial.fault.party, trial.blamed) for trial in self.trials)
        return {party: {name: cells[party, name] for name in COLUMNS} for party in Party}

    def shortfalls(self) -> list[str]:
        """Say in which ways the goal is missed; nothing when it is reached."""
        n = len(self.trials)
        if n == 0:
            return ["nothing was tried"]
        found = []
        if self.caught < CAUGHT_SHARE * n:
            found.append(f"{self.caught} of {n} are caught, goal {CAUGHT_SHARE:.0%}")
        right = self.count(Outcome.RIGHT)
        if right < RIGHT_SHARE * n:
            found.append(f"{right} of {n} have the right owner, goal {RIGHT_SHARE:.0%}")
        found += [
            f"{trial.fault.name} is a fault of the bench and {trial.blamed} is blamed"
            for trial in self.trials
            if trial.fault.party is Party.BENCH and trial.outcome is Outcome.WRONG
        ]
        return found


def quick_sample(
    faults: Sequence[PlantedFault], cost_s: Mapping[str, float], *, per_party: int
) -> tuple[PlantedFault, ...]:
    """Return the faults of each party whose cases are the quickest, each case once.

    Args:
        faults: The whole catalogue.
        cost_s: Seconds by id of a case; a fault whose case is missing here is left out.
        per_party: How many of each party at most.
    """
    found: list[PlantedFault] = []
    for party in Party:
        own = [fault for fault in faults if fault.party is party and fault.case in cost_s]
        first = {fault.case: fault for fault in reversed(own)}
        found += sorted(first.values(), key=lambda fault: cost_s[fault.case])[:per_party]
    return tuple(found)
