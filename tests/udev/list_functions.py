"""Run under umockdev: print what the harness discovers, as JSON."""

from __future__ import annotations

import dataclasses
import json
import sys

import pyudev

from harness.lab.udev import read_records
from harness.lab.usb_tree import UsbTree

if __name__ == "__main__":
    functions = UsbTree(read_records(pyudev.Context())).functions()
    json.dump([dataclasses.asdict(function) for function in functions], sys.stdout)
