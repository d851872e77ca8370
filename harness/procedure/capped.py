"""CAP25: a plan's cap and a router's tiers hold at their byte and rate, also after a boot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from harness.cloud.adapter import LOG, RULES
from harness.cloud.model import SpeedRule
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.core.units import format_rate
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.metering import Meter, probe
from harness.procedure.serving import (
    BOOT_LIMITS,
    Serving,
    reboot,
    require_desk,
    serve,
    step,
    told_rules,
)
from harness.record.rows import CaseInfo
from harness.verdict.service_blame import ServiceFacts, blame_service
from harness.verdict.verdict import Verdict

BEFORE_LIMIT: Final = "plan.rate_before_cap"
AFTER_LIMIT: Final = "plan.rate_after_cap"
TIER_LIMIT: Final = "plan.tier_ratio"
TOLD_S: Final = 15.0
LIMITED_BPS: Final = 128_000
_PLAN_BYTES: Final = 25_000_000_000
_MOVED_BYTES: Final = 12_500_000
_LOOK_S: Final = 1.6  # a router may look at its counter once a second
_TIERS: Final = ((200_000, 512_000), (500_000, 256_000))
"""20 MB and 50 MB, compressed 100 times: bytes, bit/s."""
_TIER_PROBE_BYTES: Final = 60_000
_SPARE_BYTES: Final = 60_000


def run_cap(run: CaseRun) -> None:
    """Compress the plan of 25 GB, and look at the rate at 24.9, 25.0 and 25.1 GB.

    Bytes count at layer 3, both directions; 1 GB is 10^9 bytes.

    Raises:
        CaseFailedError: The router does not get up, or is not told of its plan.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    meter = Meter(user=user)
    used = settled_use(user)
    meter.begin()
    cap = used + _MOVED_BYTES
    factor = cap / _PLAN_BYTES
    with planned(user, {"cap_bytes": cap, "limited_bps": LIMITED_BPS}):
        text = f"25 GB compressed to {cap} B, of which {used} B are used; then {LIMITED_BPS} bit/s"
        run.result.event("injection", text, party=Party.BENCH, data={"factor": factor})
        _await_told(user, SpeedRule(after_bytes=cap, rate_bps=LIMITED_BPS))
        for gigabytes in (24.9, 25.0, 25.1):
            target = round(gigabytes / 25 * cap) - used
            if gigabytes >= 25:  # noqa: PLR2004 - the plan's own number
                target += 2 * _LEAST_OVER
            meter.reach(target)
            _judge_rate(user, cap, used + meter.read(), gigabytes)


def run_tiers(run: CaseRun) -> None:
    """Give a router two tiers; each holds at its rate, and the last one after a power cycle too.

    Raises:
        CaseFailedError: The router does not get up, or is not told of its tiers.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    used = settled_use(user)
    rules = [SpeedRule(after_bytes=used + size, rate_bps=rate) for size, rate in _TIERS]
    with ruled(user, rules):
        _await_told(user, rules[0])
        meter = Meter(user=user)
        meter.begin()
        for (size, _), rule in zip(_TIERS, rules, strict=True):
            meter.reach(size + _SPARE_BYTES)
            _settle(user)
            _judge_tier(user, rule, f"after {size} B")
        again = reboot(run)
        again.log += user.log
        _settle(again)
        _judge_tier(again, rules[-1], "after a power cycle")


def settled_use(user: Serving) -> int:
    """Return what the router is booked to have used, once nothing more is on its way."""
    for _ in range(2):
        user.await_server("heartbeat", Deadline.after(TOLD_S, user.run.clock))
    return user.state().used_bytes


@contextmanager
def planned(user: Serving, plan: dict[str, object]) -> Iterator[None]:
    """Sell a router's user another plan for a while."""
    run = user.run
    desk, imei = require_desk(run), run.dut.router.imei
    desk.set_plan(imei, plan, step(run))
    try:
        yield
    finally:
        desk.set_plan(imei, {}, step(run))


@contextmanager
def ruled(user: Serving, rules: Sequence[SpeedRule]) -> Iterator[None]:
    """Give a router other tiers for a while."""
    run = user.run
    imei, before = run.dut.router.imei, user.state().own_speed_rules
    run.dut.cloud.set_speed_rules(imei, rules, step(run))
    words = ", ".join(f"{format_rate(r.rate_bps)} after {r.after_bytes} B" for r in rules)
    run.result.event("injection", f"tiers: {words}", party=Party.BENCH)
    try:
        yield
    finally:
        run.dut.cloud.set_speed_rules(imei, before, step(run))


def _await_told(user: Serving, rule: SpeedRule) -> None:
    """Wait until the router was told of its rules by a heartbeat.

    Raises:
        CaseFailedError: It was not.
    """
    since = Deadline.after(TOLD_S, user.run.clock)
    if user.await_server("told_rules", since) is None:
        what = f"no word of {format_rate(rule.rate_bps)} to the router after {since.waited_s:.0f} s"
        failure = user.fail("told", what, must_change=True)
        raise failure
    user.await_server("heartbeat", Deadline.after(TOLD_S, user.run.clock))


def _settle(user: Serving) -> None:
    """Give the router a heartbeat and a look at its counter: no rule is faster than that."""
    user.news()
    user.await_server("heartbeat", Deadline.after(TOLD_S, user.run.clock))
    user.run.clock.sleep(_LOOK_S)


def _judge_rate(user: Serving, cap: int, used: int, gigabytes: float) -> None:
    """Judge the rate at a point of the plan."""
    _settle(user)
    ratio = probe(user) / LIMITED_BPS
    is_over = used >= cap
    name = AFTER_LIMIT if is_over else BEFORE_LIMIT
    text = f"{gigabytes} GB ({used} of {cap} B)"
    rule = SpeedRule(after_bytes=cap, rate_bps=LIMITED_BPS)
    _judge(user, name, ratio, rule, text, used=used)


def _judge_tier(user: Serving, rule: SpeedRule, label: str) -> None:
    """Judge the rate in a tier."""
    ratio = probe(user, _TIER_PROBE_BYTES) / rule.rate_bps
    _judge(user, TIER_LIMIT, ratio, rule, f"{format_rate(rule.rate_bps)} {label}")


def _judge(
    user: Serving, name: str, ratio: float, rule: SpeedRule, label: str, used: int | None = None
) -> None:
    """Judge a rate as a part of a rule's; who is at fault is in what the server holds and told."""
    run = user.run
    user.news()
    measured = Measurement(name=name, value=ratio, unit="1", n=1)
    facts = _facts(user, rule, f"the rate at {label}", used)
    blame = blame_service(facts)
    judgement = run.measured(name, measured, owner=blame.owner, step=f"{name} {label}")
    if judgement.verdict > Verdict.PASS:
        run.result.event("note", blame.cause, party=blame.owner)


def _facts(user: Serving, rule: SpeedRule, what: str, used: int | None) -> ServiceFacts:
    """Compare what was ordered with what the server holds, told and booked."""
    state = user.state()
    pair = (rule.after_bytes, rule.rate_bps)
    held = [(each.after_bytes, each.rate_bps) for each in state.speed_rules]
    told = [told_rules(event) for event in user.said("told_rules")]
    holds = told_wrong = None
    if pair not in held:
        words = ", ".join(f"{bps} bit/s after {size} B" for size, bps in held) or "no rule"
        holds = f"{words} where {pair[1]} bit/s after {pair[0]} B was ordered"
    elif told and pair not in told[-1]:
        words = ", ".join(f"{bps} bit/s after {size} B" for size, bps in told[-1]) or "no rule"
        told_wrong = f"{words} where {pair[1]} bit/s after {pair[0]} B was ordered"
    shows = "it was told right, and its user gets another rate"
    if used is not None and used - state.used_bytes > _MOVED_BYTES // 25:
        shows = f"{state.used_bytes} B are booked of the {used} B that the tap counted"
    return user.facts(what, server_holds=holds, server_told=told_wrong, shows=shows)


_LEAST_OVER: Final = 4_000
_NEEDS: Final = frozenset({"power", "core", "far_end", "desk", LOG})
_OWNER_RULE: Final = "access server: what it holds or told is not what was ordered; else router"

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-CAP25-001",
            version="1",
            title_en="The plan of 25 GB is fast at 24.9 GB and limited from 25.0 GB on",
            title_ja="25GB プランは 24.9GB では高速、25.0GB から制限される",
            requirements=("R24",),
        ),
        needs=_NEEDS,
        injected="25 GB compressed to 12.5 MB and what was used before (layer 3, up and down)",
        owner_rule=_OWNER_RULE,
        limits=BOOT_LIMITS | {BEFORE_LIMIT, AFTER_LIMIT},
        estimated_s=30.0,
        estimated_bytes=13_000_000,
        run=run_cap,
    ),
    Case(
        info=CaseInfo(
            id="CS-CAP25-003",
            version="1",
            title_en="Tiers of 512 and 256 kbit/s hold at their rate, and after a power cycle",
            title_ja="512/256 kbit/s の段階制限が設定速度どおりで、電源再投入後も維持される",
            requirements=("R24", "R34"),
        ),
        needs=_NEEDS | {RULES},
        injected="512 kbit/s after 20 MB, 256 kbit/s after 50 MB, compressed 100 times",
        owner_rule=_OWNER_RULE,
        limits=BOOT_LIMITS | {TIER_LIMIT},
        estimated_s=30.0,
        estimated_bytes=900_000,
        run=run_tiers,
    ),
)
