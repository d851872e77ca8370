"""The radio link: one unix stream socket, a JSON line a message, one connection a router."""

from __future__ import annotations

import asyncio
from pathlib import Path

from devices.virtual.carriers import Carriers
from devices.virtual.channel import Channel


async def open_radio(path: Path, carriers: Carriers) -> asyncio.Server:
    """Listen for routers that are switched on."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        channel = Channel(reader, writer)
        imei = None
        try:
            async for message in channel.messages():
                if imei is not None:
                    carriers.receive(imei, message)
                elif message.get("t") == "power" and carriers.switched_on(
                    str(message.get("imei")), channel.send
                ):
                    imei = str(message["imei"])
        finally:
            if imei is not None:
                carriers.switched_off(imei)
            channel.close()

    return await asyncio.start_unix_server(talk, path)
