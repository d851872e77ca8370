"""The SIM bank at work: what state each card is in, what it answers, what may be read of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from devices.virtual import aka, identity
from devices.virtual.access_store import SimState, Store
from devices.virtual.defects.switches import Switches
from devices.virtual.errors import Refused
from devices.virtual.lab_file import LabFile
from devices.virtual.plan import hour_of, period_start
from devices.virtual.sim_bank import BankCard, bank_card, profile_of
from devices.virtual.world_clock import WorldClock

_US_PER_S = 1_000_000
_NEAR_CAP = 0.9
_SLOW_CARD_S = 7.0
LAB = "lab"
"""Who corrected a card's use, instead of a router that reported it."""
HOURS_AHEAD = 1
"""How far a router's clock may run ahead of ours and its reports still count, in hours."""
USABLE = frozenset({"healthy", "near_cap"})


class BankDesk:
    """The cards, by ICCID.

    Args:
        lab: The parties.
        store: Where state is.
        clock: The world's date.
        defects: Planted faults.
    """

    def __init__(self, lab: LabFile, store: Store, clock: WorldClock, defects: Switches) -> None:
        self._store = store
        self._clock = clock
        self._defects = defects
        self._seed = lab.conditions.random_seed
        self.cards: dict[str, BankCard] = {
            slot.iccid: bank_card(
                slot,
                lab.carriers[slot.carrier],
                random_seed=self._seed,
                quota_factor=lab.conditions.quota_factor,
            )
            for slot in lab.slots
        }

    # -- states

    def sim(self, iccid: str) -> SimState:
        """Return a card's state as it is kept."""
        kept = self._store.sim(iccid)
        if kept is not None:
            return kept
        if self.cards[iccid].disclosed or self._defects.on("server_unknown_is_healthy"):
            return SimState(iccid=iccid)
        return SimState(iccid=iccid, state="unknown", reason="terms not disclosed")

    def is_disclosed(self, iccid: str) -> bool:
        """Tell whether a card's terms are known."""
        said = self.sim(iccid).disclosed
        return self.cards[iccid].disclosed if said is None else said

    def disclose(self, iccid: str, *, disclosed: bool) -> None:
        """Take note that a card's terms became known, or proved not to be: then it is unknown."""
        sim = self.sim(iccid)
        sim.disclosed = disclosed
        is_blind = self._defects.on("server_unknown_is_healthy")
        if disclosed and sim.state == "unknown":
            sim.state, sim.reason = "healthy", "terms disclosed"
        elif not disclosed and sim.state == "healthy" and not is_blind:
            sim.state, sim.reason = "unknown", "terms not disclosed"
        self._store.save_sim(sim)

    def used_bytes(self, iccid: str) -> int:
        """Return the bytes that a card's routers reported in its period."""
        now = self._clock.now()
        begin = period_start(now, self.cards[iccid].terms)
        last = hour_of(now) + HOURS_AHEAD
        rows = self._store.usage(first=hour_of(begin), last=last, iccid=iccid)
        return sum(down + up for *_, down, up in rows)

    def set_used(self, iccid: str, used_bytes: int) -> None:
        """Make a card's use of this period a given one: a lab has no month to wait for."""
        hour = hour_of(self._clock.now())
        by_routers = self.used_bytes(iccid) - self._store.correction(iccid, LAB, hour)
        self._store.correct(iccid, LAB, hour, used_bytes - by_routers)

    def state_of(self, iccid: str) -> str:
        """Return a card's state now; one that is not in the bank is absent.

        A card whose quota was used stays marked after the reset: it is ``suspected`` until
        somebody measured it, because a carrier's reset may come late or not at all.
        """
        if iccid not in self.cards:
            return "absent"
        sim, terms = self.sim(iccid), self.cards[iccid].terms
        if sim.state != "healthy":
            capped_us = sim.capped_period_utc_us
            begin_us = _utc_us(period_start(self._clock.now(), terms))
            was_reset = capped_us is not None and capped_us < begin_us
            if was_reset and self._defects.on("server_trusts_reset"):
                return "healthy"
            return "suspected" if was_reset and sim.state == "throttled" else sim.state
        if terms.quota_bytes is None:
            return "healthy"
        used = self.used_bytes(iccid)
        if used >= terms.quota_bytes:
            return "throttled"
        return "near_cap" if used >= _NEAR_CAP * terms.quota_bytes else "healthy"

    def believed_state(self, iccid: str, router: str) -> str:
        """Return the state that the choice and the heartbeat go by."""
        state = self.state_of(iccid)
        blind = {"throttled", "suspected"}
        if state in blind and self._defects.on("server_hands_out_throttled", router):
            return "healthy"
        if state == "quarantined" and self._defects.on("server_hands_out_quarantined", router):
            return "healthy"
        return state

    def settle_quota(self, iccid: str) -> bool:
        """Mark a card whose quota is used, for good; say whether it was marked now."""
        if iccid not in self.cards or self.sim(iccid).state != "healthy":
            return False
        if self.state_of(iccid) != "throttled":
            return False
        self.mark(iccid, "throttled", "quota used", None)
        return True

    def mark(self, iccid: str, state: str, reason: str | None, slow_bps: int | None) -> SimState:
        """Mark a card; what the bank counts itself (near its cap) comes on top of that."""
        sim = self.sim(iccid)
        begin_us = _utc_us(period_start(self._clock.now(), self.cards[iccid].terms))
        sim.state, sim.reason, sim.slow_bps = state, reason, slow_bps
        sim.capped_period_utc_us = begin_us if state == "throttled" else None
        self._store.save_sim(sim)
        if state == "healthy" and self._defects.on("server_trusts_neighbour"):
            self._clear_neighbours(iccid)
        return sim

    def _clear_neighbours(self, iccid: str) -> None:
        """Take every used-up card of the same carrier for healthy again: the planted fault."""
        for other, card in self.cards.items():
            sim = self.sim(other)
            if card.carrier == self.cards[iccid].carrier and sim.state == "throttled":
                sim.state, sim.capped_period_utc_us = "healthy", None
                self._store.save_sim(sim)

    # -- what a card gives away

    def listed_iccid(self, iccid: str) -> str:
        """Return the number that a slot's card shows."""
        first = next(iter(self.cards))
        second = next((other for other in self.cards if other != first), first)
        if iccid == second and self._defects.on("bank_duplicate_iccid"):
            return first
        return iccid

    def profile(self, iccid: str, *, assignment: str, imei: str, router: str) -> bytes:
        """Return the profile of a card for a router, signed."""
        key = identity.device_key(self._seed, imei)
        if self._defects.on("server_unsigned_profile", router):
            key = bytes(len(key))
        card = self.cards[iccid]
        files = card
        if self._defects.on("bank_other_files", router):
            files = self._neighbour(iccid)
        return profile_of(card, files, assignment=assignment, imei=imei, device_key=key)

    def _neighbour(self, iccid: str) -> BankCard:
        """Return the next card of the same carrier, or the next one."""
        order = list(self.cards)
        place = order.index(iccid)
        others = [self.cards[other] for other in order[place + 1 :] + order[:place]]
        same = [card for card in others if card.carrier == self.cards[iccid].carrier]
        return (same or others or [self.cards[iccid]])[0]

    async def authenticate(
        self, iccid: str, *, rand: bytes, autn: bytes, router: str
    ) -> aka.Accepted | aka.Resync | aka.MacFailure:
        """Have a card answer a challenge; its counter is committed before the answer leaves.

        Raises:
            Refused: There is no card.
        """
        if self._defects.on("bank_slow", router):
            await asyncio.sleep(_SLOW_CARD_S)
        if self._defects.on("bank_card_pulled", router):
            raise Refused(503, "card_absent")
        keys = self.cards[iccid].keys
        if self._defects.on("bank_wrong_card", router):
            keys = self._neighbour(iccid).keys
        sim = self.sim(iccid)
        card = aka.Card(keys, sim.sqn_seen)
        outcome = card.authenticate(rand, autn)
        if isinstance(outcome, aka.Accepted):
            sim.sqn_seen = card.sqn_seen
            self._store.save_sim(sim)
            if self._defects.on("bank_bad_contact", router):
                wrong = bytes([outcome.res[0] ^ 1]) + outcome.res[1:]
                return aka.Accepted(res=wrong, ck=outcome.ck, ik=outcome.ik, sqn=outcome.sqn)
        return outcome


def auth_json(outcome: aka.Accepted | aka.Resync | aka.MacFailure) -> dict[str, Any]:
    """Return a card's answer as the device side sends it."""
    if isinstance(outcome, aka.Accepted):
        return {"res": outcome.res.hex(), "ck": outcome.ck.hex(), "ik": outcome.ik.hex()}
    if isinstance(outcome, aka.Resync):
        return {"auts": outcome.auts.hex()}
    return {"mac_failure": True}


def _utc_us(moment: dt.datetime) -> int:
    return round(moment.timestamp() * _US_PER_S)
