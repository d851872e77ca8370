"""THR: a SIM that its carrier throttles is seen, ascribed, replaced by another; a dip is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from harness.cloud.adapter import LOG, MARK
from harness.cloud.model import Sim
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.core.units import BITS_PER_BYTE, format_rate
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, serve, step
from harness.procedure.steering import require_core
from harness.procedure.throttled import measure_downlink
from harness.record.rows import CaseInfo
from harness.verdict.blame import Facts, blame
from harness.verdict.verdict import Verdict

SEEN_LIMIT: Final = "carrier_throttle.seen_ratio"
REPLACED_LIMIT: Final = "carrier_throttle.replaced"
RECOVERED_LIMIT: Final = "carrier_throttle.recovered_ratio"
DIP_LIMIT: Final = "carrier_throttle.changes_by_dip"
_AFTER: Final = "carrier_throttle.goodput_after"
_DIP_S: Final = 3.0
_QUIET_S: Final = 12.0
_SEEN_S: Final = 3.0
_PUMP_S: Final = 0.25

Mode = Literal["shaper", "policer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """How a carrier slows a SIM.

    Attributes:
        rate_bps: Rate to the router.
        mode: `shaper` delays, `policer` drops.
    """

    rate_bps: int
    mode: Mode = "shaper"


SLOW: Final = Slow(rate_bps=300_000)


def run_replaced(run: CaseRun, *, slow: Slow = SLOW) -> None:
    """Throttle the SIM in use at its carrier, and follow its replacement by another.

    Raises:
        CaseFailedError: The router does not get up, or the SIM is not replaced.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    sim = user.sim
    limit_s = run.limits[REPLACED_LIMIT].high or 0.0
    with slowed(run, sim, slow):
        since = Deadline.after(limit_s, run.clock)
        run.progress.started(REPLACED_LIMIT, limit_s)
        given = user.download(since.within(_SEEN_S), until_given=False)
        under_bps = user.total_bytes * BITS_PER_BYTE / _SEEN_S
        seen = _ratio(SEEN_LIMIT, under_bps / slow.rate_bps)
        run.measured(SEEN_LIMIT, seen, owner=Party.BENCH)
        if not given and not since.passed:
            given = user.download(since, until_given=True)
        judge_replacement(run, sim, given)
        user.await_data(given[0], since)
        took = Measurement(name=REPLACED_LIMIT, value=since.waited_s, unit="s", n=1)
        run.measured(REPLACED_LIMIT, took, owner=Party.ROUTER)
        judge_ascription(user, sim)
        after = measure_downlink(run, run.dut.require_tap("bench-end"), _AFTER)
        ratio = None if after.wire_bps is None else after.wire_bps / slow.rate_bps
        run.measured(RECOVERED_LIMIT, _ratio(RECOVERED_LIMIT, ratio), owner=None)


def run_dip(run: CaseRun) -> None:
    """Throttle the SIM in use for a few seconds only; the router keeps it.

    Raises:
        CaseFailedError: The router does not get up.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    with slowed(run, user.sim, SLOW):
        given = user.download(Deadline.after(_DIP_S, run.clock), until_given=False)
    end = Deadline.after(_QUIET_S, run.clock)
    while not end.passed:
        given += user.given()
        run.clock.sleep(min(_PUMP_S, end.left_s))
    changes = Measurement(name=DIP_LIMIT, value=float(len(given)), unit="1", n=1)
    run.measured(DIP_LIMIT, changes, owner=Party.ROUTER)


@contextmanager
def slowed(run: CaseRun, sim: Sim, slow: Slow) -> Iterator[None]:
    """Hold a SIM to a rate at its carrier; then free it and count it as healthy again."""
    core = require_core(run)
    core.shape(sim.imsi, {"downlink_bps": slow.rate_bps, "mode": slow.mode}, step(run))
    verb = "polices" if slow.mode == "policer" else "holds"
    text = f"carrier {sim.carrier} {verb} *{sim.iccid[-SHOWN:]} to {format_rate(slow.rate_bps)}"
    data = {"rate_bps": slow.rate_bps, "direction": "down"}
    run.result.event("injection", text, party=Party.BENCH, data=data)
    try:
        yield
    finally:
        core.shape(sim.imsi, {"downlink_bps": None, "mode": "shaper"}, step(run))
        run.dut.cloud.set_sim_state(sim.iccid, "healthy", "the bench is done", step(run))
        data = {"rate_bps": None, "direction": "down"}
        run.result.event("injection", "throttle removed", party=Party.BENCH, data=data)


def judge_replacement(run: CaseRun, sim: Sim, given: list[str]) -> None:
    """Note that another SIM was given.

    Raises:
        CaseFailedError: None was, or the same.
    """
    replaced_by = given[0][-SHOWN:] if given else None
    facts = Facts(
        phase="P8",
        bench_problem=run.dut.bench_problem(),
        slow_sim=sim.iccid[-SHOWN:],
        replaced_by=replaced_by,
    )
    if not given or given[0] == sim.iccid:
        failure = run.fail("another SIM", blame(facts))
        raise failure
    run.step("another SIM", Verdict.PASS, f"*{facts.slow_sim} was replaced by *{replaced_by}")


def judge_ascription(user: Serving, sim: Sim) -> None:
    """Note that the access server no longer counts the slow SIM as healthy."""
    run, state = user.run, user.listed(sim.iccid).state
    shown = f"*{sim.iccid[-SHOWN:]} is listed as {state}"
    if state == "healthy":
        facts = Facts(phase="P8", slow_sim=sim.iccid[-SHOWN:], chosen_state=state)
        run.fail("slow SIM", blame(facts))
    else:
        run.step("slow SIM", Verdict.PASS, shown)


def _ratio(name: str, value: float | None) -> Measurement:
    return Measurement(name=name, value=value, unit="1", n=1)


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG, MARK})
_OWNER_RULE: Final = "who did not see it or did not act: router, access server, SIM bank, carrier"
_REPLACED_LIMITS: Final = BOOT_LIMITS | {SEEN_LIMIT, REPLACED_LIMIT, RECOVERED_LIMIT}


def _at(number: int, slow: Slow) -> Case:
    """Return the case of one rate and mode."""
    rate = format_rate(slow.rate_bps)
    how = {"shaper": ("shaped", "シェーパー"), "policer": ("policed", "ポリサー")}[slow.mode]
    return Case(
        info=CaseInfo(
            id=f"CS-THR-{number:03d}",
            version="1",
            title_en=f"A SIM {how[0]} to {rate} by its carrier is replaced, and the line recovers",
            title_ja=f"キャリア側で {rate} に低速化({how[1]})された SIM が交換され、速度が回復する",
            requirements=("R12", "R14"),
        ),
        needs=_NEEDS,
        injected=f"{rate} at the carrier, on the SIM in use, {how[0]}",
        owner_rule=_OWNER_RULE,
        limits=_REPLACED_LIMITS,
        estimated_s=16.0,
        estimated_bytes=9_000_000 + 2 * slow.rate_bps,
        run=partial(run_replaced, slow=slow),
    )


_RATES_BPS: Final = (128_000, 200_000, 300_000, 384_000, 1_000_000, 3_000_000)
RATE_CASES: Final[tuple[Case, ...]] = (
    *(_at(11 + number, Slow(rate_bps=bps)) for number, bps in enumerate(_RATES_BPS)),
    *(
        _at(21 + number, Slow(rate_bps=bps, mode="policer"))
        for number, bps in enumerate(_RATES_BPS)
    ),
)
"""Each rate that carriers throttle to, shaped (011 to 016) and policed (021 to 026)."""

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-THR-001",
            version="1",
            title_en="A SIM throttled by its carrier is replaced by another, and the line recovers",
            title_ja="キャリア側で低速化された SIM が別の SIM に交換され、速度が回復する",
            requirements=("R12", "R14"),
        ),
        needs=_NEEDS,
        injected=f"{format_rate(SLOW.rate_bps)} at the carrier, on the SIM in use",
        owner_rule=_OWNER_RULE,
        limits=_REPLACED_LIMITS,
        estimated_s=20.0,
        estimated_bytes=9_000_000,
        run=run_replaced,
    ),
    Case(
        info=CaseInfo(
            id="CS-THR-002",
            version="1",
            title_en="A throttle of three seconds changes nothing",
            title_ja="3 秒間の速度低下では SIM を変更しない",
            requirements=("R14",),
        ),
        needs=_NEEDS,
        injected=f"{format_rate(SLOW.rate_bps)} at the carrier for {_DIP_S:.0f} seconds",
        owner_rule="the router: it changed its SIM",
        limits=BOOT_LIMITS | {DIP_LIMIT},
        estimated_s=20.0,
        estimated_bytes=1_000_000,
        run=run_dip,
    ),
    *RATE_CASES,
)
