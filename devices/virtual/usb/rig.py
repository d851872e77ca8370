"""Routers of the virtual bench as USB devices: follows what the bench announces.

The bench says which functions a router has now; when all of them are there the USB device is
plugged in, when one goes the cable is pulled. The router's slot is its port: `virtual/1-3` is the
third port of the virtual controllers, which the harness sees as `platform-vhci_hcd.0/1-3`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from devices.virtual.netlink import Rtnl
from devices.virtual.usb.device import UsbIdentity, UsbRouter
from devices.virtual.usb.far_end import InterfaceEnd, TerminalEnd
from devices.virtual.usb.vhci import NoPortError, Place, all_places

Device = Mapping[str, Any]
Kind = Literal["acm", "vendor"]

_SLOT: Final = re.compile(r"virtual/1-(?P<port>[1-9]\d*)", re.ASCII)


def place_of(usb_path: str, present: Sequence[Place]) -> Place:
    """Return the port of the virtual controllers for a slot of the virtual bench.

    Raises:
        NoPortError: That is no slot of the virtual bench, or there are not so many ports.
    """
    match = _SLOT.fullmatch(usb_path)
    if match is None:
        msg = f"{usb_path!r} is not a slot of the virtual bench, like 'virtual/1-1'"
        raise NoPortError(msg)
    number = int(match["port"])
    if number > len(present):
        msg = f"{usb_path} needs port {number} of vhci_hcd; it has {len(present)}"
        raise NoPortError(msg)
    return present[number - 1]


class Slot:
    """One router of the bench, plugged in while all its functions are announced.

    Args:
        place: Where it is plugged in.
        kind: Which serial ports it shows.
    """

    def __init__(self, place: Place, kind: Kind) -> None:
        self.place = place
        self._kind: Kind = kind
        self._present: dict[tuple[str, int | None], Device] = {}
        self._router: UsbRouter | None = None
        self._terminals: list[TerminalEnd] = []
        self._lan: InterfaceEnd | None = None

    def add(self, device: Device) -> None:
        """Note a function that is there; plug in when it was the last one missing.

        Raises:
            NoPortError: The virtual controller has no such port free.
        """
        self._present[(device["subsystem"], device.get("interface"))] = device
        terminals = [d for d in self._present.values() if d["subsystem"] == "tty"]
        kinds = {kind for kind, _ in self._present}
        if self._router is None and kinds >= {"usb", "tty", "net"} and len(terminals) > 1:
            terminals.sort(key=lambda d: int(d["interface"]))
            self._plug([Path(d["node"]) for d in terminals])

    def remove(self, device: Device) -> None:
        """Note a function that has gone, and pull the cable."""
        self._present.pop((device["subsystem"], device.get("interface")), None)
        self.unplug()

    def unplug(self) -> None:
        """Pull the cable and let go of the far end; may be called again."""
        router, self._router = self._router, None
        if router is not None:
            router.close()
        for terminal in self._terminals:
            terminal.close()
        self._terminals.clear()
        if self._lan is not None:
            self._lan.close()
            self._lan = None

    def _plug(self, nodes: list[Path]) -> None:
        device = next(d for (kind, _), d in self._present.items() if kind == "usb")
        net = next(d for (kind, _), d in self._present.items() if kind == "net")
        identity = UsbIdentity(
            vid=int(device["vid"], 16),
            pid=int(device["pid"], 16),
            serial=device.get("serial"),
            manufacturer=device.get("manufacturer") or "Virtual",
            product=device.get("product") or "Pocket Router",
            mac=net["mac"],
            ports=tuple(f"AT{number}" for number in range(len(nodes))),
            kind=self._kind,
        )
        writers = [_Later() for _ in nodes]
        frames = _Later()
        router = UsbRouter(identity, on_bytes=writers, on_frame=frames)
        with Rtnl() as rtnl:
            rtnl.up(net["ifname"])
        self._lan = InterfaceEnd(net["ifname"], router.send_frame)
        frames.target = self._lan.write
        for index, (node, writer) in enumerate(zip(nodes, writers, strict=True)):
            terminal = TerminalEnd(node, partial(router.send, index))
            writer.target = terminal.write
            self._terminals.append(terminal)
        router.plug(port=self.place.number)
        self._router = router


class _Later:
    """A receiver whose target is known only after it was handed out.

    Attributes:
        target: Where data goes; nowhere at first.
    """

    def __init__(self) -> None:
        self.target: Callable[[bytes], object] = len

    def __call__(self, data: bytes) -> None:
        self.target(data)


class Rig:
    """Every router of the bench.

    Args:
        kind: Which serial ports they show.
    """

    def __init__(self, kind: Kind) -> None:
        """Look which ports there are.

        Raises:
            NoPortError: vhci_hcd is not loaded.
        """
        self._kind: Kind = kind
        self._slots: dict[str, Slot] = {}
        self._places = all_places()

    def take(self, action: Literal["add", "remove"], device: Device) -> None:
        """Take one announced change; a router that vanished while it was plugged in stays out.

        Raises:
            NoPortError: The virtual controller has no such port free.
        """
        path = device["usb_path"]
        if path not in self._slots:
            self._slots[path] = Slot(place_of(path, self._places), self._kind)
        slot = self._slots[path]
        if action == "remove":
            slot.remove(device)
            return
        try:
            slot.add(device)
        except FileNotFoundError:  # its terminal hung up already; a `remove` follows
            slot.unplug()

    def announce(self, first_line: Mapping[str, Any]) -> dict[str, Any]:
        """Plug in what the bench announced; return the announcement as the harness needs it.

        Its devices are left out: udev tells about them. Power relays are named by the new paths.
        """
        for device in first_line["devices"]:
            self.take("add", device)
        changed = dict(first_line)
        changed["devices"] = []
        found = {path: slot.place.usb_path for path, slot in self._slots.items()}
        changed["usb"] = found
        power = dict(first_line.get("power", {}))
        power["relays"] = {found.get(p, p): n for p, n in power.get("relays", {}).items()}
        changed["power"] = power
        return changed

    def close(self) -> None:
        """Pull every cable; may be called again."""
        for slot in self._slots.values():
            with suppress(OSError):
                slot.unplug()
