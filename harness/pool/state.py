"""The states of a SIM and what leads from one to another: a table, and nothing else.

Two rules of the outage are in it. *Unknown is never healthy*: only a measurement leads to
`HEALTHY`. And a word is no measurement: neither a month's reset nor a report of recovery does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from harness.core.errors import UsageError


class SimState(StrEnum):
    """What is known of a SIM (requirements.md R21)."""

    HEALTHY = "healthy"
    NEAR_CAP = "near_cap"
    THROTTLED = "throttled"
    SUSPECTED = "suspected"
    UNKNOWN = "unknown"
    QUARANTINED = "quarantined"
    ABSENT = "absent"


class SimEvent(StrEnum):
    """What can be learned of a SIM."""

    MEASURED_FULL = "measured_full"
    MEASURED_SLOW = "measured_slow"
    TRAFFIC_SLOW = "traffic_slow"
    CAP_NEAR = "cap_near"
    CAP_PASSED = "cap_passed"
    RESET_DUE = "reset_due"
    RECOVERY_REPORTED = "recovery_reported"
    EVIDENCE_EXPIRED = "evidence_expired"
    QUARANTINE_ORDERED = "quarantine_ordered"
    PULLED = "pulled"
    INSERTED = "inserted"


_S = SimState
_E = SimEvent

TRANSITIONS: Final[Mapping[tuple[SimState, SimEvent], SimState]] = MappingProxyType(
    {
        (_S.UNKNOWN, _E.MEASURED_FULL): _S.HEALTHY,
        (_S.UNKNOWN, _E.MEASURED_SLOW): _S.THROTTLED,
        (_S.UNKNOWN, _E.TRAFFIC_SLOW): _S.SUSPECTED,
        (_S.UNKNOWN, _E.CAP_NEAR): _S.UNKNOWN,
        (_S.UNKNOWN, _E.CAP_PASSED): _S.THROTTLED,
        (_S.UNKNOWN, _E.RESET_DUE): _S.UNKNOWN,
        (_S.UNKNOWN, _E.RECOVERY_REPORTED): _S.UNKNOWN,
        (_S.UNKNOWN, _E.EVIDENCE_EXPIRED): _S.UNKNOWN,
        (_S.UNKNOWN, _E.QUARANTINE_ORDERED): _S.QUARANTINED,
        (_S.UNKNOWN, _E.PULLED): _S.ABSENT,
        (_S.HEALTHY, _E.MEASURED_FULL): _S.HEALTHY,
        (_S.HEALTHY, _E.MEASURED_SLOW): _S.THROTTLED,
        (_S.HEALTHY, _E.TRAFFIC_SLOW): _S.SUSPECTED,
        (_S.HEALTHY, _E.CAP_NEAR): _S.NEAR_CAP,
        (_S.HEALTHY, _E.CAP_PASSED): _S.THROTTLED,
        (_S.HEALTHY, _E.RESET_DUE): _S.HEALTHY,  # it was measured at full rate before the reset
        (_S.HEALTHY, _E.RECOVERY_REPORTED): _S.HEALTHY,
        (_S.HEALTHY, _E.EVIDENCE_EXPIRED): _S.UNKNOWN,
        (_S.HEALTHY, _E.QUARANTINE_ORDERED): _S.QUARANTINED,
        (_S.HEALTHY, _E.PULLED): _S.ABSENT,
        (_S.NEAR_CAP, _E.MEASURED_FULL): _S.NEAR_CAP,  # full rate says nothing of what is left
        (_S.NEAR_CAP, _E.MEASURED_SLOW): _S.THROTTLED,
        (_S.NEAR_CAP, _E.TRAFFIC_SLOW): _S.SUSPECTED,
        (_S.NEAR_CAP, _E.CAP_NEAR): _S.NEAR_CAP,
        (_S.NEAR_CAP, _E.CAP_PASSED): _S.THROTTLED,
        (_S.NEAR_CAP, _E.RESET_DUE): _S.UNKNOWN,  # a late reset leaves it near its cap
        (_S.NEAR_CAP, _E.RECOVERY_REPORTED): _S.NEAR_CAP,
        (_S.NEAR_CAP, _E.EVIDENCE_EXPIRED): _S.UNKNOWN,
        (_S.NEAR_CAP, _E.QUARANTINE_ORDERED): _S.QUARANTINED,
        (_S.NEAR_CAP, _E.PULLED): _S.ABSENT,
        (_S.THROTTLED, _E.MEASURED_FULL): _S.HEALTHY,
        (_S.THROTTLED, _E.MEASURED_SLOW): _S.THROTTLED,
        (_S.THROTTLED, _E.TRAFFIC_SLOW): _S.THROTTLED,
        (_S.THROTTLED, _E.CAP_NEAR): _S.THROTTLED,
        (_S.THROTTLED, _E.CAP_PASSED): _S.THROTTLED,
        (_S.THROTTLED, _E.RESET_DUE): _S.SUSPECTED,  # 1 March 2020: reset, and slow on the 2nd
        (_S.THROTTLED, _E.RECOVERY_REPORTED): _S.THROTTLED,  # 26 February 2020
        (_S.THROTTLED, _E.EVIDENCE_EXPIRED): _S.UNKNOWN,
        (_S.THROTTLED, _E.QUARANTINE_ORDERED): _S.QUARANTINED,
        (_S.THROTTLED, _E.PULLED): _S.ABSENT,
        (_S.SUSPECTED, _E.MEASURED_FULL): _S.HEALTHY,
        (_S.SUSPECTED, _E.MEASURED_SLOW): _S.THROTTLED,
        (_S.SUSPECTED, _E.TRAFFIC_SLOW): _S.SUSPECTED,
        (_S.SUSPECTED, _E.CAP_NEAR): _S.SUSPECTED,
        (_S.SUSPECTED, _E.CAP_PASSED): _S.THROTTLED,
        (_S.SUSPECTED, _E.RESET_DUE): _S.SUSPECTED,
        (_S.SUSPECTED, _E.RECOVERY_REPORTED): _S.SUSPECTED,
        (_S.SUSPECTED, _E.EVIDENCE_EXPIRED): _S.UNKNOWN,
        (_S.SUSPECTED, _E.QUARANTINE_ORDERED): _S.QUARANTINED,
        (_S.SUSPECTED, _E.PULLED): _S.ABSENT,
        (_S.QUARANTINED, _E.MEASURED_FULL): _S.HEALTHY,  # the only way out (R27)
        (_S.QUARANTINED, _E.MEASURED_SLOW): _S.QUARANTINED,
        (_S.QUARANTINED, _E.TRAFFIC_SLOW): _S.QUARANTINED,
        (_S.QUARANTINED, _E.CAP_NEAR): _S.QUARANTINED,
        (_S.QUARANTINED, _E.CAP_PASSED): _S.QUARANTINED,
        (_S.QUARANTINED, _E.RESET_DUE): _S.QUARANTINED,
        (_S.QUARANTINED, _E.RECOVERY_REPORTED): _S.QUARANTINED,
        (_S.QUARANTINED, _E.EVIDENCE_EXPIRED): _S.QUARANTINED,
        (_S.QUARANTINED, _E.QUARANTINE_ORDERED): _S.QUARANTINED,
        (_S.QUARANTINED, _E.PULLED): _S.ABSENT,
        (_S.ABSENT, _E.INSERTED): _S.UNKNOWN,
        (_S.ABSENT, _E.RESET_DUE): _S.ABSENT,
        (_S.ABSENT, _E.RECOVERY_REPORTED): _S.ABSENT,
        (_S.ABSENT, _E.EVIDENCE_EXPIRED): _S.ABSENT,
        (_S.ABSENT, _E.QUARANTINE_ORDERED): _S.ABSENT,
        (_S.ABSENT, _E.PULLED): _S.ABSENT,
    }
)


def after(state: SimState, event: SimEvent) -> SimState:
    """Return the state that follows `state` when `event` is learned.

    Raises:
        UsageError: The pair is not in the table, such as a measurement of an absent SIM.
    """
    follows = TRANSITIONS.get((state, event))
    if follows is None:
        msg = f"a SIM that is {state} cannot have {event}; is it in the bank under another slot?"
        raise UsageError(msg)
    return follows
