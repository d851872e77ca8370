"""The pure match of lab.toml against what is plugged in: no I/O, no udev.

Identity is where a router is plugged in, then what it says it is; a role of a port is found by
interface number, never by a device node's number, which changes with every re-enumeration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.core.errors import BenchError
from harness.lab.description import Function
from harness.lab.schema import Router
from harness.lab.usb_ids import Mode, describe_mode, mode_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRoles:
    """Interface numbers of the functions that the harness uses, from the model file.

    Attributes:
        at: AT command port.
        at_secondary: Second AT port, None when the model has none.
        net: Network interface.
    """

    at: int
    at_secondary: int | None
    net: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRouter:
    """A router of lab.toml with the names its functions have now.

    Attributes:
        name: Its name in lab.toml.
        usb_path: Where it is plugged in.
        at_node: Device node of the AT port.
        at_secondary_node: Device node of the second AT port, None when there is none.
        ifname: Network interface in the bench's first namespace; None while it is in another.
        vid: Vendor id, None when the device was not described.
        pid: Product id.
        serial: Serial number.
    """

    name: str
    usb_path: str
    at_node: str
    at_secondary_node: str | None
    ifname: str | None
    vid: str | None
    pid: str | None
    serial: str | None


def match_router(
    name: str,
    router: Router,
    roles: PortRoles,
    functions: Iterable[Function],
    *,
    net_is_moved: bool = False,
) -> FoundRouter:
    """Find one router of lab.toml among what is plugged in.

    Args:
        name: Its name in lab.toml.
        router: What lab.toml says of it.
        roles: Which interface has which role.
        functions: What is plugged in.
        net_is_moved: Its network interface is in its own namespace already, where udev sees none.

    Raises:
        BenchError: Nothing is plugged in there, it is another device, or a function is missing.
    """
    present = list(functions)
    here = [function for function in present if function.usb_path == router.usb_path]
    if not here:
        others = sorted({function.usb_path for function in present})
        there = f"there are devices at {', '.join(others)}" if others else "there is no device"
        msg = (
            f"lab.toml: routers.{name}.usb_path: nothing is plugged in at {router.usb_path}; "
            f"{there}"
        )
        raise BenchError(msg)
    device = next((function for function in here if function.subsystem == "usb"), None)
    if router.serial is not None and device is not None and device.serial != router.serial:
        msg = (
            f"lab.toml: routers.{name}.serial: the device at {router.usb_path} says "
            f"{device.serial!r}, not {router.serial!r}; another router is plugged in there"
        )
        raise BenchError(msg)
    at = _function(here, "tty", roles.at, what="AT port", name=name, router=router)
    net = None
    if not net_is_moved:
        net = _function(here, "net", roles.net, what="network interface", name=name, router=router)
    secondary = next(
        (f.node for f in here if f.subsystem == "tty" and f.interface == roles.at_secondary),
        None,
    )
    return FoundRouter(
        name=name,
        usb_path=router.usb_path,
        at_node=str(at.node),
        at_secondary_node=secondary,
        ifname=net.ifname if net else None,
        vid=device.vid if device else None,
        pid=device.pid if device else None,
        serial=device.serial if device else None,
    )


def match_all(
    routers: Mapping[str, Router], roles: Mapping[str, PortRoles], functions: Iterable[Function]
) -> dict[str, FoundRouter]:
    """Find every router of lab.toml; `roles` is by model name.

    Raises:
        BenchError: One or more are missing; every problem is a line of the message.
    """
    present = list(functions)
    found: dict[str, FoundRouter] = {}
    problems: list[str] = []
    for name, router in routers.items():
        if router.model not in roles:
            known = ", ".join(sorted(roles))
            problems.append(
                f"lab.toml: routers.{name}.model: there is no model {router.model!r}; "
                f"there are {known}"
            )
            continue
        try:
            found[name] = match_router(name, router, roles[router.model], present)
        except BenchError as exc:
            problems.append(str(exc))
    if problems:
        raise BenchError("\n".join(problems))
    return found


def _function(
    here: list[Function], subsystem: str, interface: int, *, what: str, name: str, router: Router
) -> Function:
    """Return the function with that interface number, which must have a name."""
    for function in here:
        named = function.node or function.ifname
        if function.subsystem == subsystem and function.interface == interface and named:
            return function
    seen = ", ".join(
        f"{f.subsystem} {f.node or f.ifname} at interface {f.interface}"
        for f in here
        if f.subsystem != "usb"
    )
    mode, special = mode_of(here)
    shows = f"it shows {seen}" if mode is Mode.ROUTER else describe_mode(mode, special)
    msg = (
        f"lab.toml: routers.{name}.model: the device at {router.usb_path} has no {what} at "
        f"interface {interface}, as a {router.model} has; {shows}"
    )
    raise BenchError(msg)
