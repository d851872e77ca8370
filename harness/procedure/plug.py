"""Where a router is on USB: its functions, found again by identity whenever they come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.lab.description import Function
from harness.lab.hotplug import Comeback, wait_until_back
from harness.lab.inventory import FoundRouter, PortRoles, match_router
from harness.lab.schema import Router
from harness.lab.source import DeviceSource
from harness.userplane.links import InterfaceGoneError

_AGAIN_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Plug:
    """A router's place on the bench.

    Attributes:
        name: The router's name in lab.toml.
        router: What lab.toml says of it.
        roles: Interface numbers of its functions.
        source: What is plugged in.
        holds_interface: Tells whether its network interface is in its own namespace now, where
            udev does not see it.
    """

    name: str
    router: Router
    roles: PortRoles
    source: DeviceSource
    holds_interface: Callable[[], bool]

    @property
    def is_there(self) -> bool:
        """Whether anything is plugged in at its place, with whatever functions."""
        return not self._absent(self.source.functions())

    @property
    def gone_since_ns(self) -> int | None:
        """When the last of it went, in monotonic ns; None when it is there or never was."""
        if self.is_there:
            return None
        path = self.router.usb_path
        went = [
            c.t_ns
            for c in self.source.changes(0)
            if c.action == "remove" and c.function.usb_path == path
        ]
        return max(went, default=None)

    @property
    def generation(self) -> int:
        """How often something has appeared at its place since the bench was opened."""
        return self.source.generation(self.router.usb_path)

    def found(self) -> FoundRouter | None:
        """Return the names of its functions now, None while one is missing."""
        return self._present(self.source.functions())

    def require(self) -> FoundRouter:
        """Return the names of its functions now.

        Raises:
            BenchError: It is not there, it is another one, or a function is missing.
        """
        seen = self.source.functions()
        return match_router(
            self.name, self.router, self.roles, seen, net_is_moved=self.holds_interface()
        )

    def wait(self, deadline: Deadline) -> FoundRouter | None:
        """Wait for all its functions; None when they are not there in time."""
        return self.source.wait(self._present, deadline)

    def taken(self, take: Callable[[FoundRouter], None], deadline: Deadline) -> FoundRouter | None:
        """Wait for all its functions and have its interface taken at once; None when too late.

        Whatever else runs on the host sees a new interface as well, and may use it.

        Args:
            take: Takes the interface, under the name that it has now.
            deadline: When to give up.

        Raises:
            InterfaceGoneError: To the end there was none of the name that udev told.
        """
        while True:
            found = self.wait(deadline)
            if found is None:
                return None
            try:
                take(found)
            except InterfaceGoneError:  # udev renamed it meanwhile, or the router went again
                if deadline.passed:
                    raise
                deadline.clock.sleep(_AGAIN_S)
                continue
            return found

    def wait_until_gone(self, deadline: Deadline) -> bool:
        """Wait until nothing is plugged in at its place; False when something stays."""
        return self.source.wait(lambda seen: self._absent(seen) or None, deadline) is not None

    def wait_until_back(self, after_generation: int, deadline: Deadline) -> Comeback:
        """Wait for all its functions, of a later generation.

        Raises:
            RouterError: It is not back in time, or came back as something else than a router.
            BenchError: Another device is plugged in at its place.
        """
        return wait_until_back(
            self.source,
            self.name,
            self.router,
            self.roles,
            after_generation=after_generation,
            deadline=deadline,
        )

    def described(self, found: FoundRouter) -> tuple[str, dict[str, object]]:
        """Return which appearance this is and under which names, in words and as values."""
        number, at, net = self.generation, found.at_node, found.ifname
        values: dict[str, object] = {"generation": number, "at": at, "net": net}
        return f"generation {number} of {self.name}: AT {at}, net {net}", values

    def _absent(self, seen: tuple[Function, ...]) -> bool:
        return all(function.usb_path != self.router.usb_path for function in seen)

    def _present(self, seen: tuple[Function, ...]) -> FoundRouter | None:
        for is_moved in (False, True):
            try:
                return match_router(self.name, self.router, self.roles, seen, net_is_moved=is_moved)
            except BenchError:
                if not self.holds_interface():
                    break
        return None  # not yet: whoever waits for it says what is missing
