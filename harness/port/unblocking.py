"""System calls that never block, made without letting other threads run.

`os.read`, `os.write` and `select.epoll.modify` release the interpreter lock, which is right for
calls that may take long. On a descriptor that does not block they take microseconds, and with
hundreds of busy ports each release is a change of threads: five a command cost three times as much
as the rest of it. These calls keep the lock.
"""

from __future__ import annotations

import ctypes
import os
import platform
import select
from typing import Final

_EPOLL_CTL_MOD: Final = 3


class _Event(ctypes.Structure):
    """`struct epoll_event`: packed on x86-64 only, so that 32-bit programs see the same."""

    _pack_ = 1 if platform.machine() in {"x86_64", "AMD64"} else 8
    _fields_ = (("events", ctypes.c_uint32), ("fd", ctypes.c_uint64))


_libc: Final = ctypes.PyDLL(None, use_errno=True)
_read: Final = _libc.read
_read.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t)
_read.restype = ctypes.c_ssize_t
_write: Final = _libc.write
_write.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
_write.restype = ctypes.c_ssize_t
_epoll_ctl: Final = _libc.epoll_ctl
_epoll_ctl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Event))


def _refusal() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))


class Reader:
    """Reads from descriptors that do not block, by one thread at a time.

    Args:
        size_bytes: The most that one read gives.
    """

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._buffer = ctypes.create_string_buffer(size_bytes)
        self._address = ctypes.addressof(self._buffer)

    def read(self, fd: int) -> bytes:
        """Return what is there; empty at the end of the stream.

        Raises:
            OSError: The kernel refused it, as `os.read` says it; BlockingIOError when nothing is
                there.
        """
        count: int = _read(fd, self._address, self._size_bytes)
        if count < 0:
            raise _refusal()
        return ctypes.string_at(self._address, count)


def write(fd: int, data: bytes) -> int:
    """Send what fits now; return how many bytes.

    Raises:
        OSError: The kernel refused it, as `os.write` says it; BlockingIOError when nothing fits.
    """
    count: int = _write(fd, data, len(data))
    if count < 0:
        raise _refusal()
    return count


def watch(epoll: select.epoll, fd: int, events: int) -> None:
    """Let `epoll`, which knows `fd`, wait for `events` of it; its end is told in any case.

    Raises:
        OSError: The kernel refused it.
    """
    event = _Event(events, fd)
    if _epoll_ctl(epoll.fileno(), _EPOLL_CTL_MOD, fd, ctypes.byref(event)):
        raise _refusal()
