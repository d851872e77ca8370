"""The core network's remote interface, as a lab core network has one: look, and switch."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from devices.virtual.carriers import Carriers
from devices.virtual.impairment import Impairment
from devices.virtual.journal import Journal
from devices.virtual.name_server import NameServer
from devices.virtual.plan import hour_of, period_start, throttled_to, used_bytes
from devices.virtual.subscribers import CoreNetwork, Place, Shaper, Subscriber

_NETWORK_KEYS = ("reject_cause", "outage", "regulation_bps", "t3460_s", "t3412_s")
_SHAPER_KEYS = ("downlink_bps", "uplink_bps", "mode", "bucket_bytes", "queue_bytes")
_IMPAIRMENT_KEYS = ("delay_ms", "jitter_ms", "loss")
_LINE_KEYS = (*_SHAPER_KEYS, *_IMPAIRMENT_KEYS, "reject_cause", "used_bytes", "sqn_jump")
_PLACE_KEYS = ("mcc", "mnc", "tac", "cell", "rsrp_dbm", "covered")

Handler = Callable[[Request], Awaitable[JSONResponse]]
Thing = TypeVar("Thing")
Settings = TypeVar("Settings", Shaper, Impairment)


class CoreApi:
    """Routes of ``/core/v1``.

    Args:
        carriers: Whom it looks at and steers.
        journal: Their events.
        names: The name server.
        token: Bearer token that every request must carry.
    """

    def __init__(self, carriers: Carriers, journal: Journal, names: NameServer, token: str) -> None:
        self._carriers = carriers
        self._books = carriers.books
        self._journal = journal
        self._names = names
        self._expected = f"Bearer {token}"

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            ("/carriers", self._list_carriers, "GET"),
            ("/carriers/{plmn}", self._show_carrier, "GET"),
            ("/carriers/{plmn}", self._change_carrier, "PATCH"),
            ("/subscribers", self._list_subscribers, "GET"),
            ("/subscribers/{imsi}", self._show_subscriber, "GET"),
            ("/subscribers/{imsi}", self._change_subscriber, "PATCH"),
            ("/radio/{imei}", self._show_place, "GET"),
            ("/radio/{imei}", self._change_place, "PATCH"),
            ("/name_server", self._change_name_server, "PATCH"),
            ("/events", self._events, "GET"),
        ]
        return Starlette(
            routes=[
                Route(f"/core/v1{path}", self._guarded(handler), methods=[method])
                for path, handler, method in routes
            ]
        )

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> JSONResponse:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given, self._expected):
                return JSONResponse({"error": "credentials"}, status_code=401)
            return await handler(request)

        return guarded

    # -- carriers

    async def _list_carriers(self, _: Request) -> JSONResponse:
        carriers = [_network(core) for core in self._books.cores.values()]
        return JSONResponse({"carriers": carriers})

    def _carrier(self, request: Request) -> CoreNetwork:
        return found(self._books.cores.get(request.path_params["plmn"]), "no such carrier")

    async def _show_carrier(self, request: Request) -> JSONResponse:
        return JSONResponse(_network(self._carrier(request)))

    async def _change_carrier(self, request: Request) -> JSONResponse:
        core = self._carrier(request)
        await _change(core, request, _NETWORK_KEYS)
        self._carriers.review_coverage()
        self._carriers.meter()
        return JSONResponse(_network(core))

    # -- subscribers

    def _line(self, request: Request) -> Subscriber:
        return found(self._books.subscribers.get(request.path_params["imsi"]), "no such subscriber")

    async def _list_subscribers(self, _: Request) -> JSONResponse:
        self._carriers.meter()
        lines = [self._subscriber(line) for line in self._books.subscribers.values()]
        return JSONResponse({"subscribers": lines})

    async def _show_subscriber(self, request: Request) -> JSONResponse:
        self._carriers.meter()
        return JSONResponse(self._subscriber(self._line(request)))

    async def _change_subscriber(self, request: Request) -> JSONResponse:
        line = self._line(request)
        body = await body_of(request)
        _refuse_unknown(body, _LINE_KEYS)
        line.shaper = _replaced(line.shaper, body, _SHAPER_KEYS)
        line.impairment = _replaced(line.impairment, body, _IMPAIRMENT_KEYS)
        if "reject_cause" in body:
            line.reject_cause = body["reject_cause"]
        if "used_bytes" in body:
            # A lab has no month to wait for: make the volume of this period a given one.
            line.usage_by_hour = {hour_of(self._carriers.clock.now()): int(body["used_bytes"])}
        if "sqn_jump" in body:
            line.sqn = max(0, line.sqn + int(body["sqn_jump"]))
        self._carriers.meter()
        return JSONResponse(self._subscriber(line))

    def _subscriber(self, line: Subscriber) -> dict[str, Any]:
        now = self._carriers.clock.now()
        return {
            "imsi": line.imsi,
            "iccid": line.iccid,
            "plmn": line.core.plmn,
            "carrier": line.core.name,
            **{key: getattr(line.shaper, key) for key in _SHAPER_KEYS},
            **{key: getattr(line.impairment, key) for key in _IMPAIRMENT_KEYS},
            "reject_cause": line.reject_cause,
            "dl_bytes": line.dl_bytes,
            "ul_bytes": line.ul_bytes,
            "period_bytes": used_bytes(line.usage_by_hour, period_start(now, line.terms), now),
            "quota_bytes": line.terms.quota_bytes,
            "throttled_bps": throttled_to(line.usage_by_hour, now, line.terms),
            "attached_imei": line.attached_imei,
            "address": line.address,
        }

    # -- places, names, events

    def _place(self, request: Request) -> Place:
        return found(self._books.places.get(request.path_params["imei"]), "no such router")

    async def _show_place(self, request: Request) -> JSONResponse:
        return JSONResponse(_place(self._place(request)))

    async def _change_place(self, request: Request) -> JSONResponse:
        place = self._place(request)
        await _change(place, request, _PLACE_KEYS)
        self._carriers.review_coverage(request.path_params["imei"])
        return JSONResponse(_place(place))

    async def _change_name_server(self, request: Request) -> JSONResponse:
        body = await body_of(request)
        self._names.silent = bool(body.get("silent", self._names.silent))
        self._names.delay_s = float(body.get("delay_s", self._names.delay_s))
        return JSONResponse({"silent": self._names.silent, "delay_s": self._names.delay_s})

    async def _events(self, request: Request) -> JSONResponse:
        after = int(request.query_params.get("after", "0"))
        events = self._journal.after(after, request.query_params.get("imei"))
        return JSONResponse({"events": events, "last": self._journal.last})


def found(thing: Thing | None, otherwise: str) -> Thing:
    """Return what was looked up; answer 404 if there is none."""
    if thing is None:
        raise HTTPException(404, otherwise)
    return thing


async def body_of(request: Request) -> dict[str, Any]:
    """Return a JSON object; answer 400 to anything else."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise HTTPException(400, "a JSON object is expected")
    return body


def _refuse_unknown(body: dict[str, Any], keys: tuple[str, ...]) -> None:
    unknown = sorted(set(body) - set(keys))
    if unknown:
        raise HTTPException(400, f"unknown: {', '.join(unknown)}; known: {', '.join(keys)}")


async def _change(target: object, request: Request, keys: tuple[str, ...]) -> None:
    body = await body_of(request)
    _refuse_unknown(body, keys)
    for key, value in body.items():
        setattr(target, key, value)


def _replaced(old: Settings, body: dict[str, Any], keys: tuple[str, ...]) -> Settings:
    known = {key: getattr(old, key) for key in keys}
    known.update({key: value for key, value in body.items() if key in keys})
    return type(old)(**known)


def _network(core: CoreNetwork) -> dict[str, Any]:
    names = ("name", "plmn", "apn", "rate_bps", *_NETWORK_KEYS)
    return {name: getattr(core, name) for name in names}


def _place(place: Place) -> dict[str, Any]:
    return {key: getattr(place, key) for key in _PLACE_KEYS}
