"""The access server's lab side: look at everything, steer what a lab may steer."""

from __future__ import annotations

import datetime as dt
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from devices.virtual.access_faults import Faults
from devices.virtual.access_service import AccessService
from devices.virtual.access_store import RouterState
from devices.virtual.core_api import body_of, found
from devices.virtual.plan import HOUR_S, hour_of
from devices.virtual.world_clock import offset_for

_STATES = frozenset(
    {"healthy", "near_cap", "throttled", "suspected", "unknown", "quarantined", "absent"}
)
_LAST_HOUR = 1 << 40
_ICCID_SHOWN = 4

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """What the lab may change beyond the service's own state.

    Attributes:
        faults: What goes wrong now.
        order: Takes an order for something to go wrong.
        move_clock: Tells the rest of the world about another date.
    """

    faults: Faults
    order: Callable[[dict[str, Any]], None]
    move_clock: Callable[[float], None]


class LabSide:
    """Routes of ``/lab/v1``.

    Args:
        service: Decides.
        steering: What the lab may change besides.
        token: Bearer token that every request must carry.
    """

    def __init__(self, service: AccessService, steering: Steering, token: str) -> None:
        self._service = service
        self._store = service.store
        self._steering = steering
        self._expected = f"Bearer {token}"

    def app(self) -> Starlette:
        """Return the application."""
        routes: list[tuple[str, Handler, str]] = [
            ("/time", self._time, "GET"),
            ("/routers", self._routers, "GET"),
            ("/routers/{imei}", self._show_router, "GET"),
            ("/routers/{imei}/reassign", self._reassign, "POST"),
            ("/routers/{imei}/speed_rules", self._speed_rules, "PUT"),
            ("/routers/{imei}/plan", self._plan, "PUT"),
            ("/routers/{imei}/suspension", self._suspend, "PUT"),
            ("/routers/{imei}/suspension", self._resume, "DELETE"),
            ("/events", self._events, "GET"),
            ("/sims", self._sims, "GET"),
            ("/sims/{iccid}", self._show_sim, "GET"),
            ("/sims/{iccid}", self._change_sim, "PATCH"),
            ("/usage", self._usage, "GET"),
            ("/conditions", self._conditions, "PUT"),
            ("/log", self._log, "GET"),
        ]
        return Starlette(
            routes=[
                Route(f"/lab/v1{path}", self._guarded(handler), methods=[method])
                for path, handler, method in routes
            ]
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given, self._expected):
                return JSONResponse({"error": "credentials"}, status_code=401)
            return await handler(request)

        return guarded

    async def _time(self, _: Request) -> Response:
        return JSONResponse({"utc_us": self._service.clock.utc_us()})

    # -- routers

    def _imei(self, request: Request) -> str:
        imei = str(request.path_params["imei"])
        return found(imei if self._service.knows(imei) else None, "no such router")

    def _router(self, router: RouterState) -> dict[str, Any]:
        service = self._service
        begin = service.suspended_from(router)
        terms = service.plan_terms(router)
        return {
            "imei": router.imei,
            "state": "offline" if service.is_silent(router) else router.state,
            "iccid": router.iccid,
            "assignment": router.assignment,
            "last_heartbeat_utc_us": router.last_heartbeat_utc_us,
            "firmware": router.firmware,
            "location": router.location,
            "plan": {
                "cap_bytes": terms.quota_bytes,
                "reset_day": terms.reset_day,
                "reset_time": terms.reset_time,
                "zone": terms.zone,
                "limited_bps": terms.throttle_bps,
            },
            "used_bytes": service.used_by_router(router),
            "suspended_from": None if begin is None else begin.isoformat(),
            "speed_rules": service.speed_rules(router),
            "named_slow": router.named_slow,
        }

    async def _routers(self, _: Request) -> Response:
        states = [self._store.router(imei) for imei in self._service.imeis()]
        return JSONResponse({"routers": [self._router(state) for state in states]})

    async def _show_router(self, request: Request) -> Response:
        return JSONResponse(self._router(self._store.router(self._imei(request))))

    async def _reassign(self, request: Request) -> Response:
        router = self._store.router(self._imei(request))
        router.reassign_reason = str((await body_of(request)).get("reason", "slow"))
        self._store.save_router(router)
        return JSONResponse({})

    async def _speed_rules(self, request: Request) -> Response:
        router = self._store.router(self._imei(request))
        rules = await request.json()
        rules = rules.get("speed_rules", []) if isinstance(rules, dict) else rules
        router.speed_rules = [
            {"after_bytes": int(rule["after_bytes"]), "rate_bps": int(rule["rate_bps"])}
            for rule in rules
        ]
        self._store.save_router(router)
        self._service.note("speed_rule", router.imei, router.iccid, str(router.speed_rules))
        return JSONResponse(self._router(router))

    async def _plan(self, request: Request) -> Response:
        router = self._store.router(self._imei(request))
        router.plan = await body_of(request)
        self._store.save_router(router)
        return JSONResponse(self._router(router))

    async def _suspend(self, request: Request) -> Response:
        router = self._store.router(self._imei(request))
        asked = (await body_of(request)).get("requested_utc_us")
        router.suspension_requested_utc_us = int(asked or self._service.clock.utc_us())
        router.suspension_noted = False
        self._store.save_router(router)
        return JSONResponse(self._router(router))

    async def _resume(self, request: Request) -> Response:
        router = self._store.router(self._imei(request))
        router.suspension_requested_utc_us = None
        self._store.save_router(router)
        self._service.note("resumed", router.imei, router.iccid)
        return JSONResponse(self._router(router))

    # -- cards

    def _sim(self, iccid: str) -> dict[str, Any]:
        bank = self._service.bank
        card, sim = bank.cards[iccid], bank.sim(iccid)
        return {
            "slot": card.slot.slot,
            "iccid": bank.listed_iccid(iccid),
            "imsi": card.slot.imsi,
            "carrier": card.carrier.name,
            "plmn": card.carrier.plmn,
            "state": bank.state_of(iccid),
            "reason": sim.reason,
            "slow_bps": sim.slow_bps,
            "used_bytes": bank.used_bytes(iccid),
            "assigned_imei": sim.assigned_imei,
            "plan": {
                "quota_bytes": card.terms.quota_bytes,
                "reset_day": card.terms.reset_day,
                "reset_time": card.terms.reset_time,
                "zone": card.terms.zone,
                "throttle_bps": card.terms.throttle_bps,
                "window_bytes": card.terms.window_bytes,
                "window_days": card.terms.window_days,
                "source": card.slot.source,
                "disclosed": bank.is_disclosed(sim.iccid),
            },
        }

    def _iccid(self, request: Request) -> str:
        iccid = str(request.path_params["iccid"])
        return found(iccid if iccid in self._service.bank.cards else None, "no such SIM")

    async def _sims(self, _: Request) -> Response:
        return JSONResponse({"sims": [self._sim(iccid) for iccid in self._service.bank.cards]})

    async def _show_sim(self, request: Request) -> Response:
        return JSONResponse(self._sim(self._iccid(request)))

    async def _change_sim(self, request: Request) -> Response:
        iccid = self._iccid(request)
        body = await body_of(request)
        if "used_bytes" in body:
            self._service.bank.set_used(iccid, int(body["used_bytes"]))
            if "state" not in body:
                return JSONResponse(self._sim(iccid))
        if isinstance(body.get("disclosed"), bool):
            self._service.bank.disclose(iccid, disclosed=body["disclosed"])
            if "state" not in body:
                return JSONResponse(self._sim(iccid))
        if body.get("state") not in _STATES:
            known = ", ".join(sorted(_STATES))
            return JSONResponse({"error": f"state: one of {known}"}, status_code=400)
        self._service.mark_sim(iccid, body["state"], body.get("reason"), body.get("slow_bps"))
        return JSONResponse(self._sim(iccid))

    # -- books and conditions

    async def _events(self, request: Request) -> Response:
        after = int(request.query_params.get("after", "0"))
        events = self._store.events(after, request.query_params.get("imei"))
        return JSONResponse({"events": events, "last": self._store.last_event()})

    async def _usage(self, request: Request) -> Response:
        query = request.query_params
        first = hour_of(dt.datetime.fromisoformat(query["from"])) if "from" in query else 0
        last = hour_of(dt.datetime.fromisoformat(query["to"])) if "to" in query else _LAST_HOUR
        rows = self._store.usage(
            first=first, last=last, iccid=query.get("iccid"), imei=query.get("imei")
        )
        names = ("iccid", "imei", "hour_utc", "dl_bytes", "ul_bytes")
        usage = [
            dict(zip(names, (iccid, imei, _hour(hour), down, up), strict=True))
            for iccid, imei, hour, down, up in rows
        ]
        return JSONResponse({"usage": usage})

    async def _conditions(self, request: Request) -> Response:
        body = await body_of(request)
        offset_s = self._service.clock.offset_s
        if body.get("date") is not None:
            offset_s = offset_for(str(body["date"]), time.time())
        elif "clock_offset_s" in body:
            offset_s = float(body["clock_offset_s"])
        if offset_s != self._service.clock.offset_s:
            self._service.clock.offset_s = offset_s
            self._steering.move_clock(offset_s)
        if "fault" in body:
            self._steering.order(body["fault"] or {})
        return JSONResponse({"clock_offset_s": offset_s, "fault": self._steering.faults.show()})

    def _shown(self, iccid: str | None) -> str:
        card = self._service.bank.cards.get(iccid or "")
        if card is not None and self._service.defects.on("server_logs_imsi"):
            return card.slot.imsi
        return f"…{iccid[-_ICCID_SHOWN:]}" if iccid else "-"

    async def _log(self, _: Request) -> Response:
        lines = []
        for event in self._store.events(0, None):
            moment = dt.datetime.fromtimestamp(event["utc_us"] / 1_000_000, tz=dt.UTC)
            card = self._shown(event["iccid"])
            kind, imei, detail = event["kind"], event["imei"], event["detail"]
            lines.append(f"{moment:%Y-%m-%dT%H:%M:%S.%fZ} {kind} {imei or '-'} {card} {detail}")
        return PlainTextResponse("\n".join(lines) + "\n")


def _hour(number: int) -> str:
    return dt.datetime.fromtimestamp(number * HOUR_S, tz=dt.UTC).strftime("%Y-%m-%dT%H")
