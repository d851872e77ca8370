"""The one ethtool request the world needs (``linux/ethtool.h``)."""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

_SIOCETHTOOL = 0x8946
_STXCSUM = 0x17


def compute_checksums(ifname: str) -> None:
    """Have the kernel fill in checksums on an interface of this namespace.

    Between virtual interfaces it would leave them out, and a tap would show broken packets.
    """
    value = ctypes.create_string_buffer(struct.pack("II", _STXCSUM, 0))
    request = struct.pack("16sP", ifname.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCETHTOOL, request)
