"""`harness.procedure.plug`: a router's functions, found again by identity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.lab.description import Function
from harness.lab.hotplug import RouterNotBackError
from harness.lab.inventory import FoundRouter, PortRoles
from harness.lab.schema import Router
from harness.lab.source import Plugged
from harness.procedure.plug import Plug
from harness.userplane.links import InterfaceGoneError

PATH = "hub/1-1"
DEVICE = Function(subsystem="usb", usb_path=PATH, vid="1782", pid="4d11", serial="S1")
AT = Function(subsystem="tty", usb_path=PATH, interface=2, node="/dev/ttyUSB7")
NET = Function(subsystem="net", usb_path=PATH, interface=0, ifname="usb0")


def plug(source: Plugged, *, holds_interface: bool = False) -> Plug:
    """Return the place of a router whose interface is in its namespace, or is not."""
    return Plug(
        name="r1",
        router=Router(model="acme-p5", usb_path=PATH, imei="490154203237518"),
        roles=PortRoles(at=2, at_secondary=None, net=0),
        source=source,
        holds_interface=lambda: holds_interface,
    )


def at_once() -> Deadline:
    """Return a deadline that has passed."""
    return Deadline.after(0.0, SystemClock())


def test_all_functions_make_a_router() -> None:
    """Ports by interface number, and the interface's name."""
    found = plug(Plugged((DEVICE, AT, NET))).found()

    assert found is not None
    assert (found.at_node, found.ifname) == ("/dev/ttyUSB7", "usb0")


def test_an_interface_that_is_held_is_not_waited_for() -> None:
    """Udev sees none in another namespace: waiting for it would be for ever."""
    source = Plugged((DEVICE, AT))

    assert plug(source).wait(at_once()) is None
    found = plug(source, holds_interface=True).wait(at_once())
    assert found is not None
    assert (found.at_node, found.ifname) == ("/dev/ttyUSB7", None)


def test_a_port_is_missed_whatever_is_held() -> None:
    """Without the AT port there is no router."""
    assert plug(Plugged((DEVICE, NET)), holds_interface=True).found() is None


def test_what_is_missing_is_named() -> None:
    """The message of the inventory, for whoever waited in vain."""
    with pytest.raises(BenchError, match="has no AT port at interface 2"):
        plug(Plugged((DEVICE, NET))).require()


def test_a_comeback_is_a_later_generation_under_other_names() -> None:
    """Everything goes, everything comes: the number counts, the names are new."""
    source = Plugged((DEVICE, AT, NET))
    place = plug(source)
    assert (place.is_there, place.generation) == (True, 1)
    for function in (AT, NET, DEVICE):
        source.remove(function)
    assert (place.is_there, place.wait_until_gone(at_once())) == (False, True)
    back = (DEVICE, replace(AT, node="/dev/ttyUSB9"), replace(NET, ifname="usb1"))
    for function in back:
        source.add(function)
    comeback = place.wait_until_back(1, at_once())

    assert (comeback.generation, comeback.found.at_node) == (2, "/dev/ttyUSB9")
    assert place.described(comeback.found) == (
        "generation 2 of r1: AT /dev/ttyUSB9, net usb1",
        {"generation": 2, "at": "/dev/ttyUSB9", "net": "usb1"},
    )


def test_what_never_went_is_no_comeback() -> None:
    """The deadline ends it, and the router is named."""
    with pytest.raises(RouterNotBackError, match=r"r1 is not back .* never went away"):
        plug(Plugged((DEVICE, AT, NET))).wait_until_back(1, at_once())


def test_what_stays_has_not_gone() -> None:
    """A device without functions is still there."""
    assert plug(Plugged((DEVICE,))).wait_until_gone(at_once()) is False


def test_an_interface_that_is_renamed_while_it_is_taken_is_looked_up_again() -> None:
    """Udev's rule ran between our look and the move: the new name is in its next event."""
    source = Plugged((DEVICE, AT, NET))
    asked: list[str | None] = []

    def take(found: FoundRouter) -> None:
        asked.append(found.ifname)
        if found.ifname == "usb0":
            source.remove(NET)
            source.add(replace(NET, ifname="enx02005e000001"))
            msg = "r1: no interface 'usb0'"
            raise InterfaceGoneError(msg)

    found = plug(source).taken(take, Deadline.after(5.0, SystemClock()))

    assert found is not None
    assert asked == ["usb0", "enx02005e000001"]


def test_an_interface_that_is_never_there_ends_with_the_deadline() -> None:
    """The kernel's own words, not a hang."""

    def take(found: FoundRouter) -> None:
        msg = f"r1: no interface {found.ifname!r}; is the router still plugged in?"
        raise InterfaceGoneError(msg)

    with pytest.raises(InterfaceGoneError, match="no interface 'usb0'; is the router still"):
        plug(Plugged((DEVICE, AT, NET))).taken(take, at_once())


def test_a_router_that_is_not_there_has_nothing_to_take() -> None:
    """None: whoever asked says what is missing."""
    assert plug(Plugged((DEVICE,))).taken(lambda _found: None, at_once()) is None
