"""USB functions of a pocket router: serial ports (CDC ACM or vendor class) and CDC ECM.

USB CDC 1.2 with PSTN 1.2 (5.4, 6.3) for ACM and ECM 1.2 (5.4, 6.2) for the network. The package
`usbip` has ACM for a lone function only and no ECM. Its base classes carry no types.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import Any, Final

from usbip import core
from usbip.classes.device.cdc_acm import CDCACM, CDCComm
from usbip.core import Setup, Stall
from usbip.device import In, Out
from usbip.function import Function, Interface

_SET_CONTROL_LINE_STATE: Final = 0x22
_SET_ETHERNET_MULTICAST_FILTERS: Final = 0x40
_SET_ETHERNET_PACKET_FILTER: Final = 0x43
_NOTIFY: Final = 0xA1
_NETWORK_CONNECTION: Final = 0x00
_CONNECTION_SPEED_CHANGE: Final = 0x2A
_DOWN_BPS, _UP_BPS = 150_000_000, 50_000_000
_QUEUED_MAX: Final = 256
_RESEND_S: Final = 0.5

OnBytes = Callable[[bytes], None]
OnFrame = Callable[[bytes], object]


def _send(endpoint: Any, data: bytes) -> bool:  # noqa: ANN401 - usbip has no types
    """Queue data for the host; dropped when the host has not read for long, as hardware would."""
    if len(endpoint._q) >= _QUEUED_MAX:  # noqa: SLF001 - usbip shows no length of its queue
        return False
    endpoint.write(data)
    return True


class _Control(CDCComm):  # type: ignore[misc]
    """Control interface whose Union descriptor tells its real interface numbers."""

    def extra_descriptors(self) -> bytes:
        """Return header, call management, ACM and Union descriptors."""
        control, data = self.interface_number, self.port.interface_number
        return b"".join(
            bytes(descriptor)
            for descriptor in (
                (5, 0x24, 0x00, 0x10, 0x01),
                (5, 0x24, 0x01, 0x00, data),
                (4, 0x24, 0x02, 0x02),
                (5, 0x24, 0x06, control, data),
            )
        )


class AcmPort(CDCACM):  # type: ignore[misc]
    """A serial port that `cdc_acm` binds: /dev/ttyACM*.

    Args:
        name: Name of the function.
        on_bytes: Takes what the host wrote.
    """

    def __init__(self, name: str, on_bytes: OnBytes) -> None:
        super().__init__(lambda _port, data: on_bytes(bytes(data)), name=name)
        self.comm = _Control(self.data)
        self.interfaces = (self.comm, self.data)
        Function.__init__(self)

    def send(self, data: bytes) -> None:
        """Send bytes to the host."""
        _send(self.data.in_ep, data)


class VendorPort(Interface):  # type: ignore[misc]
    """A serial port of vendor class, as most modems have them; `option` binds it: /dev/ttyUSB*.

    Args:
        name: Name of the interface.
        on_bytes: Takes what the host wrote.
    """

    bInterfaceClass = 0xFF  # noqa: N815 - as in the descriptor
    in_ep = In(0x81, "bulk", mps=512)
    out_ep = Out(0x01, "bulk", mps=512)

    def __init__(self, name: str, on_bytes: OnBytes) -> None:
        super().__init__()
        self._name = name
        self._on_bytes = on_bytes

    def _on_added(self) -> None:
        self.string_index = self.dev.add_string(self._name)

    def on_control(self, setup: Setup, data: bytes = b"") -> bytes:  # noqa: ARG002 - usbip's hook
        """Take SET_CONTROL_LINE_STATE and stall the rest."""
        if setup.bRequest == _SET_CONTROL_LINE_STATE:
            return b""
        raise Stall

    def on_out(self, ep: object, data: bytes) -> None:  # noqa: ARG002 - usbip's hook
        """Hand on what the host wrote."""
        self._on_bytes(bytes(data))

    def send(self, data: bytes) -> None:
        """Send bytes to the host."""
        _send(self.in_ep, data)


class _EcmControl(Interface):  # type: ignore[misc]
    """ECM control interface: says the MAC address and whether the link is up."""

    bInterfaceClass = 0x02  # noqa: N815 - as in the descriptor
    bInterfaceSubClass = 0x06  # noqa: N815 - as in the descriptor
    notify = In(0x82, "interrupt", mps=16, interval=9)

    def __init__(self, data: Interface, mac: str) -> None:
        super().__init__()
        self._data = data
        self._mac = mac
        self._mac_index = 0

    def _on_added(self) -> None:
        self._mac_index = self.dev.add_string(self._mac.replace(":", "").upper())

    def extra_descriptors(self) -> bytes:
        """Return header, Union and Ethernet networking descriptors (ECM 5.4)."""
        control, data = self.interface_number, self._data.interface_number
        ethernet = struct.pack("<BBBBIHHB", 13, 0x24, 0x0F, self._mac_index, 0, 1514, 0, 0)
        header = bytes((5, 0x24, 0x00, 0x10, 0x01))
        union = bytes((5, 0x24, 0x06, control, data))
        return header + union + ethernet

    def on_control(self, setup: Setup, data: bytes = b"") -> bytes:  # noqa: ARG002 - usbip's hook
        """Take the filter requests and stall the rest."""
        if setup.bRequest in {_SET_ETHERNET_MULTICAST_FILTERS, _SET_ETHERNET_PACKET_FILTER}:
            return b""
        raise Stall

    def say_link(self, *, is_up: bool) -> None:
        """Send NETWORK_CONNECTION and, for a link that is up, its speed (ECM 6.3)."""
        number = self.interface_number
        link = struct.pack("<BBHHH", _NOTIFY, _NETWORK_CONNECTION, int(is_up), number, 0)
        _send(self.notify, link)
        if is_up:
            speed = struct.pack("<BBHHH", _NOTIFY, _CONNECTION_SPEED_CHANGE, 0, number, 8)
            _send(self.notify, speed + struct.pack("<II", _DOWN_BPS, _UP_BPS))

    @property
    def is_polled(self) -> bool:
        """Whether the host waits for a notification and none is on its way."""
        return bool(self.notify._pending) and not self.notify._q  # noqa: SLF001 - not shown


class _EcmData(Interface):  # type: ignore[misc]
    """ECM data interface: alternate setting 0 has no endpoints, 1 carries frames."""

    bInterfaceClass = 0x0A  # noqa: N815 - as in the descriptor
    in_ep = In(0x81, "bulk", mps=512)
    out_ep = Out(0x01, "bulk", mps=512)

    def __init__(self, on_frame: OnFrame, on_alt: Callable[[int], None]) -> None:
        super().__init__()
        self._on_frame = on_frame
        self._on_alt = on_alt

    def descriptor_block(self) -> bytes:
        """Return both alternate settings."""
        block = b""
        for setting, endpoints in ((0, ()), (1, (self.in_ep, self.out_ep))):
            block += core.InterfaceDescriptor(
                bInterfaceNumber=self.interface_number,
                bAlternateSetting=setting,
                bNumEndpoints=len(endpoints),
                bInterfaceClass=self.bInterfaceClass,
                bInterfaceSubClass=0,
                bInterfaceProtocol=0,
                iInterface=0,
            ).pack()
            for endpoint in endpoints:
                block += core.EndpointDescriptor(
                    bEndpointAddress=endpoint.addr,
                    bmAttributes=core.XFER_BY_NAME["bulk"],
                    wMaxPacketSize=endpoint.mps,
                    bInterval=0,
                ).pack()
        return block

    def set_alt(self, alt: int) -> None:
        """Tell which setting the host has chosen."""
        self._on_alt(alt)

    def on_out(self, ep: object, data: bytes) -> None:  # noqa: ARG002 - usbip's hook
        """Hand on a frame."""
        self._on_frame(bytes(data))


class Ecm(Function):  # type: ignore[misc]
    """A network function that `cdc_ether` binds.

    Args:
        mac: Address that the host's interface gets.
        on_frame: Takes each Ethernet frame the host sends.
    """

    iad_on_composite = True
    iad_class, iad_subclass, iad_protocol = 2, 6, 0

    def __init__(self, mac: str, on_frame: OnFrame) -> None:
        self._data = _EcmData(on_frame, self._on_alt)
        self._control = _EcmControl(self._data, mac)
        self.interfaces = (self._control, self._data)
        self._is_up = threading.Event()
        self._closed = threading.Event()
        super().__init__()
        self._repeater = threading.Thread(target=self._repeat, name="ecm-link", daemon=True)
        self._repeater.start()

    def send_frame(self, frame: bytes) -> bool:
        """Send a frame to the host; False when the host does not take it."""
        return self._is_up.is_set() and _send(self._data.in_ep, frame)

    def close(self) -> None:
        """Stop the notifications; may be called again."""
        self._closed.set()
        self._repeater.join()

    def _on_alt(self, setting: int) -> None:
        self._data.in_ep.reset()
        if setting == 1:
            self._is_up.set()
            self._control.say_link(is_up=True)
        else:
            self._is_up.clear()

    def _repeat(self) -> None:
        """Say again that the link is up while the host listens.

        usbnet (Linux 6.1) drops a notification that comes before the interface is open: without
        this it stays NO-CARRIER in 11 of 64 plugs.
        """
        while not self._closed.wait(_RESEND_S):
            if self._is_up.is_set() and self._control.is_polled:
                self._control.say_link(is_up=True)
