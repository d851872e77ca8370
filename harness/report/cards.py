"""The SIM lane of a time-line: cards that the case noted, else the access server's log. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.record.rows import EventRow, SimUseRow

_BEGINS: Final = "held"
_ENDS: Final = frozenset({"released", "held"})


def cards(uses: Sequence[SimUseRow], events: Sequence[EventRow]) -> list[SimUseRow]:
    """Return which card a router acted as, from when to when.

    A case notes it when the router came to data. One that ended before that did not; then the
    access server's log tells: from a profile held to its release, or to the next one held.
    """
    if uses:
        return list(uses)
    told = [e for e in events if e.kind == "server" and e.data.get("iccid")]
    found = []
    for number, event in enumerate(told):
        if event.text != _BEGINS:
            continue
        end_ns = next((e.t_ns for e in told[number + 1 :] if e.text in _ENDS), None)
        found.append(
            SimUseRow(
                result_id=event.result_id or 0,
                iccid=str(event.data["iccid"]),
                imsi="",
                carrier=str(event.data.get("carrier") or ""),
                plmn="",
                start_ns=event.t_ns,
                end_ns=end_ns,
            )
        )
    return found
