"""What goes between the harness and its broker: one JSON object a packet, with descriptors."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, Final

PACKET_BYTES: Final = 128_000
"""Longest packet; a SOCK_SEQPACKET pair carries this with the kernel's default buffers."""
_MOST_DESCRIPTORS: Final = 8


def send(sock: socket.socket, content: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one object; the receiver gets copies of the descriptors.

    Raises:
        OSError: The other end is gone.
    """
    data = json.dumps(content, separators=(",", ":")).encode()
    socket.send_fds(sock, [data], list(descriptors))


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Receive one object with its descriptors, or None when the other end is gone."""
    data, descriptors, _, _ = socket.recv_fds(sock, PACKET_BYTES, _MOST_DESCRIPTORS)
    if not data:
        return None
    content: dict[str, Any] = json.loads(data)
    return content, list(descriptors)
