"""The composite device: network function first, then the serial ports, as the modelled routers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from usbip.core import SPEED_HIGH
from usbip.device import USBDevice

from devices.virtual.usb.functions import AcmPort, Ecm, VendorPort
from devices.virtual.usb.vhci import Cable


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbIdentity:
    """What the device says of itself.

    Attributes:
        vid: Vendor id.
        pid: Product id.
        serial: Serial number; None: it has none.
        manufacturer: Manufacturer string.
        product: Product string.
        mac: Address of the host's network interface; None: no network function.
        ports: Names of the serial ports, in the order of their interfaces.
        kind: `acm` for ttyACM, `vendor` for ttyUSB through `option`.
    """

    vid: int
    pid: int
    serial: str | None
    manufacturer: str = "Virtual"
    product: str = "Pocket Router"
    mac: str | None = None
    ports: tuple[str, ...] = ("AT", "AT2")
    kind: Literal["acm", "vendor"] = "vendor"


class UsbRouter:
    """A router that can be plugged in and pulled out again.

    Interfaces are numbered in order: ECM has 0 and 1, a vendor port one each, an ACM port two.

    Args:
        identity: What it says of itself.
        on_bytes: For each port, takes what the host wrote.
        on_frame: Takes each Ethernet frame from the host.

    Attributes:
        identity: What it says of itself.
        device: The `usbip` device.
    """

    def __init__(
        self,
        identity: UsbIdentity,
        *,
        on_bytes: Sequence[Callable[[bytes], None]],
        on_frame: Callable[[bytes], object],
    ) -> None:
        self.identity = identity
        self.device = USBDevice(
            identity.vid,
            identity.pid,
            product=identity.product,
            manufacturer=identity.manufacturer,
            serial=identity.serial,
            bcdDevice=0x0318,
        )
        self.device.set_speed(SPEED_HIGH)
        self.device.set_composite()
        self._ecm = Ecm(identity.mac, on_frame) if identity.mac else None
        if self._ecm is not None:
            self.device.add(self._ecm)
        make = AcmPort if identity.kind == "acm" else VendorPort
        self._ports = [
            make(name, handler) for name, handler in zip(identity.ports, on_bytes, strict=True)
        ]
        for port in self._ports:
            self.device.add(port)
        self._cable: Cable | None = None

    @property
    def port(self) -> int | None:
        """Port of the virtual controller; None while it is not plugged in."""
        return self._cable.port if self._cable else None

    def plug(self, *, port: int | None = None) -> None:
        """Plug it in; nothing happens when it is.

        Args:
            port: Port of the controller; None: the lowest free one.

        Raises:
            NoPortError: No port is free.
        """
        if self._cable is None:
            self._cable = Cable(self.device, port=port)

    def unplug(self, how: Literal["pull", "detach"] = "pull") -> None:
        """Pull it out; nothing happens when it is not plugged in."""
        cable, self._cable = self._cable, None
        if cable is not None and how == "pull":
            cable.pull()
        elif cable is not None:
            cable.detach()

    def close(self) -> None:
        """Pull it out for good; may be called again."""
        self.unplug()
        if self._ecm is not None:
            self._ecm.close()

    def send(self, index: int, data: bytes) -> None:
        """Send bytes from a serial port to the host."""
        self._ports[index].send(data)

    def send_frame(self, frame: bytes) -> bool:
        """Send an Ethernet frame to the host; False when the host does not take it."""
        return self._ecm is not None and self._ecm.send_frame(frame)
