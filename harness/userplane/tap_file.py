"""A capture as it grows: pcapng, written behind the ring by a thread of its own.

What the tap has seen is in the file a quarter of a second later, so that a run that is killed keeps
its evidence. While the tap runs this takes a quarter of a core at most, because the ring must not
wait for it: about 100 MB a second; what is left of a flood above that is written when it stops.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.core.units import NS_PER_S
from harness.userplane import pcapng
from harness.userplane.tap_blocks import Frames
from harness.userplane.tap_spool import Spool, trouble_of

_PERIOD_S: Final = 0.25
_STEP_BYTES: Final = 1 << 20
"""Bytes of the spool that are turned into pcapng at once; the ring's thread may wait for that."""
_REST_TO_WORK: Final = 3


class CaptureFile:
    """Writes what is in a spool as pcapng, from the start of the tap to its end.

    Attributes:
        kept_packets: Packets that are in the file.
        trouble: Why the file is not whole; empty if it is.
    """

    def __init__(
        self,
        path: Path,
        spool: Spool,
        frames_of: Callable[[bytes], Frames],
        *,
        ifname: str,
        snap_bytes: int,
    ) -> None:
        """Begin the file and the thread.

        Args:
            path: Where it will be.
            spool: What to write.
            frames_of: Finds the frames in whole blocks.
            ifname: Name of the interface, for the file.
            snap_bytes: Bytes kept of each frame; 0 means all.

        Raises:
            OSError: The file cannot be begun.
        """
        self._spool = spool
        self._frames_of = frames_of
        self._at = 0
        self._size = 0
        self._ending = threading.Event()
        self.kept_packets = 0
        self.trouble = ""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            self._append(pcapng.preamble(ifname, snap_bytes=snap_bytes))
        except OSError:
            os.close(self._fd)
            raise
        self._thread = threading.Thread(target=self._run, name=f"capture {ifname}", daemon=True)
        self._thread.start()

    def finish(self, *, received: int, dropped: int) -> None:
        """Write what is left and the kernel's counters, and close the file.

        Args:
            received: Packets that the kernel saw.
            dropped: Packets that it lost.
        """
        self._ending.set()
        self._thread.join()
        if not self.trouble:
            counters = pcapng.statistics(time.time_ns(), received=received, dropped=dropped)
            self._written(counters)
        os.close(self._fd)

    def _run(self) -> None:
        while not self._ending.wait(_PERIOD_S):
            self._follow()
        self._follow()

    def _follow(self) -> None:
        """Write until the file has what the spool has."""
        while not self.trouble and self._at < self._spool.written:
            began_ns = time.monotonic_ns()
            blocks, end = self._spool.read(self._at, _STEP_BYTES)
            if not blocks:  # one block is longer than a step
                blocks, end = self._spool.read(self._at)
            frames = self._frames_of(blocks)
            data = pcapng.packets(frames)
            if not self._written(data):
                self._spool.give_back(end)  # the file matters more than who may still ask
                self.trouble = ""
                self._written(data)
            if not self.trouble:
                self._at = end
                self.kept_packets += len(frames.t_ns)
            self._ending.wait(_REST_TO_WORK * (time.monotonic_ns() - began_ns) / NS_PER_S)

    def _written(self, data: bytes | memoryview) -> bool:
        """Append; what was written of a part is cut off again, so that the file can be read."""
        try:
            self._append(data)
        except OSError as error:
            self.trouble = trouble_of(error)
            os.ftruncate(self._fd, self._size)
        return not self.trouble

    def _append(self, data: bytes | memoryview) -> None:
        rest, at = memoryview(data), self._size
        while rest:
            done = os.pwrite(self._fd, rest, at)
            rest, at = rest[done:], at + done
        self._size = at
