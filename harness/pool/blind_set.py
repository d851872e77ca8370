"""A blind truth set for the finder: k of N SIMs slow, mixed with everything that only seems so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from harness.core.units import BITS_PER_BYTE
from harness.pool.contract import NO_SHORT_WINDOW, Contract, ResetRule, ShortWindow
from harness.pool.finder import find_slow_sims
from harness.pool.suspicion import (
    Mechanism,
    Place,
    Probe,
    Search,
    Seen,
    SimUnderSuspicion,
)

SLOW_BELOW_BPS: Final = 3_000_000.0
_CARRIERS: Final = ("44010", "44020", "44051")
_SLOW_RATES_BPS: Final = (128_000.0, 200_000.0, 384_000.0, 1_000_000.0)
_NOW: Final = 439_500
_HOURS: Final = 24
_NOISE: Final = 0.03
_WANDERS: Final = 0.35
_FLAG_RIGHT: Final = 0.98
_PROBE_S: Final = 0.5
_LEAST_PROBE_BYTES: Final = 49_000
_PUT_THERE_S: Final = 8.0
_GOOD_DBM: Final = -90.0
_WEAK_DBM: Final = -119.0
_WEAK_SHARE: Final = 0.12
_WINDOWED_SHARE: Final = 0.5
_HONEST_SHARE: Final = 0.67


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowSim:
    """The truth of one slow SIM."""

    rate_bps: float
    mechanism: Mechanism
    since_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSet:
    """A bench whose truth the finder does not see.

    Attributes:
        sims: What the finder is given.
        places: The routers.
        servers: The servers.
        slow: The truth, by SIM.
        limits_bps: What each path element lets through; those not named let all through.
        seed: The random seed.
    """

    sims: Sequence[SimUnderSuspicion]
    places: Sequence[Place]
    servers: Sequence[str]
    slow: Mapping[str, SlowSim]
    limits_bps: Mapping[str, float]
    seed: int


class VirtualProber:
    """Measures in the blind set."""

    def __init__(self, blind: BlindSet) -> None:
        self._blind = blind
        self._random = Random(blind.seed + 1)  # noqa: S311 - a virtual bench, not a secret
        self._carrier = {sim.sim: sim.contract.carrier for sim in blind.sims}
        self._places = {place.router: place for place in blind.places}

    def probe(self, sim: str, router: str, server: str) -> Probe:
        """Measure with 3 % noise; a probe of a slow SIM costs 49 kB, of a fast one megabytes."""
        carrier = self._carrier[sim]
        cell = self._places[router].cell_of[carrier]
        path = _path_bps(self._blind.limits_bps, self._random, router, carrier, cell, server)
        slow = self._blind.slow.get(sim)
        own_bps = slow.rate_bps if slow else 40_000_000.0
        rate_bps = min(own_bps, path) * self._random.lognormvariate(0.0, _NOISE)
        policed = slow is not None and slow.mechanism is Mechanism.POLICER and own_bps <= path
        if self._random.random() > _FLAG_RIGHT:
            policed = not policed
        burnt = max(_LEAST_PROBE_BYTES, round(rate_bps / BITS_PER_BYTE * _PROBE_S))
        return Probe(
            rate_bps=rate_bps, policed=policed, burnt_bytes=burnt, took_s=_PUT_THERE_S + _PROBE_S
        )


def _path_bps(
    limits: Mapping[str, float], random: Random, router: str, carrier: str, cell: str, server: str
) -> float:
    """Bandwidth of everything but the SIM; what is congested wanders."""
    found = math.inf
    for name in (
        f"router {router}",
        f"signal {router} {carrier}",
        f"cell {cell}",
        f"server {server}",
    ):
        if name in limits:
            found = min(found, limits[name] * random.lognormvariate(0.0, _WANDERS))
    return found


def make_blind_set(*, seed: int, sims: int = 100, slow: int = 10, routers: int = 20) -> BlindSet:
    """Draw a bench: `slow` of `sims` SIMs throttled, and every other cause among the paths."""
    random = Random(seed)  # noqa: S311 - a virtual bench, not a secret
    places = [_place(random, number) for number in range(routers)]
    limits: dict[str, float] = {"server s2": 800_000.0}
    for place in places:
        for carrier in _CARRIERS:
            if place.signal_dbm[carrier] <= _WEAK_DBM:
                limits[f"signal {place.router} {carrier}"] = random.uniform(2e5, 1e6)
    for place in random.sample(places, max(1, routers // 10)):
        limits[f"router {place.router}"] = random.uniform(3e5, 1.5e6)
    cells = sorted({cell for place in places for cell in place.cell_of.values()})
    for cell in random.sample(cells, max(1, len(cells) // 6)):
        limits[f"cell {cell}"] = random.uniform(2e5, 1.2e6)
    names = [f"S{number:03d}" for number in range(sims)]
    chosen = random.sample(names, slow)
    truth = {name: _slow_sim(random) for name in chosen}
    if seed % 4 == 0:  # one set in four: a whole carrier is regulated
        for number, name in enumerate(names):
            if _CARRIERS[number % 3] == _CARRIERS[2]:
                truth[name] = SlowSim(
                    rate_bps=384_000.0, mechanism=Mechanism.CARRIER_WIDE, since_hour=_NOW - 6
                )
    under = [
        _sim(random, name, _CARRIERS[number % 3], truth.get(name), places, limits)
        for number, name in enumerate(names)
    ]
    return BlindSet(
        sims=under,
        places=places,
        servers=("s1", "s2", "s3"),
        slow=truth,
        limits_bps=limits,
        seed=seed,
    )


def _place(random: Random, number: int) -> Place:
    location = number // 2  # two routers at one place share its cells
    return Place(
        router=f"r{number:02d}",
        cell_of={carrier: f"{carrier}-{location}" for carrier in _CARRIERS},
        signal_dbm={
            carrier: _WEAK_DBM if random.random() < _WEAK_SHARE else _GOOD_DBM
            for carrier in _CARRIERS
        },
    )


def _slow_sim(random: Random) -> SlowSim:
    mechanism = random.choice((Mechanism.SHAPER, Mechanism.POLICER, Mechanism.SHORT_WINDOW))
    return SlowSim(
        rate_bps=random.choice(_SLOW_RATES_BPS),
        mechanism=mechanism,
        since_hour=_NOW - random.randrange(1, _HOURS),
    )


def _sim(
    random: Random,
    name: str,
    carrier: str,
    slow: SlowSim | None,
    places: Sequence[Place],
    limits: Mapping[str, float],
) -> SimUnderSuspicion:
    quota = 60_000_000_000
    by_window = slow is not None and slow.mechanism is Mechanism.SHORT_WINDOW
    by_quota = slow is not None and slow.mechanism in {Mechanism.SHAPER, Mechanism.POLICER}
    contract = Contract(
        carrier=carrier,
        plan="60 GB",
        quota_bytes=quota,
        reset=ResetRule(day=1, hour=0, zone="Asia/Tokyo"),
        throttle_rate_bps=None,  # the set is blind: nobody tells the finder the rate
        short_window=ShortWindow(days=3, limit_bytes=6_000_000_000)
        if random.random() < _WINDOWED_SHARE or by_window
        else NO_SHORT_WINDOW,
        source="",
        disclosed=False,
    )
    # Counters of a third of the slow SIMs are the operator's wrong ones: they do not show it.
    honest = random.random() < _HONEST_SHARE
    used = quota + 1 if by_quota and honest else random.randrange(quota)
    return SimUnderSuspicion(
        sim=name,
        contract=contract,
        used_bytes=min(used, quota - 1) if by_window else used,
        window_bytes=7_000_000_000 if by_window else random.randrange(5_000_000_000),
        seen=_own_traffic(random, carrier, slow, places, limits),
    )


def _own_traffic(
    random: Random,
    carrier: str,
    slow: SlowSim | None,
    places: Sequence[Place],
    limits: Mapping[str, float],
) -> Sequence[Seen]:
    """What routers saw: idle in some hours, held back by demand in most, at the limit in few."""
    found = []
    for hour in range(_NOW - _HOURS, _NOW):
        place = random.choice(places)
        cell = place.cell_of[carrier]
        path = _path_bps(limits, random, place.router, carrier, cell, "s1")
        own = slow.rate_bps if slow and hour >= slow.since_hour else 40_000_000.0
        demand = random.choice((0.0, 0.0, 300_000.0, 2_000_000.0, 12_000_000.0))
        found.append(Seen(hour=hour, router=place.router, peak_bps=min(own, path, demand)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FinderScore:
    """How the finder did on one blind set, or on several together.

    Attributes:
        sets: Number of sets.
        slow: Slow SIMs in truth.
        precision: Share of the SIMs called slow that are.
        recall: Share of the slow SIMs that were called slow.
        undecided: SIMs that were left open.
        mechanism_right: Share of the slow SIMs found whose mechanism is right.
        rate_error: Mean relative error of their rate.
        causes_named: Path elements that were blamed.
        causes_right: Share of them that do hold back.
        burnt_bytes: Bytes burnt a set, mean.
        took_s: Virtual time a set, mean.
        worst_took_s: The longest.
        probes: Probes a set, mean.
    """

    sets: int
    slow: int
    precision: float
    recall: float
    undecided: int
    mechanism_right: float
    rate_error: float
    causes_named: int
    causes_right: float
    burnt_bytes: float
    took_s: float
    worst_took_s: float
    probes: float

    @property
    def text(self) -> str:
        """One line for a person."""
        return (
            f"{self.sets} blind sets, {self.slow} slow SIMs: precision {self.precision:.4f}, "
            f"recall {self.recall:.4f}, {self.undecided} undecided, mechanism right "
            f"{100 * self.mechanism_right:.1f} %, rate off {100 * self.rate_error:.1f} %, "
            f"{self.causes_named} other causes named, {100 * self.causes_right:.1f} % right; "
            "a set: "
            f"{self.probes:.0f} probes, {self.burnt_bytes / 1e6:.1f} MB, {self.took_s:.0f} s "
            f"(longest {self.worst_took_s:.0f} s)"
        )


def score_finder(
    seeds: Sequence[int],
    *,
    budget_bytes: int = 2_000_000_000,
    sims: int = 100,
    slow: int = 10,
    routers: int = 20,
) -> FinderScore:
    """Run the finder on a blind set for each random seed and compare with the truth."""
    pairs = []
    for seed in seeds:
        blind = make_blind_set(seed=seed, sims=sims, slow=slow, routers=routers)
        search = find_slow_sims(
            blind.sims,
            blind.places,
            blind.servers,
            VirtualProber(blind),
            slow_below_bps=SLOW_BELOW_BPS,
            budget_bytes=budget_bytes,
        )
        pairs.append((blind, search))
    return _score(pairs)


def _score(pairs: Sequence[tuple[BlindSet, Search]]) -> FinderScore:
    called = [(b, f) for b, search in pairs for f in search.findings if f.slow]
    hits = [(b.slow[f.sim], f) for b, f in called if f.sim in b.slow]
    slow = sum(len(b.slow) for b, _ in pairs)
    count = len(pairs)
    right = sum(truth.mechanism is found.mechanism for truth, found in hits)
    off = sum(abs((f.rate_bps or 0.0) / truth.rate_bps - 1.0) for truth, f in hits)
    causes = [cause in b.limits_bps for b, search in pairs for cause in search.causes]
    return FinderScore(
        sets=count,
        slow=slow,
        precision=len(hits) / max(len(called), 1),
        recall=len(hits) / max(slow, 1),
        undecided=sum(f.slow is None for _, search in pairs for f in search.findings),
        mechanism_right=right / max(len(hits), 1),
        rate_error=off / max(len(hits), 1),
        causes_named=len(causes),
        causes_right=sum(causes) / max(len(causes), 1),
        burnt_bytes=sum(search.burnt_bytes for _, search in pairs) / count,
        took_s=sum(search.took_s for _, search in pairs) / count,
        worst_took_s=max(search.took_s for _, search in pairs),
        probes=sum(search.probes for _, search in pairs) / count,
    )
