"""The system calls behind namespaces (namespaces(7)), which Python has only since 3.12."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CLONE_NEWNET: Final = 0x4000_0000
CLONE_NEWUSER: Final = 0x1000_0000
_PR_SET_PDEATHSIG: Final = 1
_OWN_NETWORK: Final = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def unshare(flags: int) -> None:
    """Give the calling thread new namespaces.

    Raises:
        OSError: The kernel refused; EINVAL for a user namespace in a process with threads.
    """
    _checked(_libc.unshare(flags))


def setns(namespace_fd: int, flags: int = CLONE_NEWNET) -> None:
    """Move the calling thread into a namespace.

    Raises:
        OSError: The kernel refused.
    """
    _checked(_libc.setns(namespace_fd, flags))


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


def own_network_fd() -> int:
    """Return a descriptor of the calling thread's network namespace."""
    return os.open(_OWN_NETWORK, os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def inside(namespace_fd: int) -> Iterator[None]:
    """Be in another network namespace for a while; sockets made meanwhile stay in it."""
    home = own_network_fd()
    try:
        setns(namespace_fd)
        yield
    finally:
        setns(home)
        os.close(home)


def new_network_fd() -> int:
    """Make a network namespace without a name; it lives as long as something holds it.

    Raises:
        OSError: The kernel refused.
    """
    home = own_network_fd()
    try:
        unshare(CLONE_NEWNET)
        return own_network_fd()
    finally:
        setns(home)
        os.close(home)


def enter_private_network() -> bool:
    """Move this process into a new network namespace, with a user namespace where needed.

    Returns:
        Whether a user namespace was made.

    Raises:
        OSError: Neither is allowed here.
    """
    try:
        unshare(CLONE_NEWNET)
    except PermissionError:
        uid, gid = os.geteuid(), os.getegid()
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")
        return True
    return False


def enter_network_of(pid: int) -> None:
    """Move this process into the user and network namespace of another one.

    Raises:
        OSError: There is no such process, or it belongs to somebody else.
    """
    theirs = Path(f"/proc/{pid}/ns")
    if (theirs / "user").readlink() != Path("/proc/self/ns/user").readlink():
        user_fd = os.open(theirs / "user", os.O_RDONLY | os.O_CLOEXEC)
        network_fd = os.open(theirs / "net", os.O_RDONLY | os.O_CLOEXEC)
        setns(user_fd, CLONE_NEWUSER)
        os.close(user_fd)
    else:
        network_fd = os.open(theirs / "net", os.O_RDONLY | os.O_CLOEXEC)
    setns(network_fd)
    os.close(network_fd)
