"""`harness pool probe`: which SIMs of the bank are slow, found on a router of the bench."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.bench import open_bench, open_run
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.pool.suspicion import Mechanism, Search
from harness.procedure import sim_search
from harness.procedure.acceptance import Acceptance
from harness.procedure.catalogue import CASES
from harness.procedure.dut import Dut
from harness.procedure.sim_search import SearchPlan, searching
from harness.verdict.verdict import Verdict
from tests.whole.silent import Silent

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
pytestmark = pytest.mark.slow


@contextmanager
def bench_run(tmp_path: Path) -> Iterator[tuple[Acceptance, Dut]]:
    """Return a run on the virtual router."""
    shutil.copy(ROOT / "lab.toml", tmp_path)
    limits = ROOT / "tests" / "acceptance" / "limits.toml"
    with (
        open_bench(tmp_path / "lab.toml", say=lambda _text: None) as bench,
        bench.dut(None) as dut,
        open_run(bench, limits=limits, plan="probe", cases=CASES, progress=Silent()) as run,
    ):
        yield run, dut


def states(dut: Dut) -> dict[str, str]:
    """Return what the access server lists each SIM as."""
    sims = dut.cloud.sims(Deadline.after(PATIENCE_S, dut.clock))
    return {sim.iccid: sim.state for sim in sims}


def test_the_slow_sims_are_found_and_every_state_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One docomo line is shaped and one KDDI line policed; the server knows of neither."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    found: list[Search] = []
    with bench_run(tmp_path) as (run, dut):
        deadline = Deadline.after(PATIENCE_S, dut.clock)
        before = states(dut)
        sims = {sim.slot: sim for sim in dut.cloud.sims(deadline)}
        core = dut.core
        assert core is not None
        shaped, policed = sims[1], sims[3]
        core.shape(shaped.imsi, {"downlink_bps": 200_000, "mode": "shaper"}, deadline)
        core.shape(policed.imsi, {"downlink_bps": 1_000_000, "mode": "policer"}, deadline)
        plan = SearchPlan(
            carriers=[shaped.carrier, policed.plmn],
            slow_below_bps=3_000_000,
            budget_bytes=20_000_000,
        )
        outcome = run.run(searching(plan, found.append), dut)
        after = states(dut)

    (search,) = found
    slow = {f.sim: f for f in search.findings if f.slow}
    assert {f.sim: f.slow for f in search.findings} == {
        sims[0].iccid: False, shaped.iccid: True, sims[2].iccid: False, policed.iccid: True,
    }  # fmt: skip
    assert slow[shaped.iccid].rate_bps == pytest.approx(200_000, rel=0.1)
    assert slow[shaped.iccid].mechanism is Mechanism.SHAPER
    assert slow[policed.iccid].rate_bps == pytest.approx(1_000_000, rel=0.1)
    assert slow[policed.iccid].mechanism is Mechanism.POLICER
    assert (outcome.verdict, outcome.owner) == (Verdict.FAIL, Party.CARRIER)
    assert after == before
    assert search.burnt_bytes < 3_000_000


def test_a_search_that_is_interrupted_puts_every_state_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at a SIM of KDDI, when the other one is out of the server's choice."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with bench_run(tmp_path) as (run, dut):
        before = states(dut)
        during: list[dict[str, str]] = []

        def interrupted(*_asked: object, **_how: object) -> None:
            during.append(states(dut))
            raise KeyboardInterrupt

        monkeypatch.setattr(sim_search, "check_throttling", interrupted)
        plan = SearchPlan(carriers=["kddi"], slow_below_bps=3_000_000, budget_bytes=20_000_000)
        with pytest.raises(KeyboardInterrupt):
            run.run(searching(plan, lambda _search: None), dut)

        assert list(during[0].values()).count("quarantined") == 1
        assert states(dut) == before
