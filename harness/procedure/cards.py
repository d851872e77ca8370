"""Which card a router acted as, and from when to when, by the access server's log. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.cloud.model import ServerEvent

_BEGINS: Final = "held"
_ENDS: Final = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A card that a router held; times by the bench's clock in ns, no end: it holds it yet."""

    iccid: str
    start_ns: int
    end_ns: int | None


def cards_held(
    events: Iterable[tuple[int, ServerEvent]], *, begun_ns: int, now: str | None
) -> list[Held]:
    """Return the cards of a case, in order.

    A profile that is held anew was not in use before: its router had lost it, or was off.

    Args:
        events: What the access server logged of the router in the case, with its moments in ns.
        begun_ns: When the case began; a card that it came with is held from here.
        now: ICCID that the server says the router has at the end; for a case without a change.
    """
    found: list[Held] = []
    iccid, start_ns = None, begun_ns
    changed = False
    for t_ns, event in events:
        if event.kind not in {_BEGINS, _ENDS} or event.iccid is None or t_ns < begun_ns:
            continue
        if event.kind == _ENDS and not changed:
            iccid = event.iccid  # the router came with it
        changed = True
        if event.kind == _BEGINS and event.iccid == iccid:
            continue  # it fetched the same profile again
        if iccid is not None and t_ns > start_ns:
            found.append(Held(iccid=iccid, start_ns=start_ns, end_ns=t_ns))
        iccid, start_ns = (event.iccid if event.kind == _BEGINS else None), t_ns
    last = iccid if changed else now
    if last is not None:
        found.append(Held(iccid=last, start_ns=start_ns, end_ns=None))
    return found
