"""A virtual router that hosts of other authors can open, and a message bus of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
POLL_S = 0.2


def wait_until(condition: Callable[[], bool], within_s: float, what: Callable[[], str]) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: It did not in time; ``what`` tells what was seen instead.
    """
    deadline_s = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {within_s} s: {what()}"
        pause.wait(POLL_S)


def need(*programs: str) -> None:
    """Skip a test where a program of Debian is not installed."""
    for program in programs:
        if shutil.which(program) is None and not Path(f"/usr/sbin/{program}").exists():
            pytest.skip(f"{program} is not installed (Debian: modemmanager, ofono, dbus)")


class Bridge:
    """Copies bytes between one connection of a host and the router's AT port."""

    def __init__(self, listener: socket.socket, node: str) -> None:
        self._listener = listener
        self._node = node
        self.heard = bytearray()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                host, _ = self._listener.accept()
            except OSError:
                return
            port_fd = os.open(self._node, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(port_fd)
            threading.Thread(target=self._down, args=(port_fd, host), daemon=True).start()
            self._up(host, port_fd)

    def _up(self, host: socket.socket, port_fd: int) -> None:
        while data := host.recv(4096):
            self.heard += data
            os.write(port_fd, data)
        host.close()

    def _down(self, port_fd: int, host: socket.socket) -> None:
        try:
            while data := os.read(port_fd, 4096):
                host.sendall(data)
        except OSError:
            return


@pytest.fixture
def at_node() -> Iterator[str]:
    """Start the virtual bench in namespaces of its own and give a router's AT port, attached."""
    bench = subprocess.Popen(
        ["unshare", "-rn", sys.executable, "-m", "devices.virtual", "--lab", "lab.toml"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert bench.stdin is not None
    assert bench.stdout is not None
    try:
        announced = json.loads(bench.stdout.readline())
        node = next(d["node"] for d in announced["devices"] if d["subsystem"] == "tty")
        wait_attached(node)
        yield node
    finally:
        bench.stdin.close()
        bench.wait(10)
        bench.stdout.close()


def wait_attached(node: str) -> None:
    """Ask until the cloud card carries data."""
    port_fd = os.open(node, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(port_fd)
    seen = bytearray()

    def is_attached() -> bool:
        os.write(port_fd, b"ATE0\rAT^CLOUDSIM?\r")
        try:
            seen.extend(os.read(port_fd, 4096))
        except BlockingIOError:
            return False
        return b"^CLOUDSIM: 1,7," in seen

    try:
        wait_until(is_attached, 30.0, lambda: f"AT^CLOUDSIM? said {bytes(seen[-200:])!r}")
    finally:
        os.close(port_fd)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start a message bus; give the environment that makes it both session and system bus."""
    need("dbus-daemon", "dbus-send")
    address = f"unix:path={tmp_path}/bus"
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", f"--address={address}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until((tmp_path / "bus").exists, 10.0, lambda: "no bus")
        names = ("DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS")
        yield dict(os.environ) | dict.fromkeys(names, address)
    finally:
        daemon.terminate()
        daemon.wait(10)
