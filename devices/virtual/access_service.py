"""What the access server decides: who gets which SIM, when it must go, what a router may do.

No HTTP here: the device side and the lab side are two thin modules over this one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import time
from typing import Any

from devices.virtual.access_store import RouterState, Store
from devices.virtual.access_words import ToldRules, digest_of
from devices.virtual.bank_desk import HOURS_AHEAD, USABLE, BankDesk, auth_json
from devices.virtual.defects.switches import Switches
from devices.virtual.errors import Refused
from devices.virtual.lab_file import LabFile
from devices.virtual.plan import Terms, hour_of, period_start, suspension_start
from devices.virtual.selection import Candidate, Choice, Wish, choose
from devices.virtual.subscribers import compressed
from devices.virtual.world_clock import WorldClock

_US_PER_S = 1_000_000
_MS_PER_S = 1000
_HEARTBEAT_S = 30.0
_HEARTBEATS_MISSED = 4
# What a router's reason to ask for another SIM says about the one it had.
_VERDICT_OF_REASON = {"cap": "throttled", "slow": "suspected", "reject": "suspected"}
# EMM causes that speak of the card; any other is the network's trouble (TS 24.301 annex A).
_CARD_CAUSES = frozenset({3, 6, 8})
_BITS_PER_BYTE = 8


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
        self._quota_factor = conditions.quota_factor
        self.heartbeat_s = _HEARTBEAT_S * conditions.nas_timer_factor
        self._names = {router.imei: router.name for router in lab.routers}
        self._told_rules = ToldRules()
        self.bank = BankDesk(lab, store, clock, defects)

    def note(self, kind: str, imei: str | None, iccid: str | None, detail: str = "") -> None:
        """Commit an event."""
        card = self.bank.cards.get(iccid or "")
        self.store.note(
            self.clock.utc_us(),
            kind,
            imei=imei,
            iccid=iccid,
            carrier=card.carrier.name if card else None,
            plmn=card.carrier.plmn if card else None,
            detail=detail,
        )

    def knows(self, imei: str) -> bool:
        """Tell whether a router is a customer's."""
        return imei in self._names

    def planted(self, defect: str, imei: str) -> bool:
        """Tell whether a fault is planted for a router."""
        return self.defects.on(defect, self._names.get(imei))

    def imeis(self) -> list[str]:
        """Return all routers."""
        return sorted(self._names)

    # -- routers

    def login(self, imei: str, firmware: str) -> dict[str, Any]:
        """Open a session; an older one of the same router ends."""
        router = self.store.router(imei)
        router.session = secrets.token_hex(16)
        router.firmware = firmware
        if self.planted("server_forgets_tiers", imei):
            router.speed_rules = []
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
        begin = suspension_start(dt.datetime.fromtimestamp(asked_us / _US_PER_S, tz=dt.UTC))
        early = self.planted("server_suspends_at_8", router.imei)
        return begin - dt.timedelta(hours=1) if early else begin

    def used_by_router(self, router: RouterState) -> int:
        """Return the bytes of a router's plan period, both directions."""
        now = self.clock.now()
        begin, last = period_start(now, self.plan_terms(router)), hour_of(now) + HOURS_AHEAD
        rows = self.store.usage(first=hour_of(begin), last=last, imei=router.imei)
        return sum(down + up for *_, down, up in rows)

    def plan_terms(self, router: RouterState) -> Terms:
        """Return a router's volume plan, compressed."""
        plan, imei = router.plan, router.imei
        factor = self._quota_factor
        factor *= 24 / 25 if self.planted("server_cap_at_24", imei) else 1
        factor *= 26 / 25 if self.planted("server_cap_at_26", imei) else 1
        at_utc = self.planted("server_resets_at_utc", imei)
        return Terms(
            quota_bytes=compressed(plan.get("cap_bytes", self.lab.plan_cap_bytes), factor),
            reset_day=int(plan.get("reset_day", 1)),
            reset_time=str(plan.get("reset_time", "00:00")),
            zone="UTC" if at_utc else str(plan.get("zone", "Asia/Tokyo")),
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
        rules = self.speed_rules(router)
        if self.planted("server_rate_in_bytes", router.imei):
            rules = [rule | {"rate_bps": rule["rate_bps"] * _BITS_PER_BYTE} for rule in rules]
        words = self._told_rules.news(router.imei, rules)
        if words:
            self.note("told_rules", router.imei, router.iccid, words)
        return {
            "heartbeat_s": self.heartbeat_s,
            "speed_rules": rules,
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
        if reassign is None and router.iccid is not None:
            self._settle(router.imei, router.iccid)
            state = self.bank.believed_state(router.iccid, self._names[router.imei])
            if state not in USABLE:
                reassign = "cap" if state == "throttled" else "slow"
        self.store.save_router(router)
        if reassign is not None:
            self.note("ordered", router.imei, router.iccid, reassign)
        self.note("heartbeat", router.imei, router.iccid, f"rsrp {rsrp_dbm} dBm")
        return self._orders(router) | {"release": suspended, "reassign": reassign}

    def take_usage(
        self,
        router: RouterState,
        *,
        iccid: str,
        hour_utc: str,
        dl_bytes: int,
        ul_bytes: int,
        life: str = "",
    ) -> None:
        """Take a router's report of one hour, of one life of its counters.

        Raises:
            ValueError: The hour is none (``2026-11-24T02`` is one).
        """
        moment = dt.datetime.fromisoformat(hour_utc)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        self.note("usage", router.imei, iccid, f"{hour_utc} dl {dl_bytes} ul {ul_bytes}")
        if self.planted("server_counts_one_direction", router.imei):
            ul_bytes = 0
        self.store.add_usage(iccid, router.imei, hour_of(moment), dl_bytes, ul_bytes, life)

    def _settle(self, imei: str, iccid: str) -> None:
        if self.bank.settle_quota(iccid):
            self.note("sim_state", imei, iccid, "throttled: quota used")

    def mark_sim(self, iccid: str, state: str, reason: str | None, slow_bps: int | None) -> None:
        """Mark a card, and say so."""
        sim = self.bank.mark(iccid, state, reason, slow_bps)
        self.note("sim_state", sim.assigned_imei, iccid, f"{state}: {reason}")

    # -- giving and taking SIMs

    def give(self, router: RouterState, request: dict[str, Any]) -> dict[str, Any]:
        """Choose a SIM for a router and give it.

        Raises:
            Refused: The line rests, or there is no SIM to give.
        """
        if self.suspended(router):
            self.note("no_sim", router.imei, None, "suspended")
            raise Refused(403, "suspended", {"retry_after_s": self.heartbeat_s})
        reason = str(request.get("reason", "boot"))
        previous = request.get("previous_iccid") or router.iccid
        slow = {str(iccid) for iccid in request.get("slow_iccids") or ()}
        if reason == "reject":
            self.note("rejected", router.imei, previous, f"cause {request.get('cause')}")
        self._learn(router, reason, previous, request)
        router.slow_iccids = sorted({*router.slow_iccids, *slow})
        router.named_slow = sorted(slow)
        choice = self._choose(router, reason, previous)
        again = previous in self.bank.cards and reason != "boot"
        if again and self.planted("server_same_sim_again", router.imei):
            choice = Choice(iccid=previous, why="place")
        if choice.iccid is None:
            self.release(router, choice.why)
            self.note("no_sim", router.imei, None, choice.why)
            wait_s = self.heartbeat_s
            raise Refused(409, "no_sim", {"retry_after_s": wait_s, "why": choice.why})
        return self._assign(router, choice)

    def _learn(
        self, router: RouterState, reason: str, iccid: str | None, request: dict[str, Any]
    ) -> None:
        verdict = _VERDICT_OF_REASON.get(reason)
        if iccid not in self.bank.cards or iccid is None or verdict is None:
            return
        if reason == "reject" and request.get("cause") not in _CARD_CAUSES:
            return
        if self.bank.sim(iccid).state == "healthy":
            rate = request.get("measured_bps")
            slow_bps = int(rate) if isinstance(rate, int | float) else None
            self.mark_sim(iccid, verdict, f"router asks for another: {reason}", slow_bps)
        if reason == "slow":
            router.slow_iccids = sorted({*router.slow_iccids, iccid})

    def _choose(self, router: RouterState, reason: str, previous: str | None) -> Choice:
        slow = {iccid for iccid in router.slow_iccids if self.bank.state_of(iccid) != "healthy"}
        router.slow_iccids = sorted(slow)
        location = router.location or {}
        plmn = None
        if location.get("mcc") and location.get("mnc"):
            plmn = f"{location['mcc']}{location['mnc']}"
        if self.planted("server_wrong_carrier", router.imei):
            others = {card.carrier.plmn for card in self.bank.cards.values()} - {plmn}
            plmn = min(others, default=plmn)
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

    def _candidates(self, imei: str) -> list[Candidate]:
        candidates = []
        for iccid, card in self.bank.cards.items():
            quota = card.terms.quota_bytes
            left = None if quota is None else quota - self.bank.used_bytes(iccid)
            holder = self.bank.sim(iccid).assigned_imei
            candidates.append(
                Candidate(
                    iccid=iccid,
                    plmn=card.carrier.plmn,
                    state=self.bank.believed_state(iccid, self._names[imei]),
                    free=holder in {None, imei} or self.is_silent(self.store.router(str(holder))),
                    left_bytes=left,
                )
            )
        return candidates

    def is_silent(self, router: RouterState) -> bool:
        """Tell whether a router missed so many heartbeats that its SIM may be given away."""
        silent_s = (self.clock.host_us() - router.heard_host_us) / _US_PER_S
        return silent_s > self.heartbeat_s * _HEARTBEATS_MISSED

    def _assign(self, router: RouterState, choice: Choice) -> dict[str, Any]:
        iccid = str(choice.iccid)
        sim = self.bank.sim(iccid)
        if sim.assigned_imei not in {None, router.imei}:
            self.release(self.store.router(str(sim.assigned_imei)), "heartbeat lost")
            sim = self.bank.sim(iccid)
        # The same gift keeps its name: a broken download is resumed, a stored profile is good.
        if sim.assigned_imei != router.imei or sim.assignment is None:
            self.release(router, "another SIM")
            sim = self.bank.sim(iccid)
            sim.assigned_imei, sim.assignment = router.imei, secrets.token_hex(8)
            self.store.save_sim(sim)
        router.iccid, router.assignment = iccid, sim.assignment
        self.store.save_router(router)
        card = self.bank.cards[iccid]
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
        if router.iccid in self.bank.cards:
            sim = self.bank.sim(router.iccid)
            if sim.assigned_imei == router.imei:
                sim.assigned_imei = sim.assignment = None
                self.store.save_sim(sim)
                self.note("released", router.imei, router.iccid, why)
        router.iccid = router.assignment = router.held_sha256 = None
        self.store.save_router(router)

    def held_by(self, imei: str, assignment: str) -> str:
        """Return the card of an assignment.

        Raises:
            Refused: The assignment is not this router's.
        """
        router = self.store.router(imei)
        if router.assignment != assignment or router.iccid is None:
            raise Refused(404, "assignment")
        return router.iccid

    def profile(self, imei: str, assignment: str) -> bytes:
        """Return the profile of an assignment.

        Raises:
            Refused: The assignment is not this router's.
        """
        iccid = self.held_by(imei, assignment)
        name = self._names[imei]
        return self.bank.profile(iccid, assignment=assignment, imei=imei, router=name)

    async def authenticate(
        self, imei: str, assignment: str, rand: bytes, autn: bytes
    ) -> dict[str, Any]:
        """Have the card in the bank answer a challenge.

        Raises:
            Refused: The assignment is not this router's, or the bank has no such card.
        """
        iccid = self.held_by(imei, assignment)
        asked_s = time.monotonic()
        try:
            outcome = await self.bank.authenticate(
                iccid, rand=rand, autn=autn, router=self._names[imei]
            )
        except Refused as refused:
            self.note("auth_failed", imei, iccid, refused.error)
            raise
        answer = auth_json(outcome)
        kind = {"res": "auth_ok", "auts": "auth_resync"}.get(next(iter(answer)), "auth_failed")
        words = [f"bank_ms {round((time.monotonic() - asked_s) * _MS_PER_S)}"]
        if "res" in answer:
            words.append(f"res_digest {digest_of(bytes.fromhex(answer['res']))}")
        self.note(kind, imei, iccid, " ".join(words))
        return answer

    def hold(self, router: RouterState, sha256: str) -> None:
        """Hear that a router holds its profile, and whether it is the one that was offered."""
        offered = hashlib.sha256(self.profile(router.imei, str(router.assignment))).hexdigest()
        router.held_sha256 = sha256
        self.store.save_router(router)
        word = "as offered" if sha256 == offered else "not as offered"
        self.note("held", router.imei, router.iccid, f"sha256 {word}")
