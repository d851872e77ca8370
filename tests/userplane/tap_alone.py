"""A tap in a process of its own, to be killed or to run out of disk; arguments DIR and WHAT.

It sends 500 numbered datagrams through a tapped interface. `killed`: waits until the file has them
all, says so, and waits for its end. `full`: DIR becomes a disk of 256 KiB; says what the tap says.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.pcapng import records_of
from harness.userplane.tap import Tap

COUNT = 500
SIZE = 1400
_PATIENCE_S = 10.0


def _whole(path: Path) -> int:
    return sum(record.wire_bytes == SIZE + 42 for record in records_of(path.read_bytes()))


def main(directory: Path, what: str) -> None:
    """Do what was asked for."""
    path = directory / "lan.pcapng"
    if what == "full":
        argv = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(directory)]
        subprocess.run(argv, check=True)
    with Broker.start(private=True) as broker:
        router = broker.namespace("router")
        broker.first.perform(links.new_veth("vusb0", "far0", peer_namespace_fd=router.broker_fd))
        router.address("10.9.0.1/24", ifname="far0")
        bench = broker.namespace("bench")
        bench.adopt("vusb0")
        bench.address("10.9.0.2/24", "10.9.0.1")
        with Tap.start(bench, path=path) as tap:
            with bench.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                for number in range(COUNT):
                    sock.sendto(number.to_bytes(4, "big") + bytes(SIZE - 4), ("10.9.0.1", 9))
            if what == "killed":
                until = time.monotonic() + _PATIENCE_S
                while _whole(path) < COUNT and time.monotonic() < until:
                    signal.sigtimedwait([], 0.02)
                sys.stdout.write(json.dumps({"in_file": _whole(path)}) + "\n")
                sys.stdout.flush()
                signal.pause()
            result = tap.stop()
        found = {"doubts": result.doubts, "kept": result.kept_packets, "in_file": _whole(path)}
        readable = len(records_of(path.read_bytes()))
        sys.stdout.write(json.dumps(found | {"readable": readable}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
