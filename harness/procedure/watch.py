"""Gathers evidence while a router goes through its phases: AT, the access server, the taps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.at.cloudsim import CloudSimState
from harness.cloud.adapter import LOG
from harness.cloud.event_log import last_event
from harness.cloud.model import ServerEvent
from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError, CloudError, RouterError
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.port.errors import PortLostError
from harness.procedure.dut import Dut
from harness.procedure.phases import SERVER_SAYS, Milestones, Phase
from harness.procedure.surroundings import write_server_event
from harness.record.result_writer import ResultWriter
from harness.router.driver import RegistrationState

_SERVER_EVERY_S: Final = 0.25
_AT_EVERY_S: Final = 0.25
_GONE_S: Final = 1.0
_STEP_S: Final = 3.0


@dataclass(slots=True, kw_only=True)
class Watch:
    """What is known of a router in its way through the phases.

    Attributes:
        dut: The router.
        result: Where everything is written.
        clock: Where time comes from.
        events: What the access server said of this router since power-on.
        registration: The last answer on registration.
        reject_cause: EMM cause of the last reject, whoever told it; None when there was none.
        pdn_address: Address of the PDN connection.
        selected_iccid: Card that the access server chose.
        selected_plmn: Its carrier.
        cloud_problem: What keeps the lab side from answering, None when it answers.
        at_problem: What keeps the AT port from answering.
        port_lost: The AT port vanished.
        lan_lease: The router gave the bench an address; None before that was tried.
        reports: How often the router said something unasked.
        claimed_early: It said that it is registered while its carrier had not accepted it; None
            before it says so, and where no carrier can be asked.
    """

    dut: Dut
    result: ResultWriter
    clock: Clock
    events: list[ServerEvent] = field(default_factory=list)
    registration: RegistrationState | None = None
    reject_cause: int | None = None
    pdn_address: str | None = None
    selected_iccid: str | None = None
    selected_plmn: str | None = None
    selected_carrier: str | None = None
    cloud_problem: CloudError | None = None
    at_problem: RouterError | None = None
    port_lost: BenchError | None = None
    lan_lease: bool | None = None
    data_problem: BenchError | RouterError | None = None
    held_since_ns: int | None = None
    reports: int = 0
    claimed_early: bool | None = None
    _state: CloudSimState | None = None
    _last_event: int = 0
    _server_offset_us: int = 0
    _next_server_ns: int = 0
    _next_at_ns: int = 0

    def hopeless(self, phase: Phase) -> bool:
        """Whether waiting on cannot help: the AT port is gone, and only it can tell."""
        told_by_others = Phase.P0_BOOT < phase < Phase.P6_CARRIER_ATTACH
        return self.port_lost is not None and not told_by_others

    def power_on(self) -> Milestones:
        """Note where the access server's log stands, switch on, and start the clock of P0."""
        try:
            self._synchronise(Deadline.after(_STEP_S, self.clock))
        except CloudError as exc:
            self.cloud_problem = exc
        start_ns = self.dut.power_on(Deadline.after(_STEP_S, self.clock))
        self.result.event("power", "power on", t_ns=start_ns, party=Party.BENCH)
        return Milestones(start_ns)

    def look(self, milestones: Milestones, deadline: Deadline) -> None:
        """Look everywhere once; note every phase that turns out to have ended."""
        if not self.dut.connected:
            self._connect(milestones, deadline)
        else:
            self._hear_router(milestones)
            self._ask_router(milestones)
        self._ask_server(milestones)
        if milestones.current() is Phase.P7_DATA_UP:
            self._try_data(milestones, deadline)

    def _connect(self, milestones: Milestones, deadline: Deadline) -> None:
        """Open the AT port as soon as it is there, and end P0 when it answers."""
        if self.port_lost is not None:
            return
        try:
            connected_ns = self.dut.connect(deadline.within(_STEP_S))
        except RouterError as exc:
            self.at_problem = exc
            return
        except PortLostError as exc:
            self.port_lost = exc
            return
        except BenchError as exc:  # it may have gone while its ports were opened
            if not self.dut.plug.wait_until_gone(deadline.within(_GONE_S)):
                raise
            self.port_lost = exc
            return
        if connected_ns is not None:
            self.at_problem = None
            milestones.note(Phase.P0_BOOT, connected_ns, "router")

    def _hear_router(self, milestones: Milestones) -> None:
        """Take what the router reports unasked, with the times at which it came."""
        for t_ns, state in self.dut.driver.cloud_sim_reports():
            self.reports += 1
            self._note_state(milestones, state, t_ns)
        for t_ns, cause in self.dut.driver.reject_reports():
            self.reports += 1
            self._note_reject(cause, t_ns, Party.ROUTER)

    def _note_state(self, milestones: Milestones, state: CloudSimState, t_ns: int) -> None:
        """Note how far the router says it is; data are up when the bench has seen them."""
        if state != self._state:
            text = f"cloud SIM: {state.card.name.lower()} card, P{state.phase}"
            self.result.event("urc", text, t_ns=t_ns, party=Party.ROUTER)
        self._state = state
        if state.phase < Phase.P7_DATA_UP:
            milestones.note(Phase(state.phase), t_ns, "router")

    def _note_reject(self, cause: int, t_ns: int, party: Party) -> None:
        """Note that the network refused the router."""
        if cause != self.reject_cause:
            text = f"rejected with cause #{cause}"
            self.result.event("registration", text, t_ns=t_ns, party=party)
        self.reject_cause = cause

    def _ask_router(self, milestones: Milestones) -> None:
        """Ask by 27.007 where the router is registered and which address it has."""
        now_ns = self.clock.monotonic_ns()
        if now_ns < self._next_at_ns:
            return
        self._next_at_ns = now_ns + round(_AT_EVERY_S * NS_PER_S)
        step = Deadline.after(_STEP_S, self.clock)
        driver = self.dut.driver
        try:
            state = driver.registration(step)
            if state != self.registration:
                self.result.event("registration", state.words, party=Party.ROUTER)
            self.registration = state
            if state.reject_cause is not None:
                self._note_reject(state.reject_cause, now_ns, Party.ROUTER)
            cloud = driver.cloud_sim(step)
            if cloud is not None:
                self._note_state(milestones, cloud, self.clock.monotonic_ns())
            on_carrier = state.plmn is not None and state.plmn == self.selected_plmn
            if state.registered and on_carrier and milestones.reached(Phase.P5_HELD):
                milestones.note(Phase.P6_CARRIER_ATTACH, self.clock.monotonic_ns(), "router")
                self.pdn_address = driver.pdn_address(step)
                if self.claimed_early is None:
                    self.claimed_early = self._is_unknown_to_carrier(step)
            self.at_problem = None
        except RouterError as exc:
            self.at_problem = exc
        except BenchError as exc:
            self.port_lost = exc
            self.dut.disconnect()

    def _is_unknown_to_carrier(self, deadline: Deadline) -> bool | None:
        """Tell whether the carrier, asked after the router, does not serve it; None: not said."""
        core, imei = self.dut.core, self.dut.router.imei
        if core is None:
            return None
        try:
            sims = self.dut.cloud.sims(deadline)
            imsis = [sim.imsi for sim in sims if sim.iccid == self.selected_iccid]
            return core.subscriber(imsis[0], deadline).attached_imei != imei if imsis else None
        except CloudError:
            return None

    def hear_server(self, milestones: Milestones) -> None:
        """Read the access server's log now, and look nowhere else."""
        self._next_server_ns = 0
        self._ask_server(milestones)

    def _ask_server(self, milestones: Milestones) -> None:
        """Read the access server's log; its times are put on the bench's clock."""
        now_ns = self.clock.monotonic_ns()
        if now_ns < self._next_server_ns:
            return
        self._next_server_ns = now_ns + round(_SERVER_EVERY_S * NS_PER_S)
        step = Deadline.after(_STEP_S, self.clock)
        try:
            if self._server_offset_us == 0:
                self._synchronise(step)
            events = self.dut.cloud.events(
                after=self._last_event, imei=self.dut.router.imei, deadline=step
            )
            self.cloud_problem = None
        except CloudError as exc:
            self.cloud_problem = exc
            return
        for event in events:
            self._last_event = max(self._last_event, event.seq)
            self._take(event, milestones)

    def happened_ns(self, event: ServerEvent) -> int:
        """Return when the access server noted something, on the bench's clock."""
        return (event.utc_us - self._server_offset_us) * 1000

    def _take(self, event: ServerEvent, milestones: Milestones) -> None:
        """Note one event of the access server."""
        t_ns = self.happened_ns(event)
        self.events.append(event)
        self.dut.recording.told.add(event.seq)
        write_server_event(self.result, event, t_ns)
        if event.kind == "selected":
            self.selected_iccid, self.selected_plmn = event.iccid, event.plmn
            self.selected_carrier = event.carrier
        cause = event.detail.get("cause") if isinstance(event.detail, Mapping) else None
        if event.kind == "rejected" and isinstance(cause, int):
            self._note_reject(cause, t_ns, Party.ACCESS_SERVER)
        if event.kind == "held":
            self.held_since_ns = t_ns
        if event.kind in SERVER_SAYS:
            milestones.note(SERVER_SAYS[event.kind], t_ns, Party.ACCESS_SERVER.value)

    def _synchronise(self, deadline: Deadline) -> None:
        """Learn the difference of the clocks, and where the server's log ends now."""
        before_us = self.clock.monotonic_ns() // 1000
        server_us = self.dut.cloud.utc_us(deadline)
        after_us = self.clock.monotonic_ns() // 1000
        self._server_offset_us = server_us - (before_us + after_us) // 2
        if self._last_event == 0:
            self._last_event = last_event(self.dut.cloud, self.dut.router.imei, deadline)

    def _try_data(self, milestones: Milestones, deadline: Deadline) -> None:
        """End P7 by a first byte from the test server, asked for as the router's user."""
        if self.pdn_address is None or self.port_lost is not None:
            return
        try:
            if not self.lan_lease:
                self.lan_lease = self.dut.lease_address(deadline.within(_STEP_S))
            if self.lan_lease:
                t_ns = self.dut.first_byte(deadline.within(_STEP_S))
                milestones.note(Phase.P7_DATA_UP, t_ns, "bench")
        except (BenchError, RouterError) as exc:
            self.data_problem = exc

    def write_card(self) -> None:
        """Write as which card the router says it acts; its log of cards is the access server's."""
        imsi = self.dut.driver.imsi(Deadline.after(_STEP_S, self.clock))
        text = f"the router acts as IMSI {imsi}" if imsi else "the router tells no IMSI"
        self.result.event("sim", text, party=Party.ROUTER, data={"imsi": imsi})
        if LOG in self.dut.cloud.capabilities:
            return
        self.result.sim_use(
            self.selected_iccid or "",
            imsi or "",
            self.selected_carrier or "",
            self.selected_plmn or "",
            start_ns=self.held_since_ns or self.clock.monotonic_ns(),
            end_ns=None,
        )
