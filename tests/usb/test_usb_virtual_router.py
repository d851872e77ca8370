"""The virtual router of the virtual bench, reached through a real kernel's USB stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.lab.hotplug import wait_until_back
from harness.lab.inventory import FoundRouter, PortRoles
from harness.lab.schema import Router
from harness.lab.udev import UdevSource
from tests.usb.bench import Dialogue, run
from tests.usb.virtual_bench import PATH

ROLES = PortRoles(at=2, at_secondary=3, net=0)
R1 = Router(model="virtual-unisoc", usb_path=PATH, imei="860000000000017")
LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/24" dev "$interface"
ip route add default via "$router"
"""


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace for the router's interface."""
    run("ip", "netns", "add", "dut")
    yield "dut"
    run("ip", "netns", "del", "dut")


def back(source: UdevSource, *, after: int) -> FoundRouter:
    """Wait until the router is there; it boots, under emulation."""
    deadline = Deadline.after(120.0, SystemClock())
    return wait_until_back(source, "r1", R1, ROLES, after_generation=after, deadline=deadline).found


def test_the_virtual_router_is_found_asked_and_used(
    source: UdevSource, announced: dict[str, Any], namespace: str, tmp_path: Path
) -> None:
    """Discovery, AT, DHCP and a restart, with the harness's ordinary means."""
    assert announced["devices"] == []
    assert announced["power"]["relays"] == {PATH: 0}
    found = back(source, after=0)
    assert (found.vid, found.pid, found.serial) == ("1782", "4d11", "VB0001")
    assert found.ifname is not None
    with Dialogue(found.at_node) as dialogue:
        dialogue.ask(b"ATE0")
        assert b"860000000000017" in dialogue.ask(b"AT+CGSN")

    script = tmp_path / "lease"
    script.write_text(LEASE_SCRIPT)
    script.chmod(0o755)
    run("ip", "link", "set", found.ifname, "netns", namespace)
    run("ip", "-n", namespace, "link", "set", found.ifname, "up")
    run(
        "ip", "netns", "exec", namespace,
        "busybox", "udhcpc", "-n", "-q", "-t", "20", "-i", found.ifname, "-s", str(script),
    )  # fmt: skip
    pinged = run("ip", "netns", "exec", namespace, "ping", "-c", "3", "-w", "30", "192.168.43.1")
    assert " 0% packet loss" in pinged

    generation = source.generation(PATH)
    with Dialogue(found.at_node) as dialogue:
        dialogue.say(b"AT+CFUN=1,1\r")
        dialogue.lost()
    again = back(source, after=generation)
    with Dialogue(again.at_node) as dialogue:
        dialogue.ask(b"ATE0")
        assert b"860000000000017" in dialogue.ask(b"AT+CGSN")
    assert str(again.ifname) in run("ip", "-br", "link")
