"""Run under umockdev: print what the harness discovers, and the records of both ways, as JSON.

libudev's own listing is the oracle: it is what udev's events agree with.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable

import pyudev

from harness.lab.sysfs import read_sysfs
from harness.lab.udev import plugged_now, read_record
from harness.lab.usb_tree import SUBSYSTEMS, SysRecord


def by_libudev() -> list[SysRecord]:
    """Return a record of every device, as libudev lists them."""
    wanted = pyudev.Context().list_devices()
    for subsystem in SUBSYSTEMS:
        wanted = wanted.match_subsystem(subsystem)
    return [read_record(device) for device in wanted if "/usb" in device.sys_path]


def as_json(records: Iterable[SysRecord]) -> list[object]:
    """Return records in the order of their paths."""
    return [dataclasses.asdict(record) for record in sorted(records, key=lambda r: r.sys_path)]


if __name__ == "__main__":
    json.dump(
        {
            "functions": [dataclasses.asdict(function) for function in plugged_now()],
            "sysfs": as_json(read_sysfs()),
            "libudev": as_json(by_libudev()),
        },
        sys.stdout,
    )
