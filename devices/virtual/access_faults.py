"""Faults of the access server that the lab switches on: errors, delays, spoilt and old answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

_HEX = b"0123456789abcdef"


async def _half_an_answer() -> AsyncIterator[bytes]:
    """Send half of what was promised, then break the connection."""
    yield bytes(2048)
    msg = "the lab wants this connection to break"
    raise ConnectionAbortedError(msg)


@dataclass(slots=True)
class _Order:
    """Something that goes wrong, and for how many more requests.

    Attributes:
        what: The lab's order.
        left: How often it still happens.
        to_spare: How many requests are answered well before.
    """

    what: dict[str, Any]
    left: int
    to_spare: int

    def hits(self, path: str) -> bool:
        """Tell whether this request is to go wrong; one that is spared counts as such."""
        paths = self.what.get("path", "/")
        prefixes = (paths,) if isinstance(paths, str) else tuple(map(str, paths))
        if self.left <= 0 or not path.startswith(prefixes):
            return False
        if self.to_spare > 0:
            self.to_spare -= 1
            return False
        return True


class Faults:
    """What goes wrong now: one order for each router, and one for all of them."""

    def __init__(self) -> None:
        self._orders: dict[str | None, _Order] = {}
        self._old: dict[tuple[str, str], Response] = {}

    def order(self, fault: dict[str, Any]) -> None:
        """Take the lab's order: path, imei, status, delay_s, corrupt, replay, reset, after, times.

        An order with nothing but an imei ends what goes wrong for this router; an empty one ends
        whatever goes wrong.
        """
        imei = fault.get("imei")
        if not fault:
            self._orders.clear()
        elif not fault.keys() - {"imei"}:
            self._orders.pop(imei, None)
        else:
            self._orders[imei] = _Order(
                what=fault,
                left=int(fault.get("times", 1_000_000)),
                to_spare=int(fault.get("after", 0)),
            )

    def show(self) -> dict[str, Any]:
        """Return what goes wrong now, the newest order first."""
        orders = [order for order in reversed(self._orders.values()) if order.left]
        return orders[0].what | {"left": orders[0].left} if orders else {}

    def _hitting(self, path: str, imei: str, *, corrupt: bool) -> _Order | None:
        """Return the order by which this request goes wrong; a router's own comes first."""
        for whose in (imei, None):
            order = self._orders.get(whose)
            if order is None or bool(order.what.get("corrupt")) is not corrupt:
                continue  # a chunk is spoilt later than other answers, and counted there
            if order.hits(path):
                return order
        return None

    async def strike(self, path: str, imei: str, key: str = "") -> Response | None:
        """Delay a request and return what it is answered with instead, if anything.

        Args:
            path: Of the request.
            imei: Who says that he asks.
            key: What an old answer is kept under, see `remember`; its path if left out.
        """
        order = self._hitting(path, imei, corrupt=False)
        if order is None:
            return None
        order.left -= 1
        what = order.what
        await asyncio.sleep(float(what.get("delay_s", 0.0)))
        old = self._old.get((imei, key or path))
        if what.get("replay") and old is not None:
            return old
        if what.get("reset"):
            return StreamingResponse(_half_an_answer(), headers={"Content-Length": "4096"})
        status = what.get("status")
        if status is None:
            return None
        return JSONResponse({"error": "fault"}, status_code=int(status))

    def remember(self, imei: str, key: str, response: Response) -> Response:
        """Keep the first good answer to a router: it is what a replay plays."""
        self._old.setdefault((imei, key), response)
        return response

    def spoil(self, path: str, imei: str, chunk: bytes) -> bytes:
        """Return a chunk of a profile, with one byte wrong if the lab wants it so.

        A hexadecimal digit becomes another: a profile that is damaged like this still reads as one.
        """
        order = self._hitting(path, imei, corrupt=True) if chunk else None
        if order is None:
            return chunk
        order.left -= 1
        middle = len(chunk) // 2
        place = next((i for i in range(middle, len(chunk)) if chunk[i] in _HEX), middle)
        wrong = b"a" if chunk[place : place + 1] != b"a" else b"b"
        return chunk[:place] + wrong + chunk[place + 1 :]
