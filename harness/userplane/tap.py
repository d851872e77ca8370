"""The tap: the kernel's own packet ring, block by block into a spool, from there into pcapng.

A thread copies whole blocks as the kernel filled them (0.1 to 0.5 us a packet), so that nothing is
lost at a million packets a second; what is looked at packet by packet is done by column, behind it:
for whoever asks (`poll`), and for the file, which grows while the tap runs.
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from harness.core.errors import BenchError
from harness.measure.packets import Packets
from harness.userplane import tap_blocks
from harness.userplane.links import InterfaceGoneError
from harness.userplane.namespace import Namespace
from harness.userplane.tap_clock import TapClock
from harness.userplane.tap_file import CaptureFile
from harness.userplane.tap_spool import Spool

_GONE: Final = frozenset({errno.ENODEV, errno.ENXIO, errno.ENETDOWN})
_SOL_PACKET: Final = 263
_PACKET_RX_RING: Final = 5
_PACKET_STATISTICS: Final = 6
_PACKET_VERSION: Final = 10
_TPACKET_V3: Final = 2
_SO_ATTACH_FILTER: Final = 26
_RETURN: Final = 0x06
_ETH_P_ALL: Final = 3
_FRAME_BYTES: Final = 2048
_STATUS_AT: Final = 8
_PACKETS_AT: Final = 12
_PATIENCE_RETIREMENTS: Final = 20
_USER: Final = 1
_LOSING: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TapSettings:
    """How a tap works.

    Attributes:
        snap_bytes: Bytes kept of each frame; 0 keeps all.
        block_bytes: One block of the ring, a power of two and at least 4096.
        blocks: How many there are; what they hold is how long the tap may be kept waiting.
        retire_ms: After this time a block is handed over although it is not full.
        most_bytes: Where the spool stops growing; the rest is not kept, and the result says so.
    """

    snap_bytes: int = 0
    block_bytes: int = 1 << 17
    blocks: int = 64
    retire_ms: int = 10
    most_bytes: int = 4_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TapResult:
    """What a tap got.

    Attributes:
        path: The capture, or None if none was wanted.
        received_packets: Packets that the kernel put into the ring or had to drop.
        dropped_packets: Packets that the kernel dropped because the ring was full.
        kept_packets: Packets in the capture.
        clock_step_ns: How far the wall clock was set while the tap ran, in nanoseconds.
        vanished: The interface went down or away meanwhile; what came before it is all there.
        doubts: Why the capture is not to be relied on; empty if it is.
    """

    path: Path | None
    received_packets: int
    dropped_packets: int
    kept_packets: int
    clock_step_ns: int
    vanished: bool
    doubts: tuple[str, ...]


def _cut(sock: socket.socket, snap_bytes: int) -> None:
    """Have the kernel cut each frame to so many bytes; with 0, take no frame any more."""
    code = np.frombuffer(struct.pack("=HBBI", _RETURN, 0, 0, snap_bytes), np.uint8)
    program = struct.pack("@HP", 1, code.ctypes.data)
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


class Tap:
    """A capture on one interface; a context manager that stops when it is left."""

    def __init__(
        self,
        sock: socket.socket,
        settings: TapSettings,
        path: Path | None,
        ifname: str,
        spool: Spool,
    ) -> None:
        self._sock = sock
        self._settings = settings
        self._path = path
        self._ifname = ifname
        self._incoming_only = False
        self._spool = spool
        self._file: CaptureFile | None = None
        self._stop_read, self._stop_write = os.pipe()
        self._ring: mmap.mmap | None = None
        self._polled = 0
        self._seen_packets = 0
        self._received_packets = 0
        self._dropped_packets = 0
        self._losing = False
        self._went_down = False
        self._clock = TapClock()
        self._flushed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tap {ifname}", daemon=True)
        self._result: TapResult | None = None
        self._released = False

    @classmethod
    def start(
        cls,
        namespace: Namespace,
        ifname: str = "lan0",
        *,
        path: Path | None = None,
        settings: TapSettings | None = None,
        incoming_only: bool = False,
    ) -> Self:
        """Start to capture; when this returns, the next packet is captured.

        Args:
            namespace: Where the interface is.
            ifname: The interface; an ifb shows what came through a limited downlink.
            path: Where to write pcapng, as it comes; None keeps nothing.
            settings: Ring and limits.
            incoming_only: Everything on this interface comes from the router (an ifb).

        Raises:
            InterfaceGoneError: There is no such interface, or it went meanwhile.
            BenchError: No file or no ring is to be had.
        """
        settings = settings or TapSettings()
        namespace.interface(ifname)
        try:
            spool = Spool(path, settings.most_bytes)
        except OSError as error:
            msg = f"tap on {ifname} of {namespace.name}: no file for it: {error}"
            raise BenchError(msg) from error
        name = f"{namespace.name}/{ifname}"
        tap = cls(namespace.packet_socket(), settings, path, name, spool)
        tap._incoming_only = incoming_only
        try:
            tap._open(ifname)
            tap._begin_file()
        except OSError as error:
            tap._let_go()
            if error.errno in _GONE:
                msg = f"tap on {name}: {error.strerror}; is the router still plugged in?"
                raise InterfaceGoneError(msg) from error
            msg = f"tap on {ifname} of {namespace.name}: {error}; ring {settings}"
            raise BenchError(msg) from error
        tap._thread.start()
        return tap

    def _begin_file(self) -> None:
        if self._path is not None:
            self._file = CaptureFile(
                self._path,
                self._spool,
                self._frames,
                ifname=self._ifname,
                snap_bytes=self._settings.snap_bytes,
            )

    def _open(self, ifname: str) -> None:
        settings = self._settings
        if settings.snap_bytes:
            _cut(self._sock, settings.snap_bytes)
        self._sock.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        size = settings.block_bytes * settings.blocks
        frames = size // _FRAME_BYTES
        ring = struct.pack(
            "=IIIIIII", settings.block_bytes, settings.blocks, _FRAME_BYTES, frames,
            settings.retire_ms, 0, 0,
        )  # fmt: skip
        self._sock.setsockopt(_SOL_PACKET, _PACKET_RX_RING, ring)
        self._ring = mmap.mmap(
            self._sock.fileno(), size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE
        )
        self._sock.bind((ifname, _ETH_P_ALL))

    @property
    def path(self) -> Path | None:
        """Where the capture will be when it stops; None when nothing is kept."""
        return self._path

    @property
    def vanished(self) -> bool:
        """Whether the interface went down or away since the tap was started."""
        return self._went_down

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        """Empty the ring until told to stop, then give it back.

        Giving a ring back costs two grace periods of the kernel (20 ms here), which nobody has to
        wait for once the last packet is in the spool.
        """
        ring = self._ring
        if ring is None:
            return
        try:
            with memoryview(ring) as view:
                self._empty(ring, view)
        finally:
            self._flushed.set()
            ring.close()
            self._sock.close()

    def _empty(self, ring: mmap.mmap, view: memoryview) -> None:
        """Move blocks from the ring to the spool until told to stop and nothing is left."""
        size, count = self._settings.block_bytes, self._settings.blocks
        waiting = select.poll()
        waiting.register(self._sock, select.POLLIN | select.POLLERR)
        waiting.register(self._stop_read, select.POLLIN)
        block, last_ns = 0, 0
        while True:
            start = block * size
            (status,) = struct.unpack_from("<I", ring, start + _STATUS_AT)
            if status & _USER:
                self._losing = self._losing or bool(status & _LOSING)
                packets, _, length = struct.unpack_from("<III", ring, start + _PACKETS_AT)
                self._seen_packets += packets
                self._spool.keep(view[start : start + length])
                struct.pack_into("<I", ring, start + _STATUS_AT, 0)
                block = (block + 1) % count
            elif last_ns and (self._seen_all() or time.monotonic_ns() > last_ns):
                break
            else:
                happened = dict(waiting.poll(self._settings.retire_ms if last_ns else None))
                if happened.get(self._sock.fileno(), 0) & select.POLLERR:
                    self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # told only once
                    self._went_down = True
                if self._stop_read in happened:
                    waiting.unregister(self._stop_read)
                    _cut(self._sock, 0)
                    last_ns = time.monotonic_ns() + _PATIENCE_RETIREMENTS * self._retire_ns

    @property
    def _retire_ns(self) -> int:
        return self._settings.retire_ms * 1_000_000

    def _seen_all(self) -> bool:
        """Tell whether every packet that the kernel counted has come out of the ring."""
        counted = self._sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        received, dropped, _ = struct.unpack("=III", counted)  # reading sets them to zero
        self._received_packets += received
        self._dropped_packets += dropped
        return self._seen_packets >= self._received_packets - self._dropped_packets

    def poll(self, *, headers: bool = True) -> Packets:
        """Return the packets since the last call; younger than `retire_ms` they may be missing.

        Their times go on evenly although somebody sets the host's clock meanwhile.
        """
        data, self._polled = self._spool.read(self._polled)
        frames = self._frames(data)
        return replace(frames, t_ns=self._clock.steady(frames.t_ns)).packets(headers=headers)

    def now_ns(self) -> int:
        """Return the time by the clock of the packets that `poll` returns."""
        return self._clock.now_ns()

    def _frames(self, data: bytes) -> tap_blocks.Frames:
        frames = tap_blocks.frames_of(data)
        if self._incoming_only:
            frames.outgoing[:] = False
        return frames

    def stop(self) -> TapResult:
        """Stop, keep the last packets, end the file; a second call returns the same result."""
        if self._result is not None:
            return self._result
        os.write(self._stop_write, b".")
        self._flushed.wait()
        received, dropped = self._received_packets, self._dropped_packets
        trouble, kept = self._spool.trouble, 0
        if self._file is not None:
            self._file.finish(received=received, dropped=dropped)
            trouble, kept = trouble or self._file.trouble, self._file.kept_packets
        step_ns = self._clock.moved_ns()
        doubts = []
        if dropped or self._losing:
            doubts.append(f"the tap lost {dropped} of {received} packets: its ring was full")
        elif self._seen_packets < received:
            doubts.append(f"the tap saw {self._seen_packets} of {received} packets at its end")
        if trouble:
            doubts.append(f"the capture is not whole: {trouble}")
        if step_ns:
            doubts.append(f"the wall clock was set by {step_ns / 1e9:.3f} s meanwhile")
        self._result = TapResult(
            path=self._path,
            received_packets=received,
            dropped_packets=dropped,
            kept_packets=kept,
            clock_step_ns=step_ns,
            vanished=self._went_down,
            doubts=tuple(doubts),
        )
        return self._result

    def close(self) -> None:
        """Stop and let go of the ring and the spool; `poll` gives nothing any more."""
        self.stop()
        self._let_go()

    def _let_go(self) -> None:
        if self._released:
            return
        self._released = True
        if not self._thread.is_alive():
            self._sock.close()
        os.close(self._stop_read)
        os.close(self._stop_write)
        self._spool.close()
