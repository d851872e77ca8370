"""DL: a profile comes from the right server only, and nobody on the way can read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from harness.cloud.adapter import FAULTS, LOG, MARK
from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.following import RECOVERY_LIMIT, recover
from harness.procedure.phases import Milestones, Phase
from harness.procedure.recording import TAP
from harness.procedure.steering import given_sim, marked, server_spoilt
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.userplane.dissect import Capture, clear_text_to, leaks_of
from harness.verdict.blame import Blame
from harness.verdict.verdict import Verdict

FOREIGN_LIMIT: Final = "download.foreign_logins"
CLEAR_LIMIT: Final = "download.clear_flows"
_STEP_S: Final = 5.0
_POLL_S: Final = 0.1
_TROUBLE_S: Final = 30.0
_REFUSALS: Final = 2
"""A second call shows that the first one was given up."""
_BOOT_LIMITS: Final = frozenset(phase.limit_name for phase in Phase)
_DNS_PORT: Final = 53
_LINK_SCOPE: Final = ("ff00::/8", "fe80::/10")
"""What a host says when an interface comes up (RFC 4861, RFC 3810); it goes no further."""


def run_foreign(run: CaseRun) -> None:
    """Show the router a certificate of an authority that nobody trusts: it must not log in.

    Raises:
        CaseFailedError: It does not recover; the owner is noted.
        BenchError: The bench cannot switch.
    """

    def enough(watch: Watch) -> bool:
        calls = watch.dut.server_seen_on_seed()
        return _count(watch, "login") > 0 or (calls is not None and calls.connections >= _REFUSALS)

    watch, milestones = _trouble(run, {"certificate": "foreign"}, enough)
    calls = run.dut.server_seen_on_seed()
    seen = calls.connections if calls else 0
    logins = Measurement(
        name=FOREIGN_LIMIT,
        value=float(_count(watch, "login")) if seen else None,
        unit="1",
        n=seen,
    )
    run.measured(FOREIGN_LIMIT, logins, owner=Party.ROUTER)
    recover(run, watch, milestones)


def run_closed(run: CaseRun) -> None:
    """Watch the seed bearer through a whole boot: TLS to the access server, DNS, nothing else.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch, or sees no seed bearer.
    """
    where, server = run.dut.seed_tap, run.dut.server_address
    if where is None or server is None:
        msg = f"{run.dut.name}: this bench has no tap of the seed bearer"
        raise BenchError(msg)
    with (
        marked(run, [sim] if (sim := given_sim(run)) else [], "quarantined"),
        run.dut.tapped("seed-boot", TAP, where=where) as tap,
    ):
        boot(run)
    if tap.path is None:
        msg = f"{run.dut.name}: the tap of the seed bearer keeps no file"
        raise BenchError(msg)
    capture = Capture.read(tap.path)
    known = run.dut.seed_addresses()
    if known is not None:
        capture = capture.without(known.others)
    with_server = [flow for flow in capture.flows if server in {flow.client, flow.server}]
    if not with_server:
        cause = "a profile was downloaded and the tap of the seed bearer shows no byte of it"
        failure = run.fail("seed tap", Blame(owner=Party.BENCH, cause=cause))
        raise failure
    others = leaks_of(capture, allowed=[f"{server}/32", *_LINK_SCOPE])
    called = {flow.server for flow in capture.flows if flow.server_port}
    leaks = [
        leak
        for leak in others
        if leak.flow.server_port != _DNS_PORT
        and not (leak.flow.server_port == 0 and leak.flow.client in called)  # ICMP answers it
    ]
    leaks += clear_text_to(capture, server)
    for leak in leaks:
        run.result.event("note", leak.why, party=Party.ROUTER)
        run.step("seed bearer", Verdict.FAIL, leak.why)
    count = Measurement(name=CLEAR_LIMIT, value=float(len(leaks)), unit="1", n=len(capture.flows))
    run.measured(CLEAR_LIMIT, count, owner=Party.ROUTER)


def _trouble(
    run: CaseRun, fault: Mapping[str, Any], enough: Callable[[Watch], bool]
) -> tuple[Watch, Milestones]:
    """Boot while the access server's device side goes wrong, until enough was seen of it."""
    run.dut.power_off(Deadline.after(_STEP_S, run.clock))
    watch = Watch(dut=run.dut, result=run.result, clock=run.clock)
    deadline = Deadline.after(_TROUBLE_S, run.clock)
    with server_spoilt(run, fault, shared=True):
        milestones = watch.power_on()
        while not enough(watch) and not deadline.passed:
            watch.look(milestones, deadline)
            run.clock.sleep(_POLL_S)
    return watch, milestones


def _count(watch: Watch, kind: str) -> int:
    return sum(event.kind == kind for event in watch.events)


def _step(run: CaseRun) -> Deadline:
    return Deadline.after(_STEP_S, run.clock)


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-DL-004",
            version="1",
            title_en="A server with a foreign certificate is refused",
            title_ja="信頼できない証明書のサーバーは拒否される",
            requirements=("R04",),
        ),
        needs=frozenset({"power", "tap.seed", FAULTS, LOG}),
        injected="the access server shows a certificate of a foreign authority",
        owner_rule="the router: the tap shows what it sent to a server that it must refuse",
        limits=frozenset({FOREIGN_LIMIT, RECOVERY_LIMIT}),
        estimated_s=6.0,
        estimated_bytes=20_000,
        exclusive=True,
        run=run_foreign,
    ),
    Case(
        info=CaseInfo(
            id="CS-DL-006",
            version="1",
            title_en="Nothing but TLS to the access server and DNS is on the seed bearer",
            title_ja="シード回線を流れるのはアクセスサーバーへの TLS と DNS だけである",
            requirements=("R04",),
        ),
        needs=frozenset({"power", "far_end", "tap.seed", LOG, MARK}),
        owner_rule="the router: the tap on the seed bearer",
        limits=_BOOT_LIMITS | {CLEAR_LIMIT},
        estimated_s=5.0,
        estimated_bytes=40_000,
        run=run_closed,
    ),
)
