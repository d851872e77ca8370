"""Delay, jitter and loss towards a router, for kernels without netem.

The router's route at the gateway goes into a TUN device; what comes out of it is dropped by
chance or sent to the bearer later, through the same shaper as before. Only the downlink is
bent: a round trip does not care on which way it is late.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass

from devices.virtual.namespaces import inside

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_ETH_P_IP = 0x0800
_PACKET_BYTES_MAX = 65_600
_BATCH = 64
_MS_PER_S = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What happens to packets on their way to a router.

    Attributes:
        delay_ms: How late each one is.
        jitter_ms: How much later at most, by chance; the order is kept.
        loss: Share of packets that is lost, 0 to 1.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0

    @property
    def is_none(self) -> bool:
        """Whether it does nothing."""
        return not (self.delay_ms or self.jitter_ms or self.loss)


class Detour:
    """A TUN device in a core network and the loop that carries its packets on.

    Args:
        core_fd: The core network's namespace.
        name: Of the device; it goes when the detour is closed.
        port: The bearer's port at the gateway.
        mac: The router's end of it.
        impairment: What happens on the way.
        randomness: Decides about loss and jitter.
    """

    def __init__(
        self,
        *,
        core_fd: int,
        name: str,
        port: str,
        mac: str,
        impairment: Impairment,
        randomness: random.Random,
    ) -> None:
        self.impairment = impairment
        self._random = randomness
        self._target = (port, _ETH_P_IP, 0, 0, bytes.fromhex(mac.replace(":", "")))
        self._waiting: deque[tuple[float, bytes]] = deque()
        with inside(core_fd):
            self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            flags = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
            fcntl.ioctl(self._fd, _TUNSETIFF, flags)
            self._out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._take)

    def _take(self) -> None:
        for _ in range(_BATCH):
            try:
                packet = os.read(self._fd, _PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            if self._random.random() >= self.impairment.loss:
                late_ms = self.impairment.delay_ms
                late_ms += self._random.uniform(0, self.impairment.jitter_ms)
                due_s = self._loop.time() + late_ms / _MS_PER_S
                if self._waiting:
                    due_s = max(due_s, self._waiting[-1][0])
                self._waiting.append((due_s, packet))
                self._loop.call_at(due_s, self._give)

    def _give(self) -> None:
        now_s = self._loop.time()
        while self._waiting and self._waiting[0][0] <= now_s:
            _, packet = self._waiting.popleft()
            # A full queue or a bearer that is gone loses the packet, as a radio does.
            with contextlib.suppress(OSError):
                self._out.sendto(packet, self._target)

    def close(self) -> None:
        """Remove the device; packets under way are lost. May be called again."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
            self._out.close()
