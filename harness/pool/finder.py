"""Which SIMs are slow, how slow, since when and by what; and which only seem so.

A fast probe clears everything it went through: SIM, router, cell and server. A slow one blames
one of them, and only when all the others were cleared is it the SIM. So the next probe is chosen
by what it tells per megabyte, over a path that is known to be good as far as there is one; a slow
SIM costs kilobytes to recognise, a fast one megabytes, and what the routers' own traffic shows is
free. Where a carrier has one cell only, as on a desk, a SIM is slow when it was so before and
after another SIM was fast on the same path.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Final

from harness.pool.suspicion import (
    Cause,
    Mechanism,
    Place,
    Probe,
    Prober,
    Search,
    SimFinding,
    SimUnderSuspicion,
)

_STEADY: Final = 0.15
_FEWEST_CELLS: Final = 3
_FEWEST_CLEAR_CELLS: Final = 2
_MOST_TRIES: Final = 8
_MOST_TRIES_ONE_CELL: Final = 3  # more of the same path would tell nothing new
_FAIR_S: Final = 150.0  # a router that was busy for so long lets the others come first
_CARRIER_WIDE_SHARE: Final = 0.9
_FEWEST_OF_CARRIER: Final = 5
_SLOW_PROBE_BYTES: Final = 60_000.0
_FAST_PROBE_BYTES: Final = 2_000_000.0
_WEAK_SIGNAL_DBM: Final = -113.0
_PRIOR_QUIET: Final = 0.15
_PRIOR_LOW: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    router: str
    cell: str
    server: str
    probe: Probe
    number: int  # of all probes, from 1


@dataclass(slots=True, kw_only=True)
class _Hunt:
    sims: Mapping[str, SimUnderSuspicion]
    places: Mapping[str, Place]
    servers: Sequence[str]
    slow_below_bps: float
    best: dict[str, float] = field(default_factory=dict)  # fastest ever through an element
    tried: dict[str, list[_Tried]] = field(default_factory=dict)
    verdict: dict[str, bool] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    busy_s: dict[str, float] = field(default_factory=dict)
    slow_through: dict[str, int] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    fast_on: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)
    """Numbers of the fast probes by router, server, carrier."""

    def blame(self, element: str) -> int:
        return 0 if self.cleared(element) else self.slow_through.get(element, 0)

    @property
    def probes(self) -> int:
        return sum(len(tried) for tried in self.tried.values())

    def has_one_cell(self, carrier: str) -> bool:
        return len({place.cell_of[carrier] for place in self.places.values()}) == 1

    def is_weak(self, router: str, carrier: str) -> bool:
        dbm = self.places[router].signal_dbm.get(carrier)
        return dbm is not None and dbm < _WEAK_SIGNAL_DBM

    def cleared(self, element: str) -> bool:
        return self.best.get(element, 0.0) >= self.slow_below_bps

    def clear(self, elements: Sequence[str], rate_bps: float) -> None:
        for element in elements:
            self.best[element] = max(self.best.get(element, 0.0), rate_bps)


def find_slow_sims(
    sims: Sequence[SimUnderSuspicion],
    places: Sequence[Place],
    servers: Sequence[str],
    prober: Prober,
    *,
    slow_below_bps: float,
    budget_bytes: int,
) -> Search:
    """Decide of each SIM whether it is slow, by as few megabytes as it takes.

    Args:
        sims: The SIMs, with what is known for free.
        places: The routers that they can be put on.
        servers: Servers to measure towards.
        prober: What measures.
        slow_below_bps: Below this goodput a SIM counts as slow.
        budget_bytes: When this is burnt, what is left stays undecided.
    """
    hunt = _Hunt(
        sims={sim.sim: sim for sim in sims},
        places={place.router: place for place in places},
        servers=servers,
        slow_below_bps=slow_below_bps,
    )
    _use_what_is_free(hunt)
    burnt = 0
    while burnt < budget_bytes:
        choice = _next_probe(hunt)
        if choice is None:
            break
        sim, router, server = choice
        probe = prober.probe(sim, router, server)
        burnt += probe.burnt_bytes
        hunt.busy_s[router] = hunt.busy_s.get(router, 0.0) + probe.took_s
        _learn(hunt, sim, router, server, probe)
    findings = [_finding(hunt, sim) for sim in hunt.sims]
    return Search(
        findings=_carrier_wide(hunt, findings),
        causes=_causes(hunt),
        probes=hunt.probes,
        burnt_bytes=burnt,
        took_s=max(hunt.busy_s.values(), default=0.0),
    )


def _elements(hunt: _Hunt, sim: str, router: str, server: str | None) -> Sequence[str]:
    carrier = hunt.sims[sim].contract.carrier
    cell = hunt.places[router].cell_of[carrier]
    # Signal is the router's with one carrier: a clear view of one network says nothing of another.
    path = [f"router {router}", f"signal {router} {carrier}", f"cell {cell}"]
    return path if server is None else [*path, f"server {server}"]


def _use_what_is_free(hunt: _Hunt) -> None:
    newest = max((seen.hour for sim in hunt.sims.values() for seen in sim.seen), default=0)
    for name, sim in hunt.sims.items():
        for seen in sim.seen:
            if seen.hour == newest and seen.peak_bps >= hunt.slow_below_bps:
                hunt.clear(_elements(hunt, name, seen.router, None), seen.peak_bps)
                hunt.verdict[name] = False
                hunt.why[name] = f"own traffic at {seen.peak_bps / 1e6:.1f} Mbit/s in the last hour"


def _chance_slow(hunt: _Hunt, sim: str) -> float:
    """Probability that a SIM is slow, before it is probed."""
    known = hunt.sims[sim]
    quota, window = known.contract.quota_bytes, known.contract.short_window
    if quota is not None and known.used_bytes >= quota:
        return 0.9
    if window is not None and window.days and known.window_bytes >= window.limit_bytes:
        return 0.9
    peers = [v for name, v in hunt.verdict.items() if _carrier(hunt, name) == _carrier(hunt, sim)]
    base = _PRIOR_LOW if known.seen and known.seen[-1].peak_bps > 0 else _PRIOR_QUIET
    return (base + sum(peers)) / (1.0 + len(peers)) if peers else base


def _carrier(hunt: _Hunt, sim: str) -> str:
    return hunt.sims[sim].contract.carrier


def _next_probe(hunt: _Hunt) -> tuple[str, str, str] | None:
    """Choose the probe that tells most per megabyte; None when nothing is left to learn."""
    best: tuple[float, str] | None = None
    for sim in hunt.sims:
        tried = hunt.tried.get(sim, [])
        one_cell = hunt.has_one_cell(_carrier(hunt, sim))
        most = _MOST_TRIES_ONE_CELL if one_cell else _MOST_TRIES
        if sim in hunt.verdict or len(tried) >= most:
            continue
        chance = min(0.98, max(0.02, _chance_slow(hunt, sim)))
        told = -chance * math.log2(chance) - (1 - chance) * math.log2(1 - chance)
        cost = chance * _SLOW_PROBE_BYTES + (1 - chance) * _FAST_PROBE_BYTES
        worth = told / cost * 0.5 ** len(tried)
        if best is None or worth > best[0]:
            best = (worth, sim)
    if best is None:
        return _next_doubt(hunt)
    sim = best[1]
    path = _path_for(hunt, sim)
    return (_control(hunt, sim, *path) or sim, *path)


def _control(hunt: _Hunt, sim: str, router: str, server: str) -> str | None:
    """Return a SIM that is well, to go before `sim` tries the carrier's only cell once more.

    Once for each try: when the path turned slow for everybody, more controls tell nothing.
    """
    carrier = _carrier(hunt, sim)
    tried = hunt.tried.get(sim, [])
    if not tried or not hunt.has_one_cell(carrier):
        return None
    well = [s for s, slow in hunt.verdict.items() if not slow and _carrier(hunt, s) == carrier]
    gone_since = (
        one.number > tried[-1].number and (one.router, one.server) == (router, server)
        for other in well
        for one in hunt.tried.get(other, ())
    )
    return None if any(gone_since) else next(iter(well), None)


def _next_doubt(hunt: _Hunt) -> tuple[str, str, str] | None:
    """Choose a probe that settles which element of a slow path it was, once the SIMs are known.

    A SIM that is well goes through one doubtful element and through nothing else that is.
    """
    well: dict[str, str] = {}  # one SIM a carrier is enough to ask
    for sim, slow in hunt.verdict.items():
        if not slow:
            well.setdefault(_carrier(hunt, sim), sim)
    for element in sorted(hunt.slow_through):
        if not hunt.blame(element) or element in hunt.settled:
            continue
        for sim, router, server in product(well.values(), hunt.places, hunt.servers):
            path = _elements(hunt, sim, router, server)
            if element in path and all(hunt.cleared(e) for e in path if e != element):
                hunt.settled.add(element)
                return sim, router, server
    return None


def _path_for(hunt: _Hunt, sim: str) -> tuple[str, str]:
    """Choose router and server: those cleared first, a strong signal next, an idle router last."""
    carrier = _carrier(hunt, sim)
    used = {(t.router, t.server) for t in hunt.tried.get(sim, [])}
    cells = {t.cell for t in hunt.tried.get(sim, [])}

    def rank(path: tuple[str, str]) -> tuple[float, ...]:
        router, server = path
        place = hunt.places[router]
        cleared = sum(hunt.cleared(e) for e in _elements(hunt, sim, router, server))
        blamed = sum(hunt.blame(e) for e in _elements(hunt, sim, router, server))
        weak = hunt.is_weak(router, carrier)
        again = path in used
        new_cell = place.cell_of[carrier] not in cells
        busy = hunt.busy_s.get(router, 0.0)
        return (again, not new_cell, busy // _FAIR_S, -cleared, weak, blamed, busy)

    paths = [(router, server) for router in sorted(hunt.places) for server in hunt.servers]
    return min(paths, key=rank)


def _learn(hunt: _Hunt, sim: str, router: str, server: str, probe: Probe) -> None:
    elements = _elements(hunt, sim, router, server)
    cell = hunt.places[router].cell_of[_carrier(hunt, sim)]
    tried = hunt.tried.setdefault(sim, [])
    number = hunt.probes + 1
    tried.append(_Tried(router=router, cell=cell, server=server, probe=probe, number=number))
    if probe.rate_bps >= hunt.slow_below_bps:
        hunt.fast_on.setdefault((router, server, _carrier(hunt, sim)), []).append(number)
        hunt.clear(elements, probe.rate_bps)
        hunt.verdict[sim] = False
        hunt.why[sim] = f"{probe.rate_bps / 1e6:.1f} Mbit/s or more on {router}"
    else:
        for element in elements:
            hunt.slow_through[element] = hunt.slow_through.get(element, 0) + 1
    _convict(hunt)


def _convict(hunt: _Hunt) -> None:
    """Find the SIMs whose own rate it is: the same in several cells, whatever else wanders.

    Two cells do when everything on both ways was cleared by others; congestion may lift for a
    second, so one does not. Three do in any case.
    """
    for sim, tried in hunt.tried.items():
        if sim in hunt.verdict:
            continue
        top = max(one.probe.rate_bps for one in tried)
        same = [one for one in tried if one.probe.rate_bps * (1 + _STEADY) >= top]
        clear = [
            one
            for one in same
            if all(hunt.cleared(e) for e in _elements(hunt, sim, one.router, one.server))
        ]
        cells, clear_cells = {one.cell for one in same}, {one.cell for one in clear}
        if len(clear_cells) >= _FEWEST_CLEAR_CELLS:
            hunt.verdict[sim] = True
            hunt.why[sim] = (
                f"slow on {' and '.join(o.router for o in clear)}, where others are fast"
            )
        elif len(cells) >= _FEWEST_CELLS:
            hunt.verdict[sim] = True
            hunt.why[sim] = f"the same rate in {len(cells)} cells"
        elif (router := _slow_around_a_fast_one(hunt, sim, same)) is not None:
            hunt.verdict[sim] = True
            hunt.why[sim] = f"slow on {router} before and after another SIM was fast there"


def _slow_around_a_fast_one(hunt: _Hunt, sim: str, same: Sequence[_Tried]) -> str | None:
    """Return the router on which another SIM was fast between two slow probes of this one.

    Only where the carrier has one cell: several cells tell more.
    """
    carrier = _carrier(hunt, sim)
    if not hunt.has_one_cell(carrier):
        return None
    for first, then in pairwise(same):
        path = (first.router, first.server)
        fast = hunt.fast_on.get((*path, carrier), ())
        between = any(first.number < at < then.number for at in fast)
        if between and path == (then.router, then.server):
            return first.router
    return None


def _finding(hunt: _Hunt, sim: str) -> SimFinding:
    slow = hunt.verdict.get(sim)
    tried = hunt.tried.get(sim, [])
    if not slow:
        why = hunt.why.get(sim, f"{len(tried)} slow probes, none over a path that was cleared")
        return SimFinding(
            sim=sim, slow=slow, rate_bps=None, mechanism=None, since_hour=None, evidence=why
        )
    rate_bps = max(one.probe.rate_bps for one in tried)
    known = hunt.sims[sim]
    faster = [seen.hour for seen in known.seen if seen.peak_bps > 2 * rate_bps]
    window = known.contract.short_window
    quota = known.contract.quota_bytes
    over_window = window is not None and window.days and known.window_bytes >= window.limit_bytes
    if over_window and (quota is None or known.used_bytes < quota):
        mechanism = Mechanism.SHORT_WINDOW
    else:
        policed = sum(one.probe.policed for one in tried) * 2 > len(tried)
        mechanism = Mechanism.POLICER if policed else Mechanism.SHAPER
    return SimFinding(
        sim=sim,
        slow=True,
        rate_bps=rate_bps,
        mechanism=mechanism,
        since_hour=max(faster) + 1 if faster else None,
        evidence=hunt.why[sim],
    )


def _carrier_wide(hunt: _Hunt, findings: Sequence[SimFinding]) -> Sequence[SimFinding]:
    """Name a regulation of the whole carrier: nearly all its SIMs slow, at one rate."""
    wide: set[str] = set()
    for carrier in sorted({_carrier(hunt, sim) for sim in hunt.sims}):
        mine = [f for f in findings if _carrier(hunt, f.sim) == carrier]
        rates = sorted(f.rate_bps for f in mine if f.rate_bps is not None)
        if len(rates) < max(_FEWEST_OF_CARRIER, _CARRIER_WIDE_SHARE * len(mine)):
            continue
        middle = rates[len(rates) // 2]
        same = sum(abs(rate - middle) <= _STEADY * middle for rate in rates)
        if same >= _CARRIER_WIDE_SHARE * len(rates):
            wide.add(carrier)
    return [
        SimFinding(
            sim=f.sim,
            slow=f.slow,
            rate_bps=f.rate_bps,
            mechanism=Mechanism.CARRIER_WIDE,
            since_hour=f.since_hour,
            evidence=f.evidence,
        )
        if f.slow and _carrier(hunt, f.sim) in wide
        else f
        for f in findings
    ]


def _causes(hunt: _Hunt) -> Mapping[str, Cause]:
    """Blame what was never fast though SIMs that are well went through it."""
    kinds = {
        "router": Cause.BENCH,
        "signal": Cause.SIGNAL,
        "cell": Cause.CELL,
        "server": Cause.SERVER,
    }
    causes: dict[str, Cause] = {}
    for sim, tried in sorted(hunt.tried.items()):
        if hunt.verdict.get(sim) is not False:
            continue
        for one in tried:
            if one.probe.rate_bps >= hunt.slow_below_bps:
                continue
            open_ = [e for e in _elements(hunt, sim, one.router, one.server) if not hunt.cleared(e)]
            if hunt.is_weak(one.router, _carrier(hunt, sim)):
                open_ = [e for e in open_ if e.startswith("signal")]
            else:
                open_ = [e for e in open_ if not e.startswith("signal")]
            if len(open_) == 1:
                causes[open_[0]] = kinds[open_[0].split(" ")[0]]
    return causes
