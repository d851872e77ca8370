"""IP over the kernel's own RNDIS, NCM and ECM, and that kernel's netem."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest

from devices.virtual.usb.device import UsbIdentity
from devices.virtual.usb.gadget import GadgetRouter, Network
from harness.lab.udev import UdevSource
from tests.usb.bench import IMEI, mine, run, soon

_MEDIAN = re.compile(r"rtt min/avg/max/mdev = (?P<least>[\d.]+)/")


def ignore(data: bytes) -> None:
    """Leave what comes from a serial port alone."""
    assert data


@pytest.fixture(params=get_args(Network))
def ifname(request: pytest.FixtureRequest, source: UdevSource) -> Iterator[str]:
    """The host's interface of a plugged-in gadget, moved to the namespace `dut`.

    The host's end is up before the gadget's: the other way round ECM stays without carrier in 11
    of 64 plugs.
    """
    router = GadgetRouter(
        "traffic",
        "dummy_udc.1",
        UsbIdentity(vid=0x1D6B, pid=0x0104, serial=IMEI, mac="02:00:5e:10:00:f1", kind="acm"),
        network=request.param,
        device_mac="02:00:5e:20:00:f1",
        on_bytes=[ignore, ignore],
    )
    run("ip", "netns", "add", "dut")
    run("ip", "netns", "add", "lan")
    try:
        router.plug()
        found = source.wait(
            lambda seen: next((f.ifname for f in mine(seen) if f.ifname), None), soon()
        )
        assert found is not None
        run("ip", "link", "set", found, "netns", "dut")
        run("ip", "-n", "dut", "addr", "add", "192.168.43.2/24", "dev", found)
        run("ip", "-n", "dut", "link", "set", found, "up")
        run("ip", "link", "set", router.ifname, "netns", "lan")
        run("ip", "-n", "lan", "addr", "add", "192.168.43.1/24", "dev", router.ifname)
        run("ip", "-n", "lan", "link", "set", router.ifname, "up")
        yield found
    finally:
        router.close()
        run("ip", "netns", "del", "dut")
        run("ip", "netns", "del", "lan")


def ping(count: int) -> str:
    """Ping the router from the namespace."""
    return run(
        "ip", "netns", "exec", "dut",
        "ping", "-c", str(count), "-i", "0.2", "-w", "30", "192.168.43.1",
    )  # fmt: skip


def test_frames_cross_and_netem_delays_them(ifname: str) -> None:
    """Pings come back; with 120 ms of netem none is faster than that."""
    assert " 0% packet loss" in ping(4)

    run(
        "ip", "netns", "exec", "dut",
        "tc", "qdisc", "add", "dev", ifname, "root", "netem", "delay", "120ms",
    )  # fmt: skip
    delayed = _MEDIAN.search(ping(4))
    assert delayed is not None
    assert float(delayed["least"]) >= 120.0
