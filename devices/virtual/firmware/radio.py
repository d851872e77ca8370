"""The radio link: JSON lines to the network process, one queue a bearer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from devices.virtual.channel import Channel, Message

SEED, MAIN = "seed", "main"
_ANSWERS = frozenset(
    {
        "cells",
        "auth_request",
        "accept",
        "reject",
        "pdn_accept",
        "pdn_reject",
        "pdn_released",
        "detached",
        "signal",
    }
)


class RadioLink:
    """The connection of one router to the network process.

    Args:
        imei: Whose radio this is.
        on_event: Takes what the network sends unasked, with its bearer.
    """

    def __init__(self, imei: str, on_event: Callable[[str, Message], None]) -> None:
        self._imei = imei
        self._on_event = on_event
        self._channel: Channel | None = None
        self._answers: dict[str, asyncio.Queue[Message]] = {
            SEED: asyncio.Queue(),
            MAIN: asyncio.Queue(),
        }

    async def open(self, path: str) -> None:
        """Connect and say who is there."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, path)
        self._channel = await Channel.over(sock)
        self._channel.send({"t": "power", "imei": self._imei})

    async def serve(self) -> None:
        """Sort incoming messages until the network process ends."""
        if self._channel is None:
            return
        async for message in self._channel.messages():
            bearer = str(message.get("bearer", MAIN))
            kind = message.get("t")
            if kind in _ANSWERS and bearer in self._answers:
                self._answers[bearer].put_nowait(message)
            if kind not in _ANSWERS or kind in {"cells", "signal", "auth_request"}:
                self._on_event(bearer, message)

    def close(self) -> None:
        """Switch the radio off; may be called again."""
        if self._channel is not None:
            self._channel.close()

    def send(self, bearer: str, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """Send one message."""
        if self._channel is not None:
            self._channel.send({"t": kind, "bearer": bearer, **fields})

    def forget_answers(self, bearer: str) -> None:
        """Drop what came too late for whoever asked."""
        queue = self._answers[bearer]
        while not queue.empty():
            queue.get_nowait()

    async def answer(self, bearer: str, *kinds: str) -> Message:
        """Wait for the next answer of one of these kinds; others are dropped."""
        while True:
            message = await self._answers[bearer].get()
            if message.get("t") in kinds:
                return message
