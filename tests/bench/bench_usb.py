"""Discovery figures of this machine: what `harness ls` does for 500 routers that are plugged in.

Run it by hand or by `make bench`; it judges nothing, because other work on a machine moves each
figure. The peer is pyserial's list of ports, from the same tree in sysfs (umockdev).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.lab.usb_list import plugged_devices
from harness.lab.usb_tree import UsbTree
from tests.udev.umockdev_text import read_text, render

CHECKOUT = Path(__file__).resolve().parents[2]
ROUTERS = 500
ON_ONE_BUS = 20
ROUNDS = 5
_WHOLE = """
import resource, subprocess, sys, time
rounds = []
for _ in range(7):
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "ls", *sys.argv[1:]], capture_output=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rounds.append((time.perf_counter() - began, cpu))
seconds, cpu = sorted(rounds)[3]
print(done.stdout.count(b"\\n"), seconds, cpu)
"""
_OURS = """
import time
from harness.lab.udev import plugged_now
from harness.lab.usb_list import plugged_devices
began, cpu = time.perf_counter(), time.process_time()
devices = plugged_devices(plugged_now())
print(len(devices), time.perf_counter() - began, time.process_time() - cpu)
"""
_PEER = """
import time
from serial.tools.list_ports import comports
began, cpu = time.perf_counter(), time.process_time()
ports = comports()
print(len(ports), time.perf_counter() - began, time.process_time() - cpu)
"""


def tree(bus: int) -> dict[str, Any]:
    """Return a controller with twenty routers of two serial ports and a network interface."""
    first = (bus - 1) * ON_ONE_BUS
    return {
        "controller": f"0000:{bus:02x}:01.0",
        "device": [
            {
                "port": str(number + 1),
                "ids": "1782:4d11",
                "serial": f"S{first + number:04d}",
                "strings": ["UNISOC", "L610"],
                "interfaces": [
                    {"number": 0, "driver": "cdc_ether", "net": f"usb{first + number}"},
                    {"number": 2, "driver": "option", "tty": f"ttyUSB{2 * (first + number)}"},
                    {"number": 3, "driver": "option", "tty": f"ttyUSB{2 * (first + number) + 1}"},
                ],
            }
            for number in range(ON_ONE_BUS)
        ],
    }


def pure(text: str) -> float:
    """Return the seconds from records to the list; the best of some rounds."""
    records = list(read_text(text))
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        devices = plugged_devices(UsbTree(records).functions())
        best = min(best, time.perf_counter() - began)
        assert len(devices) == ROUTERS
    return best


def through_umockdev(text: str, program: str, *arguments: str) -> tuple[int, float, float]:
    """Run a program that sees the tree instead of this host: what it counted, seconds, CPU."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "routers.umockdev"
        file.write_text(text)
        done = subprocess.run(
            ["umockdev-run", "-d", str(file), "--", sys.executable, "-c", program, *arguments],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
        )
    count, seconds, cpu = done.stdout.split()
    return int(count), float(seconds), float(cpu)


def main() -> None:
    """Print the figures."""
    text = "".join(render(tree(bus), bus) for bus in range(1, ROUTERS // ON_ONE_BUS + 1))
    print(f"{ROUTERS} routers, 7 records each: records to list   {pure(text):8.3f} s")  # noqa: T201 - figures are its result
    if shutil.which("umockdev-run") is None:
        print("umockdev is not installed: nothing through sysfs")  # noqa: T201 - figures are its result
        return
    for name, program, arguments in (
        ("harness ls, whole process, median of 7", _WHOLE, ("--lab", "lab.toml")),
        ("the same without a bench file", _WHOLE, ("--lab", "none.toml")),
        ("its reading of sysfs", _OURS, ()),
        ("pyserial comports", _PEER, ()),
    ):
        count, seconds, cpu_s = through_umockdev(text, program, *arguments)
        line = f"{name}: {count} found in {seconds:.3f} s, CPU {cpu_s:.3f} s"
        print(line)  # noqa: T201 - see above


if __name__ == "__main__":
    main()
