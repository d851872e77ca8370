"""The virtual bench with its routers as USB devices, for the tests that need a whole world."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PATH = "platform-vhci_hcd.0/1-1"
_PHASE = re.compile(r"(?P<before>\[phase\.\w+\]\n[^[]*?high = )(?P<high>[\d.]+)")


@contextmanager
def virtual_bench(lab: Path) -> Iterator[dict[str, Any]]:
    """Run it, and return its first line."""
    command = [sys.executable, "-m", "devices.virtual.usb", "--lab", str(lab), "--ready-s", "150"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as bench:
        assert bench.stdin is not None
        assert bench.stdout is not None
        try:
            yield json.loads(bench.stdout.readline())
        finally:
            bench.stdin.close()
            bench.stdout.read()
            bench.wait(60.0)


@contextmanager
def rehearsed(lab: Path, write: Path, *, routers: int = 1) -> Iterator[list[str]]:
    """Run `harness virtual --usb` until it has written its bench file; where routers are."""
    command = [sys.executable, "-m", "harness.cli", "virtual", "--usb"]
    command += ["--lab", str(lab), "--write", str(write)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as rehearsal:
        assert rehearsal.stdout is not None
        said = [rehearsal.stdout.readline() for _ in range(routers + 1)]
        try:
            assert said[-1].startswith(f"bench file {write}; "), said
            yield [line.removeprefix("plugged").strip() for line in said[:-1]]
        finally:
            rehearsal.send_signal(signal.SIGINT)
            rehearsal.stdout.read()
            rehearsal.wait(60.0)


def wide_limits(directory: Path) -> Path:
    """Write limits for an emulated processor: phases may take twenty times as long."""
    text = (CHECKOUT / "tests/acceptance/limits.toml").read_text()
    text = _PHASE.sub(lambda m: f"{m['before']}{20 * float(m['high'])}", text)
    text = text.replace("low = 0.97 ", "low = 0.5 ").replace("high = 1.03 ", "high = 2.0 ")
    path = directory / "limits.toml"
    path.write_text(text)
    return path
