"""Every case, in the order in which a plan runs them."""

from __future__ import annotations

from typing import Final

from harness.core.errors import UsageError
from harness.procedure import (
    accounted,
    attach,
    attach_rejects,
    attach_trouble,
    banked,
    by_date,
    capped,
    contracted,
    download,
    download_trouble,
    holding,
    own_card,
    power_cycles,
    reassigned,
    replaced,
    secrecy,
    seed,
    selection,
    selection_moved,
    short_of_sims,
)
from harness.procedure.canonical import CANONICAL
from harness.procedure.case import Case
from harness.procedure.throttled import THROTTLED

CASES: Final[tuple[Case, ...]] = (
    CANONICAL,
    THROTTLED,
    *seed.CASES,
    *selection.CASES,
    *selection_moved.CASES,
    *attach.CASES,
    *attach_rejects.CASES,
    *attach_trouble.CASES,
    *replaced.CASES,
    *reassigned.CASES,
    *capped.CASES,
    *accounted.CASES,
    *contracted.CASES,
    *by_date.CASES,
    *short_of_sims.CASES,
    *banked.CASES,
    *own_card.CASES,
    *download.CASES,
    *download_trouble.CASES,
    *secrecy.CASES,
    *holding.CASES,
    *power_cycles.CASES,
)


def case_by_id(case_id: str) -> Case:
    """Return the case with this id.

    Raises:
        UsageError: There is none.
    """
    for case in CASES:
        if case.info.id == case_id:
            return case
    known = ", ".join(case.info.id for case in CASES)
    msg = f"there is no case {case_id!r}; there are {known}"
    raise UsageError(msg)


SMOKE: Final[tuple[Case, ...]] = tuple(
    case_by_id(case_id)
    for case_id in ("CANON-001", "THR-001", "CS-REB-001", "CS-ACC-001", "CS-THR-001")
)
"""What `harness accept` runs unless told otherwise: start, throttle, change of SIM, usage."""
