"""Send UDP datagrams to 10.9.0.1 port 9 at a rate for a while; run by the broker for benchmarks.

Arguments: packets a second, payload bytes, seconds. Prints how many were sent.

The frames go to a hardware address that nobody has: a tap sees them, the far end's stack throws
them away at once. That and groups of 60 are what makes a million packets a second of one core.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import time

SEGMENT = 103
GROUP = 60
SIOCSARP = 0x8955
ATF_COMPLETE_AND_PERMANENT = 0x02 | 0x04
NOBODY = bytes.fromhex("02fffffffffe")


def ignore_far_end(sock: socket.socket) -> None:
    """Write the neighbour down by hand, with a hardware address that nobody has."""
    address = struct.pack("=HH4s8x", socket.AF_INET, 0, bytes([10, 9, 0, 1]))
    hardware = struct.pack("=H6s8x", 1, NOBODY)
    entry = struct.pack("=i16x16s", ATF_COMPLETE_AND_PERMANENT, b"vusb0")
    fcntl.ioctl(sock, SIOCSARP, address + hardware + entry)


def main(packets_s: int, size: int, seconds: float) -> None:
    """Send groups of datagrams, each group when it is due."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ignore_far_end(sock)
    sock.connect(("10.9.0.1", 9))
    group = min(GROUP, 60_000 // size, max(1, packets_s // 500))
    sock.setsockopt(socket.IPPROTO_UDP, SEGMENT, size)
    data = bytes(size * group)
    start, sent = time.perf_counter(), 0
    while (now := time.perf_counter() - start) < seconds:
        due = packets_s * now
        if sent > due:
            time.sleep((sent - due) / packets_s)
            continue
        try:
            sock.send(data)
        except OSError:
            continue  # the queue is full: the tap counts what got through
        sent += group
    sys.stdout.write(f"{sent}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
