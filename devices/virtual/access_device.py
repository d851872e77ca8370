"""The access server's device side: authenticated requests in, the service's answers out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devices.virtual import identity
from devices.virtual.access_faults import Faults
from devices.virtual.access_service import AccessService
from devices.virtual.access_store import RouterState
from devices.virtual.errors import Refused

_CHUNK_BYTES_MAX = 65_536
_SLOW_CHUNK_S = 7.0
_LOCATION_KEYS = ("mcc", "mnc", "tac", "cell", "age_s")

Body = Mapping[str, Any]
Answer = Callable[[str, Body], Awaitable[dict[str, Any]]]


class DeviceSide:
    """Routes of ``/v1``.

    Args:
        service: Decides.
        faults: What the lab wants to go wrong.
    """

    def __init__(self, service: AccessService, faults: Faults) -> None:
        self._service = service
        self._faults = faults

    def app(self) -> Starlette:
        """Return the application."""
        posts = {
            "login": self._login,
            "location": self._location,
            "sim": self._sim,
            "held": self._held,
            "refused": self._refused,
            "auth": self._auth,
            "heartbeat": self._heartbeat,
            "usage": self._usage,
            "release": self._release,
        }
        routes = [
            Route(f"/v1/{name}", self._post(answer), methods=["POST"])
            for name, answer in posts.items()
        ]
        routes.append(Route("/v1/profile/{assignment}", self._profile, methods=["GET"]))
        return Starlette(routes=routes)

    def _device(self, request: Request, signed: bytes) -> str:
        imei = _claimed(request)
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        code = credentials.partition(":")[2]
        key = identity.device_key(self._service.lab.conditions.random_seed, imei)
        expected = hmac.new(key, signed, hashlib.sha256).hexdigest()
        known = scheme == "Device" and self._service.knows(imei)
        if not known or not hmac.compare_digest(code, expected):
            raise Refused(401, "credentials")
        return imei

    def _post(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            content = await request.body()
            fault = await self._faults.strike(request.url.path, _claimed(request))
            if fault is not None:
                return fault
            try:
                imei = self._device(request, content)
                if self._service.planted("server_down", imei):
                    await asyncio.Event().wait()
                body = _object(content)
                nonce = self._burn(imei, body)
                reply = await answer(imei, body)
            except Refused as refused:
                reason = {"error": refused.error, **refused.facts}
                return JSONResponse(reason, status_code=refused.status)
            response = JSONResponse({**reply, "nonce": nonce} if nonce else reply)
            return self._faults.remember(imei, request.url.path, response)

        return handle

    def _burn(self, imei: str, body: Body) -> object:
        nonce = body.get("nonce")
        if nonce is not None and not self._service.store.use_nonce(f"{imei}:{nonce}"):
            raise Refused(409, "replay")
        return nonce

    def _router(self, imei: str, body: Body) -> RouterState:
        return self._service.router_of(imei, str(body.get("session")))

    async def _login(self, imei: str, body: Body) -> dict[str, Any]:
        if body.get("imei") != imei or not body.get("nonce"):
            raise Refused(401, "credentials")
        return self._service.login(imei, str(body.get("firmware", "")))

    async def _location(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        self._service.locate(router, {key: body[key] for key in _LOCATION_KEYS if key in body})
        return {}

    async def _sim(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        given = self._service.give(router, dict(body))
        profile = self._service.profile(imei, given["assignment"])
        digest = hashlib.sha256(profile).hexdigest()
        return given | {"profile_bytes": len(profile), "sha256": digest}

    async def _held(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        if router.assignment != body.get("assignment"):
            raise Refused(404, "assignment")
        self._service.hold(router, str(body.get("sha256")))
        return {}

    async def _refused(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        if router.assignment != body.get("assignment"):
            raise Refused(404, "assignment")
        self._service.note("profile_refused", imei, router.iccid, str(body.get("why")))
        return {}

    async def _auth(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        try:
            rand, autn = bytes.fromhex(str(body["rand"])), bytes.fromhex(str(body["autn"]))
        except (KeyError, ValueError):
            raise Refused(400, "rand_autn") from None
        assignment = str(body.get("assignment"))
        return await self._service.authenticate(router.imei, assignment, rand, autn)

    async def _heartbeat(self, imei: str, body: Body) -> dict[str, Any]:
        return self._service.heartbeat(self._router(imei, body), body.get("rsrp_dbm"))

    async def _usage(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        try:
            self._service.take_usage(
                router,
                iccid=str(body["iccid"]),
                hour_utc=str(body["hour_utc"]),
                dl_bytes=int(body["dl_bytes"]),
                ul_bytes=int(body["ul_bytes"]),
                life=str(body.get("life", "")),
            )
        except (KeyError, ValueError, TypeError):
            raise Refused(400, "usage") from None
        return {}

    async def _release(self, imei: str, body: Body) -> dict[str, Any]:
        router = self._router(imei, body)
        if body.get("assignment") not in {None, router.assignment}:
            raise Refused(404, "assignment")
        self._service.release(router, "by the router")
        return {}

    async def _profile(self, request: Request) -> Response:
        offset = int(request.query_params.get("offset", "0"))
        part = f"{request.url.path} from {offset}"
        fault = await self._faults.strike(request.url.path, _claimed(request), part)
        if fault is not None:
            return fault
        target = f"{request.url.path}?{request.url.query}"
        try:
            imei = self._device(request, target.encode())
            self._burn(imei, request.query_params)
            if self._service.planted("server_slow_profile", imei):
                await asyncio.sleep(_SLOW_CHUNK_S)
            assignment = request.path_params["assignment"]
            whole = self._service.profile(imei, assignment)
        except Refused as refused:
            return JSONResponse({"error": refused.error}, status_code=refused.status)
        length = int(request.query_params.get("length", str(_CHUNK_BYTES_MAX)))
        chunk = whole[offset : offset + min(length, _CHUNK_BYTES_MAX)]
        iccid = self._service.store.router(imei).iccid
        if offset == 0:
            self._service.note("download_started", imei, iccid, f"{len(whole)} bytes")
        if offset + len(chunk) >= len(whole):
            self._service.note("download_finished", imei, iccid, f"{len(whole)} bytes")
        headers = {"X-Total": str(len(whole)), "X-Chunk-Sha256": hashlib.sha256(chunk).hexdigest()}
        body = self._faults.spoil(request.url.path, imei, chunk)
        response = Response(body, headers=headers, media_type="application/octet-stream")
        return self._faults.remember(imei, part, response) if body == chunk else response


def _claimed(request: Request) -> str:
    """Return who says that he asks."""
    credentials = request.headers.get("authorization", "").partition(" ")[2]
    return credentials.partition(":")[0]


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "json")
    return body
