"""Which SIM a router is given; pure, so that the policy can be read and tested by itself.

Only a SIM that is known to be healthy is handed out; one near its cap is the last resort. The
carrier of the place comes first, the SIM with most gigabytes left within it. After a rejection,
or when two SIMs of one carrier were slow, that carrier comes last: what is wrong may be more
than one card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

HOME_COUNTRIES = frozenset({"440", "441"})
STALE_AFTER_S = 600.0
_SLOW_CARRIER_AT = 2
_HEALTHY, _NEAR_CAP = "healthy", "near_cap"

Why = Literal["kept", "place", "other_carrier", "location_absent", "location_stale"]
Obstacle = Literal["no_healthy_sim", "no_sim_for_country"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A card as the choice sees it.

    Attributes:
        iccid: Its number.
        plmn: Its carrier.
        state: Its state in the bank.
        free: Whether nobody else holds it.
        left_bytes: Full-speed bytes left; ``None`` is unlimited.
    """

    iccid: str
    plmn: str
    state: str
    free: bool
    left_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a router asks for.

    Attributes:
        reason: Why it asks.
        plmn: Strongest carrier where it is; ``None`` when it does not know.
        location_age_s: How old that is.
        previous_iccid: The card it had.
        slow_iccids: Cards it found slow.
    """

    reason: str
    plmn: str | None
    location_age_s: float
    previous_iccid: str | None
    slow_iccids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The outcome.

    Attributes:
        iccid: The card; ``None`` when there is none to give.
        why: Reason code of the choice.
    """

    iccid: str | None
    why: Why | Obstacle


def choose(candidates: Sequence[Candidate], wish: Wish) -> Choice:
    """Choose a card for a router."""
    if wish.plmn is not None and wish.plmn[:3] not in HOME_COUNTRIES:
        return Choice(iccid=None, why="no_sim_for_country")
    barred = wish.slow_iccids | ({wish.previous_iccid} if wish.reason != "boot" else set())
    for state in (_HEALTHY, _NEAR_CAP):
        usable = [
            card
            for card in candidates
            if card.state == state and card.free and card.iccid not in barred
        ]
        if usable:
            return _best(usable, candidates, wish)
    return Choice(iccid=None, why="no_healthy_sim")


def _best(usable: Sequence[Candidate], candidates: Sequence[Candidate], wish: Wish) -> Choice:
    kept = next((card for card in usable if card.iccid == wish.previous_iccid), None)
    located = wish.plmn is not None and wish.location_age_s <= STALE_AFTER_S
    if kept is not None and (not located or kept.plmn == wish.plmn):
        return Choice(iccid=kept.iccid, why="kept")
    suspects = _suspect_carriers(candidates, wish)

    def rank(card: Candidate) -> tuple[bool, bool, float, str]:
        left = float("inf") if card.left_bytes is None else card.left_bytes
        return (card.plmn in suspects, located and card.plmn != wish.plmn, -left, card.iccid)

    best = min(usable, key=rank)
    if wish.plmn is None:
        return Choice(iccid=best.iccid, why="location_absent")
    if not located:
        return Choice(iccid=best.iccid, why="location_stale")
    return Choice(iccid=best.iccid, why="place" if best.plmn == wish.plmn else "other_carrier")


def _suspect_carriers(candidates: Sequence[Candidate], wish: Wish) -> set[str]:
    plmn_of = {card.iccid: card.plmn for card in candidates}
    suspects = set()
    if wish.reason in {"reject", "lost"} and wish.previous_iccid in plmn_of:
        suspects.add(plmn_of[wish.previous_iccid])
    slow = [plmn_of[iccid] for iccid in wish.slow_iccids if iccid in plmn_of]
    suspects |= {plmn for plmn in slow if slow.count(plmn) >= _SLOW_CARRIER_AT}
    return suspects
