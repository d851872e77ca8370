"""Network and user namespaces without names: held as descriptors, gone with the last holder.

Python gets ``os.setns`` in 3.12 only; here the two calls go through libc. The thread that
calls is the one that moves, so every function names ``/proc/thread-self``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

_NEWUSER = 0x10000000
_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_OWN_NETNS = "/proc/thread-self/ns/net"
_CAP_NET_ADMIN = 12
_CAP_SYS_ADMIN = 21

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: int) -> None:
    if getattr(_libc, name)(*args):
        number = ctypes.get_errno()
        msg = f"{name}: {os.strerror(number)}"
        raise OSError(number, msg)


def own_namespace() -> int:
    """Return a descriptor of the calling thread's network namespace."""
    return os.open(_OWN_NETNS, os.O_RDONLY | os.O_CLOEXEC)


def enter(netns_fd: int) -> None:
    """Move the calling thread into a network namespace for good."""
    _call("setns", netns_fd, _NEWNET)


@contextlib.contextmanager
def inside(netns_fd: int) -> Iterator[None]:
    """Be in a network namespace for the length of a ``with`` block.

    Sockets opened inside keep that namespace for life.
    """
    home_fd = own_namespace()
    try:
        enter(netns_fd)
        yield
    finally:
        enter(home_fd)
        os.close(home_fd)


def new_namespace() -> int:
    """Make an empty network namespace and return its descriptor; the caller stays outside."""
    home_fd = own_namespace()
    try:
        _call("unshare", _NEWNET)
        return own_namespace()
    finally:
        enter(home_fd)
        os.close(home_fd)


def may_configure_network() -> bool:
    """Tell whether this process may make namespaces and change its own network."""
    status = Path("/proc/thread-self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    effective = int(line.split()[1], 16)
    wanted = 1 << _CAP_NET_ADMIN | 1 << _CAP_SYS_ADMIN
    return effective & wanted == wanted and _owns_network()


def _owns_network() -> bool:
    # Inside a user namespace the capabilities may not reach the network namespace we stand in.
    try:
        os.close(new_namespace())
    except OSError:
        return False
    return True


def become_root_of_own_namespaces() -> None:
    """Make a user and a network namespace of our own, with ourselves as root in them.

    Raises:
        OSError: This kernel does not let ordinary users do so, or the process has threads.
    """
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _NEWUSER | _NEWNET)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1", encoding="ascii")


def die_with_parent(signal_number: int = 9) -> None:
    """Ask the kernel to end this process when the one that started it ends in any way."""
    _call("prctl", _PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
