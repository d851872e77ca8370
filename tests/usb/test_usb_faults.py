"""What goes wrong on a USB bench, on a real kernel's USB stack."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from devices.virtual.usb.device import UsbRouter
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.lab.hotplug import RouterNotBackError, RouterNotGoneError, wait_until_back
from harness.lab.inventory import PortRoles
from harness.lab.power import PretendingSwitchError, cycle
from harness.lab.power_usb import Authorization, UhubctlPort
from harness.lab.rules import rules_text
from harness.lab.schema import Router
from harness.lab.udev import UdevSource
from harness.lab.usb_list import duplicate_serials, plugged_devices
from harness.port.errors import PortBusyError, PortLostError
from tests.usb.bench import IMEI, Bench, Dialogue, run, soon, usbip_router
from tests.usb.virtual_bench import CHECKOUT

ROLES = PortRoles(at=2, at_secondary=3, net=0)
PATH = "platform-vhci_hcd.0/1-1"
R1 = Router(model="generic-unisoc", usb_path=PATH, imei="490154203237518", serial=IMEI)
CLOCK = SystemClock()
HOLDER = """
import serial, sys
with serial.Serial(sys.argv[1], exclusive=True):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def fleet() -> Iterator[ExitStack]:
    """Something that unplugs every router that a test made."""
    with ExitStack() as stack:
        yield stack


def made(fleet: ExitStack, *, serial: str = IMEI, number: int = 0) -> UsbRouter:
    """Return a router that is closed at the end of the test."""
    router, _ = usbip_router("vendor", serial=serial, number=number)
    fleet.callback(router.close)
    return router


def back(source: UdevSource, *, after: int) -> str:
    """Wait for r1 and return its AT node."""
    comeback = wait_until_back(source, "r1", R1, ROLES, after_generation=after, deadline=soon())
    return comeback.found.at_node


def open_descriptors() -> int:
    """Return how many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_reset_in_sysfs_rebinds_with_the_next_generation(
    fleet: ExitStack, source: UdevSource
) -> None:
    """De-authorized, seen to go, authorized, bound again by identity."""
    made(fleet).plug(port=0)
    back(source, after=0)
    before = source.generation(PATH)
    (device,) = [
        path.parent
        for path in Path("/sys/bus/usb/devices").glob("*/serial")
        if path.read_text().strip() == IMEI
    ]
    cut = cycle(Authorization(device), source, PATH, clock=CLOCK, gone_within_s=60.0)
    node = back(source, after=cut.generation)

    assert source.generation(PATH) == before + 1
    with Dialogue(node) as dialogue:
        assert dialogue.ask(b"AT") == b"\r\nOK\r\n"


def test_a_hub_that_only_pretends_is_found_out(fleet: ExitStack, source: UdevSource) -> None:
    """The tool says off; the device stays where it is."""
    made(fleet).plug(port=0)
    back(source, after=0)
    said: list[str] = []

    def pretend(command: Sequence[str], _limit_s: float) -> str:
        said.append(command[6])
        return "Sent power off request\n"

    switch = UhubctlPort(lambda: "1-1", run=pretend)

    with pytest.raises(PretendingSwitchError, match="only pretends"):
        cycle(switch, source, PATH, clock=CLOCK, gone_within_s=2.0)
    assert said == ["off", "on"]


def test_a_reset_that_does_nothing_is_not_waited_for_for_ever(
    fleet: ExitStack, source: UdevSource, tmp_path: Path
) -> None:
    """The file is no sysfs: the device does not care."""
    made(fleet).plug(port=0)
    back(source, after=0)
    (tmp_path / "authorized").write_text("1")

    with pytest.raises(RouterNotGoneError, match=r"still there 2\.0 s after the reset"):
        cycle(Authorization(tmp_path), source, PATH, clock=CLOCK, gone_within_s=2.0)


def test_a_router_that_stays_away_is_a_verdict(fleet: ExitStack, source: UdevSource) -> None:
    """Not a hang: the deadline ends it and says what is there."""
    router = made(fleet)
    router.plug(port=0)
    back(source, after=0)
    generation = source.generation(PATH)
    router.unplug()

    with pytest.raises(RouterNotBackError, match=r"r1 is not back after 3\.\d s"):
        wait_until_back(
            source,
            "r1",
            R1,
            ROLES,
            after_generation=generation,
            deadline=Deadline.after(3.0, CLOCK),
        )


def test_another_router_in_the_port_is_refused(fleet: ExitStack, source: UdevSource) -> None:
    """It says another serial number: the bench's fault, not the router's."""
    made(fleet, serial="867000000000000").plug(port=0)

    with pytest.raises(BenchError, match="says serial number '867000000000000'"):
        back(source, after=0)


def test_two_routers_with_one_serial_are_told_apart_by_path(
    fleet: ExitStack, source: UdevSource
) -> None:
    """Both are found, at their own ports, and the doubt is named."""
    for number in (0, 1):
        made(fleet, number=number).plug(port=number)
    found = source.wait(
        lambda seen: seen if sum(f.subsystem == "tty" for f in seen) == 4 else None, soon()
    )

    assert found is not None
    assert duplicate_serials(plugged_devices(found)) == {
        IMEI: ("platform-vhci_hcd.0/1-1", "platform-vhci_hcd.0/1-2")
    }


def test_a_port_that_somebody_holds_is_refused_with_the_holder(bench: Bench) -> None:
    """Its number is in the message."""
    bench.plug()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, bench.at_node()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(PortBusyError) as caught:
            Dialogue(bench.at_node())
        holder.communicate()

    assert str(holder.pid) in str(caught.value)


def test_a_port_that_went_while_it_was_opened_is_lost(bench: Bench) -> None:
    """Found a moment ago, gone now: said as such."""
    bench.plug()
    node = bench.at_node()
    bench.unplug()

    with pytest.raises(PortLostError, match=r"is not there; is the router plugged in"):
        Dialogue(node)


def test_a_tty_that_never_answers_can_still_be_closed(bench: Bench) -> None:
    """Silence is not a hang: the port closes and the next opening works."""
    bench.plug()
    bench.lines[0].is_mute = True
    dialogue = Dialogue(bench.at_node())
    with dialogue:
        dialogue.say(b"AT\r")
    bench.lines[0].is_mute = False
    with Dialogue(bench.at_node()) as second:
        assert second.ask(b"AT+CGSN").startswith(b"\r\n356938035643809")


def test_twenty_routers_reset_together_and_all_come_back(
    fleet: ExitStack, source: UdevSource
) -> None:
    """An enumeration storm: every function of all of them, no event lost."""
    routers = [made(fleet, serial=f"S{number:02d}", number=number) for number in range(20)]
    for _ in range(2):
        for router in routers:
            router.plug()
        found = source.wait(
            lambda seen: seen if [f.subsystem for f in seen].count("tty") == 40 else None,
            Deadline.after(180.0, CLOCK),
        )
        assert found is not None, len(source.functions())
        for router in routers:
            router.unplug()
        gone = source.wait(lambda seen: () if not seen else None, Deadline.after(180.0, CLOCK))
        assert gone == ()


def added_ns(source: UdevSource, node: str) -> int:
    """Return when udev's newest `add` of a node was noticed."""
    return max(c.t_ns for c in source.changes(0) if c.action == "add" and c.function.node == node)


def test_fifty_re_enumerations_lose_no_reply_and_leak_nothing(
    fleet: ExitStack, source: UdevSource
) -> None:
    """Plug, ask on both ports, unplug; descriptors are as many as before.

    How long AT took after udev's `add` is written beside the results, round by round.
    """
    router = made(fleet)
    rounds = int(os.environ.get("USB_ROUNDS", "50"))
    figures = fleet.enter_context((CHECKOUT / ".vm/results/at_ready_s.txt").open("w"))
    descriptors = 0
    for number in range(rounds):
        before = source.generation(PATH)
        router.plug(port=0)
        found = wait_until_back(
            source, "r1", R1, ROLES, after_generation=before, deadline=soon()
        ).found
        for node in (found.at_node, str(found.at_secondary_node)):
            with Dialogue(node) as dialogue:
                assert dialogue.ask(b"AT") == b"\r\nOK\r\n"
            ready_s = (CLOCK.monotonic_ns() - added_ns(source, node)) / 1e9
            figures.write(f"{number} {node} {ready_s:.4f}\n")
        figures.flush()
        router.unplug("pull" if number % 2 else "detach")
        assert source.wait(lambda seen: () if not seen else None, soon()) == ()
        if number == 0:
            descriptors = open_descriptors()

    assert source.generation(PATH) == rounds
    assert open_descriptors() <= descriptors


def test_the_shipped_rules_do_what_they_say(fleet: ExitStack, source: UdevSource) -> None:
    """Group, link, autosuspend off, ModemManager off: as root reads it from the kernel."""
    rules = Path("/etc/udev/rules.d/70-cloudsim.rules")
    rules.write_text(rules_text([("1782", "4d11")], group="dialout"))
    fleet.callback(run, "udevadm", "control", "--reload")
    fleet.callback(rules.unlink)
    run("udevadm", "control", "--reload")
    made(fleet).plug(port=0)
    node = Path(back(source, after=0))
    properties = run("udevadm", "info", "--query=property", str(node))

    assert node.group() == "dialout"
    assert node.stat().st_mode & 0o777 == 0o660
    assert Path("/dev/cloudsim/platform-vhci_hcd.0-usb-0:1:1.2-if02").resolve() == node
    assert "ID_MM_DEVICE_IGNORE=1" in properties
    (control,) = [
        path.parent / "power/control"
        for path in Path("/sys/bus/usb/devices").glob("*/serial")
        if path.read_text().strip() == IMEI
    ]
    assert control.read_text().strip() == "on"
    assert (control.parents[1] / "authorized").group() == "dialout"
