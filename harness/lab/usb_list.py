"""What `harness ls`, `suggest` and `watch` say of plugged-in devices: pure, from descriptions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.lab.description import Function
from harness.lab.usb_ids import Mode, describe_mode, mode_of

_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
_HUB: Final = re.compile(r"(?P<path>.+)[.-]\d+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedDevice:
    """One USB device with its functions.

    Attributes:
        usb_path: Where it is plugged in.
        vid: Vendor id.
        pid: Product id.
        serial: Serial number, None when it has none.
        product: Manufacturer and product, as it says.
        ports: Serial ports by interface number.
        ifname: Network interface, None when it shows none in this namespace.
        mode: What it is now.
        note: What there is to say of that mode; empty for a router.
    """

    usb_path: str
    vid: str
    pid: str
    serial: str | None
    product: str
    ports: Mapping[int, str]
    ifname: str | None
    mode: Mode
    note: str


def plugged_devices(functions: Iterable[Function]) -> tuple[PluggedDevice, ...]:
    """Group functions by device, in the order of their paths; hubs and the like are left out."""
    by_path: dict[str, list[Function]] = defaultdict(list)
    for function in functions:
        by_path[function.usb_path].append(function)
    return tuple(
        _device(path, by_path[path])
        for path in sorted(by_path, key=port_order)
        if not any(function.is_foreign for function in by_path[path])
    )


def _device(usb_path: str, functions: list[Function]) -> PluggedDevice:
    device = next((f for f in functions if f.subsystem == "usb"), functions[0])
    mode, special = mode_of(functions)
    return PluggedDevice(
        usb_path=usb_path,
        vid=device.vid or "",
        pid=device.pid or "",
        serial=device.serial,
        product=" ".join(filter(None, (device.manufacturer, device.product))),
        ports={
            f.interface: f.node
            for f in functions
            if f.subsystem == "tty" and f.interface is not None and f.node
        },
        ifname=next((f.ifname for f in functions if f.ifname), None),
        mode=mode,
        note="" if mode is Mode.ROUTER else describe_mode(mode, special),
    )


def port_order(usb_path: str) -> tuple[str, tuple[int, ...]]:
    """Return a key that sorts port 10 after port 9."""
    controller, _, ports = usb_path.rpartition("/")
    return controller, tuple(int(number) for number in re.findall(r"\d+", ports))


def is_below(usb_path: str, hub_path: str) -> bool:
    """Tell whether a device is plugged in below a hub's port, at any depth, or is at it."""
    return usb_path == hub_path or usb_path.startswith(f"{hub_path}.")


def hub_of(usb_path: str) -> str | None:
    """Return the path of the hub that a device is plugged into; None for a root hub."""
    match = _HUB.fullmatch(usb_path)
    return match["path"] if match and "." in usb_path.rpartition("/")[2] else None


def duplicate_serials(devices: Iterable[PluggedDevice]) -> dict[str, tuple[str, ...]]:
    """Return the serial numbers that more than one device says, with the devices' paths."""
    paths: dict[str, list[str]] = defaultdict(list)
    for device in devices:
        if device.serial:
            paths[device.serial].append(device.usb_path)
    return {serial: tuple(where) for serial, where in paths.items() if len(where) > 1}


def suggest(
    functions: Iterable[Function],
    *,
    known_paths: Iterable[str],
    models: Mapping[tuple[str, str], str],
    imeis: Mapping[str, str],
) -> str:
    """Write the lines that lab.toml lacks for what is plugged in and unknown.

    Args:
        functions: What is plugged in.
        known_paths: Paths that lab.toml has already.
        models: Model names by vendor and product id.
        imeis: IMEI by path, where a router was asked and answered.

    Returns:
        TOML, empty when nothing is missing. What a person must fill in is a comment.
    """
    known = set(known_paths)
    devices = [
        device
        for device in plugged_devices(functions)
        if device.usb_path not in known and (device.ports or device.note)
    ]
    twice = duplicate_serials(devices)
    return "\n".join(
        _suggestion(device, models=models, imei=imeis.get(device.usb_path), twice=twice)
        for device in devices
    )


def _suggestion(
    device: PluggedDevice,
    *,
    models: Mapping[tuple[str, str], str],
    imei: str | None,
    twice: Mapping[str, tuple[str, ...]],
) -> str:
    if device.mode is not Mode.ROUTER:
        return f"# {device.usb_path}: {device.vid}:{device.pid} {device.product}: {device.note}\n"
    model = models.get((device.vid, device.pid))
    name = _NOT_IN_NAMES.sub("-", device.usb_path.rpartition("/")[2].lower()).strip("-")
    lines = [f"[routers.r{name}]  # {device.vid}:{device.pid} {device.product}".rstrip()]
    lines.append(
        f'model = "{model}"'
        if model
        else "# model: no model file has these ids; write one (devices/models)"
    )
    lines.append(f'usb_path = "{device.usb_path}"')
    lines.append(f'imei = "{imei}"' if imei else "# imei: no port answered AT+CGSN; see the label")
    if device.serial and device.serial not in twice:
        lines.append(f'serial = "{device.serial}"')
    elif device.serial:
        where = ", ".join(twice[device.serial])
        lines.append(f"# serial: {device.serial} is no identity: it is at {where}")
    return "\n".join(lines) + "\n"


def describe_change(action: str, function: Function) -> str:
    """Say one plug or unplug in a line: action, path, ids, what, name."""
    name = function.node or function.ifname or function.product or "-"
    where = "-" if function.interface is None else f"if{function.interface:02d}"
    ids = f"{function.vid or '?'}:{function.pid or '?'}"
    return f"{action:<6}  {function.usb_path}  {ids}  {function.subsystem:<7}  {where:<4}  {name}"


def changes(
    before: Iterable[Function], after: Iterable[Function]
) -> tuple[tuple[str, Function], ...]:
    """Return what has gone and what has come, gone first."""
    old, new = list(before), list(after)
    gone = [("remove", function) for function in old if function not in new]
    come = [("add", function) for function in new if function not in old]
    return (*gone, *come)
