"""The carriers at work: registration, authentication, PDN connections, metering and coverage."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from devices.virtual import aka
from devices.virtual.bearers import Gateways, Rates, rates_for
from devices.virtual.defects.switches import Switches
from devices.virtual.identity import DNS, SEED_PLMN
from devices.virtual.journal import Journal
from devices.virtual.plan import HOUR_S, hour_of
from devices.virtual.registration import (
    CANCELLED,
    HEARD,
    ILLEGAL_UE,
    MAC_FAILURE,
    NETWORK_FAILURE,
    NOT_ALLOWED,
    PLMN_NOT_ALLOWED,
    SYNCH_FAILURE,
    TOO_MANY_BEARERS,
    UNKNOWN_APN,
    Site,
    Stack,
    State,
)
from devices.virtual.subscribers import Books, CoreNetwork, Shaper, Subscriber
from devices.virtual.tariff import held_to
from devices.virtual.world_clock import WorldClock

_T3460_SENDINGS = 5  # once, and four repeats (TS 24.301 clause 5.4.2.7)
_CHALLENGE_BYTES = 16
_NOBODY = "203.0.113.54"
# What planted faults do.
_SLOW_ATTACH_S = 60.0
_OVERCHARGE = 1.05
# A bucket smaller than any frame lets nothing through: the air is gone, the interface is not.
NO_AIR = Rates(downlink_bps=8000, uplink_bps=8000, mode="policer", bucket_bytes=1, queue_bytes=None)

Send = Callable[[dict[str, Any]], None]


class Carriers:
    """Seed network and carriers; every router that is switched on has a line to them.

    Args:
        books: Networks, lines and places.
        gateways: What carries PDN connections.
        journal: Where events go.
        clock: The world's date.
        sites: The routers, by IMEI.
        timer_factor: Scales NAS timers.
        randomness: Challenges come from it.
        defects: Planted faults.
    """

    def __init__(
        self,
        *,
        books: Books,
        gateways: Gateways,
        journal: Journal,
        clock: WorldClock,
        sites: Mapping[str, Site],
        timer_factor: float,
        randomness: random.Random,
        defects: Switches,
    ) -> None:
        self.books = books
        self.clock = clock
        self._gateways = gateways
        self._journal = journal
        self._sites = sites
        self._timer_factor = timer_factor
        self._random = randomness
        self._defects = defects
        self._stacks: dict[tuple[str, str], Stack] = {}
        self._lines: dict[str, Send] = {}

    def switched_on(self, imei: str, send: Send) -> bool:
        """Take a router's line; ``False`` when no such router is in the books."""
        if imei not in self.books.places:
            return False
        self._lines[imei] = send
        for name in ("seed", "main"):
            self._stacks[imei, name] = Stack(imei=imei, name=name)
        return True

    def switched_off(self, imei: str) -> None:
        """Forget a router whose line is gone; no message says good-bye when power is cut."""
        self._lines.pop(imei, None)
        for name in ("seed", "main"):
            stack = self._stacks.pop((imei, name), None)
            if stack is not None:
                self._leave(stack)

    def receive(self, imei: str, message: Mapping[str, Any]) -> None:
        """Handle one message of a router."""
        stack = self._stacks.get((imei, str(message.get("bearer"))))
        kind = str(message.get("t"))
        if stack is None:
            return
        if kind == "scan":
            self._send(stack, "cells", cells=self._cells(imei))
        elif kind == "signal":
            self._send_signal(stack)
        elif stack.state in HEARD.get(kind, frozenset()):
            getattr(self, f"_on_{kind}")(stack, message)
        else:
            self._journal.note("ignored", imei=imei, detail=f"{kind} while {stack.state.value}")

    def _cells(self, imei: str) -> list[dict[str, int | float | str]]:
        cells = self.books.places[imei].cells()
        return [cell for cell in cells if str(cell["plmn"]) in self.books.cores]

    def _send(self, stack: Stack, kind: str, **facts: object) -> None:
        line = self._lines.get(stack.imei)
        if line is not None:
            line({"t": kind, "bearer": stack.name, **facts})

    def _send_signal(self, stack: Stack) -> None:
        place = self.books.places[stack.imei]
        cell = place.serving(stack.plmn) or place.cell_of(place.plmn, place.rsrp_dbm)
        self._send(stack, "signal", rsrp_dbm=cell["rsrp_dbm"], rsrq_db=cell["rsrq_db"])

    def _planted(self, defect: str, stack: Stack) -> bool:
        """Tell whether a carrier's fault is planted here; the seed network is always sound."""
        return stack.plmn != SEED_PLMN and self._defects.on(defect, self._sites[stack.imei].name)

    def _note(self, kind: str, stack: Stack, **facts: object) -> None:
        imsi = stack.subscriber.imsi if stack.subscriber else None
        self._journal.note(kind, imei=stack.imei, imsi=imsi, plmn=stack.plmn, **facts)

    # -- registration

    def _on_attach(self, stack: Stack, message: Mapping[str, Any]) -> None:
        self._leave(stack)
        stack.plmn = str(message.get("plmn"))
        stack.subscriber = self.books.subscribers.get(str(message.get("imsi")))
        stack.resynced = False
        self._note("attach_request", stack, bearer=stack.name)
        core = self.books.cores.get(stack.plmn)
        if core is None or self.books.places[stack.imei].serving(stack.plmn) is None:
            self._send(stack, "lost")
            return
        if core.outage:
            self._note("no_answer", stack, detail="outage")
            return
        cause = self._refusal(core, stack.subscriber)
        if self._planted("carrier_rejects", stack):
            cause = PLMN_NOT_ALLOWED
        if cause is not None:
            self._reject(stack, cause)
            return
        self._challenge(stack)

    def _refusal(self, core: CoreNetwork, subscriber: Subscriber | None) -> int | None:
        if core.reject_cause is not None:
            return core.reject_cause
        if subscriber is None:
            return NOT_ALLOWED
        if subscriber.core is not core:
            return PLMN_NOT_ALLOWED
        return subscriber.reject_cause

    def _reject(self, stack: Stack, cause: int) -> None:
        stack.stop_timer()
        stack.state = State.DEREGISTERED
        self._note("reject", stack, cause=cause, bearer=stack.name)
        self._send(stack, "reject", cause=cause)

    def _challenge(self, stack: Stack) -> None:
        line = stack.subscriber
        if line is None:
            return
        line.sqn += 1
        rand = self._random.randbytes(_CHALLENGE_BYTES)
        stack.challenge = aka.challenge(line.keys, rand, line.sqn)
        stack.state = State.AUTHENTICATING
        stack.sent = 0
        self._ask(stack)

    def _ask(self, stack: Stack) -> None:
        stack.stop_timer()
        if stack.challenge is None or stack.subscriber is None:
            return
        if stack.sent == _T3460_SENDINGS:
            self._note("auth", stack, outcome="timeout")
            self._reject(stack, NETWORK_FAILURE)
            return
        stack.sent += 1
        challenge = stack.challenge
        self._send(stack, "auth_request", rand=challenge.rand.hex(), autn=challenge.autn.hex())
        wait_s = stack.subscriber.core.t3460_s * self._timer_factor
        stack.timer = asyncio.get_running_loop().call_later(wait_s, self._ask, stack)

    def _on_auth_response(self, stack: Stack, message: Mapping[str, Any]) -> None:
        stack.stop_timer()
        if stack.challenge is None or message.get("res") != stack.challenge.xres.hex():
            res = bytes.fromhex(str(message.get("res") or ""))
            digest = hashlib.sha256(res).hexdigest()[:8]
            self._note("auth", stack, outcome="wrong response", res_digest=digest)
            self._reject(stack, ILLEGAL_UE)
            return
        self._note("auth", stack, outcome="ok")
        if self._planted("carrier_slow_attach", stack):
            wait_s = _SLOW_ATTACH_S * self._timer_factor
            stack.timer = asyncio.get_running_loop().call_later(wait_s, self._accept, stack)
            return
        self._accept(stack)

    def _on_auth_failure(self, stack: Stack, message: Mapping[str, Any]) -> None:
        stack.stop_timer()
        line, challenge = stack.subscriber, stack.challenge
        if line is None or challenge is None:
            return
        self._note("auth", stack, outcome="failure", cause=message.get("cause"))
        sqn = None
        if message.get("cause") == SYNCH_FAILURE and not stack.resynced:
            auts = bytes.fromhex(str(message.get("auts", "")))
            sqn = aka.sqn_from_auts(line.keys, challenge.rand, auts)
        if sqn is None:
            self._reject(stack, MAC_FAILURE)
            return
        if not self._planted("carrier_sqn_stuck", stack):
            line.sqn = sqn
        stack.resynced = True
        self._note("auth", stack, outcome="resync")
        self._challenge(stack)

    def _accept(self, stack: Stack) -> None:
        line = stack.subscriber
        cell = self.books.places[stack.imei].serving(stack.plmn)
        if line is None or cell is None:
            self._send(stack, "lost")
            return
        self._cancel_older(line)
        line.attached_imei, line.attached_bearer = stack.imei, stack.name
        stack.state, stack.reachable = State.REGISTERED, True
        self._note("attach", stack, bearer=stack.name, cell=cell["ci"], tac=cell["tac"])
        facts = {key: cell[key] for key in ("plmn", "tac", "ci", "act")}
        t3412_s = line.core.t3412_s * self._timer_factor
        self._send(stack, "accept", **facts, t3412_s=t3412_s, nitz=self._nitz(stack))

    def _nitz(self, stack: Stack) -> dict[str, str | int]:
        is_off = self._planted("carrier_clock_off", stack)
        nitz = self.clock.nitz(ahead_s=HOUR_S if is_off else 0)
        self._note("nitz", stack, utc=nitz["utc"], zone_quarters=nitz["zone_quarters"])
        return nitz

    def _cancel_older(self, line: Subscriber) -> None:
        if line.attached_imei is None:
            return
        older = self._stacks.get((line.attached_imei, str(line.attached_bearer)))
        if older is not None:
            self._note("cancel_location", older)
            self._leave(older)
            self._send(older, "detach", cause=CANCELLED)

    def _on_detach(self, stack: Stack, _: Mapping[str, Any]) -> None:
        self._leave(stack)
        self._send(stack, "detached")

    def _leave(self, stack: Stack) -> None:
        stack.stop_timer()
        self._drop_bearer(stack)
        line = stack.subscriber
        here = (stack.imei, stack.name)
        if line is not None and (line.attached_imei, line.attached_bearer) == here:
            line.attached_imei = line.attached_bearer = None
            self._note("detach", stack, bearer=stack.name)
        stack.state = State.DEREGISTERED

    # -- PDN connections

    def _on_pdn(self, stack: Stack, message: Mapping[str, Any]) -> None:
        line, cid = stack.subscriber, int(message.get("cid", 1))
        if line is None:
            return
        if message.get("apn") != line.core.apn or stack.bearer is not None:
            cause = UNKNOWN_APN if stack.bearer is None else TOO_MANY_BEARERS
            self._note("pdn_reject", stack, cause=cause)
            self._send(stack, "pdn_reject", cid=cid, cause=cause)
            return
        bearer = self._gateways.connect(line.core, self._sites[stack.imei].netns_fd, stack.name)
        stack.bearer, stack.cid, line.address = bearer, cid, bearer.address
        self._shape(stack)
        rates = bearer.rates or NO_AIR
        self._note("pdn", stack, address=bearer.address, bearer=stack.name)
        self._send(
            stack,
            "pdn_accept",
            cid=cid,
            address=bearer.address,
            gateway=bearer.gateway,
            dns=[_NOBODY if self._planted("carrier_silent_dns", stack) else DNS],
            ifname=bearer.ifname,
            mtu=1500,
            ambr_dl_bps=line.core.rate_bps,
            ambr_ul_bps=min(line.core.rate_bps, rates.uplink_bps),
        )

    def _on_pdn_release(self, stack: Stack, message: Mapping[str, Any]) -> None:
        self._drop_bearer(stack)
        self._send(stack, "pdn_released", cid=message.get("cid", 1))

    def _drop_bearer(self, stack: Stack) -> None:
        if stack.bearer is None:
            return
        self._book(stack)
        self._gateways.disconnect(stack.bearer)
        stack.bearer = None
        if stack.subscriber is not None:
            stack.subscriber.address = None

    # -- metering and coverage

    def meter(self) -> None:
        """Book what every bearer carried and hold each to what its contract says now."""
        for stack in self._stacks.values():
            if stack.bearer is not None:
                self._book(stack)
                self._shape(stack)

    def _book(self, stack: Stack) -> None:
        line = stack.subscriber
        if stack.bearer is None or line is None:
            return
        down, up = self._gateways.count(stack.bearer)
        if self._planted("carrier_counts_too_much", stack):
            down, up = round(down * _OVERCHARGE), round(up * _OVERCHARGE)
        if down or up:
            line.dl_bytes += down
            line.ul_bytes += up
            hour = hour_of(self.clock.now())
            line.usage_by_hour[hour] = line.usage_by_hour.get(hour, 0) + down + up

    def _shape(self, stack: Stack) -> None:
        line = stack.subscriber
        if stack.bearer is None or line is None:
            return
        throttle_bps = held_to(line, self.clock.now(), lambda name: self._planted(name, stack))
        name = self._sites[stack.imei].name
        is_ignored = self._defects.on("bench_shaper_not_applied", name)
        rates = rates_for(line.core, throttle_bps, Shaper() if is_ignored else line.shaper)
        if not stack.reachable:
            rates = NO_AIR
        is_black_hole = self._planted("carrier_black_hole", stack)
        impairment = replace(line.impairment, loss=1.0) if is_black_hole else line.impairment
        self._gateways.impair(stack.bearer, impairment)
        if self._gateways.shape(stack.bearer, rates) and rates is not NO_AIR:
            self._note("shaper", stack, dl_bps=rates.downlink_bps, ul_bps=rates.uplink_bps)

    def review_coverage(self, imei: str | None = None) -> None:
        """Tell routers what changed in the air: coverage, signal; all of them or one."""
        for stack in list(self._stacks.values()):
            if imei not in {None, stack.imei}:
                continue
            self._send_signal(stack)
            if stack.state is not State.REGISTERED:
                continue
            core = self.books.cores[stack.plmn]
            cell = self.books.places[stack.imei].serving(stack.plmn)
            reachable = cell is not None and not core.outage
            if reachable != stack.reachable:
                stack.reachable = reachable
                self._note("found" if reachable else "lost", stack)
                facts = {"cells": self._cells(stack.imei)} if reachable else {}
                self._send(stack, "found" if reachable else "lost", **facts)
                self._shape(stack)

    def move_clock(self, offset_s: float) -> None:
        """Put the world at another date; networks tell their routers."""
        self.clock.offset_s = offset_s
        for stack in self._stacks.values():
            if stack.state is State.REGISTERED and stack.plmn != SEED_PLMN:
                self._send(stack, "nitz", **self._nitz(stack))
        self.meter()
