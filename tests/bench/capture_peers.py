"""The tap beside other ways to capture, from one run: a flood, and how much of it is in the file.

All of them capture the receiving end of a veth pair in one private namespace and are stopped right
behind the last packet. Complete is what the *file* holds of what was sent, not what the tool says.
"""

from __future__ import annotations

import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.tap import Tap, TapSettings

HERE = Path(__file__).parent
SECONDS = 0.5
CAPTURED = "far0"
SCAPY = """\
import sys
from scapy.all import AsyncSniffer, PcapWriter
writer = PcapWriter(sys.argv[1], linktype=1)
sniffer = AsyncSniffer(iface="far0", prn=writer.write, store=False,
                       started_callback=lambda: print("listening on", file=sys.stderr, flush=True))
sniffer.start()
sys.stdin.read()
sniffer.stop()
writer.close()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One flood: packets a second, payload bytes, bytes kept of each frame (0 keeps all)."""

    packets_s: int
    payload_bytes: int
    snap_bytes: int


LOADS = (
    Load(packets_s=5_000, payload_bytes=1400, snap_bytes=0),
    Load(packets_s=100_000, payload_bytes=1400, snap_bytes=0),
    Load(packets_s=500_000, payload_bytes=1400, snap_bytes=0),
    Load(packets_s=1_000_000, payload_bytes=64, snap_bytes=96),
)


def wire() -> Broker:
    """Return a broker with both ends of a veth pair in its first namespace."""
    broker = Broker.start(private=True)
    broker.first.perform(
        links.new_veth("vusb0", CAPTURED, peer_namespace_fd=broker.first.broker_fd)
    )
    broker.first.address("10.9.0.2/24", ifname="vusb0")
    for ifname in ("vusb0", CAPTURED):
        broker.first.offloads_off(ifname)
    broker.first.up(CAPTURED)
    return broker


def flood(broker: Broker, load: Load, log: Path) -> int:
    """Send the load; return how many packets that were."""
    argv = [sys.executable, str(HERE / "userplane_flood.py")]
    argv += [str(load.packets_s), str(load.payload_bytes), str(SECONDS)]
    program = broker.spawn(argv, stderr=log)
    sent = int(program.stdout.readline() or b"0")
    program.close()
    return sent


def counted(path: Path, load: Load) -> int:
    """Return how many packets of the flood a pcap or pcapng file holds, by their length."""
    data = path.read_bytes() if path.exists() else b""
    wanted, found = load.payload_bytes + 42, 0
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        at = 0
        while at + 28 <= len(data):
            kind, length = struct.unpack_from("<II", data, at)
            found += kind == 6 and struct.unpack_from("<I", data, at + 24)[0] == wanted
            at += length
        return found
    at = 24
    while at + 16 <= len(data):
        kept, length = struct.unpack_from("<II", data, at + 8)
        found += length == wanted
        at += 16 + kept
    return found


def ours(load: Load, folder: Path) -> tuple[int, int]:
    """Capture with the tap; return how many were sent and how many are in the file."""
    path = folder / "capture"
    with wire() as broker:
        settings = TapSettings(
            snap_bytes=load.snap_bytes, block_bytes=1 << 20, blocks=96, retire_ms=60
        )
        with Tap.start(broker.first, CAPTURED, path=path, settings=settings) as tap:
            sent = flood(broker, load, folder / "log")
            tap.stop()
    return sent, counted(path, load)


def program(argv: Callable[[Load, Path], list[str]]) -> Callable[[Load, Path], tuple[int, int]]:
    """Return the same for a program that says `listening on` or `Capturing on` when it is ready."""

    def capture(load: Load, folder: Path) -> tuple[int, int]:
        path, said = folder / "capture", folder / "said"
        path.unlink(missing_ok=True)
        said.unlink(missing_ok=True)
        with wire() as broker:
            peer = broker.spawn(argv(load, path), stderr=said)
            until = time.monotonic() + 20
            while not peer.ended(0.05) and time.monotonic() < until:
                text = said.read_text(encoding="utf-8", errors="replace")
                if "listening on" in text or "File:" in text:
                    break
            sent = flood(broker, load, folder / "log")
            if argv(load, path)[0] == sys.executable:
                peer.close(60)
            else:
                peer.send_signal(signal.SIGINT)
                peer.ended(30)
                peer.close()
        return sent, counted(path, load)

    return capture


def _tcpdump(load: Load, path: Path) -> list[str]:
    snap = str(load.snap_bytes or 262_144)
    return [
        "tcpdump",
        "-n",
        "-i",
        CAPTURED,
        "-s",
        snap,
        "-B",
        "98304",
        "-w",
        str(path),
        "-Z",
        "root",
    ]


def _dumpcap(load: Load, path: Path) -> list[str]:
    snap = str(load.snap_bytes or 262_144)
    return ["dumpcap", "-q", "-i", CAPTURED, "-s", snap, "-B", "96", "-w", str(path)]


def _scapy(load: Load, path: Path) -> list[str]:
    del load
    return [sys.executable, "-c", SCAPY, str(path)]


WAYS: dict[str, Callable[[Load, Path], tuple[int, int]]] = {
    "ours": ours,
    "tcpdump": program(_tcpdump),
    "dumpcap": program(_dumpcap),
    "scapy": program(_scapy),
}


@dataclass(slots=True)
class Captured:
    """What some runs of one way to capture kept: percent of what was sent, and how fast that was.

    Attributes:
        percent: Of each run, how much of what was sent is in the file.
        sent_s: Packets a second that the slowest of the floods reached.
    """

    percent: list[float] = field(default_factory=list)
    sent_s: int = 0


def warm(folder: Path, size_bytes: int = 1 << 30) -> None:
    """Touch the memory that files will use: a virtual machine gets it page by page, slowly."""
    with (folder / "warm").open("wb") as file:
        for _ in range(size_bytes >> 20):
            file.write(bytes(1 << 20))
    (folder / "warm").unlink()


def rows(folder: Path, runs: int) -> Iterator[tuple[str, Captured]]:
    """Return what was run and how much of each flood was in the file."""
    for load in LOADS:
        kept = f"{load.snap_bytes} bytes" if load.snap_bytes else "whole"
        for name, capture in WAYS.items():
            if name in {"tcpdump", "dumpcap"} and shutil.which(name) is None:
                continue
            captured = Captured(sent_s=load.packets_s)
            for _ in range(runs):
                warm(folder)
                sent, held = capture(load, folder)
                captured.percent.append(100.0 * held / max(sent, 1))
                captured.sent_s = min(captured.sent_s, round(sent / SECONDS))
            yield f"{name}, {load.packets_s // 1000} kpps {kept}", captured
