"""``devices.virtual.serving``: what breaks connections of an HTTPS service, and what does not."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from devices.virtual.certificates import Certificates, make_certificates
from devices.virtual.serving import Service

pytestmark = pytest.mark.slow


async def hello(_: Request) -> PlainTextResponse:
    """Answer anything."""
    return PlainTextResponse("hello")


def ask(connection: http.client.HTTPSConnection) -> bytes:
    """Make a request on the one connection that there is; a new one is not opened."""
    connection.request("GET", "/")
    said = connection.getresponse().read()
    connection.auto_open = 0
    return said


def asked_before_and_after(directory: Path, change: Callable[[Service, Certificates], None]) -> str:
    """Ask twice on one connection, with a change between; what became of the second request."""
    files = make_certificates(directory, ["localhost"], ["127.0.0.1"])
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    port = sock.getsockname()[1]
    context = ssl.create_default_context(cafile=files.ca_file)

    async def both() -> str:
        service = Service(Starlette(routes=[Route("/", hello)]), lambda: sock, files.server_file)
        serving = asyncio.create_task(service.run())
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30.0, context=context)
        try:
            assert await asyncio.to_thread(ask, connection) == b"hello"
            change(service, files)
            said: bytes = await asyncio.to_thread(ask, connection)
            return said.decode()
        except (OSError, http.client.HTTPException) as exc:
            return type(exc).__name__
        finally:
            connection.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    return asyncio.run(both())


def test_the_certificate_that_is_shown_already_breaks_nothing(tmp_path: Path) -> None:
    """Each order of the lab names one: the other routers' downloads go on."""
    said = asked_before_and_after(
        tmp_path, lambda service, files: service.certify(files.server_file)
    )

    assert said == "hello"


def test_another_certificate_breaks_what_there_is(tmp_path: Path) -> None:
    """A router must see it, and not go on with a connection of before."""
    said = asked_before_and_after(
        tmp_path, lambda service, files: service.certify(files.foreign_file)
    )

    assert said in {"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"}
