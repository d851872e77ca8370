"""Faults that can be planted in the router's firmware."""

from __future__ import annotations

from devices.virtual.defects import Defect, Party

_PARTY: Party = "router"

_ROWS = (
    (
        "stays_on_slow_card",
        "stays on the throttled SIM",
        "the line stays slow on the same SIM for as long as it is throttled",
        "CS-THR-001",
    ),
    (
        "ignores_reassign_order",
        "ignores the order to change",
        "the server asks for a reassignment and the router keeps its SIM",
        "CS-REB-001",
    ),
    (
        "flaps_on_short_dip",
        "changes at a short dip",
        "two slow seconds make it give its SIM back",
        "CS-THR-002",
    ),
    (
        "forgets_slow_card",
        "forgets slow SIMs at reboot",
        "after a power cycle it no longer names the SIM it found slow",
        "CS-THR-003",
    ),
    (
        "half_installed_profile",
        "half-installed profile after a power cut",
        "a power cut during the installation leaves neither the old nor the new profile",
        "CS-HOLD-001",
    ),
    (
        "profile_not_erased",
        "keeps a released profile",
        "the profile of a SIM that was given back comes up again after a reboot",
        "CS-HOLD-002",
    ),
    (
        "factory_reset_keeps_profile",
        "factory reset erases nothing",
        "after a factory reset the old profile is still held",
        "CS-HOLD-003",
    ),
    (
        "profile_in_clear",
        "profile in the clear on the wire",
        "a copy of the profile leaves by the seed bearer without TLS",
        "CS-DL-006",
    ),
    (
        "accepts_wrong_certificate",
        "accepts any certificate",
        "it logs in at a server whose certificate is for another name",
        "CS-DL-004",
    ),
    (
        "accepts_corrupt_profile",
        "accepts a corrupted profile",
        "a profile with a damaged chunk is installed",
        "CS-DL-003",
    ),
    (
        "accepts_replayed_profile",
        "accepts a replayed profile",
        "the profile of an earlier assignment is installed",
        "CS-DL-005",
    ),
    (
        "download_not_resumed",
        "starts a broken download over",
        "after each interruption the download begins at byte 0",
        "CS-DL-002",
    ),
    ("imsi_in_log", "IMSI in a log line", "the log shows the IMSI of the SIM in use", "CS-DL-009"),
    (
        "no_pdn",
        "attaches but opens no PDN",
        "registered, but never a PDN connection or a byte of data",
        "CS-ATT-001",
    ),
    (
        "cgpaddr_differs",
        "address differs from CGPADDR",
        "AT+CGPADDR shows another address than the carrier gave",
        "CS-ATT-001",
    ),
    (
        "cereg_says_one_early",
        "CEREG says 1 before it is true",
        "AT+CEREG? shows registered while the attach is still running",
        "CS-ATT-004",
    ),
    (
        "iccid_not_updated",
        "shows the previous ICCID",
        "after a reassignment AT+ICCID still shows the SIM before",
        "CS-REB-001",
    ),
    (
        "reports_stale_location",
        "location two hours old",
        "the location it reports is older than allowed",
        "CS-SEL-002",
    ),
    (
        "ignores_reject_and_hammers",
        "hammers after a reject",
        "after EMM cause 11 it attaches again and again on the same network",
        "CS-ATT-002",
    ),
    (
        "authenticates_late",
        "authentication answered too late",
        "the answer to AUTHENTICATE comes after T3460 has run out for good",
        "CS-ATT-004",
    ),
    (
        "no_reattach_after_loss",
        "never attaches again",
        "after a loss of coverage it stays without network",
        "CS-ATT-006",
    ),
    (
        "usage_in_gib",
        "usage counter in GiB",
        "the usage it reports is 7 % below what went over the wire",
        "CS-ACC-001",
    ),
    (
        "usage_one_direction",
        "usage of one direction only",
        "the usage it reports holds no uplink",
        "CS-ACC-001",
    ),
    (
        "usage_reset_by_reboot",
        "usage lost by a reboot",
        "what was used before a power cycle in the same hour is not reported",
        "CS-ACC-002",
    ),
    (
        "usage_never_reported",
        "no usage reports",
        "the server never hears of any byte",
        "CS-ACC-001",
    ),
    (
        "tiers_forgotten",
        "tiers forgotten after reboot",
        "after a power cycle it is at full speed until the tiers are changed",
        "CS-CAP25-003",
    ),
    (
        "throttle_bits_for_bytes",
        "throttle 8 times off",
        "a tier of 512 kbit/s lets 4 Mbit/s through",
        "CS-CAP25-003",
    ),
    (
        "serves_on_when_suspended",
        "serves on when suspended",
        "the line carries traffic after the start of its suspension",
        "CS-SUSP-001",
    ),
    (
        "hammers_when_dry",
        "hammers a dry pool",
        "without a free SIM it asks 20 times a second",
        "CS-DRY-001",
    ),
    (
        "crash_loop_without_seed",
        "crash loop without seed",
        "without coverage of the seed network it restarts for ever",
        "CS-SEED-002",
    ),
    ("boots_too_slowly", "boots a minute late", "its ports come up 60 s late", "CS-BOOT-001"),
    (
        "at_mute_after_reassignment",
        "AT ports mute after reassignment",
        "after the first reassignment no AT command is answered",
        "CS-REB-001",
    ),
    (
        "second_port_dead",
        "second AT port dead",
        "the second AT port takes commands and answers none",
        "CS-SEED-001",
    ),
    ("urcs_lost", "unsolicited lines lost", "no unsolicited line ever comes", "CS-SEED-001"),
    (
        "clock_hour_off",
        "clock an hour off",
        "AT+CCLK is one hour ahead of the network",
        "CS-TIME-001",
    ),
    (
        "ignores_network_time",
        "ignores the network's time",
        "AT+CCLK stays at 1980 after the attach",
        "CS-TIME-001",
    ),
    (
        "user_traffic_over_seed",
        "user traffic over the seed",
        "traffic of the LAN leaves by the seed bearer before the cloud SIM is attached",
        "CS-SEED-003",
    ),
    ("dhcp_silent", "no DHCP", "the LAN gets no address", "CS-ATT-001"),
    (
        "dns_proxy_dead",
        "no DNS",
        "names are not resolved for the LAN although data flows",
        "CS-ATT-001",
    ),
    (
        "dies_after_40_cycles",
        "dies after 40 reassignments",
        "the firmware ends at the 40th reassignment since power-on",
        "CS-REB-002",
    ),
    (
        "ignores_card_switch",
        "ignores the change of cards",
        "the order to serve by the card in the slot is answered OK and nothing changes",
        "CS-SW-001",
    ),
    (
        "stuck_after_card_pull",
        "stuck after its card was pulled",
        "a router whose own card is pulled never goes back to its cloud SIM",
        "CS-SW-003",
    ),
)
"""Name, title, symptom, and the case that must catch it."""

DEFECTS = tuple(
    Defect(name=name, title=title, party=_PARTY, symptom=symptom, case=case)
    for name, title, symptom, case in _ROWS
)
