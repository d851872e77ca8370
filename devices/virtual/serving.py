"""An HTTP service on a socket that was opened in the right namespace beforehand."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from devices.virtual.namespaces import inside

_BACKLOG = 256


class _Service(uvicorn.Server):
    """A server that leaves signals to the process it is one of several services of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def listen(netns_fd: int, address: str, port: int) -> socket.socket:
    """Open a listening socket in a namespace."""
    # asyncio switches Nagle's algorithm off only where the protocol is named.
    with inside(netns_fd):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(_BACKLOG)
    sock.setblocking(False)
    return sock


async def serve(app: ASGIApp, sock: socket.socket, certificate: Path | None) -> None:
    """Serve an application until cancelled; TLS 1.3 when there is a certificate."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=60,
        ssl_certfile=certificate,
        ssl_keyfile=certificate,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    await _Service(config).serve(sockets=[sock])
