"""The mirror port: every frame on a seed bearer, copied to ``mir0``.

Copied from a packet socket and not by the kernel's ``mirred`` action, because the packet
socket sees a frame after the shaper, when it really is on the air; ``mirred`` on the way out
would see it before.
"""

from __future__ import annotations

import asyncio
import socket

from devices.virtual.fabric import MIRROR_SOURCE
from devices.virtual.namespaces import inside

_ETH_P_ALL = 3
_BUFFER_BYTES = 8 << 20
_FRAME_BYTES_MAX = 65_600
_BATCH = 64


class Mirror:
    """Copies frames from the seed core's bearer ports to the mirror port.

    Args:
        seed_core_fd: The seed network's namespace.
    """

    def __init__(self, seed_core_fd: int) -> None:
        with inside(seed_core_fd):
            self._source = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(_ETH_P_ALL)
            )
            self._sink = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK)
        self._source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._sink.bind((MIRROR_SOURCE, 0))

    def start(self) -> None:
        """Copy from now on, in the running event loop."""
        asyncio.get_running_loop().add_reader(self._source.fileno(), self._copy)

    def _copy(self) -> None:
        for _ in range(_BATCH):
            try:
                frame, address = self._source.recvfrom(_FRAME_BYTES_MAX)
            except BlockingIOError:
                return
            if address[0].startswith("ue"):
                try:
                    self._sink.send(frame)
                except OSError:
                    # Nobody listens: the bench's end is down. A mirror port loses frames then.
                    continue
