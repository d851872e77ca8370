"""A switched power strip with the HTTP interface of Shelly's first generation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Turn = Callable[[int, bool], Awaitable[None]]


class PowerStrip:
    """The strip's outlets, all on at the start.

    Args:
        outlets: How many.
        turn: Switches one; returns when it is done.
    """

    def __init__(self, outlets: int, turn: Turn) -> None:
        self._on = [True] * outlets
        self._turn = turn

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(routes=[Route("/relay/{number:int}", self._relay, methods=["GET"])])

    async def _relay(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        if number >= len(self._on):
            return PlainTextResponse("Not found", status_code=404)
        wanted = request.query_params.get("turn")
        if wanted not in {None, "on", "off", "toggle"}:
            return PlainTextResponse("Bad turn!", status_code=400)
        if wanted is not None:
            on = not self._on[number] if wanted == "toggle" else wanted == "on"
            if on != self._on[number]:
                self._on[number] = on
                await self._turn(number, on)
        return JSONResponse({"ison": self._on[number]})
