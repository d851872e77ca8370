"""JSON lines over a connected socket: how the processes of the world talk to their supervisor."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

_LINE_BYTES_MAX = 1 << 20

Message = dict[str, Any]


class Channel:
    """One end of a line; `messages` ends when the other end is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Channel:
        """Take over a connected socket."""
        reader, writer = await asyncio.open_unix_connection(sock=sock, limit=_LINE_BYTES_MAX)
        return cls(reader, writer)

    def send(self, message: Message) -> None:
        """Queue one message; lost when the other end is gone."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    async def messages(self) -> AsyncIterator[Message]:
        """Give the messages of the other end as they come; what is no JSON object is dropped."""
        while True:
            try:
                line = await self._reader.readline()
            except (ConnectionError, ValueError):
                return
            if not line.endswith(b"\n"):
                return
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(message, dict):
                yield message

    def close(self) -> None:
        """Close this end; may be called again."""
        self._writer.close()
