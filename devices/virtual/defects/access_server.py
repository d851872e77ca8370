"""Faults that can be planted in the access server."""

from __future__ import annotations

from devices.virtual.defects import Defect, Party

_PARTY: Party = "access_server"

DEFECTS = (
    Defect(
        name="server_down",
        title="device side does not answer",
        party=_PARTY,
        symptom="the router's requests to the access server are never answered",
        case="CS-DL-001",
    ),
    Defect(
        name="server_slow_profile",
        title="7 s a chunk of the profile",
        party=_PARTY,
        symptom="the download takes minutes although the seed bearer is fast",
        case="CS-DL-001",
    ),
    Defect(
        name="server_unsigned_profile",
        title="profile signed with another router's key",
        party=_PARTY,
        symptom="the download completes and the router refuses to install it, again and again",
        case="CS-DL-001",
    ),
    Defect(
        name="server_hands_out_throttled",
        title="throttled SIMs are given out",
        party=_PARTY,
        symptom="a SIM that the server itself lists as throttled or suspected is selected",
        case="CS-THR-AS-001",
    ),
    Defect(
        name="server_hands_out_quarantined",
        title="quarantined SIMs are given out",
        party=_PARTY,
        symptom="a SIM that was quarantined is selected",
        case="CS-QUAR-001",
    ),
    Defect(
        name="server_unknown_is_healthy",
        title="SIMs with unknown terms count as healthy",
        party=_PARTY,
        symptom="a SIM whose contract nobody disclosed is listed as healthy and given out",
        case="CS-SEL-005",
    ),
    Defect(
        name="server_wrong_carrier",
        title="ignores the place",
        party=_PARTY,
        symptom="the selected SIM is of another carrier although the place's has healthy ones",
        case="CS-SEL-001",
    ),
    Defect(
        name="server_same_sim_again",
        title="reassignment gives the same SIM",
        party=_PARTY,
        symptom="a router that asks for another SIM is given the one it had",
        case="CS-REB-001",
    ),
    Defect(
        name="server_cap_at_24",
        title="25 GB plan ends at 24",
        party=_PARTY,
        symptom="the router is limited after 24 of its 25 GB",
        case="CS-CAP25-001",
    ),
    Defect(
        name="server_cap_at_26",
        title="25 GB plan ends at 26",
        party=_PARTY,
        symptom="the router is at full speed until 26 of its 25 GB",
        case="CS-CAP25-001",
    ),
    Defect(
        name="server_resets_at_utc",
        title="plan starts again at midnight UTC",
        party=_PARTY,
        symptom="the plan's month begins at 09:00 JST of the first",
        case="CS-CAP25-002",
    ),
    Defect(
        name="server_suspends_at_8",
        title="suspension begins at 08:00",
        party=_PARTY,
        symptom="a line rests an hour before 09:00 JST of the next day",
        case="CS-SUSP-001",
    ),
    Defect(
        name="server_forgets_tiers",
        title="speed rules are lost at login",
        party=_PARTY,
        symptom="after a reboot of the router the server's speed rules are gone",
        case="CS-CAP25-003",
    ),
    Defect(
        name="server_rate_in_bytes",
        title="speed rules 8 times too fast",
        party=_PARTY,
        symptom="a rule of 512 kbit/s is told to the router as 4096 kbit/s",
        case="CS-CAP25-003",
    ),
    Defect(
        name="server_counts_one_direction",
        title="usage without uplink",
        party=_PARTY,
        symptom="the server's usage has no uplink bytes although the router reported them",
        case="CS-ACC-001",
    ),
    Defect(
        name="server_logs_imsi",
        title="IMSI in the log",
        party=_PARTY,
        symptom="the server's log shows whole IMSIs",
        case="CS-DL-009",
    ),
    Defect(
        name="server_trusts_reset",
        title="a used-up SIM is healthy at its reset date",
        party=_PARTY,
        symptom="a SIM that was used up is healthy again at its reset date, unmeasured",
        case="CS-RESET-002",
    ),
    Defect(
        name="server_trusts_neighbour",
        title="one SIM measured as free clears its carrier's others",
        party=_PARTY,
        symptom="a used-up SIM that was measured healthy clears its carrier's others",
        case="CS-RESET-003",
    ),
)
