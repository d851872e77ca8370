"""What surrounds the routers of a bench: services, mirror ports, far side; announced or written."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.core.errors import BenchError
from harness.lab.announced import AnnouncedService, Announcement
from harness.lab.schema import Lab, LabService

_SHARED_BITS: Final = 0o077
Resolve = Callable[[str], str]
"""Returns the IPv4 address of a host name; raises OSError when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """The bench's own leg on the far side of the carriers.

    Attributes:
        ifname: Interface that is taken for it; None: the host's own interfaces and routes.
        address: Address with prefix length.
        gateway: Next hop, None without one.
    """

    ifname: str | None
    address: str
    gateway: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTestServer:
    """A `harness testserver` that somebody else runs on the far side.

    Attributes:
        address: Its IPv4 address.
        port: Its TCP and UDP port.
        token: Its secret.
    """

    address: str
    port: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What surrounds the routers; None and empty is "this bench has none".

    Attributes:
        access_server: Lab side of the access server.
        server_address: Address at which routers reach it.
        core_network: Remote interface of a lab core network.
        power: A strip that speaks as Shelly Gen1 does.
        taps: Interface of each mirror port by name.
        uplink: The bench's leg for its own test server.
        test_server: A test server that is there already.
        conditions: What a virtual world runs under; empty on a real bench.
    """

    access_server: AnnouncedService | None = None
    server_address: str | None = None
    core_network: AnnouncedService | None = None
    power: AnnouncedService | None = None
    taps: Mapping[str, str] = field(default_factory=dict)
    uplink: Leg | None = None
    test_server: RemoteTestServer | None = None
    conditions: Mapping[str, object] = field(default_factory=dict)


def announced_site(announcement: Announcement) -> Site:
    """Return what a bench announced of its surroundings."""
    uplink = announcement.uplink
    return Site(
        access_server=announcement.access_server,
        server_address=announcement.access_server.device_address,
        core_network=announcement.core_network,
        power=announcement.power,
        taps={tap.name: tap.ifname for tap in announcement.taps},
        uplink=Leg(ifname=uplink.ifname, address=uplink.address, gateway=uplink.gateway)
        if uplink
        else None,
        conditions=announcement.conditions,
    )


def site_of(lab: Lab, directory: Path, *, resolve: Resolve = socket.gethostbyname) -> Site:
    """Return what lab.toml says of the surroundings of real routers.

    Args:
        lab: The bench file.
        directory: Where it lies; its files are relative to that.
        resolve: Finds addresses.

    Raises:
        BenchError: A token cannot be read or is readable by others, or a host has no address.
    """
    power = lab.power if lab.power and lab.power.kind == "shelly1" else None
    host = lab.access_server.host
    uplink, leg, remote = lab.uplink, None, None
    if uplink is not None and uplink.server is not None:
        name, _, port = uplink.server.rpartition(":")
        remote = RemoteTestServer(
            address=_address(name, "uplink.server", resolve),
            port=int(port),
            token=_token(uplink.token_file, "uplink", directory) or "",
        )
    elif uplink is not None and uplink.address is not None:
        leg = Leg(ifname=uplink.interface, address=uplink.address, gateway=uplink.gateway)
    return Site(
        access_server=_service(lab.access_server, "access_server", directory),
        server_address=_address(host, "access_server.host", resolve) if host else None,
        core_network=_service(lab.core_network, "core_network", directory),
        power=_service(power, "power", directory),
        taps={name: tap.interface for name, tap in lab.taps.items()},
        uplink=leg,
        test_server=remote,
    )


def _service(service: LabService | None, table: str, directory: Path) -> AnnouncedService | None:
    """Return a service with its files read; None when lab.toml names no address."""
    if service is None or service.url is None:
        return None
    return AnnouncedService(
        url=service.url,
        ca_file=directory / service.ca_file if service.ca_file else None,
        token=_token(service.token_file, table, directory),
    )


def _token(name: Path | None, table: str, directory: Path) -> str | None:
    """Read a secret that only its owner can read."""
    if name is None:
        return None
    path = directory / name
    try:
        mode, token = path.stat().st_mode, path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"lab.toml: {table}.token_file: {path} cannot be read: {exc}; correct the name"
        raise BenchError(msg) from None
    if mode & _SHARED_BITS:
        msg = f"lab.toml: {table}.token_file: others can read {path}; chmod 600 it"
        raise BenchError(msg)
    if not token:
        msg = f"lab.toml: {table}.token_file: {path} is empty; write the token into it"
        raise BenchError(msg)
    return token


def _address(name: str, key: str, resolve: Resolve) -> str:
    """Find the address of a host."""
    try:
        return resolve(name)
    except OSError as exc:
        msg = f"lab.toml: {key}: {name!r} has no address here: {exc}; write its IPv4 address"
        raise BenchError(msg) from None
