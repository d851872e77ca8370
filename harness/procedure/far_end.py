"""The bench's test server on the far side of the carriers: its own, or one elsewhere."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from harness.core.errors import BenchError
from harness.lab.site import Leg, RemoteTestServer
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace
from harness.userplane.testserver import TestServer

TEST_PORT: Final = 5201
_BACKLOG: Final = 128
_WAN: Final = "wan0"


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """A test server that answers what comes through a router.

    Attributes:
        address: Its address.
        port: Its TCP and UDP port.
        token: Its secret.
        namespace: Where it lives, or where the bench reaches it from.
    """

    address: str
    port: int
    token: str
    namespace: Namespace


def serve_far_end(stack: ExitStack, broker: Broker, leg: Leg) -> FarEnd:
    """Serve measurements on the bench's own leg until the stack unwinds.

    Raises:
        BenchError: The interface or the address is not there, or the port is in use.
    """
    address = leg.address.split("/")[0]
    namespace = broker.first
    if leg.ifname is not None:
        namespace = stack.enter_context(broker.namespace("wan"))
        namespace.adopt(leg.ifname, _WAN)
        namespace.address(leg.address, leg.gateway, _WAN)
    token = secrets.token_hex(16)
    try:
        listener = namespace.socket(socket.AF_INET, socket.SOCK_STREAM, bind=(address, TEST_PORT))
        datagrams = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=(address, TEST_PORT))
    except (BenchError, OSError) as exc:
        msg = (
            f"lab.toml: uplink.address: the test server cannot listen at {address}:{TEST_PORT}: "
            f"{exc}; is the address this host's, and nobody else on that port?"
        )
        raise BenchError(msg) from exc
    listener.listen(_BACKLOG)
    stack.enter_context(TestServer(listener, datagrams, token=token))
    return FarEnd(address=address, port=TEST_PORT, token=token, namespace=namespace)


def far_end_elsewhere(broker: Broker, server: RemoteTestServer) -> FarEnd:
    """Return a test server that somebody else runs; the host reaches it by its own routes."""
    return FarEnd(
        address=server.address, port=server.port, token=server.token, namespace=broker.first
    )
