"""The access server with its SIM bank: one process, a device side and a lab side over TLS.

Started by the supervisor as ``python -m devices.virtual.access_server --spec JSON``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from devices.virtual import identity
from devices.virtual.access_device import DeviceSide
from devices.virtual.access_faults import Faults
from devices.virtual.access_lab import LabSide, Steering
from devices.virtual.access_service import AccessService
from devices.virtual.access_store import Store
from devices.virtual.channel import Channel
from devices.virtual.defects.switches import Switches
from devices.virtual.lab_file import read_lab_file
from devices.virtual.namespaces import die_with_parent
from devices.virtual.serving import Service, listen
from devices.virtual.world_clock import WorldClock

_DEVICE_PORT, _LAB_PORT = 443, 8443


async def run(spec: dict[str, Any]) -> None:
    """Serve until the supervisor is gone."""
    channel = await Channel.over(socket.socket(fileno=spec["control_fd"]))
    defects = Switches(spec["defects"])
    store = Store(Path(spec["state_dir"]) / "access.sqlite")
    clock = WorldClock(spec["offset_s"])
    service = AccessService(read_lab_file(Path(spec["lab_file"])), store, clock, defects)
    faults = Faults()

    def move_clock(offset_s: float) -> None:
        channel.send({"t": "clock", "offset_s": offset_s})

    def service_at(app: Starlette, port: int) -> Service:
        open_socket = partial(listen, spec["internet_fd"], identity.ACCESS, port)
        return Service(app, open_socket, Path(spec["certificate"]))

    device = service_at(DeviceSide(service, faults).app(), _DEVICE_PORT)

    def order(fault: dict[str, Any]) -> None:
        faults.order(fault)
        is_foreign = fault.get("certificate") == "foreign"
        device.certify(Path(spec["foreign_certificate" if is_foreign else "certificate"]))
        device.switch(on=not fault.get("down"))

    steering = Steering(faults=faults, order=order, move_clock=move_clock)
    lab = service_at(LabSide(service, steering, spec["token"]).app(), _LAB_PORT)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(side.run()) for side in (device, lab)]
        channel.send({"t": "ready"})
        async for _ in channel.messages():
            pass
        for task in tasks:
            task.cancel()
    store.close()


def main() -> None:
    """Run the access server."""
    die_with_parent()
    parser = argparse.ArgumentParser(prog="devices.virtual.access_server")
    parser.add_argument("--spec", required=True, type=json.loads)
    asyncio.run(run(parser.parse_args().spec))


if __name__ == "__main__":
    main()
