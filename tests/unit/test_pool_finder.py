"""``harness.pool.finder``: the slow SIMs, and nothing but them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from harness.pool.blind_set import (
    SLOW_BELOW_BPS,
    VirtualProber,
    make_blind_set,
    score_finder,
)
from harness.pool.contract import NO_SHORT_WINDOW, Contract, ShortWindow
from harness.pool.finder import find_slow_sims
from harness.pool.suspicion import (
    Cause,
    Mechanism,
    Place,
    Probe,
    Search,
    Seen,
    SimUnderSuspicion,
)

CARRIER = "44010"
PLACES = [
    Place(router=f"r{n}", cell_of={CARRIER: f"c{n}"}, signal_dbm={CARRIER: -90.0}) for n in range(4)
]


class _Bench:
    """A bench where every rate is written down: the SIM's, and the path's when it is less."""

    def __init__(self, sims: Mapping[str, float], paths: Mapping[str, float]) -> None:
        self._sims = sims
        self._paths = paths
        self.asked: list[tuple[str, str, str]] = []

    def probe(self, sim: str, router: str, server: str) -> Probe:
        """Return the least of SIM, router and server."""
        self.asked.append((sim, router, server))
        rate = min(self._sims[sim], self._paths.get(router, 4e7), self._paths.get(server, 4e7))
        return Probe(rate_bps=rate, policed=False, burnt_bytes=round(rate / 16), took_s=1.0)


def _sim(
    name: str,
    *,
    peak_bps: float = 0.0,
    window_bytes: int = 0,
    window: ShortWindow = NO_SHORT_WINDOW,
    earlier: Sequence[Seen] = (),
) -> SimUnderSuspicion:
    contract = Contract(
        carrier=CARRIER,
        plan="60 GB",
        quota_bytes=60_000_000_000,
        reset=None,
        throttle_rate_bps=None,
        short_window=window,
        source="",
        disclosed=False,
    )
    return SimUnderSuspicion(
        sim=name,
        contract=contract,
        used_bytes=0,
        window_bytes=window_bytes,
        seen=[*earlier, Seen(hour=10, router="r0", peak_bps=peak_bps)],
    )


def _search(bench: _Bench, sims: Sequence[SimUnderSuspicion], **limit: int) -> Search:
    budget = limit.get("budget_bytes", 10**9)
    return find_slow_sims(
        sims, PLACES, ["s1", "s2"], bench, slow_below_bps=3e6, budget_bytes=budget
    )


def test_a_fast_sim_clears_the_path_and_a_slow_one_is_then_the_sim() -> None:
    """S2 crawls at 128 kbit/s wherever it is."""
    bench = _Bench({"S1": 4e7, "S2": 128e3, "S3": 4e7}, {})

    search = _search(bench, [_sim("S1"), _sim("S2"), _sim("S3")])

    assert {f.sim: f.slow for f in search.findings} == {"S1": False, "S2": True, "S3": False}
    found = search.findings[1]
    assert (found.rate_bps, found.mechanism) == (128e3, Mechanism.SHAPER)
    assert search.burnt_bytes < 6_000_000


def test_on_a_desk_with_one_cell_a_fast_sim_between_two_slow_probes_proves_it() -> None:
    """All of S2's probes go through the path on which S1 or S3 is fast in between."""
    desk = [Place(router="r0", cell_of={CARRIER: "desk"}, signal_dbm={})]
    bench = _Bench({"S1": 4e7, "S2": 128e3, "S3": 4e7}, {})

    search = find_slow_sims(
        [_sim("S1"), _sim("S2"), _sim("S3")], desk, ["s1"], bench,
        slow_below_bps=3e6, budget_bytes=10**9,
    )  # fmt: skip

    assert {f.sim: f.slow for f in search.findings} == {"S1": False, "S2": True, "S3": False}
    assert search.findings[1].evidence == "slow on r0 before and after another SIM was fast there"
    asked = [sim for sim, _, _ in bench.asked]
    first, last = asked.index("S2"), len(asked) - 1 - asked[::-1].index("S2")
    assert {"S1", "S3"} & set(asked[first + 1 : last])


def test_on_a_desk_where_nothing_is_fast_nothing_is_decided() -> None:
    """A slow cell and slow SIMs look the same there; each SIM is tried three times at most."""
    desk = [Place(router="r0", cell_of={CARRIER: "desk"}, signal_dbm={})]
    bench = _Bench({"S1": 128e3, "S2": 128e3}, {})

    search = find_slow_sims(
        [_sim("S1"), _sim("S2")], desk, ["s1"], bench, slow_below_bps=3e6, budget_bytes=10**9
    )

    assert [f.slow for f in search.findings] == [None, None]
    assert len(bench.asked) == 6
    assert search.findings[0].evidence == "3 slow probes, none over a path that was cleared"


def test_a_desk_whose_path_turns_slow_is_not_probed_for_ever() -> None:
    """S1 was fast, then nothing is: S2 is not convicted, and the search ends by itself."""
    desk = [Place(router="r0", cell_of={CARRIER: "desk"}, signal_dbm={})]
    paths: dict[str, float] = {}

    class Congested(_Bench):
        """Lets one fast probe through."""

        def probe(self, sim: str, router: str, server: str) -> Probe:
            """Measure, and be slow from then on."""
            found = super().probe(sim, router, server)
            paths["r0"] = 2e5
            return found

    bench = Congested({"S1": 4e7, "S2": 128e3}, paths)

    search = find_slow_sims(
        [_sim("S1"), _sim("S2")], desk, ["s1"], bench,
        slow_below_bps=3e6, budget_bytes=10**9,
    )  # fmt: skip

    assert {f.sim: f.slow for f in search.findings} == {"S1": False, "S2": None}
    assert [sim for sim, _, _ in bench.asked] == ["S1", "S2", "S1", "S2", "S1", "S2"]


def test_own_traffic_is_free() -> None:
    """A SIM that was fast in the last hour is not probed."""
    bench = _Bench({"S1": 4e7}, {})

    search = _search(bench, [_sim("S1", peak_bps=12e6)])

    assert bench.asked == []
    assert search.findings[0].slow is False
    assert search.findings[0].evidence == "own traffic at 12.0 Mbit/s in the last hour"


def test_a_slow_bench_is_not_the_sims_fault() -> None:
    """Router r0 lets 1 Mbit/s through; the SIMs are well."""
    sims = {f"S{n}": 4e7 for n in range(6)}
    bench = _Bench(sims, {"r0": 1e6})

    search = _search(bench, [_sim(name) for name in sims])

    assert [f.slow for f in search.findings] == [False] * 6


def test_a_slow_server_is_named() -> None:
    """Server s1 crawls, s2 does not; the path over s1 is otherwise cleared."""
    sims = {f"S{n}": 4e7 for n in range(4)}
    bench = _Bench(sims, {"s1": 5e5})

    search = _search(bench, [_sim(name) for name in sims])

    assert [f.slow for f in search.findings] == [False] * 4
    assert search.causes == {"server s1": Cause.SERVER}


def test_a_short_window_rule_is_recognised_by_its_counter() -> None:
    """7 GB in three days of an allowed 6, quota not reached."""
    window = ShortWindow(days=3, limit_bytes=6_000_000_000)
    bench = _Bench({"S1": 4e7, "S2": 2e5}, {})

    search = _search(bench, [_sim("S1"), _sim("S2", window=window, window_bytes=7_000_000_000)])

    assert search.findings[1].mechanism is Mechanism.SHORT_WINDOW


def test_a_whole_carrier_at_one_rate_is_a_regulation() -> None:
    """Six SIMs of one carrier at 384 kbit/s, in three cells each."""
    sims = {f"S{n}": 384e3 for n in range(6)}
    bench = _Bench(sims, {})

    search = _search(bench, [_sim(name) for name in sims])

    assert {f.mechanism for f in search.findings} == {Mechanism.CARRIER_WIDE}
    assert search.findings[0].evidence == "the same rate in 3 cells"


def test_since_when_is_the_hour_after_it_was_last_seen_fast() -> None:
    """20 Mbit/s in hour 7, a little in hour 8."""
    earlier = [
        Seen(hour=7, router="r1", peak_bps=2e7),
        Seen(hour=8, router="r1", peak_bps=1e5),
    ]
    bench = _Bench({"S1": 4e7, "S2": 128e3}, {})

    search = _search(bench, [_sim("S1"), _sim("S2", earlier=earlier)])

    assert search.findings[1].since_hour == 8


def test_what_the_budget_does_not_reach_stays_undecided() -> None:
    """Unknown is never healthy."""
    bench = _Bench({"S1": 4e7, "S2": 4e7}, {})

    search = _search(bench, [_sim("S1"), _sim("S2")], budget_bytes=1)

    assert [f.slow for f in search.findings].count(None) == 1
    undecided = next(f for f in search.findings if f.slow is None)
    assert undecided.evidence == "0 slow probes, none over a path that was cleared"


@pytest.mark.slow
def test_precision_and_recall_on_blind_sets() -> None:
    """Eight sets of 100 SIMs that the finder was not made on: both at least 99 %."""
    score = score_finder(range(1001, 1009))

    assert score.slow >= 80
    assert score.precision >= 0.99
    assert score.recall >= 0.99
    assert score.worst_took_s < 600.0
    assert score.text.startswith("8 blind sets, ")


def test_the_blind_set_is_the_same_for_the_same_random_seed() -> None:
    """And a probe of a slow SIM costs at least 49 kB."""
    one, two = make_blind_set(seed=5), make_blind_set(seed=5)
    slow = min(one.slow)

    assert one == two
    probe = VirtualProber(one).probe(slow, "r00", "s1")
    assert probe.burnt_bytes >= 49_000
    assert probe.rate_bps < SLOW_BELOW_BPS
