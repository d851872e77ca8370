"""Planted faults of the bench: each function is one of them at work."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from devices.virtual.netlink import Rtnl

_DROP_AFTER_S, _DROP_FOR_S = 3.0, 1.0
_PROBE_EVERY_S = 0.7
_STALL_AFTER_S, _STALL_FOR_S = 0.3, 3.0
_INIT = 1
_CAPPED_BPS = 2_000_000
_CAPPED_BUCKET_BYTES, _CAPPED_QUEUE_BYTES = 5000, 40_000
_UPLINK_PORT = "lab"


def cap_switch(internet_fd: int, carriers: int) -> None:
    """Hold every port of the lab's switch but the seed network's to 2 Mbit/s."""
    with Rtnl(internet_fd) as rtnl:
        for port in (_UPLINK_PORT, *(f"core{number}" for number in range(1, carriers + 1))):
            rtnl.tbf(
                port,
                rate_bps=_CAPPED_BPS,
                bucket_bytes=_CAPPED_BUCKET_BYTES,
                queue_bytes=_CAPPED_QUEUE_BYTES,
            )


async def drop_usb(
    power_off: Callable[[], Awaitable[None]], power_on: Callable[[], Awaitable[None]]
) -> None:
    """Let a router vanish once, a while after it appeared, and come back."""
    await asyncio.sleep(_DROP_AFTER_S)
    await power_off()
    await asyncio.sleep(_DROP_FOR_S)
    await power_on()


async def steal_port(node: str) -> None:
    """Probe a port the way a modem manager on the host would, until it goes away."""
    try:
        port = os.open(node, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return  # somebody holds it exclusively: there is nothing to steal
    try:
        while True:
            os.write(port, b"AT+GMI\r")
            await asyncio.sleep(_PROBE_EVERY_S)
            with contextlib.suppress(BlockingIOError):
                os.read(port, 4096)
    except OSError:
        return  # the port is gone
    finally:
        os.close(port)


async def stall_host() -> None:
    """Stop whoever started the bench, and who started that, for a while.

    A process of its own does it: it lets them go on even if this one is killed meanwhile.
    """
    await asyncio.sleep(_STALL_AFTER_S)
    parent = os.getppid()
    pids = [str(pid) for pid in (parent, _parent_of(parent)) if pid > _INIT]
    script = f'kill -STOP "$@"; sleep {_STALL_FOR_S}; kill -CONT "$@"'
    process = await asyncio.create_subprocess_exec("sh", "-c", script, "stall", *pids)
    await process.wait()


def _parent_of(pid: int) -> int:
    """Return the parent of a process (proc(5): the field after the state in `stat`)."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return int(text.rpartition(")")[2].split()[1])
