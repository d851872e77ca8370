"""The network process: carriers with their radio, name server, core interface, power strip.

Started by the supervisor as ``python -m devices.virtual.network --spec JSON``.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import socket
from functools import partial
from pathlib import Path
from typing import Any

from devices.virtual import identity
from devices.virtual.bearers import Gateways
from devices.virtual.carriers import Carriers
from devices.virtual.channel import Channel, Message
from devices.virtual.core_api import CoreApi
from devices.virtual.defects.switches import Switches
from devices.virtual.journal import Journal
from devices.virtual.lab_file import read_lab_file
from devices.virtual.mirror import Mirror
from devices.virtual.name_server import NameServer
from devices.virtual.namespaces import die_with_parent, inside
from devices.virtual.power_strip import PowerStrip
from devices.virtual.radio import open_radio
from devices.virtual.registration import Site
from devices.virtual.serving import Service, listen
from devices.virtual.subscribers import open_books
from devices.virtual.world_clock import WorldClock

_METER_EVERY_S = 0.25
_DNS_PORT, _HTTP_PORT, _API_PORT = 53, 80, 8443


class Supervisor:
    """This process's end of the line to its supervisor."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._serial = itertools.count(1)

    def ready(self) -> None:
        """Say that every service answers."""
        self._channel.send({"t": "ready"})

    async def turn(self, outlet: int, on: bool) -> None:  # noqa: FBT001 - a switch is on or off
        """Have a router's power switched; return when it is."""
        await self._have({"t": "power", "outlet": outlet, "on": on})

    async def insert(self, outlet: int, on: bool) -> None:  # noqa: FBT001 - a card is in or out
        """Have the card in a router's slot inserted or pulled; return when it is."""
        await self._have({"t": "card", "outlet": outlet, "on": on})

    async def _have(self, order: Message) -> None:
        serial = next(self._serial)
        self._waiting[serial] = asyncio.get_running_loop().create_future()
        self._channel.send(order | {"serial": serial})
        await self._waiting[serial]
        del self._waiting[serial]

    async def listen(self, carriers: Carriers) -> None:
        """Follow the supervisor until it is gone."""
        async for message in self._channel.messages():
            if message["t"] == "done" and message["serial"] in self._waiting:
                self._waiting[message["serial"]].set_result(None)
            elif message["t"] == "clock":
                carriers.move_clock(message["offset_s"])


async def _meter(carriers: Carriers) -> None:
    while True:
        carriers.meter()
        await asyncio.sleep(_METER_EVERY_S)


def _carriers(spec: dict[str, Any], clock: WorldClock, journal: Journal) -> Carriers:
    lab = read_lab_file(Path(spec["lab_file"]))
    return Carriers(
        books=open_books(lab),
        gateways=Gateways(tuple(spec["core_fds"])),
        journal=journal,
        clock=clock,
        sites={
            router.imei: Site(name=router.name, netns_fd=fd)
            for router, fd in zip(lab.routers, spec["router_fds"], strict=True)
        },
        timer_factor=lab.conditions.nas_timer_factor,
        # Challenges need to differ from run to run of one card, not to be secret.
        randomness=random.Random(f"{lab.conditions.random_seed}/challenges"),  # noqa: S311
        defects=Switches(spec["defects"]),
    )


async def run(spec: dict[str, Any]) -> None:
    """Be the network until the supervisor is gone."""
    clock = WorldClock(spec["offset_s"])
    journal = Journal(clock)
    carriers = _carriers(spec, clock, journal)
    internet_fd, certificate = spec["internet_fd"], Path(spec["certificate"])
    supervisor = Supervisor(await Channel.over(socket.socket(fileno=spec["control_fd"])))
    with inside(internet_fd):
        dns_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns_socket.bind((identity.DNS, _DNS_PORT))
    loop = asyncio.get_running_loop()
    _, names = await loop.create_datagram_endpoint(NameServer, sock=dns_socket)
    if not Switches(spec["defects"]).on("bench_tap_dead"):
        Mirror(spec["core_fds"][0]).start()
    radio = await open_radio(Path(spec["radio_socket"]), carriers)
    api = CoreApi(carriers, journal, names, spec["token"]).app()
    strip = PowerStrip(len(spec["router_fds"]), supervisor.turn, supervisor.insert).app()
    services = [
        Service(api, partial(listen, internet_fd, identity.CORE_API, _API_PORT), certificate),
        Service(strip, partial(listen, internet_fd, identity.POWER, _HTTP_PORT), None),
    ]
    async with radio, asyncio.TaskGroup() as group:
        tasks = [
            *(group.create_task(service.run()) for service in services),
            group.create_task(_meter(carriers)),
        ]
        supervisor.ready()
        await supervisor.listen(carriers)
        for task in tasks:
            task.cancel()


def main() -> None:
    """Run the network process."""
    die_with_parent()
    parser = argparse.ArgumentParser(prog="devices.virtual.network")
    parser.add_argument("--spec", required=True, type=json.loads)
    asyncio.run(run(parser.parse_args().spec))


if __name__ == "__main__":
    main()
