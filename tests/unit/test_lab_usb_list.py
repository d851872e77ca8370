"""``harness.lab.usb_list`` and ``usb_ids``: what is said of plugged-in devices."""

from __future__ import annotations

from harness.lab.description import Function
from harness.lab.usb_ids import Mode, mode_of
from harness.lab.usb_list import (
    changes,
    describe_change,
    duplicate_serials,
    hub_of,
    is_below,
    plugged_devices,
    port_order,
    suggest,
)
from harness.lab.usb_tree import SysRecord, UsbTree

HUB = "pci-0000:00:14.0/1-2"
MODELS = {("1782", "4d11"): "generic-unisoc"}


def router(path: str, *, serial: str | None = "S1") -> list[Function]:
    """Return the functions of a router."""
    ids = {"vid": "1782", "pid": "4d11", "manufacturer": "Acme", "product": "P5"}
    return [
        Function(subsystem="usb", usb_path=path, serial=serial, **ids),  # type: ignore[arg-type]
        Function(subsystem="net", usb_path=path, interface=0, ifname="usb0"),
        Function(subsystem="tty", usb_path=path, interface=2, node="/dev/ttyUSB0"),
    ]


def disk(path: str) -> list[Function]:
    """Return the functions of a router stuck as a CD-ROM."""
    return [
        Function(subsystem="usb", usb_path=path, vid="12d1", pid="1f01", product="Mobile"),
        Function(subsystem="block", usb_path=path, interface=0, node="/dev/sr0"),
    ]


def test_devices_are_in_the_order_of_their_ports() -> None:
    """Port 10 comes after port 9."""
    functions = [*router(f"{HUB}.10"), *router(f"{HUB}.9"), *router(f"{HUB}.9.1")]

    assert [device.usb_path for device in plugged_devices(functions)] == [
        f"{HUB}.9",
        f"{HUB}.9.1",
        f"{HUB}.10",
    ]
    assert port_order(f"{HUB}.9") < port_order(f"{HUB}.10")


def test_a_device_is_described_with_its_ports() -> None:
    """Path, ids, strings, ports by interface number, interface."""
    (device,) = plugged_devices(router(f"{HUB}.1"))

    assert (device.vid, device.pid, device.serial, device.product) == (
        "1782", "4d11", "S1", "Acme P5",
    )  # fmt: skip
    assert device.ports == {2: "/dev/ttyUSB0"}
    assert device.ifname == "usb0"
    assert (device.mode, device.note) == (Mode.ROUTER, "")


def test_everything_below_a_hubs_port_belongs_to_it() -> None:
    """Port 1 is not an ancestor of port 10."""
    assert is_below(f"{HUB}.1.4", f"{HUB}.1")
    assert is_below(f"{HUB}.1", f"{HUB}.1")
    assert not is_below(f"{HUB}.10", f"{HUB}.1")
    assert hub_of(f"{HUB}.1.4") == f"{HUB}.1"
    assert hub_of(HUB) is None


def test_a_cd_rom_is_told_from_a_router() -> None:
    """By its ids, or because it shows nothing but a disk."""
    (known,) = plugged_devices(disk(f"{HUB}.1"))
    unknown, special = mode_of(
        [
            Function(subsystem="usb", usb_path=HUB, vid="ffff", pid="0001"),
            Function(subsystem="block", usb_path=HUB, interface=0, node="/dev/sr0"),
        ]
    )

    assert known.mode is Mode.STORAGE
    assert "which becomes 12d1:14db, 12d1:14dc; install usb-modeswitch" in known.note
    assert (unknown, special) == (Mode.STORAGE, None)


def test_a_bare_device_points_at_the_driver() -> None:
    """No function at all is mostly a kernel without the driver."""
    (device,) = plugged_devices([Function(subsystem="usb", usb_path=HUB, vid="05c6", pid="9025")])

    assert device.mode is Mode.UNKNOWN
    assert "is its kernel driver there" in device.note


def test_lines_for_lab_toml_are_suggested() -> None:
    """A known router is left out, an unknown one gets its table."""
    text = suggest(
        [*router(f"{HUB}.1"), *router(f"{HUB}.2", serial="S2")],
        known_paths=[f"{HUB}.1"],
        models=MODELS,
        imeis={f"{HUB}.2": "490154203237518"},
    )

    assert text == (
        "[routers.r1-2-2]  # 1782:4d11 Acme P5\n"
        'model = "generic-unisoc"\n'
        'usb_path = "pci-0000:00:14.0/1-2.2"\n'
        'imei = "490154203237518"\n'
        'serial = "S2"\n'
    )


def test_what_is_not_known_is_a_comment() -> None:
    """No model file, no IMEI, and a serial number that two routers share is no identity."""
    functions = [*router(f"{HUB}.1"), *router(f"{HUB}.2")]
    text = suggest(functions, known_paths=[], models={}, imeis={})

    assert "# model: no model file has these ids" in text
    assert "# imei: no port answered AT+CGSN; see the label" in text
    assert f"# serial: S1 is no identity: it is at {HUB}.1, {HUB}.2" in text
    assert duplicate_serials(plugged_devices(functions)) == {"S1": (f"{HUB}.1", f"{HUB}.2")}


def test_a_stuck_router_is_suggested_as_a_remark() -> None:
    """No table for something that is no router now."""
    text = suggest(disk(f"{HUB}.3"), known_paths=[], models=MODELS, imeis={})

    assert text.startswith(f"# {HUB}.3: 12d1:1f01 Mobile: it is in mass storage mode")


def test_plugging_is_told_in_lines() -> None:
    """Gone first, then come; columns."""
    before = router(f"{HUB}.1")
    after = [
        *before[:2],
        Function(subsystem="tty", usb_path=f"{HUB}.1", interface=2, node="/dev/x"),
    ]
    lines = [describe_change(action, function) for action, function in changes(before, after)]

    assert lines == [
        "remove  pci-0000:00:14.0/1-2.1  ?:?  tty      if02  /dev/ttyUSB0",
        "add     pci-0000:00:14.0/1-2.1  ?:?  tty      if02  /dev/x",
    ]


def test_five_hundred_routers_are_listed() -> None:
    """500 routers on 25 controllers, seven records each: all found, in order."""
    records = []
    for number in range(500):
        controller, hub, port = number // 20, number // 10 % 2 + 1, number % 10 + 1
        root = f"/sys/devices/pci0000:00/0000:{controller:02x}:14.0/usb{controller + 1}"
        name = f"{controller + 1}-{hub}.{port}"
        device = f"{root}/{controller + 1}-{hub}/{name}"
        records.append(
            SysRecord(
                sys_path=device,
                subsystem="usb",
                devtype="usb_device",
                attributes={"idVendor": "1782", "idProduct": "4d11", "serial": f"S{number}"},
            )
        )
        for interface in (0, 2, 3):
            records.append(  # noqa: PERF401 - two lists in one loop read worse
                SysRecord(
                    sys_path=f"{device}/{name}:1.{interface}",
                    subsystem="usb",
                    devtype="usb_interface",
                    driver="option",
                )
            )
        records += [
            SysRecord(sys_path=f"{device}/{name}:1.0/net/usb{number}", subsystem="net"),
            SysRecord(
                sys_path=f"{device}/{name}:1.2/ttyUSB{number}/tty/ttyUSB{number}",
                subsystem="tty",
                node=f"/dev/ttyUSB{number}",
            ),
        ]
    devices = plugged_devices(UsbTree(records).functions())

    assert len(devices) == 500
    assert {device.mode for device in devices} == {Mode.ROUTER}
    assert devices[-1].usb_path == "pci-0000:18:14.0/1-2.10"
    assert devices[-1].ports == {2: "/dev/ttyUSB499"}
