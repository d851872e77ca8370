"""Discovery over described trees of modelled routers: pure, and through libudev by umockdev."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.lab.description import Function, function_from_json
from harness.lab.sysfs import read_sysfs
from harness.lab.usb_ids import Mode
from harness.lab.usb_list import (
    PluggedDevice,
    duplicate_serials,
    hub_of,
    is_below,
    plugged_devices,
)
from harness.lab.usb_tree import UsbTree
from tests.udev.list_functions import as_json
from tests.udev.umockdev_text import read_text, render, trees, write_sysfs

CHECKOUT = Path(__file__).resolve().parents[2]
HAS_UMOCKDEV = shutil.which("umockdev-run") is not None
WAYS = ["pure", pytest.param("umockdev", marks=pytest.mark.slow)] if HAS_UMOCKDEV else ["pure"]


def through_umockdev(text: str, directory: Path) -> dict[str, Any]:
    """Let the harness see the trees instead of this host, in a process of its own."""
    file = directory / "trees.umockdev"
    file.write_text(text)
    listed = subprocess.run(
        ["umockdev-run", "-d", str(file), "--", sys.executable, "-m", "tests.udev.list_functions"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(listed.stdout)
    return said


@pytest.fixture(scope="module", params=WAYS)
def functions(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[Function]:
    """Every function of every tree, each tree at a controller of its own."""
    text = "".join(render(tree, bus) for bus, tree in enumerate(trees(), start=1))
    if request.param == "umockdev":
        said = through_umockdev(text, tmp_path_factory.mktemp("umockdev"))
        return [function_from_json(value) for value in said["functions"]]
    return list(UsbTree(read_text(text)).functions())


def devices(functions: list[Function], name: str) -> tuple[PluggedDevice, ...]:
    """Return the devices of one tree."""
    (controller,) = [tree["controller"] for tree in trees() if tree["name"] == name]
    return plugged_devices(f for f in functions if f.usb_path.startswith(f"pci-{controller}/"))


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_in_sysfs_is_what_libudev_lists(way: str, tmp_path: Path) -> None:
    """Record by record, for every tree: paths, drivers, nodes, attributes."""
    text = "".join(render(tree, bus) for bus, tree in enumerate(trees(), start=1))
    if way == "umockdev":
        said = through_umockdev(text, tmp_path)
        ours, oracle = said["sysfs"], said["libudev"]
    else:
        write_sysfs(text, tmp_path)
        ours = as_json(read_sysfs(tmp_path))
        moved = (
            replace(record, sys_path=f"{tmp_path}{record.sys_path.removeprefix('/sys')}")
            for record in read_text(text)
        )
        oracle = as_json(moved)

    assert len(ours) == 125
    assert ours == oracle


def test_what_goes_while_sysfs_is_read_is_left_out(tmp_path: Path) -> None:
    """A link that leads nowhere, and a device without its files: the others are listed."""
    text = "".join(render(tree, bus) for bus, tree in enumerate(trees(), start=1))
    write_sysfs(text, tmp_path)
    (tmp_path / "class/tty/ttyUSB99").symlink_to(
        "../../devices/pci0/usb1/1-1/ttyUSB99/tty/ttyUSB99"
    )
    (tmp_path / "class/tty/ttyACM0/uevent").unlink()
    (tmp_path / "class/net/bonding_masters").write_text("")
    names = {record.name for record in read_sysfs(tmp_path)}

    assert len(names) == 124
    assert not names & {"ttyUSB99", "ttyACM0", "bonding_masters"}


def test_a_kernel_without_usb_shows_nothing(tmp_path: Path) -> None:
    """A container's sysfs: an empty list, not an error."""
    assert read_sysfs(tmp_path) == []


def test_every_tree_names_its_source() -> None:
    """Fourteen trees, none a recording, each from a public description."""
    assert len(trees()) == 14
    assert all(len(tree["source"]) > 20 for tree in trees())


@pytest.mark.parametrize(
    ("name", "ports", "ifname"),
    [
        ("acm-rndis", {2: "/dev/ttyACM0", 4: "/dev/ttyACM1"}, "enx02005e000001"),
        (
            "option-qmi",
            {0: "/dev/ttyUSB0", 1: "/dev/ttyUSB1", 2: "/dev/ttyUSB2", 3: "/dev/ttyUSB3"},
            "wwan0",
        ),
        ("option-ecm", {2: "/dev/ttyUSB10", 3: "/dev/ttyUSB11"}, "usb0"),
        ("no-at-port", {}, "eth1"),
        (
            "odd-numbers",
            {2: "/dev/ttyACM11", 4: "/dev/ttyACM9", 6: "/dev/ttyACM10"},
            "wwan2",
        ),
        ("ncm-and-control", {0: "/dev/ttyUSB60", 2: "/dev/ttyUSB61"}, "wwan3"),
        ("serial-bridge", {0: "/dev/ttyUSB70"}, None),
    ],
)
def test_ports_are_found_by_interface_number(
    functions: list[Function], name: str, ports: dict[int, str], ifname: str | None
) -> None:
    """Whatever number the kernel gave to the node."""
    (device,) = devices(functions, name)

    assert device.ports == ports
    assert device.ifname == ifname
    assert device.mode is Mode.ROUTER


def test_a_control_device_is_a_function_beside_its_interface(functions: list[Function]) -> None:
    """QMI: a network interface and a cdc-wdm node at one interface number."""
    both = [f for f in functions if f.vid == "2c7c" and f.interface == 4]

    assert [(f.subsystem, f.node or f.ifname, f.driver) for f in both] == [
        ("cdc-wdm", "/dev/cdc-wdm0", "qmi_wwan"),
        ("net", "wwan0", "qmi_wwan"),
    ]


def test_a_cd_rom_is_no_router(functions: list[Function]) -> None:
    """Its mode says what it becomes."""
    (device,) = devices(functions, "cd-rom")

    assert device.mode is Mode.STORAGE
    assert "which becomes 19d2:1405" in device.note


@pytest.mark.parametrize(
    ("name", "what"),
    [("emergency-download", "Qualcomm emergency download"), ("preloader", "MediaTek preloader")],
)
def test_a_boot_loader_with_a_tty_is_no_router(
    functions: list[Function], name: str, what: str
) -> None:
    """It has a serial port, and no AT command will ever be answered there."""
    (device,) = devices(functions, name)

    assert device.mode is Mode.BOOTLOADER
    assert len(device.ports) == 1
    assert what in device.note


def test_a_device_without_driver_is_said_so(functions: list[Function]) -> None:
    """Nothing bound: the kernel is looked at, not the router."""
    (device,) = devices(functions, "no-driver")

    assert device.mode is Mode.UNKNOWN
    assert "is its kernel driver there" in device.note


def test_two_identical_routers_differ_by_path(functions: list[Function]) -> None:
    """One serial number, two places."""
    pair = devices(functions, "identical-pair")

    assert [device.usb_path for device in pair] == ["pci-0000:00:06.0/1-1", "pci-0000:00:06.0/1-2"]
    assert list(duplicate_serials(pair)) == ["0123456789ABCDEF"]
    assert [device.ifname for device in pair] == ["usb20", "usb21"]


def test_a_router_without_serial_number_has_none(functions: list[Function]) -> None:
    """None, not an empty text and not a made-up one."""
    (device,) = devices(functions, "no-serial-number")

    assert device.serial is None
    assert device.ports[2] == "/dev/ttyUSB42"


def test_seven_routers_hang_below_one_hub(functions: list[Function]) -> None:
    """Three at the first hub, four at the one behind it."""
    found = devices(functions, "hub-of-seven")
    routers = [device for device in found if device.mode is Mode.ROUTER]

    assert [device.serial for device in routers] == ["H1", "H2", "H3", "H4", "H5", "H6", "H7"]
    assert all(is_below(device.usb_path, "pci-0000:00:07.0/1-4") for device in routers)
    assert hub_of(routers[-1].usb_path) == "pci-0000:00:07.0/1-4.4"
    assert [d.serial for d in routers if is_below(d.usb_path, "pci-0000:00:07.0/1-4.4")] == [
        "H4", "H5", "H6", "H7",
    ]  # fmt: skip


def test_hubs_are_no_routers(functions: list[Function]) -> None:
    """They are devices of the tree, for power and for paths, and are not listed."""
    hubs = [f for f in functions if (f.vid, f.subsystem) == ("05e3", "usb")]

    assert len(hubs) == 2
    assert all(hub.is_foreign for hub in hubs)
    assert {device.vid for device in devices(functions, "hub-of-seven")} == {"1782"}
