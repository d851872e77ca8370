"""The phases of the canonical test and what ends each of them. Pure.

A phase ends with the first evidence of it, whoever gives it: the router by its vendor's report or
by 27.007, the access server by its event log, the bench by what it saw itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from harness.core.units import NS_PER_S


class Phase(IntEnum):
    """One step in the life of a cloud SIM (requirements.md 1.0)."""

    P0_BOOT = 0
    P1_SEED_ATTACH = 1
    P2_LOCATION = 2
    P3_SELECTION = 3
    P4_DOWNLOAD = 4
    P5_HELD = 5
    P6_CARRIER_ATTACH = 6
    P7_DATA_UP = 7

    @property
    def short(self) -> str:
        """The name as tables show it, for example `P6`."""
        return f"P{self.value}"

    @property
    def limit_name(self) -> str:
        """Name of its limit in limits.toml."""
        return f"phase.{self.name.lower()}"

    @property
    def title(self) -> str:
        """The name in words, for example `carrier attach`."""
        return self.name.split("_", 1)[1].replace("_", " ").lower()


SERVER_SAYS: Final = MappingProxyType(
    {
        "login": Phase.P1_SEED_ATTACH,
        "location": Phase.P2_LOCATION,
        "selected": Phase.P3_SELECTION,
        "download_finished": Phase.P4_DOWNLOAD,
        "held": Phase.P5_HELD,
    }
)
"""Which event of the access server ends which phase."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """The end of a phase.

    Attributes:
        phase: The phase that ended.
        t_ns: When, in monotonic nanoseconds of the bench.
        source: Who said so: `router`, `access_server`, `bench`.
    """

    phase: Phase
    t_ns: int
    source: str


class Milestones:
    """Ends of phases as they become known, from the power-on of one boot.

    Attributes:
        start_ns: Power-on, in monotonic nanoseconds.
    """

    def __init__(self, start_ns: int) -> None:
        self.start_ns = start_ns
        self._found: dict[Phase, Milestone] = {}

    def note(self, phase: Phase, t_ns: int, source: str) -> bool:
        """Note evidence that a phase has ended; tell whether it is news.

        Evidence of a phase is evidence of the earlier ones too: a router that downloads a profile
        has attached with its seed SIM. The earlier evidence of a phase wins.
        """
        news = False
        for earlier in Phase:
            if earlier > phase:
                break
            known = self._found.get(earlier)
            if known is None or (earlier is phase and t_ns < known.t_ns):
                news = news or known is None
                self._found[earlier] = Milestone(phase=earlier, t_ns=t_ns, source=source)
        return news

    def reached(self, phase: Phase) -> Milestone | None:
        """Return the end of a phase, None while it is not known."""
        return self._found.get(phase)

    def current(self) -> Phase | None:
        """Return the first phase that has not ended; None after the last."""
        return next((phase for phase in Phase if phase not in self._found), None)

    def started_ns(self, phase: Phase) -> int:
        """Return when a phase began: when the one before it ended, or at power-on."""
        for earlier in reversed(range(phase)):
            milestone = self._found.get(Phase(earlier))
            if milestone is not None:
                return milestone.t_ns
        return self.start_ns

    def duration_s(self, phase: Phase) -> float | None:
        """Return how long a phase took, in seconds; None while it has not ended."""
        milestone = self._found.get(phase)
        if milestone is None:
            return None
        return max(0, milestone.t_ns - self.started_ns(phase)) / NS_PER_S
