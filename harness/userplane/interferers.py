"""Programs of the host that touch a router's interface or port on their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CURES: Final = {
    "NetworkManager": 'udev rule for the router: ENV{NM_UNMANAGED}="1"',
    "systemd-network": "a .network file that matches the router, with [Link] Unmanaged=yes",
    "ModemManager": 'udev rule for the router: ENV{ID_MM_DEVICE_IGNORE}="1"',
    "dhcpcd": "dhcpcd.conf: denyinterfaces with the router's interface",
    "connmand": "main.conf: NetworkInterfaceBlacklist with the router's interface",
    "tlp": "tlp.conf: USB_DENYLIST with the router's id, or the port is suspended",
}
"""By process name as /proc/PID/comm has it: at most 15 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interferer:
    """A program that runs and would touch a router.

    Attributes:
        name: Its process name.
        pid: Its process id.
        cure: What keeps it away.
    """

    name: str
    pid: int
    cure: str


def interferers(proc: Path = Path("/proc")) -> tuple[Interferer, ...]:
    """Return the programs that run on this host and would touch a router, by process id.

    Args:
        proc: Where the process file system is.
    """
    found = []
    for folder in proc.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            continue  # it ended meanwhile
        cure = _CURES.get(name)
        if cure is not None:
            found.append(Interferer(name=name, pid=int(folder.name), cure=cure))
    return tuple(sorted(found, key=lambda one: one.pid))
