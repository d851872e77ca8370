"""``devices.virtual.defects.router``: every switch is there and is consulted."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import devices.virtual.at
import devices.virtual.firmware
from devices.virtual.defects import Defect
from devices.virtual.defects.router import DEFECTS

SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for package in (devices.virtual.at, devices.virtual.firmware)
    for path in sorted(Path(package.__path__[0]).rglob("*.py"))
)


def test_there_are_about_thirty() -> None:
    """Forty switches, each name once, all the router's fault."""
    names = Counter(defect.name for defect in DEFECTS)

    assert len(DEFECTS) == 42
    assert max(names.values()) == 1
    assert {defect.party for defect in DEFECTS} == {"router"}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: str(defect.name))
def test_each_switch_is_consulted(defect: Defect) -> None:
    """The firmware asks for the switch by its name, and it names a case and a symptom."""
    assert f'"{defect.name}"' in SOURCES
    assert re.fullmatch(r"CS-[A-Z0-9]+-\d{3}", defect.case)
    assert defect.symptom
