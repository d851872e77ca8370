"""What is plugged in, as plain values: the seam between discovery and the inventory.

`harness.lab.udev` makes these from a udev tree, the virtual bench announces them as JSON; the
inventory (`harness.lab.inventory`) matches lab.toml against them and knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.core.errors import BenchError

Subsystem = Literal["usb", "tty", "net", "cdc-wdm", "block"]
SUBSYSTEMS: tuple[Subsystem, ...] = ("usb", "tty", "net", "cdc-wdm", "block")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function of a USB device, or the device itself.

    Attributes:
        subsystem: `usb` is the device itself; the others are its functions.
        usb_path: Where the device is plugged in: controller and port path, the same after a
            re-plug into the same port.
        interface: bInterfaceNumber of a function; None for the device itself.
        driver: Kernel driver that is bound, None when none is.
        node: Device node of a tty, cdc-wdm or block function.
        ifname: Name of a network interface in the bench's first namespace.
        vid: Vendor id, four lower case hex digits.
        pid: Product id, four lower case hex digits.
        serial: Serial number that the device reports, None when it has none.
        manufacturer: Manufacturer string.
        product: Product string.
        is_foreign: Of the device: every interface is another trade's (hub, keyboard, camera, …).
    """

    subsystem: Subsystem
    usb_path: str
    interface: int | None = None
    driver: str | None = None
    node: str | None = None
    ifname: str | None = None
    vid: str | None = None
    pid: str | None = None
    serial: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    is_foreign: bool = False


def function_from_json(value: Mapping[str, object]) -> Function:
    """Read one announced function; unknown keys are left alone.

    Raises:
        BenchError: The subsystem or the path is missing, or a value has the wrong type.
    """
    subsystem = value.get("subsystem")
    usb_path = value.get("usb_path")
    interface = value.get("interface")
    if subsystem not in SUBSYSTEMS or not isinstance(usb_path, str):
        msg = f"a device description needs subsystem {'|'.join(SUBSYSTEMS)} and usb_path: {value!r}"
        raise BenchError(msg)
    if interface is not None and not isinstance(interface, int):
        msg = f"the interface number of a device description is no number: {value!r}"
        raise BenchError(msg)

    def text(key: str) -> str | None:
        found = value.get(key)
        if found is not None and not isinstance(found, str):
            msg = f"{key} of a device description is no text: {value!r}"
            raise BenchError(msg)
        return found

    return Function(
        subsystem=next(name for name in SUBSYSTEMS if name == subsystem),
        usb_path=usb_path,
        interface=interface,
        driver=text("driver"),
        node=text("node"),
        ifname=text("ifname"),
        vid=text("vid"),
        pid=text("pid"),
        serial=text("serial"),
        manufacturer=text("manufacturer"),
        product=text("product"),
        is_foreign=value.get("is_foreign") is True,
    )
