"""The virtual bench as a whole: started as anybody may start it, looked at as a lab would.

Each test runs in a child process that makes itself root of its own namespaces, so that neither
root nor a quiet host is needed and nothing of the host is touched.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from devices.virtual import namespaces
from devices.virtual.netlink import Rtnl

pytestmark = pytest.mark.slow

IMEI, ICCID, IMSI = "860000000000017", "8981100000000000010", "440101000000001"
LAB = """
[routers.r1]
model = "virtual-unisoc"
usb_path = "virtual/1-1"
imei = "860000000000017"
[virtual]
boot_s = 0.1
[carriers.docomo]
plmn = "44010"
apn = "virtual.docomo.test"
rate = "40 Mbit/s"
[[sim_bank.slots]]
slot = 0
iccid = "8981100000000000010"
imsi = "440101000000001"
carrier = "docomo"
quota = "50 GB"
source = "made up"
disclosed = true
"""
WAIT_S = 20.0


class World:
    """A running virtual bench and a lab's ways to look at it."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        lab = directory / "lab.toml"
        lab.write_text(LAB, encoding="utf-8")
        command = [sys.executable, "-m", "devices.virtual", "--lab", str(lab)]
        command += ["--state", str(directory / "state"), *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.ready: dict[str, Any] = json.loads(self.process.stdout.readline())
        with Rtnl() as rtnl:
            rtnl.up("lo")
            rtnl.up("inet0")
            rtnl.address("inet0", self.ready["uplink"]["address"])
        ca_file = self.ready["access_server"]["ca_file"]
        self._context = ssl.create_default_context(cafile=ca_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(WAIT_S)

    def event(self) -> dict[str, Any]:
        """Return the next event line."""
        assert self.process.stdout is not None
        event: dict[str, Any] = json.loads(self.process.stdout.readline())
        return event

    def call(self, base: str, token: str, path: str, body: object = None, method: str = "") -> Any:
        """Call one of the services."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"}
        return self._open(base + path, data=data, method=method or None, headers=headers)

    def _open(self, url: str, **request: Any) -> Any:
        asked = urllib.request.Request(url, **request)  # noqa: S310 - the world's own address
        with urllib.request.urlopen(  # noqa: S310 - the same
            asked, context=self._context if url.startswith("https") else None, timeout=10
        ) as answer:
            return json.loads(answer.read())

    def lab(self, path: str, body: object = None, method: str = "") -> Any:
        """Call the access server's lab side."""
        service = self.ready["access_server"]
        return self.call(service["lab_url"] + "/lab/v1", service["token"], path, body, method)

    def core(self, path: str, body: object = None, method: str = "") -> Any:
        """Call the core network's interface."""
        service = self.ready["core_network"]
        return self.call(service["url"] + "/core/v1", service["token"], path, body, method)

    def power(self, query: str) -> Any:
        """Call the power strip."""
        return self._open(self.ready["power"]["url"] + query)

    def wait_for(self, kind: str, after: int = 0) -> dict[str, Any]:
        """Wait for an event of the access server."""
        found: list[dict[str, Any]] = []
        deadline_s = time.monotonic() + WAIT_S
        while not found:
            assert time.monotonic() < deadline_s, f"no {kind} after {WAIT_S} s"
            try:
                events = self.lab(f"/events?after={after}")["events"]
            except urllib.error.URLError:
                continue  # the access server is being started again
            found = [event for event in events if event["kind"] == kind]
        return found[0]


def in_own_namespaces(story: Callable[[], None]) -> None:
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


def children_of(pid: int) -> list[int]:
    """Return the children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def is_running(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def interfaces() -> set[str]:
    """Return the interfaces of this namespace."""
    lines = Path("/proc/thread-self/net/dev").read_text(encoding="ascii").splitlines()[2:]
    return {line.partition(":")[0].strip() for line in lines}


def test_router_goes_from_seed_to_data(tmp_path: Path) -> None:
    """P0 to P7: the router boots, gets the SIM of the place, downloads, attaches as it."""

    def story() -> None:
        with World(tmp_path) as world:
            assert [d["subsystem"] for d in world.ready["devices"]] == ["usb", "tty", "tty", "net"]
            assert interfaces() == {"lo", "vusb0", "mir0", "inet0"}
            world.wait_for("auth_ok")
            events = [event["kind"] for event in world.lab("/events?after=0")["events"]]
            order = ["login", "location", "selected", "download_started", "download_finished"]
            assert events[: len(order)] == order
            world.wait_for("usage")
            line = world.core(f"/subscribers/{IMSI}")
            assert (line["attached_imei"], line["address"]) == (IMEI, "10.41.1.2")
            assert world.lab(f"/routers/{IMEI}")["iccid"] == ICCID

    in_own_namespaces(story)


def test_nothing_is_left_after_a_kill(tmp_path: Path) -> None:
    """After kill -9 of the supervisor no process and no interface is left."""

    def story() -> None:
        world = World(tmp_path)
        children = children_of(world.process.pid)
        assert len(children) == 3
        world.process.send_signal(signal.SIGKILL)
        world.process.wait()
        deadline_s = time.monotonic() + WAIT_S
        while any(map(is_running, children)) or interfaces() != {"lo"}:
            assert time.monotonic() < deadline_s, (children, interfaces())

    in_own_namespaces(story)


def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    """When standard input is closed the bench ends with 0 and takes everything along."""

    def story() -> None:
        with World(tmp_path) as world:
            children = children_of(world.process.pid)
        assert world.process.returncode == 0
        deadline_s = time.monotonic() + WAIT_S
        while any(map(is_running, children)) or interfaces() != {"lo"}:
            assert time.monotonic() < deadline_s, (children, interfaces())

    in_own_namespaces(story)


def test_access_server_comes_back_and_knows_everything(tmp_path: Path) -> None:
    """A killed access server is started again and has lost nothing."""

    def story() -> None:
        with World(tmp_path) as world:
            world.wait_for("usage")
            world.lab(f"/sims/{ICCID}", {"state": "near_cap", "reason": "test"}, "PATCH")
            before = world.lab("/events?after=0")
            for child in children_of(world.process.pid):
                command = Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8")
                if "devices.virtual.access_server" in command:
                    os.kill(child, signal.SIGKILL)
            assert world.event()["party"] == "access_server"
            world.wait_for("heartbeat", before["last"])
            after = world.lab("/events?after=0")["events"]
            assert after[: len(before["events"])] == before["events"]
            assert world.lab(f"/sims/{ICCID}")["state"] == "near_cap"
            assert world.lab(f"/routers/{IMEI}")["iccid"] == ICCID

    in_own_namespaces(story)


def test_power_strip_cuts_and_gives_power(tmp_path: Path) -> None:
    """Off removes what was on USB, on brings it back under another interface name."""

    def story() -> None:
        with World(tmp_path) as world:
            assert world.power("/relay/0") == {"ison": True}
            assert world.power("/relay/0?turn=off") == {"ison": False}
            gone = [world.event() for _ in range(4)]
            assert [event["event"] for event in gone] == ["remove"] * 4
            assert [event["device"]["subsystem"] for event in gone] == ["net", "tty", "tty", "usb"]
            assert interfaces() == {"lo", "mir0", "inet0"}
            assert world.power("/relay/0?turn=on") == {"ison": True}
            back = [world.event() for _ in range(4)]
            assert [event["event"] for event in back] == ["add"] * 4
            assert back[-1]["device"]["ifname"] == "vusb1"

    in_own_namespaces(story)


def test_the_bench_is_left_as_it_was_while_a_connection_still_closes(tmp_path: Path) -> None:
    """The kernel keeps the world's namespaces for the server's unanswered FIN; its legs go."""

    def story() -> None:
        with World(tmp_path) as world:
            url = urllib.parse.urlsplit(world.ready["access_server"]["lab_url"])
            with socket.create_connection((url.hostname, url.port), timeout=WAIT_S):
                subprocess.run(["ip", "link", "set", "inet0", "down"], check=True)
                assert world.process.stdin is not None
                world.process.stdin.close()
                world.process.wait(WAIT_S)
                assert interfaces() == {"lo"}

    in_own_namespaces(story)


def test_tap_sees_the_download_and_no_secret(tmp_path: Path) -> None:
    """The mirror port shows TLS of the seed bearer, and neither IMSI nor profile in the clear."""

    def story() -> None:
        kind = socket.SOCK_RAW
        with World(tmp_path) as world, Rtnl() as rtnl:
            world.power("/relay/0?turn=off")
            rtnl.up("mir0")
            with socket.socket(socket.AF_PACKET, kind, socket.htons(3)) as tap:
                tap.bind(("mir0", 0))
                tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                before = world.lab("/events?after=0")["last"]
                world.power("/relay/0?turn=on")
                world.wait_for("held", before)
                tap.setblocking(False)
                frames = []
                while True:
                    try:
                        frames.append(tap.recv(2000))
                    except BlockingIOError:
                        break
            carried = b"".join(frames)
            assert sum(map(len, frames)) > 32_000
            assert b"\x06access\x08cloudsim\x04test" in carried
            assert IMSI.encode() not in carried
            assert b"EF_IMSI" not in carried

    in_own_namespaces(story)


def test_wrong_token_is_refused(tmp_path: Path) -> None:
    """Each lab side wants its own token."""

    def story() -> None:
        with World(tmp_path) as world:
            url = world.ready["core_network"]["url"] + "/core/v1"
            with pytest.raises(urllib.error.HTTPError, match="401"):
                world.call(url, world.ready["access_server"]["token"], "/carriers")

    in_own_namespaces(story)


def test_unknown_defect_is_refused(tmp_path: Path) -> None:
    """A planted fault that nobody knows is an error, before anything is started."""
    lab = tmp_path / "lab.toml"
    lab.write_text(LAB, encoding="utf-8")
    command = [sys.executable, "-m", "devices.virtual", "--lab", str(lab), "--defect", "bits_fall"]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 3
    assert "no defect 'bits_fall'" in ended.stderr
