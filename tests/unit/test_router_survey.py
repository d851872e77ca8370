"""``harness.router.survey`` and ``listing``: what plugged-in routers say, over PTYs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from harness.at.model import Model, load_models
from harness.core.clock import SystemClock
from harness.lab.lease import Held
from harness.lab.schema import Router
from harness.lab.usb_ids import Mode
from harness.lab.usb_list import PluggedDevice
from harness.port.inbox import LiveInbox
from harness.port.serial_port import SerialPort
from harness.router.listing import Told, listing
from harness.router.survey import ask_all

IMEI = "490154203237518"
ICCID = "89811000000000000015"
PATH = "pci-0000:00:14.0/1-2"
ANSWERS = {
    b"AT": b"",
    b"AT+CGSN": IMEI.encode(),
    b"AT+CGMR": b"EC25JFAR06A05M4G",
    b"AT+QCCID": b"+QCCID: " + ICCID.encode(),
}
Answer = Callable[[bytes], bytes]


def modem(line: bytes) -> bytes:
    """Answer as an AT port with its echo on."""
    if line not in ANSWERS:
        return line + b"\r\r\nERROR\r\n"
    told = ANSWERS[line]
    return line + b"\r" + (b"\r\n" + told + b"\r\n" if told else b"") + b"\r\nOK\r\n"


def gnss(_line: bytes) -> bytes:
    """Send a sentence, whatever was asked."""
    return b"$GPGLL,4916.45,N,12311.12,W,225444,A*31\r\n"


def diag(_line: bytes) -> bytes:
    """Send a frame of a diagnostic port: packet, CRC, flag."""
    return b"123456789\x6e\x90\x7e"


def silent(_line: bytes) -> bytes:
    """Say nothing."""
    return b""


@contextmanager
def ports(*answers: Answer) -> Iterator[dict[int, str]]:
    """Give a PTY for each interface; the far end answers each line."""
    with ExitStack() as stack:
        nodes = {}
        for number, answer in enumerate(answers):
            ours, theirs = os.openpty()
            nodes[number] = os.ttyname(theirs)
            thread = threading.Thread(target=_serve, args=(ours, answer))
            thread.start()
            stack.callback(os.close, ours)
            stack.callback(thread.join)
            stack.callback(os.close, theirs)
        yield nodes


def _serve(ours: int, answer: Answer) -> None:
    held = b""
    while True:
        try:
            held += os.read(ours, 4096)
        except OSError:  # the last one who had it open has closed it
            return
        *lines, held = held.split(b"\r")
        for line in lines:
            os.write(ours, answer(line))


def device(nodes: dict[int, str], pid: str = "0125") -> PluggedDevice:
    """Return a Quectel EC25 with these ports."""
    return PluggedDevice(
        usb_path=PATH, vid="2c7c", pid=pid, serial=None, product="Quectel EC25",
        ports=nodes, ifname="wwan0", mode=Mode.ROUTER, note="",
    )  # fmt: skip


def router(imei: str = IMEI) -> Router:
    """Return a router of lab.toml at the same place."""
    return Router(model="quectel-ec25", usb_path=PATH, imei=imei)


@pytest.fixture(scope="module")
def ec25() -> Model:
    """Return the shipped model file."""
    return load_models()["quectel-ec25"]


@pytest.mark.slow
def test_a_router_is_asked_by_the_port_that_should_be_at(ec25: Model) -> None:
    """Each port is what it answers; who the router is comes from the AT port."""
    with ports(diag, gnss, modem, silent) as nodes:
        told = ask_all([device(nodes)], lambda _: ec25, clock=SystemClock())[PATH]

    assert told == Told(
        ports={0: "diagnostic frames", 1: "NMEA sentences", 2: "AT", 3: "silent"},
        imei=IMEI,
        firmware="EC25JFAR06A05M4G",
        iccid=ICCID,
    )


@pytest.mark.slow
def test_a_router_of_no_known_model_is_asked_all_the_same() -> None:
    """Its first port that answers AT tells; what it refuses is not known."""
    with ports(silent, modem) as nodes:
        told = ask_all([device(nodes)], lambda _: None, clock=SystemClock())[PATH]

    assert told == Told(
        ports={0: "silent", 1: "AT"}, imei=IMEI, firmware="EC25JFAR06A05M4G", iccid=None
    )


def test_a_port_that_is_in_use_is_left_alone(ec25: Model) -> None:
    """Nothing is sent to it, and who holds it is said."""
    with ports(modem) as nodes:
        port = SerialPort(nodes[0])
        port.open(LiveInbox(SystemClock()), 1)
        try:
            told = ask_all([device(nodes)], lambda _: ec25, clock=SystemClock())[PATH]
        finally:
            port.close()

    assert told.ports[0].startswith("in use by ")
    assert told.imei is None


def test_what_is_no_router_now_is_not_asked() -> None:
    """A boot loader has a tty, and no AT command will ever be answered there."""
    loader = PluggedDevice(
        usb_path=PATH, vid="05c6", pid="9008", serial=None, product="QDLoader",
        ports={0: "/dev/null"}, ifname=None, mode=Mode.BOOTLOADER, note="it is in boot loader mode",
    )  # fmt: skip

    assert ask_all([loader], lambda _: None, clock=SystemClock()) == {}


def test_a_line_names_router_roles_card_and_interface(ec25: Model) -> None:
    """Identities show their last four digits; the JSON has them in full."""
    (listed,) = listing(
        [device({2: "/dev/ttyUSB2", 3: "/dev/ttyUSB3"})],
        {"r1": router()},
        lambda _: ec25,
        told={PATH: Told(ports={2: "AT", 3: "AT"}, imei=IMEI, firmware="A05", iccid=ICCID)},
        leases={},
    )

    assert listed.line().split() == [
        "r1", "***********7518", PATH, "2c7c:0125", "Quectel", "EC25",
        "at=/dev/ttyUSB2", "at2=/dev/ttyUSB3", "net=wwan0", "firmware=A05",
        "SIM=****************0015",
    ]  # fmt: skip
    told = listed.as_json()
    assert (told["imei"], told["iccid"], told["firmware"]) == (IMEI, ICCID, "A05")
    assert (told["in_use_by"], told["namespace"], told["notes"]) == (None, None, [])


def test_a_router_in_use_says_by_whom_and_where_its_interface_is(ec25: Model) -> None:
    """The namespace is a path that nsenter takes."""
    plugged = device({2: "/dev/ttyUSB2"})
    moved = PluggedDevice(
        usb_path=PATH, vid="2c7c", pid="0125", serial=None, product="Quectel EC25",
        ports=plugged.ports, ifname=None, mode=Mode.ROUTER, note="",
    )  # fmt: skip
    lease = Held(holder="harness on rack (process 12)", namespace="/proc/11/fd/7")
    (listed,) = listing([moved], {"r1": router()}, lambda _: ec25, told={}, leases={IMEI: lease})

    assert listed.line().endswith(
        "at=/dev/ttyUSB2 netns=/proc/11/fd/7 in use by harness on rack (process 12)"
    )
    assert listed.as_json()["namespace"] == "/proc/11/fd/7"


def test_another_router_and_a_wrong_port_are_said(ec25: Model) -> None:
    """A path of lab.toml with another router on it; an AT port that is none."""
    (listed,) = listing(
        [device({2: "/dev/ttyUSB2"})],
        {"r1": router("356938035643809")},
        lambda _: ec25,
        told={PATH: Told(ports={0: "diagnostic frames", 2: "silent"}, imei=IMEI)},
        leases={},
    )

    assert listed.notes == (
        "another router: lab.toml says IMEI ***********3809, it says ***********7518",
        "interface 2 is no AT port: silent",
    )


def test_a_device_that_nobody_knows_shows_interface_numbers() -> None:
    """Until it was asked; then the port that answers is the AT port."""
    plugged = device({2: "/dev/ttyUSB2"}, pid="ffff")
    (before,) = listing([plugged], {}, lambda _: None, told={}, leases={})
    (after,) = listing(
        [plugged], {}, lambda _: None, told={PATH: Told(ports={2: "AT"}, imei=IMEI)}, leases={}
    )

    assert "if02=/dev/ttyUSB2" in before.line()
    assert "at=/dev/ttyUSB2 net=wwan0 IMEI=***********7518" in after.line()
