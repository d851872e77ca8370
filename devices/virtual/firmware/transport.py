"""Sockets bound to one bearer: DNS over UDP, HTTP/1.1 over TLS."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devices.virtual.firmware.dns import DnsError, decode_addresses, encode_query

_DNS_PORT = 53
_BODY_MAX = 4 << 20
_HEADERS_MAX = 100


class TransportError(Exception):
    """The other end could not be reached, or spoke no HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            TransportError: It is none.
        """
        try:
            value = json.loads(self.body)
        except ValueError as exc:
            msg = f"HTTP {self.status} with a body that is not JSON: {self.body[:40]!r}"
            raise TransportError(msg) from exc
        if not isinstance(value, dict):
            msg = f"HTTP {self.status} with JSON that is no object: {self.body[:40]!r}"
            raise TransportError(msg)
        return value


def bound_socket(kind: socket.SocketKind, ifname: str) -> socket.socket:
    """Return a socket that uses one interface only."""
    sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, ifname.encode())
    except OSError:
        sock.close()
        raise
    return sock


async def resolve(
    name: str, *, servers: tuple[str, ...], ifname: str, try_s: float = 2.0, tries: int = 2
) -> str:
    """Ask each name server through one bearer, ``try_s`` seconds a question.

    Raises:
        TransportError: None of them gave an address.
    """
    for server in servers * tries:
        number = random.getrandbits(16)
        try:
            async with asyncio.timeout(try_s):
                answer = await ask(encode_query(name, number), server=server, ifname=ifname)
            addresses = decode_addresses(answer, number)
        except (OSError, DnsError):
            continue
        if addresses:
            return addresses[0]
    msg = f"no address for {name!r} from {', '.join(servers) or 'no name server'}"
    raise TransportError(msg)


async def ask(question: bytes, *, server: str, ifname: str) -> bytes:
    """Send a question to a name server through one bearer and return what comes back.

    Raises:
        OSError: The bearer is gone, or the server refuses.
    """
    loop = asyncio.get_running_loop()
    with bound_socket(socket.SOCK_DGRAM, ifname) as sock:
        await loop.sock_connect(sock, (server, _DNS_PORT))
        await loop.sock_sendall(sock, question)
        return await loop.sock_recv(sock, 4096)


class HttpsConnection:
    """One TLS connection through one bearer; requests one after the other.

    Args:
        host: The name the certificate must be for.
        context: What is trusted.
    """

    def __init__(self, host: str, context: ssl.SSLContext) -> None:
        self._host = host
        self._context = context
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request can be made."""
        return self._writer is not None and not self._writer.is_closing()

    async def open(self, address: str, port: int, ifname: str, within_s: float) -> None:
        """Connect and shake hands.

        Raises:
            TransportError: No connection, or a certificate that does not hold.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._connect(address, port, ifname)
        except OSError as exc:
            msg = f"no TLS connection to {self._host} ({address}:{port}): {exc}"
            raise TransportError(msg) from exc

    async def _connect(self, address: str, port: int, ifname: str) -> None:
        sock = bound_socket(socket.SOCK_STREAM, ifname)
        try:
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
            self._reader, self._writer = await asyncio.open_connection(
                sock=sock, ssl=self._context, server_hostname=self._host
            )
        except BaseException:
            sock.close()
            raise

    async def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, within_s: float
    ) -> Response:
        """Make one request and wait for its answer; the connection is closed after an error.

        Raises:
            TransportError: The connection broke, was slow, or carried no HTTP.
        """
        if self._reader is None or self._writer is None:
            msg = "no connection"
            raise TransportError(msg)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        try:
            async with asyncio.timeout(within_s):
                self._writer.write("\r\n".join(lines).encode("latin-1") + body)
                await self._writer.drain()
                return await _read_response(self._reader)
        except (OSError, asyncio.IncompleteReadError, ValueError) as exc:
            self.close()
            msg = f"{method} {target}: {type(exc).__name__} {exc}"
            raise TransportError(msg) from exc

    def close(self) -> None:
        """Close the connection; may be called again."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


async def _read_response(reader: asyncio.StreamReader) -> Response:
    """Read status line, headers and body (RFC 9112)."""
    version, _, rest = (await reader.readline()).decode("latin-1").partition(" ")
    if not version.startswith("HTTP/1."):
        msg = f"not HTTP: {version[:40]!r}"
        raise ValueError(msg)
    status = int(rest[:3])
    headers: dict[str, str] = {}
    for _ in range(_HEADERS_MAX):
        line = (await reader.readline()).decode("latin-1").strip()
        if not line:
            break
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= _BODY_MAX:
            msg = f"a body of {length} bytes"
            raise ValueError(msg)
        body = await reader.readexactly(length)
    return Response(status=status, headers=headers, body=body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        if size == 0:
            return bytes(body)
        if len(body) > _BODY_MAX:
            msg = f"a body of more than {_BODY_MAX} bytes"
            raise ValueError(msg)
