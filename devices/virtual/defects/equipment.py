"""Faults that can be planted in the bench's equipment: what a lab's own things do wrong.

A full disk and a step of the host's clock are not here: those the tests of the harness do to
the harness.
"""

from __future__ import annotations

from devices.virtual.defects import Defect, Party

_PARTY: Party = "bench"

DEFECTS = (
    Defect(
        name="bench_strip_fakes_off",
        title="hub says off and leaves the power on",
        party=_PARTY,
        symptom="after a power cut the router answers at once: it never lost power",
        case="CS-BOOT-001",
    ),
    Defect(
        name="bench_usb_drops",
        title="USB drops 3 s after it appeared",
        party=_PARTY,
        symptom="ports and interface vanish and come back without anybody's order, once",
        case="CS-BOOT-001",
    ),
    Defect(
        name="bench_port_stolen",
        title="another program talks on the AT port",
        party=_PARTY,
        symptom="answers to commands that the harness never sent are on the AT port",
        case="CS-SEED-001",
    ),
    Defect(
        name="bench_tap_dead",
        title="mirror port shows nothing",
        party=_PARTY,
        symptom="the tap counts no byte although the download went through",
        case="CS-DL-001",
    ),
    Defect(
        name="bench_shaper_not_applied",
        title="the ordered shaper is not there",
        party=_PARTY,
        symptom="the ordered rate is reported back and traffic runs at full speed",
        case="CS-THR-001",
    ),
    Defect(
        name="bench_switch_capped",
        title="the lab's switch runs at 2 Mbit/s",
        party=_PARTY,
        symptom="no router gets more than 2 Mbit/s, whatever its carrier grants",
        case="CS-ATT-001",
    ),
    Defect(
        name="bench_host_stalls",
        title="the host stands still for 3 s",
        party=_PARTY,
        symptom="whoever started the bench is not scheduled for 3 s while a router boots",
        case="CANON-001",
    ),
)
