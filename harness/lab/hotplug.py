"""A router that goes and comes back: a normal event, with a deadline and a generation number.

Reset, `AT+CFUN=1,1`, a firmware's reboot, a pulled cable and a mode switch look alike from the
host: functions go, others come, under other names. What is waited for is this device's functions
at this path, not the host's quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from harness.core.clock import Deadline
from harness.core.errors import BenchError, RouterError
from harness.lab.description import Function
from harness.lab.inventory import FoundRouter, PortRoles, match_router
from harness.lab.schema import Router
from harness.lab.usb_ids import Mode, describe_mode, mode_of

T = TypeVar("T")

# A boot loader shows itself for a second or two at every start, a CD-ROM until it is switched.
STUCK_AFTER_S: Final = 10.0
_STUCK_MODES: Final = frozenset({Mode.STORAGE, Mode.BOOTLOADER})


class RouterNotGoneError(RouterError):
    """A router was told to restart, or its power was cut, and it is still there."""


class RouterNotBackError(RouterError):
    """A router did not come back, or not all of it, before the deadline."""


class RouterModeError(RouterError):
    """A router came back as something else: a CD-ROM, its boot loader.

    Attributes:
        mode: What it is.
    """

    def __init__(self, message: str, *, mode: Mode) -> None:
        super().__init__(message)
        self.mode = mode


class CountingSource(Protocol):
    """A source of descriptions that counts how often a device has appeared at a path."""

    def functions(self) -> tuple[Function, ...]:
        """Return every function that is there now."""
        ...

    def generation(self, usb_path: str) -> int:
        """Return how often a device has appeared at a path."""
        ...

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Wait until `found` makes something of what is plugged in; None when time is over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Comeback:
    """A router with the names its functions have now.

    Attributes:
        found: The names.
        generation: Which appearance at its path this is; goes to the record.
        waited_s: Seconds that were waited.
    """

    found: FoundRouter
    generation: int
    waited_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The router, somebody else in its place, or neither: a mode in which it is no router."""

    found: FoundRouter | None = None
    stranger: BenchError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watched:
    """What is looked at while a router is away."""

    source: CountingSource
    name: str
    router: Router
    roles: PortRoles
    after_generation: int

    def seen(self, functions: tuple[Function, ...]) -> _Seen | None:
        """Return who is at the router's path, None while there is nobody, or not all of it."""
        path = self.router.usb_path
        here = [function for function in functions if function.usb_path == path]
        if not here or self.source.generation(path) <= self.after_generation:
            return None
        stranger = _stranger(self.name, self.router, here)
        if stranger is not None:
            return _Seen(stranger=stranger)
        try:
            return _Seen(found=match_router(self.name, self.router, self.roles, here))
        except BenchError:  # a function is missing yet
            return _Seen() if mode_of(here)[0] in _STUCK_MODES else None

    def has_left_mode(self, functions: tuple[Function, ...]) -> bool | None:
        """Return True when the device is in no special mode any more."""
        path = self.router.usb_path
        here = [function for function in functions if function.usb_path == path]
        return None if mode_of(here)[0] in _STUCK_MODES else True


def wait_until_gone(
    source: CountingSource,
    name: str,
    usb_path: str,
    *,
    generation: int,
    deadline: Deadline,
    functions_only: bool = False,
) -> float:
    """Wait until the device that was there is not: gone, or already back as the next generation.

    Args:
        source: What is plugged in.
        name: Who is waited for, for the message.
        usb_path: Where it is plugged in.
        generation: The generation that is to go.
        deadline: When to give up.
        functions_only: A device without functions counts as gone, as after a reset or `authorized`.

    Returns:
        Seconds that were waited.

    Raises:
        RouterNotGoneError: It is still the same device at the deadline.
    """

    def gone(functions: tuple[Function, ...]) -> bool | None:
        absent = not any(
            function.usb_path == usb_path and not (functions_only and function.subsystem == "usb")
            for function in functions
        )
        return True if absent or source.generation(usb_path) > generation else None

    if source.wait(gone, deadline) is None:
        msg = (
            f"{name}: the device at {usb_path} is still there after {deadline.waited_s:.1f} s; "
            "it should have gone"
        )
        raise RouterNotGoneError(msg)
    return deadline.waited_s


def wait_until_back(
    source: CountingSource,
    name: str,
    router: Router,
    roles: PortRoles,
    *,
    after_generation: int,
    deadline: Deadline,
) -> Comeback:
    """Wait until every function that the harness uses is there, of a later generation.

    Args:
        source: What is plugged in.
        name: The router's name in lab.toml.
        router: Its entry there.
        roles: Which interface has which role.
        after_generation: The generation that was lost; 0 takes what is there.
        deadline: When to give up.

    Raises:
        BenchError: Another device is plugged in at its path.
        RouterModeError: It came back as a CD-ROM or in its boot loader, and stays so.
        RouterNotBackError: It is not there at the deadline, or not all of it.
    """
    path = router.usb_path
    watched = _Watched(
        source=source, name=name, router=router, roles=roles, after_generation=after_generation
    )
    while True:
        result = source.wait(watched.seen, deadline)
        if result is None:
            raise RouterNotBackError(_missing(name, router, roles, source, deadline))
        if result.stranger is not None:
            raise result.stranger
        if result.found is not None:
            generation = source.generation(path)
            return Comeback(found=result.found, generation=generation, waited_s=deadline.waited_s)
        patience = Deadline.after(STUCK_AFTER_S, deadline.clock).within(deadline.left_s)
        if source.wait(watched.has_left_mode, patience) is None:
            raise _stuck(name, path, source.functions(), deadline)


def _stranger(name: str, router: Router, here: Iterable[Function]) -> BenchError | None:
    """Return the error when the device says another serial number than lab.toml."""
    device = next((f for f in here if f.subsystem == "usb"), None)
    if device is None or router.serial is None or device.serial in {None, router.serial}:
        return None
    msg = (
        f"{name}: the device that came back at {router.usb_path} says serial number "
        f"{device.serial!r}, not {router.serial!r}; plug {name} back in, or correct lab.toml"
    )
    return BenchError(msg)


def _stuck(
    name: str, usb_path: str, functions: Iterable[Function], deadline: Deadline
) -> RouterModeError:
    """Return the error for a device in a mode that it does not leave by itself."""
    mode, special = mode_of(f for f in functions if f.usb_path == usb_path)
    msg = (
        f"{name}: the device at {usb_path} is no router after {deadline.waited_s:.1f} s: "
        f"{describe_mode(mode, special)}"
    )
    return RouterModeError(msg, mode=mode)


def _missing(
    name: str, router: Router, roles: PortRoles, source: CountingSource, deadline: Deadline
) -> str:
    here = [f for f in source.functions() if f.usb_path == router.usb_path]
    waited = f"{name} is not back after {deadline.waited_s:.1f} s"
    if not here:
        return f"{waited}: nothing is plugged in at {router.usb_path}; is it on, is the cable in?"
    try:
        match_router(name, router, roles, here)
    except BenchError as exc:
        return f"{waited}: {exc}"
    return f"{waited}: the device at {router.usb_path} never went away"
