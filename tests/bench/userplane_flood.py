"""Send UDP datagrams to 10.9.0.1 port 9 at a rate for a while; run by the broker for benchmarks.

Arguments: packets a second, payload bytes, seconds. Prints how many were sent.
"""

from __future__ import annotations

import socket
import sys
import time

SEGMENT = 103
GROUP = 60


def main(packets_s: int, size: int, seconds: float) -> None:
    """Send groups of datagrams, each group when it is due."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
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
            continue  # the queue is full or nobody listens: the tap counts what got through
        sent += group
    sys.stdout.write(f"{sent}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
