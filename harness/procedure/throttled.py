"""A throttle at the bench end: injected, measured, taken away, and proven gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.core.clock import Clock, Deadline
from harness.core.errors import RouterError
from harness.core.party import Party
from harness.core.units import BITS_PER_BYTE, NS_PER_S, format_rate, format_size
from harness.measure.goodput import RTTS, Goodput, GoodputPlan
from harness.measure.measurement import Measurement
from harness.measure.packets import Packets
from harness.procedure.case import Case, CaseRun
from harness.procedure.recording import LAN
from harness.record.rows import CaseInfo
from harness.userplane.goodput_run import run_goodput
from harness.userplane.tap import Tap
from harness.userplane.throttle import Injection, RateLimit, check_proven, throttled
from harness.userplane.throttle_bench import BenchThrottle
from harness.userplane.traffic import TestServerClient
from harness.verdict.verdict import Verdict

INJECTED_BPS: Final = 3_000_000
UNDER: Final = "throttle.goodput_under"
AFTER: Final = "throttle.goodput_after"
INJECTED_LIMIT: Final = "throttle.injected_ratio"
RECOVERED_LIMIT: Final = "throttle.recovered_ratio"
_READY_S: Final = 30.0
_BIN_NS: Final = 50_000_000


@dataclass(slots=True)
class RateLog:
    """A tap that is read on, with the rate over time kept beside.

    Attributes:
        tap: The tap.
        bytes_by_bin: Bytes that arrived, by the number of the bin; 0 begins with the first packet.
        first_ns: Time of the first packet that arrived, UTC; None before it.
        last_ns: Time of the last one.
    """

    tap: Tap
    bytes_by_bin: dict[int, int] = field(default_factory=dict)
    first_ns: int | None = None
    last_ns: int = 0

    @property
    def vanished(self) -> bool:
        """Whether the interface went down or away since the tap was started."""
        return self.tap.vanished

    def now_ns(self) -> int:
        """Return the time by the clock of the packets."""
        return self.tap.now_ns()

    def poll(self) -> Packets:
        """Return the packets since the last call, and count them."""
        packets = self.tap.poll()
        arrived = packets.taken(~packets.outgoing)
        if self.first_ns is None and len(arrived):
            self.first_ns = int(arrived.t_ns[0])
        for t_ns, size in zip(arrived.t_ns.tolist(), arrived.wire_bytes.tolist(), strict=True):
            number = (t_ns - self.first_ns) // _BIN_NS
            self.last_ns = max(self.last_ns, t_ns)
            self.bytes_by_bin[number] = self.bytes_by_bin.get(number, 0) + size
        return packets

    def points(self, clock: Clock) -> list[tuple[int, float]]:
        """Return (monotonic ns, bit/s) over time; the tap's times are UTC."""
        if self.first_ns is None:
            return []
        begun_ns = self.first_ns - (clock.utc_us() * 1000 - clock.monotonic_ns())
        return rate_points(self.bytes_by_bin, begun_ns, self.last_ns - self.first_ns)


def rate_points(
    bytes_by_bin: Mapping[int, int], begun_ns: int, covered_ns: int
) -> list[tuple[int, float]]:
    """Return (ns, bit/s) at the middle of each bin, zeros among them.

    The last bin counts for as long as it was covered, and not at all when that was short: else
    every curve would end in a drop that nobody measured.

    Args:
        bytes_by_bin: Bytes by the number of the bin.
        begun_ns: When bin 0 began.
        covered_ns: Time from there to the last packet.
    """
    points = []
    for number in range(covered_ns // _BIN_NS + 1):
        start_ns = number * _BIN_NS
        long_ns = min(_BIN_NS, covered_ns - start_ns)
        if 2 * long_ns >= _BIN_NS:
            bits = bytes_by_bin.get(number, 0) * BITS_PER_BYTE
            points.append((begun_ns + start_ns + long_ns // 2, bits * NS_PER_S / long_ns))
    return points


def run_throttled(run: CaseRun) -> None:
    """Inject a throttle for what the router's user downloads, and judge what gets through.

    Raises:
        BenchError: The bench cannot inject it, prove it or take it away.
        RouterError: The router gives its user no address, or carries no data.
    """
    deadline = Deadline.after(_READY_S, run.clock)
    run.dut.ensure_connected(deadline)
    if not run.dut.lease_address(deadline):
        msg = f"{run.dut.name} gives its user no address"
        raise RouterError(msg)
    under = _measure_throttled(run)
    free = measure_downlink(run, run.dut.require_tap("bench-end"), AFTER)
    _judge_ratio(run, INJECTED_LIMIT, under, INJECTED_BPS, owner=_owner_under(under))
    if under.wire_bps:
        evidence = {"from": "ratio", "numerator": AFTER, "denominator": UNDER}
        _judge_ratio(run, RECOVERED_LIMIT, free, under.wire_bps, owner=None, evidence=evidence)


def _measure_throttled(run: CaseRun) -> Goodput:
    """Measure under the throttle; it is read back when set, and proven gone when removed."""
    throttle = run.dut.recording.logged(BenchThrottle(run.dut.namespace, LAN))
    injection = Injection(downlink=RateLimit(rate_bps=INJECTED_BPS))
    before = throttle.state()
    with throttled(throttle, injection) as applied:
        limit = applied.configured.downlink
        read_back = format_rate(limit.rate_bps) if limit else "nothing"
        run.result.event(
            "injection",
            f"throttle {format_rate(INJECTED_BPS)} down at {throttle.where}, reads {read_back}",
            party=Party.BENCH,
            data={"rate_bps": INJECTED_BPS, "direction": "down"},
        )
        with run.dut.tapped("throttled", applied.tap_ifname or LAN) as tap:
            under = measure_downlink(run, tap, UNDER)
        check_proven(throttle.where, before, throttle.state())
    run.result.event(
        "injection",
        "throttle removed, reads nothing",
        party=Party.BENCH,
        data={"rate_bps": None, "direction": "down"},
    )
    return under


def measure_downlink(run: CaseRun, tap: Tap, name: str) -> Goodput:
    """Measure the downlink's rate until it is known, and write its course."""
    far_end = run.dut.require_far_end()
    client = TestServerClient(
        far_end.address,
        far_end.port,
        token=far_end.token,
        connect=run.dut.namespace.connected,
        clock=run.clock,
    )
    run.progress.started(name, None)
    tap.poll()  # what came before is not of this measurement
    log = RateLog(tap)
    plan = GoodputPlan()
    measured = run_goodput(client, log, plan, clock=run.clock)
    found = measured.goodput
    run.result.series(name, "bit/s", log.points(run.clock))
    for info in measured.report.infos:
        text = f"{name}: the sender says {info.retransmitted:.1%} was sent again"
        run.result.event("note", text, party=Party.BENCH, data=info.as_fields())
    evidence = None
    if log.first_ns is not None:
        evidence = {
            "from": "goodput",
            "capture": run.dut.capture_of(tap),
            "first_ns": log.first_ns,
            # Half a microsecond covers the rounding of waited_s and no other packet.
            "last_ns": log.first_ns + round(found.waited_s * NS_PER_S) + 500,
            "shortest_s": max(plan.shortest_s, RTTS * measured.report.connect_s),
        }
    run.result.measurement(found.measurement(name), evidence=evidence)
    rate = "unknown" if found.wire_bps is None else format_rate(found.wire_bps)
    cost = format_size(found.bytes_burnt)
    run.step(name, Verdict.PASS, f"{rate} in {found.waited_s:.2f} s for {cost}: {found.stop}")
    return found


def _judge_ratio(
    run: CaseRun,
    name: str,
    found: Goodput,
    reference_bps: float,
    *,
    owner: Party | None,
    evidence: Mapping[str, object] | None = None,
) -> None:
    """Judge a rate as a part of another, with its interval."""
    rate = found.wire_bps
    ratio = None if rate is None else rate / reference_bps
    measurement = Measurement(
        name=name,
        value=ratio,
        unit="1",
        low=None if ratio is None else ratio * (1 - found.bound),
        high=None if ratio is None else ratio * (1 + found.bound),
        n=found.edges,
        reliability=found.doubts,
    )
    against = {"from": "ratio", "numerator": UNDER, "denominator": reference_bps}
    run.measured(name, measurement, owner=owner, evidence=evidence or against)


def _owner_under(found: Goodput) -> Party | None:
    """More than the throttle lets through is the bench's fault; less has many causes."""
    if found.wire_bps is not None and found.wire_bps > INJECTED_BPS:
        return Party.BENCH
    return None


THROTTLED: Final = Case(
    info=CaseInfo(
        id="THR-001",
        version="1",
        title_en="A throttle is seen at its rate and is gone afterwards",
        title_ja="注入した速度制限がその速度で観測され、解除後に消える",
        requirements=("R12",),
    ),
    needs=frozenset({"far_end"}),
    injected=f"{format_rate(INJECTED_BPS)} in the router's namespace on the bench",
    owner_rule="the bench: the throttle is read back and proven by its counters",
    limits=frozenset({INJECTED_LIMIT, RECOVERED_LIMIT}),
    estimated_s=4.0,
    estimated_bytes=6_000_000,
    run=run_throttled,
)
