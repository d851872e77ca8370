"""`harness.lab.inventory`: the match of lab.toml against what is plugged in."""

from __future__ import annotations

import pytest

from harness.core.errors import BenchError
from harness.lab.description import Function, function_from_json
from harness.lab.inventory import PortRoles, match_all, match_router
from harness.lab.schema import Router

ROLES = PortRoles(at=2, at_secondary=3, net=0)
R1 = Router(model="acme-p5", usb_path="hub/1-1", imei="490154203237518")


def plugged(usb_path: str, *, serial: str | None = "S1") -> list[Function]:
    """Return the functions of one composite router."""
    return [
        Function(subsystem="usb", usb_path=usb_path, vid="1782", pid="4d11", serial=serial),
        Function(subsystem="tty", usb_path=usb_path, interface=1, node="/dev/ttyUSB0"),
        Function(subsystem="tty", usb_path=usb_path, interface=2, node="/dev/ttyUSB7"),
        Function(subsystem="tty", usb_path=usb_path, interface=3, node="/dev/ttyUSB8"),
        Function(subsystem="net", usb_path=usb_path, interface=0, ifname="usb0"),
    ]


def test_a_router_is_found_where_it_is_plugged_in() -> None:
    """Ports are told apart by interface number, not by the number of the node."""
    found = match_router("r1", R1, ROLES, plugged("hub/1-2") + plugged("hub/1-1"))

    assert found.at_node == "/dev/ttyUSB7"
    assert found.at_secondary_node == "/dev/ttyUSB8"
    assert (found.ifname, found.vid, found.pid, found.serial) == ("usb0", "1782", "4d11", "S1")


def test_a_model_without_a_second_port_needs_none() -> None:
    """The second AT port is a convenience."""
    roles = PortRoles(at=2, at_secondary=None, net=0)

    assert match_router("r1", R1, roles, plugged("hub/1-1")).at_secondary_node is None


def test_an_empty_place_is_named_with_the_places_that_are_not() -> None:
    """The house style's example message."""
    with pytest.raises(BenchError) as caught:
        match_router("r1", R1, ROLES, plugged("hub/1-3") + plugged("hub/1-4"))

    assert str(caught.value) == (
        "lab.toml: routers.r1.usb_path: nothing is plugged in at hub/1-1; "
        "there are devices at hub/1-3, hub/1-4"
    )


def test_an_empty_bench_is_said_so() -> None:
    """No device at all is another hint than a wrong port."""
    with pytest.raises(BenchError, match="nothing is plugged in at hub/1-1; there is no device"):
        match_router("r1", R1, ROLES, [])


def test_another_router_in_the_place_is_refused() -> None:
    """The serial number says that it is not the one of lab.toml."""
    router = R1.model_copy(update={"serial": "S9"})

    with pytest.raises(BenchError) as caught:
        match_router("r1", router, ROLES, plugged("hub/1-1"))

    assert str(caught.value) == (
        "lab.toml: routers.r1.serial: the device at hub/1-1 says 'S1', not 'S9'; "
        "another router is plugged in there"
    )


def test_a_missing_function_is_named_with_what_there_is() -> None:
    """A router in another mode shows other functions."""
    half = [f for f in plugged("hub/1-1") if f.subsystem == "net"]

    with pytest.raises(BenchError) as caught:
        match_router("r1", R1, ROLES, half)

    assert str(caught.value) == (
        "lab.toml: routers.r1.model: the device at hub/1-1 has no AT port at interface 2, as a "
        "acme-p5 has; it shows net usb0 at interface 0"
    )


def test_a_device_without_functions_shows_none() -> None:
    """A router stuck before its drivers are bound."""
    with pytest.raises(BenchError, match="it shows no function; is its kernel driver there"):
        match_router("r1", R1, ROLES, plugged("hub/1-1")[:1])


def test_all_problems_of_a_bench_are_said_at_once() -> None:
    """A wrong model and an empty place are two lines."""
    routers = {
        "r1": R1,
        "r2": Router(model="other", usb_path="hub/1-2", imei="860000000000017"),
        "r3": Router(model="acme-p5", usb_path="hub/1-9", imei="860000000000025"),
    }

    with pytest.raises(BenchError) as caught:
        match_all(routers, {"acme-p5": ROLES}, plugged("hub/1-1"))

    assert str(caught.value).splitlines() == [
        "lab.toml: routers.r2.model: there is no model 'other'; there are acme-p5",
        (
            "lab.toml: routers.r3.usb_path: nothing is plugged in at hub/1-9; "
            "there are devices at hub/1-1"
        ),
    ]


def test_every_router_of_the_file_is_found() -> None:
    """By its name in lab.toml."""
    found = match_all({"r1": R1}, {"acme-p5": ROLES}, plugged("hub/1-1"))

    assert found["r1"].usb_path == "hub/1-1"


def test_a_description_is_read_from_json() -> None:
    """As the virtual bench announces it; keys of others are left alone."""
    function = function_from_json(
        {"subsystem": "tty", "usb_path": "v/1", "interface": 2, "node": "/dev/pts/1", "x": 1}
    )

    assert function == Function(subsystem="tty", usb_path="v/1", interface=2, node="/dev/pts/1")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"subsystem": "tty"},
        {"subsystem": "drone", "usb_path": "v/1"},
        {"subsystem": "tty", "usb_path": "v/1", "interface": "2"},
        {"subsystem": "tty", "usb_path": "v/1", "node": 7},
    ],
)
def test_a_description_that_is_none_is_refused(value: dict[str, object]) -> None:
    """With what was announced."""
    with pytest.raises(BenchError, match="device description"):
        function_from_json(value)


def test_a_moved_network_interface_is_not_missed() -> None:
    """In the router's own namespace udev sees it no more; the ports are there all the same."""
    seen = [f for f in plugged("hub/1-1") if f.subsystem != "net"]
    found = match_router("r1", R1, ROLES, seen, net_is_moved=True)

    assert (found.at_node, found.ifname) == ("/dev/ttyUSB7", None)


def test_a_router_stuck_as_a_disk_is_said_with_the_remedy() -> None:
    """Whoever reads it learns which package switches it."""
    seen = [
        Function(subsystem="usb", usb_path="hub/1-1", vid="12d1", pid="1f01", serial="S1"),
        Function(subsystem="block", usb_path="hub/1-1", interface=0, node="/dev/sr0"),
    ]

    with pytest.raises(BenchError) as caught:
        match_router("r1", R1, ROLES, seen)
    assert str(caught.value) == (
        "lab.toml: routers.r1.model: the device at hub/1-1 has no AT port at interface 2, as a "
        "acme-p5 has; it is in mass storage mode (Huawei, installer CD-ROM), which becomes "
        "12d1:14db, 12d1:14dc; install usb-modeswitch with usb-modeswitch-data, or eject the "
        "CD-ROM: eject NODE"
    )
