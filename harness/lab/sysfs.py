"""What sysfs shows of USB devices now, as the records that udev's events bring.

libudev's own listing follows each part of each path by itself: 40 files opened for each device.
Here the kernel resolves a link, and three files say the rest. A device that goes meanwhile is left
out; udev tells of what comes afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.lab.usb_tree import SUBSYSTEMS, SysRecord

ATTRIBUTES: Final = ("idVendor", "idProduct", "serial", "manufacturer", "product")


def read_sysfs(sys: Path = Path("/sys")) -> list[SysRecord]:
    """Return a record of every device that may belong to a router.

    Args:
        sys: Where sysfs is mounted.
    """
    drivers: dict[str, str | None] = {}
    records: list[SysRecord] = []
    for subsystem in SUBSYSTEMS:  # `usb` first: a function has the driver of its interface
        records += _subsystem(str(sys), subsystem, drivers)
    return records


def _subsystem(sys: str, subsystem: str, drivers: dict[str, str | None]) -> Iterator[SysRecord]:
    directory = f"{sys}/bus/usb/devices" if subsystem == "usb" else f"{sys}/class/{subsystem}"
    try:
        names = os.listdir(directory)  # noqa: PTH208 - names are wanted, by the thousand
    except FileNotFoundError:
        return  # the kernel has nothing of that kind
    for name in names:
        try:
            link = os.readlink(f"{directory}/{name}")  # noqa: PTH115 - text is wanted, see above
        except OSError:
            continue  # it has gone meanwhile, or is a file that describes the class
        path = os.path.normpath(f"{directory}/{link}")
        if "/usb" in path:
            yield from _record(path, subsystem, drivers)


def _record(path: str, subsystem: str, drivers: dict[str, str | None]) -> Iterator[SysRecord]:
    uevent = _uevent(path)
    if uevent is None:
        return
    if subsystem == "usb":
        driver = drivers[path] = _driver(path)
    else:
        driver = _driver_above(path, drivers)
    node = uevent.get("DEVNAME")
    devtype = uevent.get("DEVTYPE")
    attributes = {}
    if devtype == "usb_device":
        values = ((name, _text(f"{path}/{name}")) for name in ATTRIBUTES)
        attributes = {name: value.strip() for name, value in values if value is not None}
    yield SysRecord(
        sys_path=path,
        subsystem=subsystem,
        devtype=devtype,
        driver=driver,
        node=f"/dev/{node.removeprefix('/dev/')}" if node else None,
        attributes=attributes,
    )


def _driver_above(path: str, drivers: dict[str, str | None]) -> str | None:
    """Return the driver of the nearest interface above a function."""
    while path not in drivers and path.rpartition("/")[0]:
        path = path.rpartition("/")[0]
    return drivers.get(path)


def _driver(path: str) -> str | None:
    try:
        return os.readlink(f"{path}/driver").rpartition("/")[2]  # noqa: PTH115 - as above
    except OSError:
        return None


def _uevent(path: str) -> dict[str, str] | None:
    """Return what the kernel says with each event of a device; None when it has gone."""
    text = _text(f"{path}/uevent")
    if text is None:
        return None
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, _, value in pairs}


def _text(path: str) -> str | None:
    """Return the text of a file; None when it is not there (any more)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.fsdecode(os.read(descriptor, 4096))
    except OSError:
        return None
    finally:
        os.close(descriptor)
