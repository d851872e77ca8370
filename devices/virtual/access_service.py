"""What the access server decides: who gets which SIM, when it must go, what a router may do.

No HTTP here: the device side and the lab side are two thin modules over this one.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from devices.virtual import aka, identity
from devices.virtual.access_store import RouterState, SimState, Store
from devices.virtual.defects.switches import Switches
from devices.virtual.errors import Refused
from devices.virtual.lab_file import LabFile
from devices.virtual.plan import Terms, hour_of, period_start, suspension_start
from devices.virtual.selection import Candidate, Choice, Wish, choose
from devices.virtual.sim_bank import BankCard, bank_card, profile_of
from devices.virtual.subscribers import compressed
from devices.virtual.world_clock import WorldClock

_US_PER_S = 1_000_000
_HEARTBEAT_S = 30.0
_HEARTBEATS_MISSED = 4
_NEAR_CAP = 0.9
_LAST_HOUR = 1 << 40
# What a router's reason to ask for another SIM says about the one it had.
_VERDICT_OF_REASON = {"cap": "throttled", "slow": "suspected", "reject": "suspected"}
_USABLE = frozenset({"healthy", "near_cap"})


class AccessService:
    """Routers, cards and their matching.

    Args:
        lab: The parties.
        store: Where state is.
        clock: The world's date.
        defects: Planted faults.
    """

    def __init__(self, lab: LabFile, store: Store, clock: WorldClock, defects: Switches) -> None:
        self.lab = lab
        self.store = store
        self.clock = clock
        self.defects = defects
        conditions = lab.conditions
        self._seed = conditions.random_seed
        self._quota_factor = conditions.quota_factor
        self.heartbeat_s = _HEARTBEAT_S * conditions.nas_timer_factor
        self.imeis = {router.imei for router in lab.routers}
        self.cards: dict[str, BankCard] = {
            slot.iccid: bank_card(
                slot,
                lab.carriers[slot.carrier],
                random_seed=self._seed,
                quota_factor=self._quota_factor,
            )
            for slot in lab.slots
        }

    # -- cards

    def sim(self, iccid: str) -> SimState:
        """Return a card's state as it is kept."""
        kept = self.store.sim(iccid)
        if kept is not None:
            return kept
        if self.cards[iccid].disclosed:
            return SimState(iccid=iccid)
        return SimState(iccid=iccid, state="unknown", reason="terms not disclosed")

    def used_by_sim(self, iccid: str) -> int:
        """Return the bytes that a card's routers reported in its period."""
        begin = period_start(self.clock.now(), self.cards[iccid].terms)
        rows = self.store.usage(first=hour_of(begin), last=_LAST_HOUR, iccid=iccid)
        return sum(down + up for *_, down, up in rows)

    def state_of(self, iccid: str) -> str:
        """Return a card's state now.

        A card whose quota was used stays marked after the reset: it is ``suspected`` until
        somebody measured it, because a carrier's reset may come late or not at all.
        """
        sim, terms = self.sim(iccid), self.cards[iccid].terms
        if sim.state != "healthy":
            begin_us = _utc_us(period_start(self.clock.now(), terms))
            if sim.capped_period_utc_us is not None and sim.capped_period_utc_us < begin_us:
                return "suspected" if sim.state == "throttled" else sim.state
            return sim.state
        if terms.quota_bytes is None:
            return "healthy"
        used = self.used_by_sim(iccid)
        if used >= terms.quota_bytes:
            return "throttled"
        return "near_cap" if used >= _NEAR_CAP * terms.quota_bytes else "healthy"

    def set_sim(self, iccid: str, state: str, reason: str | None, slow_bps: int | None) -> None:
        """Mark a card."""
        sim = self.sim(iccid)
        begin_us = _utc_us(period_start(self.clock.now(), self.cards[iccid].terms))
        sim.state, sim.reason, sim.slow_bps = state, reason, slow_bps
        sim.capped_period_utc_us = begin_us if state == "throttled" else None
        self.store.save_sim(sim)
        self.note("sim_state", sim.assigned_imei, iccid, f"{state}: {reason}")

    def note(self, kind: str, imei: str | None, iccid: str | None, detail: str = "") -> None:
        """Commit an event."""
        card = self.cards.get(iccid or "")
        self.store.note(
            self.clock.utc_us(),
            kind,
            imei=imei,
            iccid=iccid,
            carrier=card.carrier.name if card else None,
            plmn=card.carrier.plmn if card else None,
            detail=detail,
        )

    # -- routers

    def login(self, imei: str, firmware: str) -> dict[str, Any]:
        """Open a session; an older one of the same router ends."""
        router = self.store.router(imei)
        router.session = secrets.token_hex(16)
        router.firmware = firmware
        router.state = "suspended" if self.suspended(router) else "online"
        router.last_heartbeat_utc_us = self.clock.utc_us()
        router.heard_host_us = self.clock.host_us()
        self.store.save_router(router)
        self.note("login", imei, router.iccid, firmware)
        return {"session": router.session} | self._orders(router)

    def router_of(self, imei: str, session: str) -> RouterState:
        """Return the router of a session.

        Raises:
            Refused: The session is not the router's newest.
        """
        router = self.store.router(imei)
        if router.session is None or router.session != session:
            raise Refused(409, "session")
        return router

    def locate(self, router: RouterState, report: dict[str, Any]) -> None:
        """Take a location report."""
        router.location = report | {"received_host_us": self.clock.host_us()}
        self.store.save_router(router)
        self.note("location", router.imei, router.iccid, str(report))

    def suspended(self, router: RouterState) -> bool:
        """Tell whether a router's line rests now."""
        begin = self.suspended_from(router)
        return begin is not None and self.clock.now() >= begin

    def suspended_from(self, router: RouterState) -> dt.datetime | None:
        """Return when a router's line rests from; ``None`` is not at all."""
        asked_us = router.suspension_requested_utc_us
        if asked_us is None:
            return None
        return suspension_start(dt.datetime.fromtimestamp(asked_us / _US_PER_S, tz=dt.UTC))

    def used_by_router(self, router: RouterState) -> int:
        """Return the bytes of a router's plan period, both directions."""
        begin = period_start(self.clock.now(), self.plan_terms(router))
        rows = self.store.usage(first=hour_of(begin), last=_LAST_HOUR, imei=router.imei)
        return sum(down + up for *_, down, up in rows)

    def plan_terms(self, router: RouterState) -> Terms:
        """Return a router's volume plan, compressed."""
        plan = router.plan
        return Terms(
            quota_bytes=compressed(
                plan.get("cap_bytes", self.lab.plan_cap_bytes), self._quota_factor
            ),
            reset_day=int(plan.get("reset_day", 1)),
            reset_time=str(plan.get("reset_time", "00:00")),
            zone=str(plan.get("zone", "Asia/Tokyo")),
            throttle_bps=int(plan.get("limited_bps", self.lab.plan_limited_bps)),
        )

    def speed_rules(self, router: RouterState) -> list[dict[str, int]]:
        """Return a router's tiers, its plan's cap among them."""
        rules = list(router.speed_rules)
        terms = self.plan_terms(router)
        if terms.quota_bytes is not None:
            rules.append({"after_bytes": terms.quota_bytes, "rate_bps": terms.throttle_bps})
        return sorted(rules, key=lambda rule: rule["after_bytes"])

    def _orders(self, router: RouterState) -> dict[str, Any]:
        return {
            "heartbeat_s": self.heartbeat_s,
            "speed_rules": self.speed_rules(router),
            "used_bytes": self.used_by_router(router),
            "suspended": self.suspended(router),
        }

    def heartbeat(self, router: RouterState, rsrp_dbm: object) -> dict[str, Any]:
        """Hear from a router; tell it what it must do."""
        router.last_heartbeat_utc_us = self.clock.utc_us()
        router.heard_host_us = self.clock.host_us()
        suspended = self.suspended(router)
        if suspended and not router.suspension_noted:
            router.suspension_noted = True
            self.note("suspended", router.imei, router.iccid)
        router.state = "suspended" if suspended else "online"
        reassign, router.reassign_reason = router.reassign_reason, None
        if reassign is None and router.iccid in self.cards:
            state = self.state_of(router.iccid)
            if state not in _USABLE:
                reassign = "cap" if state == "throttled" else "slow"
        self.store.save_router(router)
        self.note("heartbeat", router.imei, router.iccid, f"rsrp {rsrp_dbm} dBm")
        return self._orders(router) | {"release": suspended, "reassign": reassign}

    def take_usage(
        self, router: RouterState, *, iccid: str, hour_utc: str, dl_bytes: int, ul_bytes: int
    ) -> None:
        """Take a router's report of one hour.

        Raises:
            ValueError: The hour is none (``2026-11-24T02`` is one).
        """
        moment = dt.datetime.fromisoformat(hour_utc)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        self.store.add_usage(iccid, router.imei, hour_of(moment), dl_bytes, ul_bytes)
        self.note("usage", router.imei, iccid, f"{hour_utc} dl {dl_bytes} ul {ul_bytes}")

    # -- giving and taking SIMs

    def give(self, router: RouterState, request: dict[str, Any]) -> dict[str, Any]:
        """Choose a SIM for a router and give it.

        Raises:
            Refused: The line rests, or there is no SIM to give.
        """
        if self.suspended(router):
            self.note("no_sim", router.imei, None, "suspended")
            raise Refused(403, "suspended")
        reason = str(request.get("reason", "boot"))
        previous = request.get("previous_iccid") or router.iccid
        slow = {str(iccid) for iccid in request.get("slow_iccids") or ()}
        self._learn(router, reason, previous, request.get("measured_bps"))
        router.slow_iccids = sorted({*router.slow_iccids, *slow})
        choice = self._choose(router, reason, previous)
        if choice.iccid is None:
            self.release(router, choice.why)
            self.note("no_sim", router.imei, None, choice.why)
            wait_s = self.heartbeat_s
            raise Refused(409, "no_sim", {"retry_after_s": wait_s, "why": choice.why})
        return self._assign(router, choice)

    def _learn(self, router: RouterState, reason: str, iccid: str | None, bps: object) -> None:
        verdict = _VERDICT_OF_REASON.get(reason)
        if iccid is None or iccid not in self.cards or verdict is None:
            return
        if self.sim(iccid).state == "healthy":
            slow_bps = int(bps) if isinstance(bps, int | float) else None
            self.set_sim(iccid, verdict, f"router asks for another: {reason}", slow_bps)
        if reason == "slow":
            router.slow_iccids = sorted({*router.slow_iccids, iccid})

    def _choose(self, router: RouterState, reason: str, previous: str | None) -> Choice:
        slow = {iccid for iccid in router.slow_iccids if self.state_of_known(iccid) != "healthy"}
        router.slow_iccids = sorted(slow)
        location = router.location or {}
        plmn = None
        if location.get("mcc") and location.get("mnc"):
            plmn = f"{location['mcc']}{location['mnc']}"
        received_us = int(location.get("received_host_us", 0))
        waited_s = (self.clock.host_us() - received_us) / _US_PER_S
        wish = Wish(
            reason=reason,
            plmn=plmn,
            location_age_s=float(location.get("age_s") or 0) + max(0.0, waited_s),
            previous_iccid=previous,
            slow_iccids=frozenset(slow),
        )
        return choose(self._candidates(router.imei), wish)

    def state_of_known(self, iccid: str) -> str:
        """Return a card's state; one that is not in the bank is absent."""
        return self.state_of(iccid) if iccid in self.cards else "absent"

    def _candidates(self, imei: str) -> list[Candidate]:
        candidates = []
        for iccid, card in self.cards.items():
            quota = card.terms.quota_bytes
            left = None if quota is None else quota - self.used_by_sim(iccid)
            holder = self.sim(iccid).assigned_imei
            candidates.append(
                Candidate(
                    iccid=iccid,
                    plmn=card.carrier.plmn,
                    state=self.state_of(iccid),
                    free=holder in {None, imei} or self._holder_is_gone(str(holder)),
                    left_bytes=left,
                )
            )
        return candidates

    def _holder_is_gone(self, imei: str) -> bool:
        silent_s = (self.clock.host_us() - self.store.router(imei).heard_host_us) / _US_PER_S
        return silent_s > self.heartbeat_s * _HEARTBEATS_MISSED

    def _assign(self, router: RouterState, choice: Choice) -> dict[str, Any]:
        iccid = str(choice.iccid)
        sim = self.sim(iccid)
        if sim.assigned_imei not in {None, router.imei}:
            self.release(self.store.router(str(sim.assigned_imei)), "heartbeat lost")
            sim = self.sim(iccid)
        keeps = choice.why == "kept" and sim.assigned_imei == router.imei and sim.assignment
        if not keeps:
            self.release(router, "another SIM")
            sim = self.sim(iccid)
            sim.assigned_imei, sim.assignment = router.imei, secrets.token_hex(8)
            self.store.save_sim(sim)
        router.iccid, router.assignment = iccid, sim.assignment
        self.store.save_router(router)
        card = self.cards[iccid]
        self.note("selected", router.imei, iccid, choice.why)
        return {
            "assignment": sim.assignment,
            "iccid": iccid,
            "plmn": card.carrier.plmn,
            "carrier": card.carrier.name,
            "why": choice.why,
        }

    def release(self, router: RouterState, why: str) -> None:
        """Take a router's SIM back; without one nothing happens."""
        if router.iccid in self.cards:
            sim = self.sim(router.iccid)
            if sim.assigned_imei == router.imei:
                sim.assigned_imei = sim.assignment = None
                self.store.save_sim(sim)
                self.note("released", router.imei, router.iccid, why)
        router.iccid = router.assignment = router.held_sha256 = None
        self.store.save_router(router)

    def profile(self, imei: str, assignment: str) -> bytes:
        """Return the profile of an assignment.

        Raises:
            Refused: The assignment is not this router's.
        """
        router = self.store.router(imei)
        if router.assignment != assignment or router.iccid is None:
            raise Refused(404, "assignment")
        key = identity.device_key(self._seed, imei)
        card = self.cards[router.iccid]
        return profile_of(card, assignment=assignment, imei=imei, device_key=key)

    def authenticate(self, router: RouterState, assignment: str, rand: str, autn: str) -> Any:  # noqa: ANN401
        """Have the card in the bank answer a challenge; JSON of the answer.

        Raises:
            Refused: The assignment is not this router's.
        """
        if router.assignment != assignment or router.iccid is None:
            raise Refused(404, "assignment")
        sim = self.sim(router.iccid)
        card = aka.Card(self.cards[router.iccid].keys, sim.sqn_seen)
        outcome = card.authenticate(bytes.fromhex(rand), bytes.fromhex(autn))
        if isinstance(outcome, aka.Accepted):
            sim.sqn_seen = card.sqn_seen
            self.store.save_sim(sim)
            self.note("auth_ok", router.imei, router.iccid)
            return {"res": outcome.res.hex(), "ck": outcome.ck.hex(), "ik": outcome.ik.hex()}
        if isinstance(outcome, aka.Resync):
            self.note("auth_resync", router.imei, router.iccid)
            return {"auts": outcome.auts.hex()}
        self.note("auth_failed", router.imei, router.iccid, "MAC")
        return {"mac_failure": True}


def _utc_us(moment: dt.datetime) -> int:
    return round(moment.timestamp() * _US_PER_S)
