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
    Defect(
        name="foreign_dhcp",
        title="another router's DHCP leaks in",
        party="bench",
        symptom="a second DHCP server of another subnet answers on the router's LAN",
        case="CANON-001",
    ),
    *(
        Defect(
            name=f"usb_drops_in_p{phase}",
            title=f"the USB cable drops in P{phase}",
            party="bench",
            symptom=f"once it reached P{phase} the router vanishes from USB for good",
            case="CANON-001",
        )
        for phase in (1, 2, 3, 4, 5, 7)
    ),
)
