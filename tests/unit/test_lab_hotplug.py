"""``harness.lab.hotplug`` and ``harness.lab.power``: routers that go, come back, or do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from harness.core.clock import Deadline, FakeClock
from harness.core.errors import BenchError, RouterError
from harness.core.units import NS_PER_S
from harness.lab.description import Function
from harness.lab.hotplug import (
    RouterModeError,
    RouterNotBackError,
    RouterNotGoneError,
    wait_until_back,
    wait_until_gone,
)
from harness.lab.inventory import PortRoles
from harness.lab.power import PretendingSwitchError, WrongOutletError, cycle
from harness.lab.schema import Router
from harness.lab.usb_ids import Mode

T = TypeVar("T")
PATH = "pci-0000:00:14.0/1-2.1"
ROLES = PortRoles(at=2, at_secondary=3, net=0)
R1 = Router(model="generic-unisoc", usb_path=PATH, imei="490154203237518", serial="S1")
Step = tuple[float, tuple[Function, ...], int]


def plugged(
    path: str = PATH, *, serial: str = "S1", first: int = 0, ids: tuple[str, str] = ("1782", "4d11")
) -> tuple[Function, ...]:
    """Return the functions of a router whose ports begin at ttyUSB`first`."""
    return (
        Function(subsystem="usb", usb_path=path, vid=ids[0], pid=ids[1], serial=serial),
        Function(subsystem="net", usb_path=path, interface=0, ifname=f"usb{first}"),
        Function(subsystem="tty", usb_path=path, interface=2, node=f"/dev/ttyUSB{first}"),
        Function(subsystem="tty", usb_path=path, interface=3, node=f"/dev/ttyUSB{first + 1}"),
    )


class Stage:
    """A source whose changes happen at given times of a fake clock.

    Args:
        clock: Moved forward by waiting.
        steps: Time in seconds, what is plugged in from then on, generation at `PATH`.
    """

    def __init__(self, clock: FakeClock, *steps: Step) -> None:
        self.clock = clock
        self.steps = list(steps)

    def _now(self) -> Step:
        now_s = self.clock.monotonic_ns() / NS_PER_S
        return [step for step in self.steps if step[0] <= now_s][-1]

    def functions(self) -> tuple[Function, ...]:
        """Return what is there now."""
        return self._now()[1]

    def generation(self, usb_path: str) -> int:
        """Return the generation now."""
        return self._now()[2] if usb_path == PATH else 1

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Go from change to change until `found` is content or time is over."""
        while True:
            result = found(self.functions())
            if result is not None or deadline.passed:
                return result
            now_s = self.clock.monotonic_ns() / NS_PER_S
            waits = [step[0] - now_s for step in self.steps if step[0] > now_s]
            self.clock.sleep(min([*waits, deadline.left_s]))


def back(stage: Stage, *, within_s: float = 60.0, after: int = 1) -> object:
    """Wait for r1's comeback."""
    return wait_until_back(
        stage,
        "r1",
        R1,
        ROLES,
        after_generation=after,
        deadline=Deadline.after(within_s, stage.clock),
    )


def test_a_router_comes_back_under_other_names() -> None:
    """Gone at 1 s, its ports one after the other from 4 s: back when the last one is there."""
    stage = Stage(
        FakeClock(),
        (0.0, plugged(), 1),
        (1.0, (), 1),
        (4.0, plugged(first=5)[:2], 2),
        (4.5, plugged(first=5)[:3], 2),
        (5.0, plugged(first=5), 2),
    )
    comeback = wait_until_back(
        stage, "r1", R1, ROLES, after_generation=1, deadline=Deadline.after(60.0, stage.clock)
    )

    assert comeback.found.at_node == "/dev/ttyUSB5"
    assert comeback.found.ifname == "usb5"
    assert comeback.generation == 2
    assert comeback.waited_s == pytest.approx(4.5)


def test_what_is_there_before_it_went_is_not_a_comeback() -> None:
    """A router that never goes is said so, not taken for one that came back."""
    stage = Stage(FakeClock(), (0.0, plugged(), 1))

    with pytest.raises(RouterNotBackError) as caught:
        back(stage, within_s=30.0)
    assert str(caught.value) == (
        f"r1 is not back after 30.0 s: the device at {PATH} never went away"
    )


def test_a_router_that_does_not_come_back_is_a_verdict() -> None:
    """The router's fault, with how long was waited and where."""
    stage = Stage(FakeClock(), (0.0, (), 1))

    with pytest.raises(RouterError) as caught:
        back(stage, within_s=45.0)
    assert str(caught.value) == (
        f"r1 is not back after 45.0 s: nothing is plugged in at {PATH}; is it on, is the cable in?"
    )


def test_a_router_without_its_network_interface_is_not_back() -> None:
    """The message names what is missing and what there is."""
    stage = Stage(FakeClock(), (0.0, (), 1), (2.0, (plugged()[0], *plugged()[2:]), 2))

    with pytest.raises(RouterNotBackError, match=r"no network interface at interface 0.*ttyUSB0"):
        back(stage, within_s=20.0)


def test_a_router_stuck_as_a_cd_rom_is_said_so_early() -> None:
    """Ten seconds of mass storage mode, not the whole deadline of two minutes."""
    disk = (
        Function(subsystem="usb", usb_path=PATH, vid="19d2", pid="1225"),
        Function(subsystem="block", usb_path=PATH, interface=0, node="/dev/sr0"),
    )
    stage = Stage(FakeClock(), (0.0, (), 1), (3.0, disk, 2))

    with pytest.raises(RouterModeError) as caught:
        back(stage, within_s=120.0)
    assert caught.value.mode is Mode.STORAGE
    assert "no router after 13.0 s" in str(caught.value)
    assert "which becomes 19d2:1405" in str(caught.value)
    assert "install usb-modeswitch" in str(caught.value)


def test_a_boot_loader_that_passes_is_no_fault() -> None:
    """MediaTek's preloader shows itself for two seconds at every start."""
    loader = (Function(subsystem="usb", usb_path=PATH, vid="0e8d", pid="2000"),)
    stage = Stage(FakeClock(), (0.0, (), 1), (1.0, loader, 2), (3.0, (), 2), (8.0, plugged(), 3))

    assert back(stage) is not None


def test_another_router_in_its_place_is_the_benchs_fault() -> None:
    """Somebody plugged another router in: refused at once."""
    stage = Stage(FakeClock(), (0.0, (), 1), (2.0, plugged(serial="S2"), 2))

    with pytest.raises(BenchError, match=r"says serial number 'S2', not 'S1'"):
        back(stage)
    assert stage.clock.monotonic_ns() == 2 * NS_PER_S


def test_a_router_that_restarts_faster_than_we_look_has_gone() -> None:
    """Already back as the next generation counts as gone."""
    stage = Stage(FakeClock(), (0.0, plugged(first=4), 2))
    deadline = Deadline.after(10.0, stage.clock)

    assert wait_until_gone(stage, "r1", PATH, generation=1, deadline=deadline) == 0.0


def test_a_router_that_stays_is_said_with_the_time() -> None:
    """A reset that resets nothing."""
    stage = Stage(FakeClock(), (0.0, plugged(), 1))
    deadline = Deadline.after(10.0, stage.clock)

    with pytest.raises(RouterNotGoneError, match=r"still there after 10\.0 s"):
        wait_until_gone(stage, "r1", PATH, generation=1, deadline=deadline)


class Switch:
    """A switch that changes what is plugged in.

    Args:
        stage: Where.
        after: What is plugged in `delay_s` after it was switched off.
        cuts_power: Whether it says so.
    """

    name = "hub 1-2 port 1"

    def __init__(
        self, stage: Stage, after: tuple[Function, ...], *, cuts_power: bool = True
    ) -> None:
        self._stage = stage
        self._after = after
        self.cuts_power = cuts_power
        self.actions: list[str] = []

    def off(self, deadline: Deadline) -> None:
        """Switch off; the device is gone half a second later."""
        self.actions.append("off")
        at_s = deadline.clock.monotonic_ns() / NS_PER_S + 0.5
        self._stage.steps.append((at_s, self._after, 1))

    def on(self, deadline: Deadline) -> None:
        """Switch on."""
        assert deadline.left_s > 0
        self.actions.append("on")


def test_a_power_cycle_is_believed_when_the_device_goes() -> None:
    """Off, seen to go after half a second, three seconds in the dark, on."""
    stage = Stage(FakeClock(), (0.0, plugged(), 1))
    switch = Switch(stage, ())
    seen = cycle(switch, stage, PATH, clock=stage.clock)

    assert seen.gone_after_s == pytest.approx(0.5)
    assert seen.generation == 1
    assert switch.actions == ["off", "on"]
    assert stage.clock.slept_s[-1] == 3.0


def test_a_hub_that_only_pretends_is_found_out() -> None:
    """It says off, the device stays: a fault of the bench, and the port is on again."""
    stage = Stage(FakeClock(), (0.0, plugged(), 1))
    switch = Switch(stage, plugged())

    with pytest.raises(PretendingSwitchError) as caught:
        cycle(switch, stage, PATH, clock=stage.clock)
    assert str(caught.value).startswith(
        f"hub 1-2 port 1 says off, but the device at {PATH} is still there after 10.0 s: "
        "it only pretends"
    )
    assert switch.actions == ["off", "on"]


def test_an_outlet_that_feeds_another_router_is_found_out() -> None:
    """The wrong one went: named."""
    other = plugged("pci-0000:00:14.0/1-2.2", serial="S2")
    stage = Stage(FakeClock(), (0.0, plugged() + other, 1))

    with pytest.raises(WrongOutletError, match=r"1-2\.2 went, not pci-0000:00:14\.0/1-2\.1"):
        cycle(Switch(stage, plugged()), stage, PATH, clock=stage.clock)


def test_a_reset_that_does_nothing_is_the_routers_fault() -> None:
    """`AT+CFUN=1,1` said OK and nothing happened."""
    stage = Stage(FakeClock(), (0.0, plugged(), 1))

    with pytest.raises(RouterNotGoneError, match=r"still there 10\.0 s after the reset"):
        cycle(Switch(stage, plugged(), cuts_power=False), stage, PATH, clock=stage.clock)


def test_after_a_lock_out_the_bare_device_counts_as_gone() -> None:
    """Sysfs `authorized` takes the functions away and leaves the device listed."""
    stage = Stage(FakeClock(), (0.0, plugged(), 1))
    switch = Switch(stage, plugged()[:1], cuts_power=False)

    assert cycle(switch, stage, PATH, clock=stage.clock).gone_after_s == pytest.approx(0.5)


def test_an_empty_place_has_nothing_to_cut_off() -> None:
    """Said before anything is switched."""
    stage = Stage(FakeClock(), (0.0, (), 1))
    switch = Switch(stage, ())

    with pytest.raises(BenchError, match="has nothing to cut off"):
        cycle(switch, stage, PATH, clock=stage.clock)
    assert switch.actions == []
