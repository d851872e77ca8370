"""A router that serves its user by a cloud SIM, and what others say of it meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from harness.at.cloudsim import Card
from harness.cloud.desk import ServiceDesk
from harness.cloud.event_log import last_event
from harness.cloud.model import CoreEvent, RouterState, ServerEvent, Sim, Subscriber
from harness.core.clock import Deadline
from harness.core.errors import BenchError, CloudError, RouterError
from harness.core.party import Party
from harness.core.units import BITS_PER_BYTE
from harness.port.errors import PortLostError
from harness.procedure.canonical import boot
from harness.procedure.case import CaseFailedError, CaseRun
from harness.procedure.phases import Phase
from harness.procedure.steering import require_core
from harness.userplane.traffic import TestServerClient, TrafficPlan
from harness.verdict.service_blame import ServiceFacts, blame_service

BOOT_LIMITS: Final = frozenset(phase.limit_name for phase in Phase)
STEP_S: Final = 5.0
SHOWN: Final = 4
_CONNECT_S: Final = 20.0
_BYTE_S: Final = 1.0
_PUMP_S: Final = 0.25
_LOOK_S: Final = 0.1
_ACKNOWLEDGED_S: Final = 0.02
_NEWER_S: Final = 1.0
_TWO_DAYS_US: Final = 2 * 86_400 * 1_000_000
_CAUSE: Final = re.compile(r"(?P<bps>\d+) bit/s after (?P<bytes>\d+) B", re.ASCII)


def step(run: CaseRun) -> Deadline:
    """Return the time that one question to a service may take."""
    return Deadline.after(STEP_S, run.clock)


def require_desk(run: CaseRun) -> ServiceDesk:
    """Return the service's desk.

    Raises:
        BenchError: This access server has none that the lab may use.
    """
    if not isinstance(run.dut.cloud, ServiceDesk):
        msg = f"{run.dut.name}: this access server has no desk that the lab may use"
        raise BenchError(msg)
    return run.dut.cloud


@contextmanager
def suspended(run: CaseRun) -> Iterator[None]:
    """Let the router's line rest for a while: its SIM is taken back.

    A suspension begins at 09:00 of the day after it was asked for; one that was asked for two days
    ago has begun.
    """
    desk, imei = require_desk(run), run.dut.router.imei
    asked_us = run.dut.cloud.utc_us(step(run)) - _TWO_DAYS_US
    desk.suspend(imei, asked_us, step(run))
    run.result.event("injection", "the line is suspended", party=Party.BENCH)
    try:
        yield
    finally:
        desk.suspend(imei, None, step(run))
        run.result.event("injection", "the line is resumed", party=Party.BENCH)


@dataclass(slots=True, kw_only=True)
class Serving:
    """A router in service.

    Attributes:
        run: The case that is being run.
        sim: The cloud SIM in use.
        seen: Number of the last event of the access server that was read.
        core_seen: Number of the last event of the core network that was read.
        log: What the access server said of this router since the case looked first.
        total_bytes: Payload that the user got or sent.
    """

    run: CaseRun
    sim: Sim
    seen: int
    core_seen: int
    log: list[ServerEvent] = field(default_factory=list)
    total_bytes: int = 0

    @property
    def shown(self) -> str:
        """Last digits of the SIM in use."""
        return f"*{self.sim.iccid[-SHOWN:]}"

    def news(self) -> list[ServerEvent]:
        """Return what the access server said of this router since the last look."""
        dut = self.run.dut
        events = list(
            dut.cloud.events(after=self.seen, imei=dut.router.imei, deadline=step(self.run))
        )
        self.seen = max((self.seen, *(event.seq for event in events)))
        self.log += events
        return events

    def core_news(self) -> list[CoreEvent]:
        """Return what the core network saw of this router since the last look."""
        events = require_core(self.run).events(after=self.core_seen, deadline=step(self.run))
        self.core_seen = max((self.core_seen, *(event.seq for event in events)))
        return [event for event in events if event.imei == self.run.dut.router.imei]

    def said(self, kind: str) -> list[ServerEvent]:
        """Return the access server's events of a kind since the case looked first."""
        return [event for event in self.log if event.kind == kind]

    def given(self) -> list[str]:
        """Return the ICCIDs that the access server gave this router since the last look."""
        return [e.iccid for e in self.news() if e.kind == "selected" and e.iccid is not None]

    def await_server(self, kind: str, deadline: Deadline) -> ServerEvent | None:
        """Wait for an event of the access server; None when it does not come."""
        while True:
            found = [event for event in self.news() if event.kind == kind]
            if found or deadline.passed:
                return found[0] if found else None
            self.run.clock.sleep(min(_LOOK_S, deadline.left_s))

    def state(self) -> RouterState:
        """Return what the access server knows of the router.

        Raises:
            CloudError: It does not know it.
        """
        dut = self.run.dut
        found = dut.cloud.router(dut.router.imei, step(self.run))
        if found is None:
            msg = f"the access server does not know {dut.name}"
            raise CloudError(msg, party=Party.ACCESS_SERVER)
        return found

    def line(self) -> Subscriber:
        """Return the SIM's line in its carrier's books."""
        return require_core(self.run).subscriber(self.sim.imsi, step(self.run))

    def listed(self, iccid: str) -> Sim:
        """Return what the access server lists a SIM as.

        Raises:
            CloudError: It does not list it.
        """
        found = [sim for sim in self.run.dut.cloud.sims(step(self.run)) if sim.iccid == iccid]
        if not found:
            msg = f"the access server does not list the SIM *{iccid[-SHOWN:]} that it gave"
            raise CloudError(msg, party=Party.ACCESS_SERVER)
        return found[0]

    def client(self) -> TestServerClient:
        """Return the user's side of the test server."""
        far_end, dut = self.run.dut.require_far_end(), self.run.dut
        return TestServerClient(
            far_end.address,
            far_end.port,
            token=far_end.token,
            connect=dut.namespace.connected,
            clock=self.run.clock,
        )

    def move(self, size_bytes: int, deadline: Deadline, *, upload: bool = False) -> float:
        """Move so much payload as the user would; return the rate in bit/s.

        An upload has been moved when the far end acknowledged it: what still lies in the bench's
        own buffer would be counted by the router after the tap was read.
        """
        plan = TrafficPlan(upload=upload, total_bytes=size_bytes, longest_s=deadline.left_s)
        began_ns = self.run.clock.monotonic_ns()
        with self.client().start(plan) as traffic:
            while traffic.app_bytes < size_bytes and traffic.pump(deadline.left_s):
                pass
            while upload and traffic.unacknowledged_bytes and not deadline.passed:
                self.run.clock.sleep(_ACKNOWLEDGED_S)
            took_ns = self.run.clock.monotonic_ns() - began_ns
            self.total_bytes += traffic.app_bytes
            return traffic.app_bytes * BITS_PER_BYTE * 1e9 / max(took_ns, 1)

    def download(self, deadline: Deadline, *, until_given: bool) -> list[str]:
        """Download until the deadline; return the ICCIDs that the server gave meanwhile."""
        given: list[str] = []
        with self.client().start(TrafficPlan(longest_s=deadline.left_s)) as traffic:
            while not deadline.passed and not (given and until_given):
                look = Deadline.after(_PUMP_S, self.run.clock)
                while not look.passed and traffic.pump(look.left_s):
                    pass
                given += self.given()
            self.total_bytes += traffic.app_bytes
        return given

    def await_data(self, iccid: str, deadline: Deadline) -> bool:
        """Wait for a first byte through a SIM; tell whether it came before the deadline.

        The old SIM serves on until the new one is attached, so the carrier is asked who carries it,
        or the router where the lab has no carrier.
        """
        sim = self.listed(iccid)
        while not deadline.passed:
            self.run.clock.sleep(min(_LOOK_S, deadline.left_s))
            if self._is_carried_by(sim) and self.reaches():
                self.sim = sim
                return True
        return False

    def _is_carried_by(self, sim: Sim) -> bool:
        dut = self.run.dut
        if dut.core is not None:
            line = dut.core.subscriber(sim.imsi, step(self.run))
            return line.attached_imei == dut.router.imei and line.address is not None
        state = dut.driver.cloud_sim(step(self.run))
        return state is not None and (state.iccid, state.phase) == (sim.iccid, Phase.P7_DATA_UP)

    def await_given(
        self, iccid: str, deadline: Deadline, *, but: Collection[str] = frozenset()
    ) -> bool:
        """Wait for a first byte through a SIM, or through a newer one given in its place.

        Args:
            iccid: The SIM that was given.
            deadline: When the wait ends.
            but: SIMs that do not count when they are given once more.
        """
        while not deadline.passed:
            newer = [other for other in self.given() if other not in but]
            iccid = newer[-1] if newer else iccid
            if self.await_data(iccid, deadline.within(_NEWER_S)):
                return True
        return False

    def await_true(self, is_so: Callable[[], bool], deadline: Deadline) -> bool:
        """Wait until something is so; tell whether it came before the deadline."""
        while True:
            if is_so():
                return True
            if deadline.passed:
                return False
            self.run.clock.sleep(min(_LOOK_S, deadline.left_s))

    def reaches(self) -> bool:
        """Tell whether the user reaches the test server now."""
        try:
            self.run.dut.first_byte(Deadline.after(_BYTE_S, self.run.clock))
        except BenchError:
            return False
        return True

    def facts(self, what: str, **found: object) -> ServiceFacts:
        """Put together what is known of a failure."""
        run = self.run
        far_end_works = None if self.reaches() else run.dut.uplink_works(step(run))
        known: dict[str, object] = {
            "bench_problem": run.dut.bench_problem(),
            "far_end_works": far_end_works,
            "ordered": bool(self.said("ordered") or self.said("suspended")),
            "asked": bool(self.said("selected") or self.said("no_sim")),
            "heard_server": bool(self.said("heartbeat")),
        }
        return ServiceFacts(what=what, **(known | found))  # type: ignore[arg-type]

    def fail(self, name: str, what: str, **found: object) -> CaseFailedError:
        """Find the owner of a failure and note it; the caller raises what this returns."""
        facts = self.facts(what, **{**self._vanished(), **found})
        return self.run.fail(name, blame_service(facts))

    def _vanished(self) -> dict[str, object]:
        """Tell whether the router is still there, and who hears it."""
        dut = self.run.dut
        try:
            dut.driver.registration(step(self.run))
        except RouterError:
            return {"heard": self._is_heard()}
        except (PortLostError, BenchError):
            is_on = None
            if dut.strip is not None and dut.router.relay is not None:
                is_on = dut.strip.is_on(dut.router.relay, step(self.run))
            return {"vanished": True, "power_is_on": is_on, "heard": self._is_heard()}
        return {"heard": True}

    def _is_heard(self) -> bool:
        """Tell whether the access server or a carrier hears the router now."""
        self.news()
        before = len(self.said("heartbeat"))
        self.run.clock.sleep(STEP_S)
        self.news()
        if len(self.said("heartbeat")) > before:
            return True
        return self.run.dut.core is not None and self.line().attached_imei is not None


def serve(run: CaseRun) -> Serving:
    """Have the router serve its user by a cloud SIM; boot it unless it does.

    Raises:
        CaseFailedError: A phase of its boot did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    iccid = _iccid_in_service(run)
    if iccid is None:
        watch = boot(run)
        watch.write_card()
        iccid = watch.selected_iccid
    return in_service(run, iccid)


def reboot(run: CaseRun) -> Serving:
    """Power-cycle the router and have it serve again, its profile store left as it is.

    Raises:
        CaseFailedError: A phase of its boot did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    watch = boot(run, keep_store=True)
    return in_service(run, watch.selected_iccid)


def in_service(run: CaseRun, iccid: str | None) -> Serving:
    """Return a router that serves by a SIM, of which only what happens from now on is news.

    Raises:
        BenchError: The access server does not list the SIM.
    """
    sims = [sim for sim in run.dut.cloud.sims(step(run)) if sim.iccid == iccid]
    if not sims:
        msg = f"{run.dut.name}: the access server does not list the SIM that it gave"
        raise BenchError(msg)
    return from_now_on(run, sims[0])


def from_now_on(run: CaseRun, sim: Sim) -> Serving:
    """Return a router with a SIM, of which only what happens from now on is news."""
    core = run.dut.core.events(after=0, deadline=step(run)) if run.dut.core else ()
    return Serving(
        run=run,
        sim=sim,
        seen=last_event(run.dut.cloud, run.dut.router.imei, step(run)),
        core_seen=max((event.seq for event in core), default=0),
    )


def _iccid_in_service(run: CaseRun) -> str | None:
    """Return the cloud SIM by which the router serves its user now; None when it does not."""
    dut = run.dut
    try:
        dut.ensure_connected(Deadline.after(_CONNECT_S, run.clock))
        state = dut.driver.cloud_sim(step(run))
        known = dut.cloud.router(dut.router.imei, step(run))
        if state is None or known is None or state.card is not Card.CLOUD:
            return None
        if state.phase != Phase.P7_DATA_UP or state.iccid != known.iccid:
            return None
        if not dut.lease_address(step(run)):
            return None
        dut.first_byte(Deadline.after(_BYTE_S, run.clock))
    except (RouterError, BenchError) as exc:
        run.result.event("note", f"not in service: {exc}", party=Party.BENCH)
        return None
    healthy = {sim.iccid for sim in dut.cloud.sims(step(run)) if sim.state == "healthy"}
    return known.iccid if known.iccid in healthy else None


def told_rules(event: ServerEvent) -> list[tuple[int, int]]:
    """Return the speed rules that the access server's log says it told: bytes, bit/s."""
    return [(int(m["bytes"]), int(m["bps"])) for m in _CAUSE.finditer(str(event.detail))]
