"""Plugging a USB/IP device into this kernel's virtual host controller, without any TCP port.

The kernel's side is `vhci_hcd`'s sysfs interface: `attach` takes port, socket, device id and speed;
any stream socket will do, so one end of a socketpair stays here.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from usbip import protocol

CONTROLLER: Final = Path("/sys/devices/platform/vhci_hcd.0")
_FREE: Final = 4  # VDEV_ST_NULL, linux/drivers/usb/usbip/usbip_common.h
_BUFFER_BYTES: Final = 1 << 20
_END_S: Final = 5.0
_attaching = threading.Lock()


class NoPortError(OSError):
    """vhci_hcd is not loaded, or all its ports are taken."""


def port_states(status: str) -> Iterator[tuple[str, int, int]]:
    """Read a `status` file: hub (`hs` or `ss`), number and state of each port."""
    for line in status.splitlines()[1:]:
        fields = line.split()
        yield fields[0], int(fields[1]), int(fields[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A high-speed port.

    Attributes:
        number: What `attach` and `detach` call it.
        controller: Which of the virtual controllers it belongs to, from 0.
        port: Its number there, from 1, as in the names that udev gives.
        is_free: Whether nothing is plugged in.
    """

    number: int
    controller: int
    port: int
    is_free: bool

    @property
    def usb_path(self) -> str:
        """Where the harness finds what is plugged in here."""
        return f"platform-vhci_hcd.{self.controller}/1-{self.port}"


def places(statuses: Iterable[str]) -> list[Place]:
    """Return the high-speed ports of all virtual controllers, in order.

    Args:
        statuses: The `status` file of each controller.
    """
    return [
        Place(number=number, controller=index, port=port, is_free=state == _FREE)
        for index, status in enumerate(statuses)
        for port, (number, state) in enumerate(
            ((number, state) for hub, number, state in port_states(status) if hub == "hs"), start=1
        )
    ]


def all_places(*, controller: Path = CONTROLLER) -> list[Place]:
    """Return the high-speed ports of this kernel.

    Raises:
        NoPortError: vhci_hcd is not loaded.
    """
    files = sorted(controller.glob("status*"), key=lambda path: (len(path.name), path.name))
    if not files:
        msg = f"there is no {controller}; load the module: modprobe vhci-hcd"
        raise NoPortError(msg)
    return places(file.read_text() for file in files)


def free_port(*, controller: Path = CONTROLLER) -> int:
    """Return the lowest free high-speed port.

    Raises:
        NoPortError: There is none.
    """
    for place in all_places(controller=controller):
        if place.is_free:
            return place.number
    msg = f"all high-speed ports of {controller.name} are taken"
    raise NoPortError(msg)


class Cable:
    """A device that is plugged in until the cable is pulled.

    Args:
        device: A `usbip` device.
        port: Port of the controller; None: the lowest free one.

    Attributes:
        port: Where it is plugged in.
    """

    def __init__(self, device: Any, *, port: int | None = None) -> None:  # noqa: ANN401 - untyped
        """Plug in.

        Raises:
            NoPortError: No port is free.
        """
        self._near, far = socket.socketpair()
        for end in (self._near, far):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        device.config = 0
        self._server = threading.Thread(
            target=protocol.serve_connection,
            args=(self._near, [device]),
            name="usbip-device",
            daemon=True,
        )
        self._server.start()
        with far, _attaching:
            info = protocol.client_import(far, (device.busid or "1-1").encode())
            self.port = free_port() if port is None else port
            device_id = info["busnum"] << 16 | info["devnum"]
            (CONTROLLER / "attach").write_text(
                f"{self.port} {far.fileno()} {device_id} {info['speed']}"
            )

    def pull(self) -> None:
        """Pull the cable: the kernel sees the connection break. May be called again."""
        with suppress(OSError):
            self._near.shutdown(socket.SHUT_RDWR)
        self._server.join(_END_S)
        self._near.close()

    def detach(self) -> None:
        """Let the kernel detach the port, as `usbip detach` does, then pull the cable."""
        with suppress(OSError):  # it may have noticed the other way
            fd = os.open(CONTROLLER / "detach", os.O_WRONLY)
            try:
                os.write(fd, str(self.port).encode())
            finally:
                os.close(fd)
        self.pull()
