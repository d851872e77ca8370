"""Faults of the bench: cables, hubs and hosts, played by whoever is nearest to them."""

from __future__ import annotations

from devices.virtual.defects import Defect

DEFECTS = (
    Defect(
        name="usb_drops",
        title="the USB cable drops",
        party="bench",
        symptom="while the router attaches it vanishes from USB for good, although it goes on",
        case="CANON-001",
    ),
)
