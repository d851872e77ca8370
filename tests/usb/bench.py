"""Routers of both back ends, as the tests of the USB tier handle them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from devices.virtual.usb.device import UsbIdentity, UsbRouter
from devices.virtual.usb.gadget import GadgetRouter
from harness.core.clock import Deadline, SystemClock
from harness.lab.description import Function
from harness.lab.udev import UdevSource
from harness.port.inbox import Chunk, LiveInbox, PortLost
from harness.port.serial_port import SerialPort

IMEI = "356938035643809"
WITHIN_S = 60.0  # under emulation with other work beside it; a laptop needs a tenth
ANSWERS = {b"AT": b"OK", b"AT+CGSN": IMEI.encode() + b"\r\n\r\nOK"}


def run(*command: str) -> str:
    """Run a program of the guest and return what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def soon() -> Deadline:
    """Return the deadline that every wait of a test has."""
    return Deadline.after(WITHIN_S, SystemClock())


class Lines:
    """Far end of a serial port: answers whole lines by a table, says nothing while mute."""

    def __init__(self) -> None:
        self._send: Callable[[bytes], object] = len
        self._held = b""
        self.is_mute = False

    def answer_by(self, send: Callable[[bytes], None]) -> None:
        """Answer through this from now on."""
        self._send = send

    def feed(self, data: bytes) -> None:
        """Take what the host wrote."""
        *lines, self._held = (self._held + data).split(b"\r")
        for line in lines:
            if line.strip() and not self.is_mute:
                self._send(b"\r\n" + ANSWERS.get(line.strip(), b"ERROR") + b"\r\n")


class Pluggable(Protocol):
    """What both back ends can do."""

    def plug(self) -> None:
        """Plug in."""
        ...

    def unplug(self) -> None:
        """Pull out."""
        ...

    def close(self) -> None:
        """Remove for good."""
        ...

    def send(self, index: int, data: bytes) -> None:
        """Send bytes to the host."""
        ...


@dataclass
class Bench:
    """A router of either back end, and udev watching it.

    Attributes:
        router: The router; not plugged in at first.
        source: What the harness sees.
        at_interface: Interface number of its first AT port.
        lines: Far ends of its serial ports.
    """

    router: Pluggable
    source: UdevSource
    at_interface: int
    lines: list[Lines] = field(default_factory=list)

    def plug(self) -> tuple[Function, ...]:
        """Plug the router in and wait for both ports and the interface, with names."""
        self.router.plug()
        found = self.source.wait(self._complete, soon())
        assert found is not None, self.source.functions()
        return found

    def unplug(self) -> None:
        """Pull the router out and wait until nothing of it is left."""
        self.router.unplug()
        assert self.source.wait(lambda seen: () if not mine(seen) else None, soon()) == ()

    def at_node(self) -> str:
        """Return the node of the AT port."""
        for function in mine(self.source.functions()):
            if function.subsystem == "tty" and function.interface == self.at_interface:
                return str(function.node)
        raise AssertionError(self.source.functions())

    def ifname(self) -> str:
        """Return the network interface's name."""
        for function in mine(self.source.functions()):
            if function.subsystem == "net":
                return str(function.ifname)
        raise AssertionError(self.source.functions())

    def sys_path(self) -> Path:
        """Return the device's directory in sysfs."""
        for serial in Path("/sys/bus/usb/devices").glob("*/serial"):
            if serial.read_text().strip() == IMEI:
                return serial.parent.resolve()
        raise AssertionError(self.source.functions())

    def wait_for_kinds(self, kinds: list[str]) -> tuple[Function, ...]:
        """Wait until exactly these kinds of function are there."""
        found = self.source.wait(
            lambda seen: mine(seen) if sorted(f.subsystem for f in mine(seen)) == kinds else None,
            soon(),
        )
        assert found is not None, self.source.functions()
        return found

    @staticmethod
    def dialogue(node: str) -> Dialogue:
        """Open a port."""
        return Dialogue(node)

    @staticmethod
    def run(*command: str) -> str:
        """Run a program of the guest and return what it said."""
        return run(*command)

    def _complete(self, seen: tuple[Function, ...]) -> tuple[Function, ...] | None:
        kinds = sorted(function.subsystem for function in mine(seen))
        return mine(seen) if kinds == ["net", "tty", "tty", "usb"] else None


def mine(functions: tuple[Function, ...]) -> tuple[Function, ...]:
    """Return the functions of the router with our serial number."""
    return tuple(function for function in functions if function.serial == IMEI)


class Dialogue:
    """One exchange after another over a port of the harness."""

    def __init__(self, node: str) -> None:
        self._inbox = LiveInbox(SystemClock())
        self._port = SerialPort(node)
        self._port.open(self._inbox, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._port.close()

    def say(self, data: bytes) -> None:
        """Send bytes and wait for nothing."""
        self._port.write(data, soon())

    def ask(self, command: bytes) -> bytes:
        """Send a line and return everything up to OK."""
        self.say(command + b"\r")
        answer = b""
        while not answer.endswith(b"OK\r\n"):
            arrival = self._inbox.get(soon().end_ns)
            assert isinstance(arrival, Chunk), (answer, arrival)
            answer += arrival.data
        return answer

    def lost(self) -> PortLost:
        """Wait for the end of the port."""
        deadline = soon()
        while (arrival := self._inbox.get(deadline.end_ns)) is not None:
            if isinstance(arrival, PortLost):
                return arrival
        msg = "the port did not end"
        raise AssertionError(msg)


def usbip_router(
    kind: str, *, serial: str = IMEI, number: int = 0
) -> tuple[UsbRouter, list[Lines]]:
    """Make a router for `vhci_hcd` whose ports answer lines."""
    identity = UsbIdentity(
        vid=0x1782,
        pid=0x4D11,
        serial=serial,
        mac=f"02:00:5e:10:00:{number:02x}",
        kind="acm" if kind == "acm" else "vendor",
    )
    lines = [Lines(), Lines()]
    router = UsbRouter(identity, on_bytes=[line.feed for line in lines], on_frame=len)
    _connect(lines, router)
    return router, lines


def gadget_router() -> tuple[GadgetRouter, list[Lines]]:
    """Make a router for `dummy_hcd` whose ports answer lines: RNDIS and two ACM ports."""
    lines = [Lines(), Lines()]
    router = GadgetRouter(
        "router",
        "dummy_udc.0",
        UsbIdentity(vid=0x1D6B, pid=0x0104, serial=IMEI, mac="02:00:5e:10:00:f0", kind="acm"),
        network="rndis",
        device_mac="02:00:5e:20:00:f0",
        on_bytes=[line.feed for line in lines],
    )
    _connect(lines, router)
    return router, lines


def _connect(lines: list[Lines], router: Pluggable) -> None:
    for index, line in enumerate(lines):
        line.answer_by(partial(router.send, index))
