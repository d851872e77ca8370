"""An HTTP service in one of the world's namespaces, that may be switched off and on again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from devices.virtual.namespaces import inside

_BACKLOG = 256


class _Server(uvicorn.Server):
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


class Service:
    """A service; on from the start.

    Args:
        app: What answers.
        open_socket: Opens the listening socket, each time it is switched on.
        certificate: Its certificate and key; ``None`` is plain HTTP.
    """

    def __init__(
        self, app: ASGIApp, open_socket: Callable[[], socket.socket], certificate: Path | None
    ) -> None:
        self._app = app
        self._open = open_socket
        self._certificate = certificate
        self._server: _Server | None = None
        self._is_on = asyncio.Event()
        self._is_off = asyncio.Event()
        self._is_on.set()
        self._sock: socket.socket | None = open_socket()

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            await self._is_on.wait()
            sock = self._sock or self._open()
            self._sock = None
            self._server = _Server(self._config())
            task = asyncio.create_task(self._server.serve(sockets=[sock]))
            try:
                await self._is_off.wait()
            finally:
                self._hang_up()
                await task
                sock.close()

    def switch(self, *, on: bool) -> None:
        """Switch on or off; off breaks connections and refuses new ones."""
        (self._is_on if on else self._is_off).set()
        (self._is_off if on else self._is_on).clear()

    def certify(self, certificate: Path) -> None:
        """Show a certificate from the next connection on; another one breaks those there are."""
        if certificate == self._certificate:
            return
        self._certificate = certificate
        if self._server is not None and self._server.config.ssl is not None:
            self._server.config.ssl.load_cert_chain(certificate)
            self._break_connections()

    def _config(self) -> uvicorn.Config:
        config = uvicorn.Config(
            self._app,
            http="h11",
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_keep_alive=60,
            ssl_certfile=self._certificate,
            ssl_keyfile=self._certificate,
        )
        config.load()
        if config.ssl is not None:
            config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
        return config

    def _break_connections(self) -> None:
        if self._server is not None:
            for connection in list(self._server.server_state.connections):
                transport = getattr(connection, "transport", None)
                if transport is not None:
                    transport.abort()

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.should_exit = self._server.force_exit = True
            for server in getattr(self._server, "servers", []):
                server.close()
            self._break_connections()
