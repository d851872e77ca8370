"""The real-USB tier: runs as root in the guest only (`make test-usb`, see tests/vm).

The same tests run over both back ends: USB/IP devices on `vhci_hcd` and the kernel's own gadget on
`dummy_hcd`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from devices.virtual.usb.device import UsbRouter
from devices.virtual.usb.gadget import GadgetRouter
from harness.lab.udev import UdevSource
from tests.usb.bench import Bench, gadget_router, mine, run, soon, usbip_router
from tests.usb.virtual_bench import CHECKOUT, virtual_bench


@pytest.fixture(scope="session", autouse=True)
def _modules() -> None:
    """Load the two virtual host controllers."""
    for module in ("vhci-hcd", "tun", "libcomposite", "sch_netem"):
        run("modprobe", module)
    run("modprobe", "dummy_hcd", "num=2")


@pytest.fixture
def source() -> Iterator[UdevSource]:
    """Udev, followed."""
    with UdevSource() as followed:
        gone = followed.wait(lambda seen: () if not seen else None, soon())
        assert gone == ()  # a test before this one may have left routers on their way out
        yield followed


@pytest.fixture(params=["usbip-vendor", "usbip-acm", "gadget-rndis"])
def bench(request: pytest.FixtureRequest, source: UdevSource) -> Iterator[Bench]:
    """A router of each kind, not plugged in."""
    router: UsbRouter | GadgetRouter
    if request.param == "gadget-rndis":
        router, lines = gadget_router()
        at_interface = 2
    else:
        router, lines = usbip_router(request.param.removeprefix("usbip-"))
        at_interface = 2
    made = Bench(router, source, at_interface, lines)
    try:
        yield made
    finally:
        with suppress(OSError):
            router.close()
        source.wait(lambda seen: () if not mine(seen) else None, soon())


@pytest.fixture
def announced(source: UdevSource) -> Iterator[dict[str, Any]]:
    """The virtual bench with its routers as USB devices; its first line.

    udev is followed first: `source` waits for an empty bus.
    """
    assert source.functions() == ()
    with virtual_bench(CHECKOUT / "lab.toml") as first_line:
        yield first_line
