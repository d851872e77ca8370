"""Faults of the access server that the lab switches on: errors, delays, spoilt and old answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse


async def _half_an_answer() -> AsyncIterator[bytes]:
    """Send half of what was promised, then break the connection."""
    yield bytes(2048)
    msg = "the lab wants this connection to break"
    raise ConnectionAbortedError(msg)


class Faults:
    """What goes wrong now, and for how many more requests."""

    def __init__(self) -> None:
        self._fault: dict[str, Any] = {}
        self._left = 0
        self._old: dict[str, Response] = {}

    def order(self, fault: dict[str, Any]) -> None:
        """Take the lab's order: path, status, delay_s, corrupt, replay, reset, times.

        An empty order ends whatever goes wrong.
        """
        self._fault = fault
        self._left = int(fault.get("times", 1_000_000)) if fault else 0

    def show(self) -> dict[str, Any]:
        """Return what goes wrong now."""
        return self._fault | {"left": self._left} if self._left else {}

    def _hits(self, path: str) -> bool:
        return self._left > 0 and path.startswith(str(self._fault.get("path", "/")))

    async def strike(self, path: str) -> Response | None:
        """Delay a request and return what it is answered with instead, if anything."""
        if not self._hits(path):
            return None
        if self._fault.get("corrupt"):
            return None  # the chunk itself is spoilt later, and counted there
        self._left -= 1
        await asyncio.sleep(float(self._fault.get("delay_s", 0.0)))
        if self._fault.get("replay") and path in self._old:
            return self._old[path]
        if self._fault.get("reset"):
            return StreamingResponse(_half_an_answer(), headers={"Content-Length": "4096"})
        status = self._fault.get("status")
        if status is None:
            return None
        return JSONResponse({"error": "fault"}, status_code=int(status))

    def remember(self, path: str, response: Response) -> Response:
        """Keep the first good answer to a path: it is what a replay plays."""
        self._old.setdefault(path, response)
        return response

    def spoil(self, chunk: bytes) -> bytes:
        """Return a chunk of a profile, with one byte wrong if the lab wants it so."""
        if not chunk or not self._fault.get("corrupt") or self._left <= 0:
            return chunk
        self._left -= 1
        middle = len(chunk) // 2
        return chunk[:middle] + bytes([chunk[middle] ^ 1]) + chunk[middle + 1 :]
