"""The modem's two AT ports and the lines it sends unasked."""

from __future__ import annotations

from collections.abc import Callable

from devices.virtual.at.cloudcard import state_line
from devices.virtual.at.commands import table_for
from devices.virtual.at.modem import Modem
from devices.virtual.at.network import registration_lines
from devices.virtual.at.session import AtSession
from devices.virtual.firmware.ports import HostWatch, Port

INTERFACES = (2, 3)
"""USB interface numbers of the AT ports: commands, and a second one."""

_BOOT_JUNK = b"\x00\x00\xfe\x8d\x00"
_ZONE_ONLY, _ZONE_EXTENDED = 1, 2


class Console:
    """Both AT ports.

    Args:
        modem: What they show.
        announce: Takes an interface number and the node behind it.
    """

    def __init__(self, modem: Modem, announce: Callable[[int, str], None]) -> None:
        self._modem = modem
        self._announce = announce
        self._ports: list[Port] = []
        self._watch: HostWatch | None = None
        self.sessions: list[AtSession] = []
        self._is_mute = False
        self._last_registration: dict[int, list[str]] = {}

    def open(self) -> None:
        """Make the ports and say where they are."""
        table = table_for(self._modem.style)
        self._watch = HostWatch()
        for interface in INTERFACES:
            port = Port(self._feeder(interface), self._watch)
            self._ports.append(port)
            self.sessions.append(AtSession(self._modem, table, port.write))
            self._announce(interface, port.node)

    def close(self) -> None:
        """Take the ports away; may be called again."""
        for session in self.sessions:
            session.close()
        if self._watch is not None:
            self._watch.close()
        for port in self._ports:
            port.close()
        self._ports.clear()
        self.sessions.clear()
        self._last_registration.clear()

    def mute(self) -> None:
        """Stop answering on both ports, as a crashed AT task does."""
        self._is_mute = True

    def _feeder(self, interface: int) -> Callable[[bytes], None]:
        index = INTERFACES.index(interface)

        def feed(data: bytes) -> None:
            is_dead = index == 1 and "second_port_dead" in self._modem.defects
            if not self._is_mute and not is_dead:
                self.sessions[index].feed(data)

        return feed

    def boot_messages(self, *, has_card: bool) -> None:
        """Send what a modem says after power-on."""
        for port in self._ports:
            port.write(_BOOT_JUNK)
        self.say("RDY", f"+CFUN: {self._modem.fun}")
        self.say("+CPIN: READY" if has_card else "+CPIN: NOT INSERTED")

    def say(self, *lines: str) -> None:
        """Send lines to both ports, whatever their settings."""
        if "urcs_lost" in self._modem.defects:
            return
        for session in self.sessions:
            for text in lines:
                session.unsolicited(text)

    def registration_changed(self) -> None:
        """Send the registration lines each port has asked for, if they say something new."""
        for index, session in enumerate(self.sessions):
            lines = registration_lines(self._modem, session.settings.reports)
            if lines != self._last_registration.get(index):
                self._last_registration[index] = lines
                self._say_to(session, *lines)

    def cloud_changed(self) -> None:
        """Send the cloud card's state where it was asked for."""
        self._say_where("^CLOUDSIM", state_line(self._modem))

    def packet_event(self, text: str) -> None:
        """Send a ``+CGEV`` line where ``+CGEREP`` asks for it (TS 27.007 clause 10.1.19)."""
        self._say_where("+CGEREP", f"+CGEV: {text}")

    def connection_changed(self) -> None:
        """Send ``+CSCON`` where it was asked for."""
        self._say_where("+CSCON", f"+CSCON: {int(self._modem.is_connected)}")

    def zone_changed(self, zone_quarters: int, local: str) -> None:
        """Send what ``+CTZR`` asks for (TS 27.007 clause 8.41)."""
        for session in self.sessions:
            kind = session.settings.numbers.get("+CTZR", 0)
            if kind == _ZONE_ONLY:
                self._say_to(session, f"+CTZV: {zone_quarters:+03d}")
            elif kind:
                text = f'+CTZE: "{zone_quarters:+03d}",0' + (
                    f',"{local}"' if kind == _ZONE_EXTENDED else ""
                )
                self._say_to(session, text)

    def _say_where(self, switch: str, text: str) -> None:
        for session in self.sessions:
            if session.settings.numbers.get(switch):
                self._say_to(session, text)

    def _say_to(self, session: AtSession, *lines: str) -> None:
        if "urcs_lost" not in self._modem.defects:
            for text in lines:
                session.unsolicited(text)
