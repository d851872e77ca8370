"""ACC: what the router, the access server and the carrier count, against the tap.

All count at layer 3 (IP bytes of the user's bearer), each direction by itself, 1 GB = 10^9 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.cloud.adapter import LOG
from harness.cloud.event_log import each_event
from harness.cloud.model import ServerEvent
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.accounting import Layer, Tally, Way, explain
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.metering import Meter
from harness.procedure.serving import BOOT_LIMITS, Serving, reboot, require_desk, serve, step
from harness.record.rows import CaseInfo
from harness.verdict.verdict import Verdict

REPORTED_LIMIT: Final = "accounting.reported_ratio"
BOOKED_LIMIT: Final = "accounting.booked_ratio"
CARRIED_LIMIT: Final = "accounting.carrier_ratio"
REBOOT_LIMIT: Final = "accounting.reported_ratio_over_reboot"
_DOWN_BYTES: Final = 1_500_000
_UP_BYTES: Final = 500_000
_MOVE_S: Final = 30.0
_REPORT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Bytes of the two directions.

    Attributes:
        down: To the user.
        up: From the user.
    """

    down: int
    up: int

    def since(self, before: Counts) -> Counts:
        """Return what came on top of earlier counts."""
        return Counts(down=self.down - before.down, up=self.up - before.up)


def reported_use(events: Iterable[ServerEvent]) -> Counts:
    """Add up what a router reported: the newest total of each SIM and hour.

    A router reports the total of an hour again and again while the hour lasts. Only the newest
    counts: after a factory reset it begins at zero, and what it counted before is gone from it.

    Args:
        events: The access server's log on one router, oldest first; other events are skipped.
    """
    newest: dict[tuple[str | None, str], Counts] = {}
    for event in events:
        if event.usage_report is not None:
            hour, down, up = event.usage_report
            newest[event.iccid, hour] = Counts(down=down, up=up)
    return Counts(
        down=sum(each.down for each in newest.values()),
        up=sum(each.up for each in newest.values()),
    )


def run_counters(run: CaseRun) -> None:
    """Move traffic both ways and compare every counter of it with the tap.

    Raises:
        CaseFailedError: The router does not get up, or reports nothing.
        BenchError: The bench cannot steer.
    """
    user = serve(run)
    meter = Meter(user=user)
    _await_reports(user)
    (reported, booked), carried = _books(user), _carried(user)
    meter.begin()
    user.move(_DOWN_BYTES, Deadline.after(_MOVE_S, run.clock))
    user.move(_UP_BYTES, Deadline.after(_MOVE_S, run.clock), upload=True)
    meter.settle()
    seen = Counts(down=meter.down_bytes, up=meter.up_bytes)
    _await_reports(user)
    now_reported, now_booked = _books(user)
    told = now_reported.since(reported)
    if told == Counts(down=0, up=0):
        heard = bool(user.said("heartbeat"))
        nothing = "no use at all, and its heartbeats arrive" if heard else None
        raise user.fail(REPORTED_LIMIT, f"{seen.down} B down, {seen.up} B up", reported=nothing)
    _judge(user, REPORTED_LIMIT, told, seen, Party.ROUTER)
    # The server is held to what the router told it: a wrong report is not its fault.
    _judge(user, BOOKED_LIMIT, now_booked.since(booked), told, Party.ACCESS_SERVER)
    _judge(user, CARRIED_LIMIT, _carried(user).since(carried), seen, Party.CARRIER)


def run_reboot(run: CaseRun) -> None:
    """Cut the power between two pieces of traffic of one hour; the reports hold both.

    Raises:
        CaseFailedError: The router does not get up, or reports nothing.
        BenchError: The bench cannot switch or steer.
    """
    user = serve(run)
    meter = Meter(user=user)
    _await_reports(user)
    before = _reported(user)
    meter.begin()
    user.move(_DOWN_BYTES, Deadline.after(_MOVE_S, run.clock))
    meter.settle()
    first = Counts(down=meter.down_bytes, up=meter.up_bytes)
    _await_reports(user)
    again = reboot(run)
    second = Meter(user=again)
    second.begin()
    again.move(_DOWN_BYTES, Deadline.after(_MOVE_S, run.clock))
    second.settle()
    seen = Counts(down=first.down + second.down_bytes, up=first.up + second.up_bytes)
    _await_reports(again)
    _judge(again, REBOOT_LIMIT, _reported(again).since(before), seen, Party.ROUTER)


def _judge(user: Serving, name: str, counted: Counts, truth: Counts, owner: Party) -> None:
    """Judge a counter's two directions, and say how it seems to count."""
    run = user.run
    for way, mine, right in (("down", counted.down, truth.down), ("up", counted.up, truth.up)):
        ratio = Measurement(name=name, value=mine / right if right else None, unit="1", n=1)
        label = f"{name} {way}"
        judgement = run.measured(
            name,
            ratio,
            owner=owner,
            step=label,
            evidence={"counted_bytes": mine, "expected_bytes": right, "layer": "L3"},
        )
        if judgement.verdict > Verdict.PASS:
            text = f"{mine} B {way} where {right} B were expected{_guess(mine, right)}"
            run.result.event("note", f"{label}: {text}", party=owner)


def _guess(counted: int, right: int) -> str:
    """Say in words by which unit a counter seems to count; nothing when none fits."""
    seen = Tally(
        packets_down=0, packets_up=0, l2_down=right, l2_up=0, payload_down=right, payload_up=0
    )
    fits = [each for each in explain(counted, seen) if each.fits and each.layer is Layer.PAYLOAD]
    if not fits or fits[0].unit_bytes == 1.0 or fits[0].way is not Way.DOWN:
        return ""
    return f"; it counts in units of {fits[0].unit_bytes:.4f} bytes"


def _await_reports(user: Serving) -> None:
    """Wait until the router had the time to report all that it counted: two heartbeats."""
    since = Deadline.after(_REPORT_S, user.run.clock)
    user.news()
    for _ in range(2):
        user.await_server("heartbeat", since)


def _reported(user: Serving) -> Counts:
    """Add up what the access server's log says the router reported, hour by hour."""
    return reported_use(_all_events(user, "usage"))


def _all_events(user: Serving, kind: str) -> list[ServerEvent]:
    """Return the access server's events of a kind on this router, from its first one on."""
    dut = user.run.dut
    log = each_event(dut.cloud, after=0, imei=dut.router.imei, deadline=step(user.run))
    return [event for event in log if event.kind == kind]


def _books(user: Serving) -> tuple[Counts, Counts]:
    """Return what was reported and what is booked, with no report in between."""
    while True:
        reported, booked = _reported(user), _booked(user)
        if _reported(user) == reported:
            return reported, booked


def _booked(user: Serving) -> Counts:
    """Add up what the access server has in its books for this router."""
    rows = require_desk(user.run).usage(user.run.dut.router.imei, step(user.run))
    return Counts(down=sum(row.dl_bytes for row in rows), up=sum(row.ul_bytes for row in rows))


def _carried(user: Serving) -> Counts:
    """Return the carrier's counters of the SIM in use."""
    line = user.line()
    return Counts(down=line.dl_bytes, up=line.ul_bytes)


_NEEDS: Final = frozenset({"power", "core", "far_end", "desk", LOG})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-ACC-001",
            version="1",
            title_en="Router, access server and carrier count what the tap counts, each direction",
            title_ja="ルーター・アクセスサーバー・キャリアの通信量が上下ともタップと一致する",
            requirements=("R18", "R20"),
        ),
        needs=_NEEDS,
        injected="nothing: traffic of the user, 1.5 MB down and 0.5 MB up",
        owner_rule="whose counter is off: reports against the tap, books against the reports",
        limits=BOOT_LIMITS | {REPORTED_LIMIT, BOOKED_LIMIT, CARRIED_LIMIT},
        estimated_s=20.0,
        estimated_bytes=2_200_000,
        run=run_counters,
    ),
    Case(
        info=CaseInfo(
            id="CS-ACC-002",
            version="1",
            title_en="Use before and after a power cycle is reported in full",
            title_ja="電源再投入の前後の通信量がすべて報告される",
            requirements=("R18", "R20"),
        ),
        needs=_NEEDS,
        injected="a power cycle between two pieces of traffic",
        owner_rule="the router: its reports against the tap",
        limits=BOOT_LIMITS | {REBOOT_LIMIT},
        estimated_s=25.0,
        estimated_bytes=3_200_000,
        run=run_reboot,
    ),
)
