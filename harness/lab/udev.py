"""What udev knows of USB devices, now and as it changes. The only user of pyudev.

Events are taken from udev, not from the kernel: they come when the rules have run, so that
permissions are set and names are final. `udevadm settle` is neither needed nor enough: it waits
for everybody's events that are already queued, and a router's next function is not yet.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

import pyudev

from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError
from harness.lab.description import Function
from harness.lab.source import Change, Changes
from harness.lab.sysfs import ATTRIBUTES, read_sysfs
from harness.lab.usb_list import changes
from harness.lab.usb_tree import SUBSYSTEMS, SysRecord, UsbTree

T = TypeVar("T")

_UDEV_CONTROL: Final = Path("/run/udev/control")
_RECEIVE_BUFFER_BYTES: Final = 32 << 20  # 20 routers on a hub that resets: 2,000 events at once
_POLL_S: Final = 0.2


def read_record(device: pyudev.Device) -> SysRecord:
    """Turn a pyudev device into a record; a device that has gone gives what is left of it."""
    subsystem = str(device.subsystem)
    attributes: dict[str, str] = {}
    if device.device_type == "usb_device":
        for name in ATTRIBUTES:
            value = device.attributes.get(name)
            if value is not None:
                attributes[name] = os.fsdecode(value).strip()
    return SysRecord(
        sys_path=str(device.sys_path),
        subsystem=subsystem,
        devtype=device.device_type,
        driver=device.properties.get("ID_USB_DRIVER") or device.driver,
        node=device.device_node,
        attributes=attributes,
    )


def plugged_now() -> tuple[Function, ...]:
    """Return every device and function that is there at this moment; udevd is not needed."""
    return UsbTree(read_sysfs()).functions()


class UdevSource:
    """What is plugged in, followed in a thread of its own.

    The monitor is opened before the first look, so that nothing falls between the two.
    """

    def __init__(self, *, require_daemon: bool = True, clock: Clock | None = None) -> None:
        """Look at what is there and start to listen.

        Args:
            require_daemon: Refuse a host without udevd, where events never come.
            clock: Where the times of changes come from; None is the host's.

        Raises:
            BenchError: udevd does not run here.
        """
        if require_daemon and not _UDEV_CONTROL.exists():
            msg = (
                f"there is no {_UDEV_CONTROL}: udevd does not run here (a container?), and nobody "
                "would tell about plugging; start udevd, or give the container the host's /run/udev"
            )
            raise BenchError(msg)
        context = pyudev.Context()
        self._monitor = pyudev.Monitor.from_netlink(context, "udev")
        for subsystem in SUBSYSTEMS:
            self._monitor.filter_by(subsystem)
        if os.geteuid() == 0:
            self._monitor.set_receive_buffer_size(_RECEIVE_BUFFER_BYTES)
        self._monitor.start()
        self._changed = threading.Condition()
        self._tree = UsbTree(read_sysfs())
        self._changes = Changes(clock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="udev", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; may be called again."""
        self._stop.set()
        self._thread.join()

    def functions(self) -> tuple[Function, ...]:
        """Return every device and function that is there now."""
        with self._changed:
            return self._tree.functions()

    def generation(self, usb_path: str) -> int:
        """Return how often a device has appeared at a path since this source was opened."""
        with self._changed:
            return self._tree.generation(usb_path)

    def sys_path(self, usb_path: str) -> Path:
        """Return the directory in sysfs of the device at a path; its name is the kernel's.

        Raises:
            BenchError: Nothing is plugged in there.
        """
        with self._changed:
            path = self._tree.sys_path(usb_path)
        if path is None:
            msg = f"nothing is plugged in at {usb_path}"
            raise BenchError(msg)
        return Path(path)

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Wait until `found` makes something of what is plugged in; None when time is over."""
        with self._changed:
            while True:
                result = found(self._tree.functions())
                if result is not None or deadline.passed:
                    return result
                self._changed.wait(deadline.left_s)

    def changes(self, since_ns: int) -> tuple[Change, ...]:
        """Return what came and went since a moment of the monotonic clock, oldest first."""
        with self._changed:
            return self._changes.since(since_ns)

    def _follow(self) -> None:
        while not self._stop.is_set():
            device = self._monitor.poll(timeout=_POLL_S)
            if device is None:
                continue
            record = read_record(device)
            with self._changed:
                before = self._tree.functions()
                if self._tree.apply(str(device.action), record):
                    self._changes.note(changes(before, self._tree.functions()))
                    self._changed.notify_all()
