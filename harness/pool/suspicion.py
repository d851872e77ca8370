"""What the finder of slow SIMs is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from harness.pool.contract import Contract


class Mechanism(StrEnum):
    """What makes a SIM slow."""

    SHAPER = "shaper"
    POLICER = "policer"
    SHORT_WINDOW = "short_window"
    CARRIER_WIDE = "carrier_wide"


class Cause(StrEnum):
    """What else makes a measurement slow."""

    SIGNAL = "weak_signal"
    CELL = "congested_cell"
    SERVER = "slow_server"
    BENCH = "slow_bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A router that a SIM can be put on.

    Attributes:
        router: Its name.
        cell_of: The cell it is in, by carrier.
        signal_dbm: RSRP by carrier, in dBm; what is missing is not known to be weak.
    """

    router: str
    cell_of: Mapping[str, str]
    signal_dbm: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a router's own traffic showed of a SIM in one hour.

    Attributes:
        hour: Hours since 1970.
        router: Where the SIM was.
        peak_bps: The fastest second, in bit/s; a lower bound of what was possible.
    """

    hour: int
    router: str
    peak_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimUnderSuspicion:
    """A SIM to be judged.

    Attributes:
        sim: Its name.
        contract: Its terms.
        used_bytes: Counted since its last reset.
        window_bytes: Counted in the days of its short-window rule.
        seen: Its own traffic, by hour, oldest first.
    """

    sim: str
    contract: Contract
    used_bytes: int
    window_bytes: int
    seen: Sequence[Seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One cheap active measurement.

    Attributes:
        rate_bps: Goodput, in bit/s.
        policed: Whether losses, not delay, held it back.
        burnt_bytes: What it cost.
        took_s: How long it took, with putting the SIM there.
    """

    rate_bps: float
    policed: bool
    burnt_bytes: int
    took_s: float


class Prober(Protocol):
    """What measures."""

    def probe(self, sim: str, router: str, server: str) -> Probe:
        """Put `sim` on `router` and measure towards `server`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SimFinding:
    """What was found of one SIM.

    Attributes:
        sim: Its name.
        slow: True, False, or None when it could not be decided.
        rate_bps: How fast it is when slow.
        mechanism: By what, when slow.
        since_hour: First hour after the last one in which it was seen faster; None if never seen.
        evidence: The probes or traffic behind it, in words.
    """

    sim: str
    slow: bool | None
    rate_bps: float | None
    mechanism: Mechanism | None
    since_hour: int | None
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A finished search.

    Attributes:
        findings: One for each SIM.
        causes: Elements that held measurements back, with what they are.
        probes: How many probes were made.
        burnt_bytes: What they cost.
        took_s: How long the busiest router was at it.
    """

    findings: Sequence[SimFinding]
    causes: Mapping[str, Cause]
    probes: int
    burnt_bytes: int
    took_s: float
