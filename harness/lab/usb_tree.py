"""The tree of USB devices, their interfaces and functions: pure, fed with records and events.

A record is what udev knows of one device. One router is one USB device; its functions hang below
its interfaces in sysfs, so a path says everything about who belongs to whom:
`…/pci0000:00/0000:00:14.0/usb1/1-2/1-2.1/1-2.1:1.2/ttyUSB0/tty/ttyUSB0`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from harness.lab.description import Function, Subsystem

_ROOT_HUB: Final = re.compile(
    r"(?P<root>/.*?/(?P<controller>[^/]+)/usb(?P<bus>\d+))(?P<below>/.*)?", re.ASCII
)
_INTERFACE: Final = re.compile(
    r"(?P<interface_path>(?P<device_path>.*/\d+-(?P<ports>\d+(?:\.\d+)*))"
    r"/\d+-[\d.]+:\d+\.(?P<number>\d+))(?P<function>/.*)?",
    re.ASCII,
)
_DEVICE: Final = re.compile(r"(?P<device_path>.*/\d+-(?P<ports>\d+(?:\.\d+)*))", re.ASCII)
_FUNCTIONS: Final[Mapping[str, Subsystem]] = {
    "tty": "tty",
    "net": "net",
    "usbmisc": "cdc-wdm",
    "block": "block",
}
SUBSYSTEMS: Final = ("usb", *_FUNCTIONS)
_FOREIGN_DRIVERS: Final = frozenset(
    {"hub", "usbhid", "uvcvideo", "snd-usb-audio", "btusb", "usblp", "usbtmc", "xpad"}
)
"""Drivers of interfaces that no router has by itself; a router may have one beside its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SysRecord:
    """One device as udev knows it.

    Attributes:
        sys_path: Path in sysfs, with or without the leading `/sys`.
        subsystem: `usb`, `tty`, `net`, `usbmisc` or `block`.
        devtype: `usb_device`, `usb_interface`, `disk`, …; None when the kernel says none.
        driver: Driver bound to it; of a function, that of its interface.
        node: Device node, None when it has none.
        attributes: sysfs attributes of a `usb_device`: idVendor, idProduct, serial, manufacturer,
            product.
    """

    sys_path: str
    subsystem: str
    devtype: str | None = None
    driver: str | None = None
    node: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Last part of the path: the kernel's name."""
        return self.sys_path.rpartition("/")[2]


@dataclass(slots=True)
class _Device:
    record: SysRecord
    lost: set[str] = field(default_factory=set)
    returns: dict[str, int] = field(default_factory=dict)


class UsbTree:
    """What is plugged in, kept up to date by udev's events.

    Events come in the kernel's order: at an unplug the functions go first, then their interfaces,
    then the device. A network interface that is moved to another namespace is removed too, and
    nothing was unplugged: a new generation is a device that comes, or that loses interfaces and
    gets them again (sysfs `authorized`).
    """

    def __init__(self, records: Iterable[SysRecord] = ()) -> None:
        self._devices: dict[str, _Device] = {}
        self._functions: dict[tuple[str, str], SysRecord] = {}
        self._interfaces: dict[str, str | None] = {}
        self._generations: dict[str, int] = {}
        self._roots: dict[str, set[int]] = {}
        present = sorted(records, key=lambda record: record.sys_path)
        for record in present:  # the root hubs first: a path counts them
            self._note_root(record)
        for record in present:
            self.apply("add", record)

    def apply(self, action: str, record: SysRecord) -> bool:
        """Take one event; tell whether anything is different now.

        Args:
            action: `add`, `bind`, `unbind`, `change`, `move` or `remove`, as udev says it.
            record: The device it is about.
        """
        if not self._note_root(record):
            return False
        if record.subsystem == "usb" and record.devtype == "usb_device":
            return self._device(action, record)
        if record.subsystem == "usb":
            return self._interface(action, record)
        return self._function(action, record)

    def generation(self, usb_path: str) -> int:
        """Return how often a device has appeared at a path; 0 when there never was one."""
        return self._generations.get(usb_path, 0)

    def sys_path(self, usb_path: str) -> str | None:
        """Return the directory in sysfs of the device at a path; None when there is none."""
        for path, device in self._devices.items():
            if self.usb_path(device.record) == usb_path:
                return path
        return None

    def functions(self) -> tuple[Function, ...]:
        """Return the devices, hubs among them, and their functions, ordered by path."""
        drivers: dict[str, set[str | None]] = {}
        for path, driver in self._interfaces.items():
            drivers.setdefault(path.rpartition("/")[0], set()).add(driver)
        found = [
            replace(
                self._describe(device.record, "usb", None, device.record),
                is_foreign=drivers.get(path, {None}) <= _FOREIGN_DRIVERS,
            )
            for path, device in self._devices.items()
        ]
        for (interface_path, _), record in self._functions.items():
            match = _INTERFACE.fullmatch(interface_path)
            device = self._devices.get(match["device_path"]) if match else None
            if match is not None and device is not None:
                subsystem = _FUNCTIONS[record.subsystem]
                found.append(self._describe(record, subsystem, int(match["number"]), device.record))
        return tuple(sorted(found, key=_order))

    def usb_path(self, record: SysRecord) -> str:
        """Return where a record's device is plugged in: controller, root hub, ports.

        `pci-0000:00:14.0/1-2.1` is port 1 of the hub at port 2 of the *first* root hub of that
        controller. The kernel's bus number is left out: it changes with the order of loading.
        """
        root = _ROOT_HUB.fullmatch(record.sys_path)
        device = _INTERFACE.fullmatch(record.sys_path) or _DEVICE.fullmatch(record.sys_path)
        if root is None or device is None:
            return record.sys_path
        controller = root["controller"]
        rank = sorted(self._roots[controller]).index(int(root["bus"])) + 1
        bus = "pci" if ":" in controller else "platform"  # 0000:00:14.0, vhci_hcd.0
        return f"{bus}-{controller}/{rank}-{device['ports']}"

    def _note_root(self, record: SysRecord) -> bool:
        """Remember the root hub above a record; tell whether there is one."""
        match = _ROOT_HUB.fullmatch(record.sys_path)
        if match is None:
            return False
        self._roots.setdefault(match["controller"], set()).add(int(match["bus"]))
        return True

    def _device(self, action: str, record: SysRecord) -> bool:
        path = record.sys_path
        if action == "remove":
            for key in [k for k in self._functions if k[0].startswith(f"{path}/")]:
                del self._functions[key]
            for interface in self._interfaces_of(path):
                del self._interfaces[interface]
            return self._devices.pop(path, None) is not None
        if _DEVICE.fullmatch(path) is None or not record.attributes:
            return False  # a root hub, or an event for what has gone in the meantime
        known = self._devices.get(path)
        if known is None:
            self._devices[path] = _Device(record)
            self._count(record)
            return True
        if known.record == record:
            return False
        known.record = record
        return True

    def _interface(self, action: str, record: SysRecord) -> bool:
        path = record.sys_path
        device = self._devices.get(path.rpartition("/")[0])
        if action in {"remove", "unbind"}:
            gone = [key for key in self._functions if key[0] == path]
            for key in gone:
                del self._functions[key]
            if action == "remove" and path in self._interfaces:
                del self._interfaces[path]
                if device is not None:
                    device.lost.add(path)
            return bool(gone)
        self._interfaces[path] = record.driver
        if device is not None and path in device.lost:  # de-authorized, and authorized again
            # By interface: udevd works in parallel, one may be back before another is gone.
            device.lost.remove(path)
            counted = max(device.returns.values(), default=0)
            device.returns[path] = device.returns.get(path, 0) + 1
            if device.returns[path] > counted:
                self._count(device.record)
        return False

    def _interfaces_of(self, device_path: str) -> list[str]:
        return [path for path in self._interfaces if path.startswith(f"{device_path}/")]

    def _count(self, record: SysRecord) -> None:
        """Begin a new generation at a device's path."""
        usb_path = self.usb_path(record)
        self._generations[usb_path] = self._generations.get(usb_path, 0) + 1

    def _function(self, action: str, record: SysRecord) -> bool:
        match = _INTERFACE.fullmatch(record.sys_path)
        if match is None or not match["function"] or record.subsystem not in _FUNCTIONS:
            return False
        if record.subsystem == "block" and record.devtype == "partition":
            return False
        # By interface and kind, not by name: udev renames a network interface in mid-flight.
        kind = record.subsystem if record.subsystem == "net" else record.name
        key = (match["interface_path"], kind)
        if action == "remove":
            known = self._functions.get(key)
            if known is None or known.name != record.name:
                return False
            del self._functions[key]
            return True
        if self._functions.get(key) == record:
            return False
        self._functions[key] = record
        return True

    def _describe(
        self,
        record: SysRecord,
        subsystem: Subsystem,
        interface: int | None,
        device: SysRecord,
    ) -> Function:
        match = _INTERFACE.fullmatch(record.sys_path)
        bound = self._interfaces.get(match["interface_path"]) if match else None
        return Function(
            subsystem=subsystem,
            usb_path=self.usb_path(device),
            interface=interface,
            driver=record.driver or bound,
            node=record.node if subsystem != "usb" else None,
            ifname=record.name if subsystem == "net" else None,
            vid=device.attributes.get("idVendor"),
            pid=device.attributes.get("idProduct"),
            serial=device.attributes.get("serial"),
            manufacturer=device.attributes.get("manufacturer"),
            product=device.attributes.get("product"),
        )


def _order(function: Function) -> tuple[str, int, str, str]:
    number = -1 if function.interface is None else function.interface
    return (function.usb_path, number, function.subsystem, function.node or function.ifname or "")
