"""The router as a gadget of the kernel itself: configfs behind `dummy_hcd`, for driver variety.

The kernel's own RNDIS, NCM and ECM are fast and are the other implementation of what
`functions.py` does by hand. At most eight serial lines in all; no vendor-class ports: `f_serial`
stalls SET_CONTROL_LINE_STATE and pyserial's open dies of it.
"""

from __future__ import annotations

import os
import select
import termios
import threading
import tty
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from devices.virtual.usb.device import UsbIdentity

_CONFIGFS: Final = Path("/sys/kernel/config/usb_gadget")
_POLL_S: Final = 0.05
_READ_BYTES: Final = 4096

Network = Literal["ecm", "ncm", "rndis"]


class GadgetPort:
    """Our end of a gadget's serial line: /dev/ttyGS*.

    Every unplug hangs the line up, so it is opened again; while it is open the function cannot be
    removed.
    """

    def __init__(self, node: Path, on_bytes: Callable[[bytes], None]) -> None:
        self._node = node
        self._on_bytes = on_bytes
        self._fd = -1
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=node.name, daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Send bytes to the host; lost while nobody has plugged us in."""
        with suppress(OSError):
            os.write(self._fd, data)

    def close(self) -> None:
        """Let go of the line; may be called again."""
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _serve(self) -> None:
        while not self._closed.wait(_POLL_S):
            with suppress(OSError, termios.error):
                self._fd = os.open(self._node, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
                try:
                    tty.setraw(self._fd)
                    self._pump()
                finally:
                    fd, self._fd = self._fd, -1
                    os.close(fd)

    def _pump(self) -> None:
        """Read until the line is hung up (end of file, or EIO)."""
        waiter = select.poll()
        waiter.register(self._fd, select.POLLIN)
        while not self._closed.is_set():
            if waiter.poll(_POLL_S * 1000):
                data = os.read(self._fd, _READ_BYTES)
                if not data:
                    return
                self._on_bytes(data)


class GadgetRouter:
    """A composite gadget that can be plugged in and pulled out again.

    Args:
        name: Name in configfs; unique.
        controller: Device controller, `dummy_udc.0`.
        identity: What it says of itself; its ports are ACM.
        network: Kind of network function; RNDIS comes first, as phones have it.
        device_mac: Address of the router's own interface.
        on_bytes: For each port, takes what the host wrote.
    """

    def __init__(
        self,
        name: str,
        controller: str,
        identity: UsbIdentity,
        *,
        network: Network,
        device_mac: str,
        on_bytes: Sequence[Callable[[bytes], None]],
    ) -> None:
        self.identity = identity
        self._name = name
        self._controller = controller
        self._root = _CONFIGFS / name
        self._functions: list[str] = []
        self._describe(identity)
        addresses = {"host_addr": identity.mac or "", "dev_addr": device_mac}
        network_function = f"{network}.{name}"
        if network == "rndis":
            self._add(network_function, addresses)
        lines = []
        for index in range(len(identity.ports)):
            function = self._add(f"acm.{name}{index}", {})
            lines.append(f"/dev/ttyGS{(function / 'port_num').read_text().strip()}")
        if network != "rndis":
            self._add(network_function, addresses)
        self._network = self._root / "functions" / network_function
        self._ports = [
            GadgetPort(Path(node), handler) for node, handler in zip(lines, on_bytes, strict=True)
        ]

    @property
    def ifname(self) -> str:
        """The router's own network interface; it outlives an unplug."""
        return (self._network / "ifname").read_text().strip()

    def plug(self) -> None:
        """Plug it in."""
        (self._root / "UDC").write_text(self._controller)

    def unplug(self) -> None:
        """Pull it out; nothing happens when it is not plugged in."""
        with suppress(OSError):
            (self._root / "UDC").write_text("\n")

    def send(self, index: int, data: bytes) -> None:
        """Send bytes from a serial port to the host."""
        self._ports[index].send(data)

    def close(self) -> None:
        """Pull it out and remove it from configfs: ports first, or the kernel waits for ever."""
        self.unplug()
        for port in self._ports:
            port.close()
        config = self._root / "configs/c.1"
        for function in self._functions:
            (config / function).unlink()
        (config / "strings/0x409").rmdir()
        config.rmdir()
        for function in self._functions:
            (self._root / "functions" / function).rmdir()
        (self._root / "strings/0x409").rmdir()
        self._root.rmdir()

    def _describe(self, identity: UsbIdentity) -> None:
        strings = self._root / "strings/0x409"
        config = self._root / "configs/c.1"
        self._root.mkdir()
        strings.mkdir(parents=True)
        config.mkdir()
        (config / "strings/0x409").mkdir()
        values = {
            "idVendor": f"0x{identity.vid:04x}",
            "idProduct": f"0x{identity.pid:04x}",
            "bcdDevice": "0x0318",
            "bcdUSB": "0x0200",
            "bDeviceClass": "0xEF",  # composite with interface associations
            "bDeviceSubClass": "0x02",
            "bDeviceProtocol": "0x01",
            "strings/0x409/serialnumber": identity.serial or "",
            "strings/0x409/manufacturer": identity.manufacturer,
            "strings/0x409/product": identity.product,
            "configs/c.1/strings/0x409/configuration": "router",
            "configs/c.1/MaxPower": "500",
        }
        for path, value in values.items():
            (self._root / path).write_text(value)

    def _add(self, function: str, attributes: dict[str, str]) -> Path:
        """Add a function; its attributes must be set before it is linked: EBUSY after."""
        path = self._root / "functions" / function
        path.mkdir()
        for name, value in attributes.items():
            (path / name).write_text(value)
        (self._root / "configs/c.1" / function).symlink_to(path)
        self._functions.append(function)
        return path
