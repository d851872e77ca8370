"""The access server with its SIM bank: one process, a device side and a lab side over TLS.

Started by the supervisor as ``python -m devices.virtual.access_server --spec JSON``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
from pathlib import Path
from typing import Any

from devices.virtual import identity
from devices.virtual.access_device import DeviceSide
from devices.virtual.access_faults import Faults
from devices.virtual.access_lab import LabSide
from devices.virtual.access_service import AccessService
from devices.virtual.access_store import Store
from devices.virtual.channel import Channel
from devices.virtual.defects.switches import Switches
from devices.virtual.lab_file import read_lab_file
from devices.virtual.namespaces import die_with_parent
from devices.virtual.serving import listen, serve
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

    lab = LabSide(service, faults, spec["token"], move_clock).app()
    device = DeviceSide(service, faults).app()
    certificate = Path(spec["certificate"])
    lab_socket = listen(spec["internet_fd"], identity.ACCESS, _LAB_PORT)
    device_socket = listen(spec["internet_fd"], identity.ACCESS, _DEVICE_PORT)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(serve(device, device_socket, certificate)),
            group.create_task(serve(lab, lab_socket, certificate)),
        ]
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
