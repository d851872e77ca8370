"""Faults that can be planted in the carriers (never in the seed network)."""

from __future__ import annotations

from devices.virtual.defects import Defect, Party

_PARTY: Party = "carrier"

DEFECTS = (
    Defect(
        name="carrier_rejects",
        title="rejects every attach with cause 11",
        party=_PARTY,
        symptom="every attach to a carrier ends with cause 11 although the card is good",
        case="CS-ATT-001",
    ),
    Defect(
        name="carrier_slow_attach",
        title="accepts 60 s late (before scaling)",
        party=_PARTY,
        symptom="the card answered at once and the carrier accepts a minute later",
        case="CS-ATT-001",
    ),
    Defect(
        name="carrier_sqn_stuck",
        title="ignores resynchronisation",
        party=_PARTY,
        symptom="after AUTS the carrier sends an old SQN again and rejects with cause 20",
        case="CS-ATT-005",
    ),
    Defect(
        name="carrier_silent_dns",
        title="gives a name server that is not there",
        party=_PARTY,
        symptom="the PDN connection is up and no name can be resolved",
        case="CS-ATT-001",
    ),
    Defect(
        name="carrier_black_hole",
        title="carries nothing",
        party=_PARTY,
        symptom="the PDN connection is up and no packet comes back",
        case="CS-ATT-001",
    ),
    Defect(
        name="carrier_slows_without_notice",
        title="128 kbit/s after 1 MB",
        party=_PARTY,
        symptom="a line far below its quota is held to 128 kbit/s",
        case="CS-THR-ID-001",
    ),
    Defect(
        name="carrier_throttle_in_bytes",
        title="throttle 8 times too fast",
        party=_PARTY,
        symptom="a line over its quota runs at 8 times the contract's throttle rate",
        case="CS-CAP-002",
    ),
    Defect(
        name="carrier_resets_late",
        title="month starts again a day late",
        party=_PARTY,
        symptom="on the reset day the line is still held to its throttle rate",
        case="CS-RESET-001",
    ),
    Defect(
        name="carrier_counts_too_much",
        title="bills 5 % more than it carried",
        party=_PARTY,
        symptom="the carrier's byte counter runs 5 % ahead of the tap's",
        case="CS-ACC-001",
    ),
    Defect(
        name="carrier_clock_off",
        title="network time an hour off",
        party=_PARTY,
        symptom="time and zone from the carrier put the router's clock an hour off",
        case="CS-TIME-001",
    ),
)
