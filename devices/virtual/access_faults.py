"""Faults of the access server that the lab switches on: errors, delays, spoilt and old answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import JSONResponse, Response, StreamingResponse

_HEX = b"0123456789abcdef"


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
        self._to_spare = 0
        self._old: dict[tuple[str, str], Response] = {}

    def order(self, fault: dict[str, Any]) -> None:
        """Take the lab's order: path, imei, status, delay_s, corrupt, replay, reset, after, times.

        An empty order ends whatever goes wrong.
        """
        self._fault = fault
        self._left = int(fault.get("times", 1_000_000)) if fault else 0
        self._to_spare = int(fault.get("after", 0))

    def show(self) -> dict[str, Any]:
        """Return what goes wrong now."""
        return self._fault | {"left": self._left} if self._left else {}

    def _hits(self, path: str, imei: str) -> bool:
        paths = self._fault.get("path", "/")
        prefixes = (paths,) if isinstance(paths, str) else tuple(map(str, paths))
        is_meant = self._fault.get("imei") in {None, imei} and path.startswith(prefixes)
        if self._left <= 0 or not is_meant:
            return False
        if self._to_spare > 0:
            self._to_spare -= 1
            return False
        return True

    async def strike(self, path: str, imei: str, key: str = "") -> Response | None:
        """Delay a request and return what it is answered with instead, if anything.

        Args:
            path: Of the request.
            imei: Who says that he asks.
            key: What an old answer is kept under, see `remember`; its path if left out.
        """
        if self._fault.get("corrupt") or not self._hits(path, imei):
            return None  # a chunk is spoilt later, and counted there
        self._left -= 1
        await asyncio.sleep(float(self._fault.get("delay_s", 0.0)))
        old = self._old.get((imei, key or path))
        if self._fault.get("replay") and old is not None:
            return old
        if self._fault.get("reset"):
            return StreamingResponse(_half_an_answer(), headers={"Content-Length": "4096"})
        status = self._fault.get("status")
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
        if not chunk or not self._fault.get("corrupt") or not self._hits(path, imei):
            return chunk
        self._left -= 1
        middle = len(chunk) // 2
        place = next((i for i in range(middle, len(chunk)) if chunk[i] in _HEX), middle)
        wrong = b"a" if chunk[place : place + 1] != b"a" else b"b"
        return chunk[:place] + wrong + chunk[place + 1 :]
