"""The router's two AT ports as pseudo terminals."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import struct
import termios
import tty
from collections.abc import Callable

_READ_BYTES = 4096
_IN_CLOSE = 0x08 | 0x10
_EVENT = struct.Struct("iIII")
_LIFT_S = 1.0
_libc = ctypes.CDLL(None, use_errno=True)


class HostWatch:
    """Notices that a host closed one of our terminals; one inotify instance for all of them.

    Instances are few (128 a user on most hosts): 64 routers must not take two each. With none
    left, every terminal is taken for closed once a second.
    """

    def __init__(self) -> None:
        self._on_close: dict[int, Callable[[], None]] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._fd = int(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        if self._fd >= 0:
            self._loop.add_reader(self._fd, self._on_event)
        else:
            self._on_tick()

    def add(self, node: str, on_close: Callable[[], None]) -> None:
        """Call back whenever somebody closes this terminal."""
        number = len(self._on_close)
        if self._fd >= 0:
            number = int(_libc.inotify_add_watch(self._fd, node.encode(), _IN_CLOSE))
        self._on_close[number] = on_close

    def close(self) -> None:
        """Stop watching; may be called again."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
        if self._timer is not None:
            self._timer.cancel()
        self._fd = -1
        self._on_close.clear()

    def _on_event(self) -> None:
        events = os.read(self._fd, _READ_BYTES)
        while len(events) >= _EVENT.size:
            number, _, _, name_bytes = _EVENT.unpack_from(events)
            events = events[_EVENT.size + name_bytes :]
            if number in self._on_close:
                self._on_close[number]()

    def _on_tick(self) -> None:
        for on_close in self._on_close.values():
            on_close()
        self._timer = self._loop.call_later(_LIFT_S, self._on_tick)


class Port:
    """One pseudo terminal. The router holds both ends, so that hosts may come and go.

    Args:
        on_data: Takes what the host wrote.
        watch: Tells when a host is gone.
    """

    def __init__(self, on_data: Callable[[bytes], None], watch: HostWatch) -> None:
        self._on_data = on_data
        self._master_fd, self._slave_fd = os.openpty()
        tty.setraw(self._slave_fd)
        os.set_blocking(self._master_fd, False)
        self.node = os.ttyname(self._slave_fd)
        self._out = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master_fd, self._on_readable)
        watch.add(self.node, self._on_host_closed)

    def write(self, data: bytes) -> None:
        """Queue bytes for the host; what nobody reads is lost once the kernel's buffer is full."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out += data

    def close(self) -> None:
        """Take the port away: the host sees a hang-up. May be called again."""
        if self._master_fd < 0:
            return
        self._loop.remove_reader(self._master_fd)
        for fd in (self._slave_fd, self._master_fd):
            os.close(fd)
        self._master_fd = -1

    def _flush(self) -> None:
        if self._master_fd >= 0 and self._out:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master_fd, self._out)
        self._out.clear()

    def _on_readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._master_fd, _READ_BYTES)
            self._on_data(data)
            self._flush()

    def _on_host_closed(self) -> None:
        # A real port forgets TIOCEXCL with its last close; ours has no last close.
        if self._master_fd >= 0:
            fcntl.ioctl(self._slave_fd, termios.TIOCNXCL)
