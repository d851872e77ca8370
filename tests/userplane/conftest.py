"""A private broker, and a router's namespace with a veth pair: no test here touches the host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A bench end that was adopted and the router's side of the same wire.

    Attributes:
        broker: Who holds both.
        bench: Namespace of the bench end; the interface is `lan0`, 10.9.0.2/24.
        router: Namespace of the far end; the interface is `far0`, 10.9.0.1/24.
    """

    broker: Broker
    bench: Namespace
    router: Namespace


@pytest.fixture
def broker() -> Iterator[Broker]:
    """Start a broker whose first namespace is its own."""
    with Broker.start(private=True) as started:
        yield started


@pytest.fixture
def wire(broker: Broker) -> Pair:
    """Make the wire: `vusb0` in the first namespace, its other end `far0` at the router."""
    router = broker.namespace("router")
    broker.first.perform(links.new_veth("vusb0", "far0", peer_namespace_fd=router.broker_fd))
    router.offloads_off("far0")
    router.address("10.9.0.1/24", ifname="far0")
    return Pair(broker=broker, bench=broker.namespace("bench"), router=router)


@pytest.fixture
def pair(wire: Pair) -> Pair:
    """Adopt the bench end of the wire, give it an address, and have both ends know the other."""
    wire.bench.adopt("vusb0")
    wire.bench.address("10.9.0.2/24", "10.9.0.1")
    with (
        wire.router.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.1", 7)) as far,
        wire.bench.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.2", 7)) as near,
    ):
        near.sendto(b"hello", ("10.9.0.1", 7))
        far.settimeout(5.0)
        far.sendto(*far.recvfrom(10))
        near.settimeout(5.0)
        near.recv(10)
    return wire
