"""The virtual router in the virtual world: what it shows on its AT port while the world changes.

Each story runs in a child that is root of its own namespaces, as an ordinary user may be.
"""

from __future__ import annotations

import json
import os
import re
import select
import ssl
import subprocess
import sys
import threading
import time
import traceback
import tty
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from devices.virtual import namespaces
from devices.virtual.netlink import Rtnl

pytestmark = pytest.mark.slow

IMEI = "860000000000017"
HEAD = """
[routers.r1]
model = "virtual-unisoc"
usb_path = "virtual/1-1"
imei = "860000000000017"
[routers.r1.physical_sim]
iccid = "8981300000000000091"
imsi = "440511000000009"
carrier = "kddi"
pin = "1234"
[virtual]
boot_s = 0.1
[carriers.docomo]
plmn = "44010"
apn = "virtual.docomo.test"
rate = "40 Mbit/s"
[carriers.kddi]
plmn = "44051"
apn = "virtual.kddi.test"
rate = "40 Mbit/s"
"""
SLOT = """
[[sim_bank.slots]]
slot = {slot}
iccid = "{iccid}"
imsi = "{imsi}"
carrier = "{carrier}"
quota = "50 GB"
source = "made up"
disclosed = true
"""
CARDS = (
    (0, "8981100000000000010", "440101000000001", "docomo"),
    (1, "8981100000000000028", "440101000000002", "docomo"),
    (2, "8981300000000000018", "440511000000001", "kddi"),
)
WAIT_S = 30.0


class Bench:
    """A running world with one router, and its AT port."""

    def __init__(self, directory: Path, *defects: str) -> None:
        lab = directory / "lab.toml"
        keys = ("slot", "iccid", "imsi", "carrier")
        slots = (SLOT.format(**dict(zip(keys, card, strict=True))) for card in CARDS)
        lab.write_text(HEAD + "".join(slots), encoding="utf-8")
        command = [sys.executable, "-m", "devices.virtual", "--lab", str(lab)]
        command += ["--state", str(directory / "state")]
        for defect in defects:
            command += ["--defect", defect]
        self.flash = directory / "state" / "flash" / IMEI
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._ready = json.loads(self._process.stdout.readline())
        with Rtnl() as rtnl:
            rtnl.up("lo")
            rtnl.up("inet0")
            rtnl.address("inet0", self._ready["uplink"]["address"])
        self._context = ssl.create_default_context(cafile=self._ready["core_network"]["ca_file"])
        self.logs: list[str] = []
        self._added: list[str] = []
        self._port_fd = -1
        self.open(next(d["node"] for d in self._ready["devices"] if d["subsystem"] == "tty"))
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(WAIT_S)

    def _listen(self, lines: Any) -> None:
        for line in lines:
            event = json.loads(line)
            if event["event"] == "add" and event["device"].get("interface") == 2:
                self._added.append(event["device"]["node"])
            elif event["event"] == "log":
                self.logs.append(event["text"])

    def open(self, node: str) -> None:
        """Open an AT port."""
        if self._port_fd >= 0:
            os.close(self._port_fd)
        self._port_fd = os.open(node, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port_fd)
        self.at("ATE0")

    def open_when_back(self, before: int = 0) -> None:
        """Open the AT port that a router shows when it comes back."""
        self.until(lambda: len(self._added) > before, "the ports to come back")
        self.open(self._added[-1])

    def at(self, command: str, within_s: float = 5.0) -> str:
        """Send a command; return what came up to its final result, empty when none came."""
        os.write(self._port_fd, command.encode() + b"\r")
        heard = b""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            if not select.select([self._port_fd], [], [], 0.05)[0]:
                continue
            heard += os.read(self._port_fd, 4096)
            if re.search(rb"\r\n(OK|ERROR|\+CME ERROR: \d+)\r\n", heard):
                return heard.decode("latin-1")
        return ""

    def until(self, condition: Callable[[], bool], what: str, within_s: float = WAIT_S) -> None:
        """Poll for something."""
        deadline_s = time.monotonic() + within_s
        pause = threading.Event()
        while not condition():
            assert time.monotonic() < deadline_s, f"waited {within_s} s for {what}: {self.logs}"
            pause.wait(0.05)

    def phase(self, phase: int, card: int = 1) -> str:
        """Wait for a phase with a card in use; return its ICCID."""
        pattern = rf'\^CLOUDSIM: {card},{phase},"(\d+)"'
        found: list[str] = []

        def is_there() -> bool:
            found[:] = re.findall(pattern, self.at("AT^CLOUDSIM?"))
            return bool(found)

        self.until(is_there, f"card {card} in phase {phase}")
        return found[-1]

    def call(self, service: str, path: str, body: object = None, method: str = "GET") -> Any:
        """Call the core network or the access server's lab side."""
        at = self._ready[service]
        base = at["url"] + "/core/v1" if service == "core_network" else at["lab_url"] + "/lab/v1"
        asked = urllib.request.Request(  # noqa: S310 - the world's own address
            base + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {at['token']}"},
        )
        with urllib.request.urlopen(asked, context=self._context, timeout=10) as answer:  # noqa: S310
            return json.loads(answer.read())

    def carrier(self, plmn: str, **fields: object) -> None:
        """Change a carrier."""
        self.call("core_network", f"/carriers/{plmn}", fields, "PATCH")

    def power_cycle(self, off_s: float = 0.0) -> None:
        """Cut the power and give it back."""
        before = len(self._added)
        base = self._ready["power"]["url"]
        for turn in ("off", "on"):
            urllib.request.urlopen(f"{base}/relay/0?turn={turn}", timeout=10).read()  # noqa: S310
            threading.Event().wait(off_s)
        self.open_when_back(before)

    def count(self) -> int:
        """Return how often a port was added."""
        return len(self._added)


def alone(story: Callable[[], None]) -> None:
    """Run a story as root of fresh user and network namespaces, in a child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            namespaces.become_root_of_own_namespaces()
            story()
            code = 0
        except BaseException:  # noqa: BLE001 - everything is told to the parent, which fails
            os.write(writing, traceback.format_exc().encode()[-4000:])
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    assert status == 0, told


def test_it_comes_up_and_shows_one_card_everywhere(tmp_path: Path) -> None:
    """P7: IMSI, ICCID, operator and address on AT are those of one card and of its carrier."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            iccid = bench.phase(7)
            subscriber = bench.call("core_network", "/subscribers/440101000000001")

            assert iccid == "8981100000000000010"
            assert "\r\n440101000000001\r\n" in bench.at("AT+CIMI")
            assert '"NTT DOCOMO"' in bench.at("AT+COPS?")
            assert f'+CGPADDR: 1,"{subscriber["address"]}"' in bench.at("AT+CGPADDR=1")
            assert subscriber["attached_imei"] == IMEI

    alone(story)


def test_a_module_reset_brings_other_ports(tmp_path: Path) -> None:
    """AT+CFUN=1,1: the ports go away, come back, and the held card is used again."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            first = bench.phase(7)
            before = bench.count()
            bench.at("AT+CFUN=1,1")
            bench.open_when_back(before)

            assert bench.phase(7) == first

    alone(story)


def test_an_order_of_the_server_leads_to_a_wholly_different_card(tmp_path: Path) -> None:
    """P8: another ICCID, another IMSI, and the old profile is gone from flash."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            first = bench.phase(7)
            path = f"/routers/{IMEI}/reassign"
            bench.call("access_server", path, {"reason": "cap"}, "POST")
            bench.until(lambda: bench.phase(7) != first, "another card")
            held = (bench.flash / "profile").read_text(encoding="utf-8")

            assert first not in held
            assert "440101000000001" not in bench.at("AT+CIMI")

    alone(story)


@pytest.mark.parametrize("cause", [3, 11, 15, 22])
def test_a_carrier_that_rejects_is_left_for_another(tmp_path: Path, cause: int) -> None:
    """Whatever cause docomo rejects with, in the end KDDI's card carries the data."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            bench.carrier("44010", reject_cause=cause)
            bench.until(lambda: "44051" in bench.at("AT+CIMI"), "KDDI's card")

            assert bench.phase(7) == "8981300000000000018"

    alone(story)


def test_coverage_comes_back_and_so_does_the_line(tmp_path: Path) -> None:
    """Without any cell: not registered, no signal; with cells again: data again."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            bench.phase(7)
            place = f"/radio/{IMEI}"
            bench.call("core_network", place, {"covered": []}, "PATCH")
            bench.until(lambda: "+CEREG: 0,2" in bench.at("AT+CEREG?"), "the loss to show")
            assert "+CSQ: 99,99" in bench.at("AT+CSQ")
            bench.call("core_network", place, {"covered": ["44010", "99942"]}, "PATCH")

            bench.phase(7)

    alone(story)


def test_a_long_loss_of_coverage_is_survived(tmp_path: Path) -> None:
    """Longer than all attach attempts: seed and card are attached anew when cells are back."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            bench.phase(7)
            place = f"/radio/{IMEI}"
            bench.call("core_network", place, {"covered": []}, "PATCH")
            bench.phase(0, card=2)
            bench.call("core_network", place, {"covered": ["44010", "99942"]}, "PATCH")

            bench.phase(7)

    alone(story)


def test_a_power_cut_at_any_moment_leaves_a_router_that_comes_up(tmp_path: Path) -> None:
    """Cut after 0, 20, 40 … 180 ms of life: the next start reaches P7, with a whole profile."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            for step in range(10):
                bench.power_cycle()
                threading.Event().wait(0.02 * step)
            bench.power_cycle()
            iccid = bench.phase(7)

            assert f'^CLOUDHELD: "{iccid}"' in bench.at("AT^CLOUDHELD?")

    alone(story)


def test_the_physical_card_and_back(tmp_path: Path) -> None:
    """The slot's card asks for its PIN, carries data, and the cloud card comes back."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            bench.phase(7)
            assert "OK" in bench.at("AT^CLOUDSIM=3,0")
            bench.until(lambda: "SIM PIN" in bench.at("AT+CPIN?"), "the PIN to be asked for")
            assert "OK" in bench.at('AT+CPIN="1234"')
            assert bench.phase(7, card=0) == "8981300000000000091"
            assert '"KDDI"' in bench.at("AT+COPS?")
            assert "OK" in bench.at("AT^CLOUDSIM=3,1")

            assert bench.phase(7) == "8981100000000000010"

    alone(story)


def test_a_factory_reset_erases_the_profile(tmp_path: Path) -> None:
    """AT^CLOUDSIM=4: the image is empty, then a profile is downloaded anew."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            bench.phase(7)
            before = bench.count()
            bench.at("AT^CLOUDSIM=4")
            bench.until(lambda: not (bench.flash / "profile").exists(), "an empty image")
            bench.open_when_back(before)
            bench.phase(7)
            events = bench.call("access_server", "/events?after=0")["events"]

            assert [e["kind"] for e in events].count("download_finished") == 2

    alone(story)


def test_no_log_line_holds_the_imsi(tmp_path: Path) -> None:
    """Neither the router's nor the server's log; the defect puts it there."""

    def story() -> None:
        with Bench(tmp_path) as bench:
            bench.phase(7)
            bench.carrier("44010", outage=True)
            bench.until(lambda: bool(bench.logs), "a log line")
            assert not [text for text in bench.logs if re.search(r"44010\d{10}", text)]

    alone(story)


@pytest.mark.parametrize(
    ("defect", "command", "shown"),
    [
        ("clock_hour_off", "AT+CCLK?", "+CCLK"),
        ("ignores_network_time", "AT+CCLK?", '+CCLK: "80/01/06'),
        ("cgpaddr_differs", "AT+CGPADDR=1", "+CGPADDR"),
    ],
)
def test_a_defect_changes_what_is_shown(
    tmp_path: Path, defect: str, command: str, shown: str
) -> None:
    """The planted fault is seen on the AT port, the rest works."""

    def story() -> None:
        with Bench(tmp_path, defect) as bench:
            bench.phase(7)

            assert shown in bench.at(command)

    alone(story)


def test_a_router_without_pdn_stays_in_p6(tmp_path: Path) -> None:
    """Defect no_pdn: registered, no address, never P7."""

    def story() -> None:
        with Bench(tmp_path, "no_pdn") as bench:
            bench.phase(6)

            assert "+CEREG: 0,1" in bench.at("AT+CEREG?")
            assert "+CGPADDR: 1," not in bench.at("AT+CGPADDR=1")

    alone(story)


def test_a_router_that_goes_mute_answers_nothing_after_a_reassignment(tmp_path: Path) -> None:
    """Defect at_mute_after_reassignment: AT works before, and never again after it."""

    def story() -> None:
        with Bench(tmp_path, "at_mute_after_reassignment") as bench:
            bench.phase(7)
            bench.at("AT^CLOUDSIM=2")
            threading.Event().wait(0.3)

            assert bench.at("AT", within_s=1.0) == ""

    alone(story)
