"""``harness ls`` and ``suggest`` as a person runs them, over described trees (umockdev)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.udev.umockdev_text import render, trees

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("umockdev-run") is None, reason="needs umockdev (apt install umockdev)"
    ),
]
EC25 = "option-qmi"
LAB = """
[bench]
name = "desk"
[routers.r1]
model = "quectel-ec25"
usb_path = "{path}"
imei = "490154203237518"
[access_server]
adapter = "generic"
{more}
[carriers.docomo]
plmn = "44010"
apn = "apn.test"
rate = "40 Mbit/s"
"""


def harness(directory: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run the harness where all the trees are plugged in."""
    file = directory / "trees.umockdev"
    file.write_text("".join(render(tree, bus) for bus, tree in enumerate(trees(), start=1)))
    command = ["umockdev-run", "-d", str(file), "--", sys.executable, "-m", "harness.cli", *argv]
    return subprocess.run(
        command,
        cwd=directory,
        env=os.environ | {"XDG_RUNTIME_DIR": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def listed(directory: Path) -> dict[str, dict[str, object]]:
    """Return what `harness ls --json` says, by USB path."""
    done = harness(directory, "ls", "--json")
    assert done.returncode == 0, done.stderr
    return {device["usb_path"]: device for device in json.loads(done.stdout)}


def path_of_ec25(directory: Path) -> str:
    """Return where the router with the ids of an EC25 is plugged in."""
    (path,) = [
        path
        for path, device in listed(directory).items()
        if (device["vid"], device["pid"]) == ("2c7c", "0125")
    ]
    return path


def test_ports_have_the_roles_of_their_model(tmp_path: Path) -> None:
    """By USB ids, also of what lab.toml does not know."""
    device = listed(tmp_path)[path_of_ec25(tmp_path)]

    assert device["model"] == "quectel-ec25"
    assert device["roles"] == {"0": "diag", "1": "gnss", "2": "at", "3": "at2", "4": "qmi"}
    assert (device["name"], device["in_use_by"], device["imei"]) == (None, None, None)


def test_a_router_of_the_bench_file_is_named_and_a_missing_one_is_said(tmp_path: Path) -> None:
    """One line a device; what is not there goes to standard error."""
    (tmp_path / "lab.toml").write_text(LAB.format(path=path_of_ec25(tmp_path), more=""))
    found = harness(tmp_path, "ls")
    (tmp_path / "lab.toml").write_text(LAB.format(path="pci-0000:99:00.0/1-1", more=""))
    missing = harness(tmp_path, "ls")

    (line,) = [line for line in found.stdout.splitlines() if line.startswith("r1 ")]
    assert line.split()[1] == "***********7518"
    assert "at=/dev/ttyUSB2 at2=/dev/ttyUSB3 net=wwan0" in line
    assert missing.returncode == 0
    assert "r1 ***********7518: nothing is plugged in at pci-0000:99:00.0/1-1" in missing.stderr


def test_a_wrong_bench_file_is_said_after_the_list(tmp_path: Path) -> None:
    """Who sets a bench up needs the list while the file is not finished."""
    (tmp_path / "lab.toml").write_text(LAB.format(path="x", more="nonsense = 1"))
    done = harness(tmp_path, "ls")

    assert "2c7c:0125" in done.stdout
    assert done.returncode == 3
    assert "access_server.nonsense" in done.stderr


def test_a_port_that_says_nothing_is_said(tmp_path: Path) -> None:
    """The trees' ports answer nothing: each is said so, and nothing stops."""
    done = harness(tmp_path, "ls", "--ask")

    (line,) = [line for line in done.stdout.splitlines() if "2c7c:0125" in line]
    assert done.returncode == 0
    assert "interface 2 is no AT port: silent" in line
