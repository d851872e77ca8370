"""``harness.lab.usb_tree``: records and events to descriptions."""

from __future__ import annotations

import pytest

from harness.lab.usb_tree import SysRecord, UsbTree

XHCI = "/sys/devices/pci0000:00/0000:00:14.0"
DEVICE = f"{XHCI}/usb1/1-2/1-2.1"
IDS = {"idVendor": "1782", "idProduct": "4d11", "serial": "S1", "product": "Pocket Router"}


def device(path: str = DEVICE, **changed: str) -> SysRecord:
    """Return the record of a router."""
    return SysRecord(
        sys_path=path, subsystem="usb", devtype="usb_device", attributes={**IDS, **changed}
    )


def root(path: str) -> SysRecord:
    """Return the record of a root hub."""
    return SysRecord(sys_path=path, subsystem="usb", devtype="usb_device")


def interface(number: int, driver: str = "option") -> SysRecord:
    """Return the record of an interface of the router."""
    return SysRecord(
        sys_path=f"{DEVICE}/1-2.1:1.{number}",
        subsystem="usb",
        devtype="usb_interface",
        driver=driver,
    )


def port(number: int, name: str) -> SysRecord:
    """Return the record of a serial port at an interface of the router."""
    return SysRecord(
        sys_path=f"{DEVICE}/1-2.1:1.{number}/{name}/tty/{name}",
        subsystem="tty",
        node=f"/dev/{name}",
    )


def net(number: int, name: str) -> SysRecord:
    """Return the record of a network interface of the router."""
    return SysRecord(sys_path=f"{DEVICE}/1-2.1:1.{number}/net/{name}", subsystem="net")


def router() -> list[SysRecord]:
    """Return the records of a router with two ports and a network interface."""
    return [
        root(f"{XHCI}/usb1"),
        root(f"{XHCI}/usb2"),
        device(f"{XHCI}/usb1/1-2", serial="HUB", product="Hub"),
        device(),
        interface(0, "cdc_ether"),
        interface(2),
        interface(3),
        net(0, "enx02005e100000"),
        port(2, "ttyUSB0"),
        port(3, "ttyUSB1"),
    ]


def of_router(tree: UsbTree) -> list[tuple[str, int | None, str | None]]:
    """Return kind, interface and name of what hangs at the router's port."""
    return [
        (function.subsystem, function.interface, function.node or function.ifname)
        for function in tree.functions()
        if function.usb_path == "pci-0000:00:14.0/1-2.1"
    ]


COMPLETE = [
    ("usb", None, None),
    ("net", 0, "enx02005e100000"),
    ("tty", 2, "/dev/ttyUSB0"),
    ("tty", 3, "/dev/ttyUSB1"),
]


def test_a_router_is_one_device_with_its_functions() -> None:
    """Functions are found by interface number and carry the device's ids and their driver."""
    tree = UsbTree(router())

    assert of_router(tree) == COMPLETE
    at = next(function for function in tree.functions() if function.interface == 2)
    assert (at.vid, at.pid, at.serial, at.driver) == ("1782", "4d11", "S1", "option")


def test_a_path_counts_root_hubs_instead_of_naming_the_bus() -> None:
    """Bus 10 and bus 9 are the second and the first root hub of their controller."""
    tree = UsbTree(
        [
            root(f"{XHCI}/usb10"),
            root(f"{XHCI}/usb9"),
            device(f"{XHCI}/usb10/10-1", serial="A"),
            device(f"{XHCI}/usb9/9-1.4", serial="B"),
            device("/sys/devices/platform/vhci_hcd.0/usb3/3-7", serial="C"),
        ]
    )

    assert [(f.serial, f.usb_path) for f in tree.functions()] == [
        ("B", "pci-0000:00:14.0/1-1.4"),
        ("A", "pci-0000:00:14.0/2-1"),
        ("C", "platform-vhci_hcd.0/1-7"),
    ]


def test_the_first_appearance_is_generation_one_and_a_replug_the_next() -> None:
    """A device that goes takes its functions along and comes back as another generation."""
    tree = UsbTree(router())
    tree.apply("remove", device())

    assert of_router(tree) == []
    for record in router()[3:]:
        tree.apply("add", record)
    assert of_router(tree) == COMPLETE
    assert tree.generation("pci-0000:00:14.0/1-2.1") == 2


def test_a_namespace_move_is_not_an_unplug() -> None:
    """The kernel says `remove` for an interface that was moved; the device is the same one."""
    tree = UsbTree(router())

    assert tree.apply("remove", net(0, "enx02005e100000"))
    assert ("net", 0, "enx02005e100000") not in of_router(tree)
    assert tree.generation("pci-0000:00:14.0/1-2.1") == 1
    assert tree.apply("add", net(0, "usb0"))
    assert tree.generation("pci-0000:00:14.0/1-2.1") == 1


def test_a_rename_in_mid_move_leaves_one_interface() -> None:
    """The late `remove` of the old name does not take the new one away."""
    tree = UsbTree(router())
    tree.apply("move", net(0, "lan-r1"))
    tree.apply("remove", net(0, "enx02005e100000"))

    assert of_router(tree)[1] == ("net", 0, "lan-r1")


def test_losing_every_interface_and_getting_some_is_a_new_generation() -> None:
    """Sysfs `authorized` 0 and 1: the device stays listed, its functions are new ones."""
    tree = UsbTree(router())
    for number, driver in ((0, "cdc_ether"), (2, "option"), (3, "option")):
        tree.apply("unbind", interface(number, driver))
        tree.apply("remove", interface(number, driver))
    assert of_router(tree) == [("usb", None, None)]

    tree.apply("add", interface(0, "cdc_ether"))
    tree.apply("add", interface(2))
    assert tree.generation("pci-0000:00:14.0/1-2.1") == 2


@pytest.mark.parametrize(
    "path",
    ["/sys/devices/virtual/tty/tty0", "/sys/devices/pnp0/00:04/tty/ttyS0", "", "/usb1/"],
)
def test_what_is_not_usb_is_left_alone(path: str) -> None:
    """The bench's own consoles are no routers."""
    tree = UsbTree()

    assert not tree.apply("add", SysRecord(sys_path=path, subsystem="tty", node="/dev/tty0"))
    assert tree.functions() == ()


def test_partitions_are_not_disks() -> None:
    """A CD-ROM with two partitions is one block function."""
    tree = UsbTree([device()])
    disk = f"{DEVICE}/1-2.1:1.0/host6/target6:0:0/6:0:0:0/block/sr0"
    tree.apply("add", SysRecord(sys_path=disk, subsystem="block", devtype="disk", node="/dev/sr0"))
    tree.apply(
        "add",
        SysRecord(
            sys_path=f"{disk}/sr0p1", subsystem="block", devtype="partition", node="/dev/sr0p1"
        ),
    )

    assert of_router(tree) == [("usb", None, None), ("block", 0, "/dev/sr0")]


def test_the_same_event_twice_changes_nothing() -> None:
    """Nobody is woken by an event that says what is known."""
    tree = UsbTree(router())

    assert not tree.apply("bind", port(2, "ttyUSB0"))
    assert not tree.apply("change", device())


def test_a_devices_place_in_sysfs_is_known() -> None:
    """Its last part is the name that uhubctl and `authorized` need."""
    tree = UsbTree(router())

    assert tree.sys_path("pci-0000:00:14.0/1-2.1") == DEVICE
    assert tree.sys_path("pci-0000:00:14.0/1-9") is None


def test_interfaces_that_come_back_before_others_are_gone_count_once() -> None:
    """Seen in the guest: udevd reports in parallel, one `add` precedes another `remove`."""
    tree = UsbTree(router())
    for action, number in (
        ("remove", 0), ("remove", 2), ("add", 0), ("remove", 3), ("add", 3), ("add", 2),
    ):  # fmt: skip
        tree.apply(action, interface(number))

    assert tree.generation("pci-0000:00:14.0/1-2.1") == 2


def test_a_keyboard_is_foreign_and_a_router_with_one_is_not() -> None:
    """Whoever has one interface of ours, or one without a driver, may be a router."""
    root = "/devices/pci0000:00/0000:00:14.0/usb1"

    def device(port: int, *drivers: str | None) -> list[SysRecord]:
        path = f"{root}/1-{port}"
        ids = {"idVendor": "1234", "idProduct": f"{port:04x}"}
        return [
            SysRecord(sys_path=path, subsystem="usb", devtype="usb_device", attributes=ids),
            *(
                SysRecord(
                    sys_path=f"{path}/1-{port}:1.{number}",
                    subsystem="usb",
                    devtype="usb_interface",
                    driver=driver,
                )
                for number, driver in enumerate(drivers)
            ),
        ]

    tree = UsbTree(
        [
            *device(1, "usbhid", "usbhid"),
            *device(2, "usbhid", "option"),
            *device(3, "usbhid", None),
            *device(4),
        ]
    )

    assert {f.pid: f.is_foreign for f in tree.functions()} == {
        "0001": True, "0002": False, "0003": False, "0004": False,
    }  # fmt: skip
