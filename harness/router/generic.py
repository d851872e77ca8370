"""A router as TS 27.007 has it; what a maker does otherwise is in its model file.

It holds no parser and no loop: it picks commands and hands the answers to `harness.at`.
"""

from __future__ import annotations

from typing import Final

from harness.at.cimi import parse_cimi
from harness.at.cloudsim import CloudSimState, parse_cloudsim
from harness.at.cloudsim_held import parse_held
from harness.at.cops import parse_cops
from harness.at.cpin import PinState, parse_cpin
from harness.at.errors import AtCommandError, AtFramingError
from harness.at.iccid import parse_iccid
from harness.at.identification import parse_cgsn, parse_identity
from harness.at.lane import Reply, newest_line
from harness.at.model import Model
from harness.at.network_time import ClockReading, parse_cclk
from harness.at.pdp import parse_cgcontrdp, parse_cgpaddr
from harness.at.registration import Registration, parse_registration, parse_registration_urc
from harness.at.session import AtSession, only_line
from harness.core.clock import Deadline
from harness.router.driver import Identity, RegistrationState

_REPORT: Final = "^CLOUDSIM"
_HELD: Final = "^CLOUDHELD"
_IPV4: Final = 4
_NO_CARD: Final = frozenset({10, 13, 14, 15})
"""+CME ERROR: SIM not inserted, SIM failure, SIM busy, SIM wrong (TS 27.007 9.2.1)."""


class Generic3gppRouter:
    """The control plane of a router that keeps to the standard.

    Args:
        session: Its AT ports.
        model: What its maker does otherwise.
    """

    def __init__(self, session: AtSession, model: Model) -> None:
        self._session = session
        self._model = model
        self._reports = session.subscribe(_REPORT)
        self._registrations = session.subscribe("+CEREG", "+CGREG")

    def prepare(self, deadline: Deadline) -> None:
        """Switch echo off; errors by number, registration with causes, vendor reports on."""
        for command in ("ATE0", "AT+CMEE=1"):
            self._session.execute(command, deadline)
        try:
            self._session.execute("AT+CEREG=3", deadline)
        except AtCommandError:  # causes are of release 12; an older router tells the place
            self._session.execute("AT+CEREG=2", deadline)
        self._session.execute("AT+COPS=3,2", deadline)
        report = self._model.commands.get("cloudsim_report")
        if report is not None:
            self._session.execute(report.send, deadline)

    def identity(self, deadline: Deadline) -> Identity:
        """Return who the router says it is."""
        manufacturer, model, firmware = (
            parse_identity(_first(self._session.execute(command, deadline)))
            for command in ("AT+CGMI", "AT+CGMM", "AT+CGMR")
        )
        imei = parse_cgsn(_first(self._session.execute("AT+CGSN", deadline)))
        return Identity(manufacturer=manufacturer, model=model, firmware=firmware, imei=imei.digits)

    def registration(self, deadline: Deadline) -> RegistrationState:
        """Return where the router is registered for packet services (+CEREG, +COPS)."""
        line = newest_line(self._session.execute("AT+CEREG?", deadline), "+CEREG")
        found: Registration = parse_registration(line)
        plmn = None
        if found.registered:
            reply = self._session.execute("AT+COPS?", deadline)
            plmn = parse_cops(only_line(reply, "+COPS")).plmn
        return RegistrationState(
            stat=found.stat,
            registered=found.registered,
            plmn=plmn,
            reject_cause=found.reject_cause if not found.cause_type else None,
        )

    def reject_reports(self) -> list[tuple[int, int]]:
        """Return the network's rejects since the last call: arrival time in ns, EMM cause."""
        found = [(urc.t_ns, parse_registration_urc(urc.line)) for urc in self._registrations]
        return [
            (t_ns, state.reject_cause)
            for t_ns, state in found
            if state.reject_cause is not None and not state.cause_type
        ]

    def imsi(self, deadline: Deadline) -> str | None:
        """Return the subscriber of the card in use (+CIMI); None when there is no card."""
        line = self._of_card("AT+CIMI", deadline)
        return None if line is None else parse_cimi(line)

    def iccid(self, deadline: Deadline) -> str | None:
        """Return the card in use; None when there is none."""
        line = self._of_card(self._model.command("iccid").send, deadline)
        return None if line is None else parse_iccid(line).digits

    def pdn_address(self, deadline: Deadline) -> str | None:
        """Return the IPv4 address of the PDN connection (+CGPADDR); None when there is none."""
        reply = self._session.execute("AT+CGPADDR", deadline)
        for line in reply.lines:
            for address in parse_cgpaddr(line).addresses:
                if address.version == _IPV4:
                    return str(address)
        return None

    def name_servers(self, deadline: Deadline) -> tuple[str, ...]:
        """Return the IPv4 addresses of the name servers that the network told (+CGCONTRDP)."""
        reply = self._session.execute("AT+CGCONTRDP", deadline)
        told = [server for line in reply.lines for server in parse_cgcontrdp(line).dns]
        return tuple(str(server) for server in told if server.version == _IPV4)

    def erase_profile(self, deadline: Deadline) -> bool:
        """Empty the profile store; False when the model has no command for it."""
        command = self._model.commands.get("cloudsim_erase")
        if command is None:
            return False
        self._session.execute(command.send, deadline)
        return True

    @property
    def tells_held(self) -> bool:
        """Whether the model can be asked whose profile its store holds."""
        return "cloudsim_held" in self._model.commands

    def held_iccid(self, deadline: Deadline) -> str | None:
        """Return whose profile the store holds; None when it is empty."""
        command = self._model.command("cloudsim_held").send
        return parse_held(only_line(self._session.execute(command, deadline), _HELD))

    def ask_other_sim(self, deadline: Deadline) -> bool:
        """Ask for another SIM as a user may; False when the model has no command for it."""
        command = self._model.commands.get("cloudsim_reassign")
        if command is None:
            return False
        self._session.execute(command.send, deadline)
        return True

    def set_attached(self, deadline: Deadline, *, attached: bool) -> None:
        """Attach to the packet domain or detach from it (+CGATT)."""
        self._session.execute(f"AT+CGATT={int(attached)}", deadline)

    def cloud_sim(self, deadline: Deadline) -> CloudSimState | None:
        """Return the vendor's word on the cloud SIM; None when the model has none."""
        command = self._model.commands.get("cloudsim_state")
        if command is None:
            return None
        reply = self._session.execute(command.send, deadline)
        return parse_cloudsim(newest_line(reply, _REPORT))

    def cloud_sim_reports(self) -> list[tuple[int, CloudSimState]]:
        """Return the vendor's reports since the last call, each with its arrival time in ns."""
        return [(urc.t_ns, parse_cloudsim(urc.line)) for urc in self._reports]

    def clock_reading(self, deadline: Deadline) -> ClockReading | None:
        """Return what the router's clock says (+CCLK); None when it was never set."""
        return parse_cclk(only_line(self._session.execute("AT+CCLK?", deadline), "+CCLK"))

    def use_card(self, *, cloud: bool, deadline: Deadline) -> bool:
        """Change to the cloud SIM or to the card in the slot; False when the router refuses."""
        commands = self._model.command
        order = commands("cloudsim_use_cloud") if cloud else commands("cloudsim_use_physical")
        try:
            self._session.execute(order.send, deadline)
        except AtCommandError:
            return False
        return True

    def wants_pin(self, deadline: Deadline) -> bool:
        """Tell whether the card in use waits for its PIN (+CPIN)."""
        line = self._of_card("AT+CPIN?", deadline)
        return line is not None and parse_cpin(line) is PinState.SIM_PIN

    def enter_pin(self, pin: str, deadline: Deadline) -> None:
        """Give the card its PIN (+CPIN)."""
        self._session.execute(f'AT+CPIN="{pin}"', deadline)

    def _of_card(self, command: str, deadline: Deadline) -> str | None:
        """Return the first line of an answer that a router without a card refuses."""
        try:
            return _first(self._session.execute(command, deadline))
        except AtCommandError as exc:
            if exc.kind == "cme" and exc.code in _NO_CARD:
                return None
            raise


def _first(reply: Reply) -> str:
    """Return the first line of an answer.

    Raises:
        AtFramingError: There is none.
    """
    if not reply.lines:
        msg = f"an answer with a line expected, got {reply.raw!r}"
        raise AtFramingError(msg)
    return reply.lines[0]
