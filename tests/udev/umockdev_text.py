"""`trees.toml` as umockdev's text, and that text as records without umockdev."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.lab.usb_tree import SysRecord

TREES = Path(__file__).with_name("trees.toml")
_SUBSYSTEMS = {"net": "net", "tty": "tty", "wdm": "usbmisc", "block": "block"}
_STRINGS = ("manufacturer", "product")


def trees() -> list[dict[str, Any]]:
    """Return the described trees."""
    found: list[dict[str, Any]] = tomllib.loads(TREES.read_text())["tree"]
    return found


def _block(path: str, subsystem: str, **values: str) -> Iterator[str]:
    """Write one device: `N` its node, `L` its driver, `A` attributes, `E` properties."""
    yield f"P: {path}"
    node = values.pop("node", "")
    if node:
        yield f"N: {node}"
        yield f"E: DEVNAME=/dev/{node}"
    yield f"E: SUBSYSTEM={subsystem}"
    driver = values.pop("driver", "")
    if driver:
        yield f"L: driver=../../../../bus/usb/drivers/{driver}"
        yield f"E: DRIVER={driver}"
    for name, value in values.items():
        yield f"E: {name}={value}" if name.isupper() else f"A: {name}={value}"
    yield ""


def render(tree: Mapping[str, Any], bus: int) -> str:
    """Write a tree as umockdev's text, parents first."""
    root = f"/devices/pci0000:00/{tree['controller']}/usb{bus}"
    lines = list(_block(root, "usb", DEVTYPE="usb_device", bDeviceClass="09"))
    for number, device in enumerate(tree["device"], start=2):
        lines += _device(root, bus, number, device)
    return "\n".join(lines) + "\n"


def _device(root: str, bus: int, number: int, device: Mapping[str, Any]) -> Iterator[str]:
    ports = device["port"].split(".")
    names = [f"{bus}-{'.'.join(ports[: depth + 1])}" for depth in range(len(ports))]
    path = "/".join([root, *names])
    vid, _, pid = device["ids"].partition(":")
    attributes = {"idVendor": vid, "idProduct": pid, "bDeviceClass": device.get("class", "ef")}
    attributes |= dict(zip(_STRINGS, device.get("strings", ()), strict=False))
    if "serial" in device:
        attributes["serial"] = device["serial"]
    yield from _block(
        path,
        "usb",
        node=f"bus/usb/{bus:03d}/{number:03d}",
        DEVTYPE="usb_device",
        driver="usb",
        **attributes,
    )
    for interface in device["interfaces"]:
        below = f"{path}/{names[-1]}:1.{interface['number']}"
        yield from _block(
            below,
            "usb",
            DEVTYPE="usb_interface",
            driver=interface["driver"],
            bInterfaceNumber=f"{interface['number']:02x}",
        )
        for key, subsystem in _SUBSYSTEMS.items():
            if key in interface:
                yield from _function(below, key, subsystem, interface)


def _function(below: str, key: str, subsystem: str, interface: Mapping[str, Any]) -> Iterator[str]:
    name = interface[key]
    between = {"tty": f"/{name}" if "USB" in name else "", "block": "/host9/target9:0:0/9:0:0:0"}
    extra = {"DEVTYPE": "disk"} if key == "block" else {}
    node = "" if key == "net" else name
    path = f"{below}{between.get(key, '')}/{subsystem}/{name}"
    driver = {"ID_USB_DRIVER": interface["driver"]}
    yield from _block(path, subsystem, node=node, **extra, **driver)


def read_text(text: str) -> Iterator[SysRecord]:
    """Read umockdev's text as the records that pyudev would give."""
    for block in text.strip().split("\n\n"):
        path, node = "", None
        properties: dict[str, str] = {}
        attributes: dict[str, str] = {}
        for line in block.splitlines():
            kind, _, rest = line.partition(": ")
            name, _, value = rest.partition("=")
            if kind == "P":
                path = rest
            elif kind == "N":
                node = f"/dev/{rest}"
            elif kind == "E":
                properties[name] = value
            elif kind == "A" and not name.startswith(("bDevice", "bInterface")):
                attributes[name] = value
        yield SysRecord(
            sys_path=f"/sys{path}",
            subsystem=properties["SUBSYSTEM"],
            devtype=properties.get("DEVTYPE"),
            driver=properties.get("ID_USB_DRIVER") or properties.get("DRIVER"),
            node=node,
            attributes=attributes,
        )


def write_sysfs(text: str, sys: Path) -> None:
    """Make directories and links as a kernel's sysfs has them, from umockdev's text."""
    for block in text.strip().split("\n\n"):
        lines = [line.partition(": ") for line in block.splitlines()]
        (path,) = (rest for kind, _, rest in lines if kind == "P")
        device = sys / path.removeprefix("/")
        device.mkdir(parents=True)
        said = {}
        for kind, _, rest in lines:
            name, _, value = rest.partition("=")
            if kind == "A":
                (device / name).write_text(f"{value}\n")
            elif kind == "L":
                (device / name).symlink_to(value)
            elif kind == "E" and not name.startswith("ID_"):
                said[name] = value.removeprefix("/dev/")
        (device / "uevent").write_text("".join(f"{k}={v}\n" for k, v in said.items()))
        subsystem = said["SUBSYSTEM"]
        listed = sys / ("bus/usb/devices" if subsystem == "usb" else f"class/{subsystem}")
        listed.mkdir(parents=True, exist_ok=True)
        (listed / device.name).symlink_to(os.path.relpath(device, listed))
