"""The device side of the access server: one signed request at a time over the seed bearer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from devices.virtual.firmware.transport import (
    HttpsConnection,
    Response,
    TransportError,
    resolve,
)

REQUEST_S = 15.0
CONNECT_S = 10.0
_ECHOING = frozenset({"/v1/login", "/v1/sim"})


class AccessError(Exception):
    """The access server could not be used.

    Attributes:
        status: HTTP status, 0 when no answer came.
        error: The server's word for it.
        retry_after_s: How long it asks to wait, 0 when it does not.
    """

    def __init__(self, text: str, *, status: int = 0, error: str = "", wait_s: float = 0) -> None:
        super().__init__(text)
        self.status = status
        self.error = error
        self.retry_after_s = wait_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """How the server is reached: through which bearer and by whose DNS."""

    ifname: str
    dns: tuple[str, ...]


def trust(ca_file: str, defects: frozenset[str]) -> ssl.SSLContext:
    """Return what is trusted: the service's own authority, and only for its own name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(ca_file)
    if "accepts_wrong_certificate" in defects:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class AccessServer:
    """A connection to the access server that is made anew when it broke.

    Args:
        host: Its name.
        port: Its port.
        context: What is trusted, see `trust`.
        imei: Who we are.
        device_key: Shared with the server.
        takes_old: A planted fault: answers to other requests are taken.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        context: ssl.SSLContext,
        imei: str,
        device_key: bytes,
        takes_old: bool = False,
    ) -> None:
        self._host = host
        self._port = port
        self._imei = imei
        self._key = device_key
        self._takes_old = takes_old
        self._connection = HttpsConnection(host, context)
        self._lock = asyncio.Lock()
        self.path: Path | None = None

    async def post(self, target: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Send a request and return the answer; login and card selection echo the nonce.

        Raises:
            AccessError: No answer, an error of the server, or an old answer played again.
        """
        nonce = secrets.token_hex(16)
        body = json.dumps({**fields, "nonce": nonce}).encode()
        response = await self._exchange("POST", target, body, signed=body)
        try:
            answer = _accept(target, response).json()
        except TransportError as exc:
            raise AccessError(str(exc), status=response.status) from exc
        is_old = target in _ECHOING and answer.get("nonce") != nonce
        if is_old and not self._takes_old:
            text = f"POST {target}: the answer belongs to another request"
            raise AccessError(text, status=response.status, error="replay")
        return answer

    async def get(self, target: str) -> Response:
        """Fetch something.

        Raises:
            AccessError: No answer or an error of the server.
        """
        target = f"{target}&nonce={secrets.token_hex(16)}"
        response = await self._exchange("GET", target, b"", signed=target.encode())
        return _accept(target, response)

    def close(self) -> None:
        """Drop the connection; the next request makes a new one."""
        self._connection.close()

    async def _exchange(self, method: str, target: str, body: bytes, signed: bytes) -> Response:
        code = hmac.new(self._key, signed, hashlib.sha256).hexdigest()
        headers = {
            "Authorization": f"Device {self._imei}:{code}",
            "Content-Type": "application/json",
        }
        try:
            async with self._lock:
                await self._connect()
                try:
                    return await self._connection.request(method, target, headers, body, REQUEST_S)
                except asyncio.CancelledError:
                    self._connection.close()
                    raise
        except TransportError as exc:
            raise AccessError(str(exc)) from exc

    async def _connect(self) -> None:
        if self._connection.is_open:
            return
        if self.path is None:
            text = "no bearer to the access server"
            raise AccessError(text)
        address = await resolve(self._host, servers=self.path.dns, ifname=self.path.ifname)
        await self._connection.open(address, self._port, self.path.ifname, CONNECT_S)


def _accept(target: str, response: Response) -> Response:
    if response.status < HTTPStatus.BAD_REQUEST:
        return response
    try:
        content = response.json()
    except TransportError:
        content = {}
    text = f"{target}: HTTP {response.status}"
    error = str(content.get("error", ""))
    wait_s = float(content.get("retry_after_s") or 0)
    raise AccessError(text, status=response.status, error=error, wait_s=wait_s)
