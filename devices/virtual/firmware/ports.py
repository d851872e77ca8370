"""The router's two AT ports as pseudo terminals."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import termios
import tty
from collections.abc import Callable

_READ_BYTES = 4096
_IN_CLOSE = 0x08 | 0x10
_LIFT_S = 1.0
_libc = ctypes.CDLL(None, use_errno=True)


class Port:
    """One pseudo terminal. The router holds both ends, so that hosts may come and go.

    Args:
        on_data: Takes what the host wrote.
    """

    def __init__(self, on_data: Callable[[bytes], None]) -> None:
        self._on_data = on_data
        self._master_fd, self._slave_fd = os.openpty()
        tty.setraw(self._slave_fd)
        os.set_blocking(self._master_fd, False)
        self.node = os.ttyname(self._slave_fd)
        self._out = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master_fd, self._on_readable)
        self._watch_fd = _watch_close(self.node)
        if self._watch_fd is None:
            self._loop.call_later(_LIFT_S, self._lift_now_and_then)
        else:
            self._loop.add_reader(self._watch_fd, self._on_host_closed)

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
        if self._watch_fd is not None:
            self._loop.remove_reader(self._watch_fd)
            os.close(self._watch_fd)
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
        if self._watch_fd is not None:
            os.read(self._watch_fd, _READ_BYTES)
        fcntl.ioctl(self._slave_fd, termios.TIOCNXCL)

    def _lift_now_and_then(self) -> None:
        """Forget TIOCEXCL by the clock, where the kernel has no inotify instance left for us."""
        if self._master_fd >= 0:
            fcntl.ioctl(self._slave_fd, termios.TIOCNXCL)
            self._loop.call_later(_LIFT_S, self._lift_now_and_then)


def _watch_close(path: str) -> int | None:
    """Return an inotify descriptor that becomes readable when somebody closes the file.

    None when the user's inotify instances (128 on most hosts) are used up, as by 64 routers.
    """
    fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        return None
    if _libc.inotify_add_watch(fd, path.encode(), _IN_CLOSE) < 0:
        os.close(fd)
        return None
    return int(fd)
