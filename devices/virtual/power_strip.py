"""A switched power strip with the HTTP interface of Shelly's first generation.

Beside the outlets it has a switch a router for the card in the router's own slot, as a lab's
SIM switch box would.
"""

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
        turn: Switches an outlet; returns when it is done.
        insert: Puts a card into its router's slot or pulls it; returns when it is done.
    """

    def __init__(self, outlets: int, turn: Turn, insert: Turn) -> None:
        self._on = [True] * outlets
        self._inserted = [True] * outlets
        self._turn = turn
        self._insert = insert

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/relay/{number:int}", self._relay, methods=["GET"]),
                Route("/card/{number:int}", self._card, methods=["GET"]),
            ]
        )

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

    async def _card(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        if number >= len(self._inserted):
            return PlainTextResponse("Not found", status_code=404)
        wanted = request.query_params.get("turn")
        if wanted not in {None, "in", "out"}:
            return PlainTextResponse("Bad turn!", status_code=400)
        if wanted is not None and (wanted == "in") != self._inserted[number]:
            self._inserted[number] = wanted == "in"
            await self._insert(number, self._inserted[number])
        return JSONResponse({"inserted": self._inserted[number]})
