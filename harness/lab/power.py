"""Power and reset of a router, believed when the device is seen to go.

A switch says that it switched; hubs that only pretend are common, and a relay may feed another
router. So every cycle is checked against what is plugged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError, RouterError
from harness.lab.hotplug import CountingSource, RouterNotGoneError, wait_until_gone

GONE_WITHIN_S: Final = 10.0
DARK_S: Final = 3.0  # a router's capacitors; batteries are another matter


class PowerSwitch(Protocol):
    """Something that cuts a router off and lets it in again."""

    @property
    def name(self) -> str:
        """What it is and where, for messages."""
        ...

    @property
    def cuts_power(self) -> bool:
        """Whether the router is without power; a reset or a lock-out is not that."""
        ...

    def off(self, deadline: Deadline) -> None:
        """Cut off.

        Raises:
            BenchError: The switch cannot be reached, or refuses.
        """
        ...

    def on(self, deadline: Deadline) -> None:
        """Let in again; allowed when it is on.

        Raises:
            BenchError: The switch cannot be reached, or refuses.
        """
        ...


class PretendingSwitchError(BenchError):
    """A switch said off, and the device stayed."""


class WrongOutletError(BenchError):
    """A switch said off, and another router went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCut:
    """A cut that was seen.

    Attributes:
        switch: Which switch.
        generation: Generation that went.
        gone_after_s: Seconds from the command to the device's going.
    """

    switch: str
    generation: int
    gone_after_s: float


def cut(
    switch: PowerSwitch,
    source: CountingSource,
    usb_path: str,
    *,
    clock: Clock,
    gone_within_s: float = GONE_WITHIN_S,
) -> PowerCut:
    """Cut a router off and see it go.

    Raises:
        BenchError: The switch cannot be reached, or nothing is plugged in there to begin with.
        PretendingSwitchError: The device stays though the switch says off; it is switched on again.
        WrongOutletError: Another device went instead; it is switched on again.
    """
    before = {function.usb_path for function in source.functions()}
    if usb_path not in before:
        msg = f"nothing is plugged in at {usb_path}; {switch.name} has nothing to cut off"
        raise BenchError(msg)
    generation = source.generation(usb_path)
    deadline = Deadline.after(gone_within_s, clock)
    switch.off(deadline)
    try:
        gone_after_s = wait_until_gone(
            source,
            switch.name,
            usb_path,
            generation=generation,
            deadline=deadline,
            functions_only=not switch.cuts_power,
        )
    except RouterNotGoneError:
        others = sorted(before - {function.usb_path for function in source.functions()})
        switch.on(Deadline.after(gone_within_s, clock))
        raise _not_gone(switch, usb_path, others, gone_within_s) from None
    return PowerCut(switch=switch.name, generation=generation, gone_after_s=gone_after_s)


def cycle(
    switch: PowerSwitch,
    source: CountingSource,
    usb_path: str,
    *,
    clock: Clock,
    dark_s: float = DARK_S,
    gone_within_s: float = GONE_WITHIN_S,
) -> PowerCut:
    """Cut a router off, wait in the dark, and let it in again.

    Its comeback is waited for by `hotplug.wait_until_back` with the cut's generation.

    Raises:
        BenchError: As `cut` says, or the switch does not switch on again.
    """
    seen = cut(switch, source, usb_path, clock=clock, gone_within_s=gone_within_s)
    clock.sleep(dark_s if switch.cuts_power else 0.0)
    switch.on(Deadline.after(gone_within_s, clock))
    return seen


def _not_gone(
    switch: PowerSwitch, usb_path: str, others: list[str], waited_s: float
) -> BenchError | RouterError:
    """Say who is to blame: an outlet that feeds others, a hub that pretends, a deaf router."""
    if others:
        msg = (
            f"{switch.name} was switched off and {', '.join(others)} went, not {usb_path}; "
            "correct the outlet in lab.toml"
        )
        return WrongOutletError(msg)
    if not switch.cuts_power:
        msg = (
            f"{switch.name}: the device at {usb_path} is still there {waited_s:.1f} s after "
            "the reset"
        )
        return RouterNotGoneError(msg)
    msg = (
        f"{switch.name} says off, but the device at {usb_path} is still there after "
        f"{waited_s:.1f} s: it only pretends, or the router runs on; use a hub whose ports really "
        "switch (uhubctl lists them) or a switched supply"
    )
    return PretendingSwitchError(msg)
