"""Where a tap's blocks lie between the ring and whoever looks at them: a file without a name."""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
from pathlib import Path
from typing import Final

from harness.userplane import tap_blocks

CHUNK_BYTES: Final = 32 << 20
_PUNCH_HOLE_KEEP_SIZE: Final = 3
_fallocate = ctypes.CDLL(None, use_errno=True).fallocate
_fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def trouble_of(error: OSError) -> str:
    """Say what is wrong when a capture cannot be written."""
    why = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
    return f"writing the capture: {why}"


class Spool:
    """Whole blocks of a ring, one after the other; one thread writes, others read.

    Attributes:
        written: Bytes that are in it.
        trouble: Why it stopped growing; empty while it does.
    """

    def __init__(self, beside: Path | None, most_bytes: int) -> None:
        """Open the file where the capture will be, or where such files go.

        Args:
            beside: The capture, or None.
            most_bytes: Where it stops growing.

        Raises:
            OSError: There is no such directory.
        """
        with tempfile.TemporaryFile(dir=beside.parent if beside else None) as file:
            self._fd = os.dup(file.fileno())
        self._most_bytes = most_bytes
        self._first = 0
        self.written = 0
        self.trouble = ""

    def keep(self, block: memoryview) -> None:
        """Append a block, as long as there was no trouble."""
        if self.trouble:
            return
        if self.written + len(block) > self._most_bytes:
            self.trouble = f"stopped at the limit of {self._most_bytes} bytes"
            return
        try:
            done = os.pwrite(self._fd, block, self.written)
        except OSError as error:
            self.trouble = trouble_of(error)
            return
        if done < len(block):
            self.trouble = trouble_of(OSError(errno.ENOSPC, ""))
            return
        self.written += done

    def read(self, at: int, most_bytes: int = CHUNK_BYTES) -> tuple[bytes, int]:
        """Return whole blocks from `at` on, at most so many bytes of them, and where they end."""
        at = max(at, self._first)
        data = os.pread(self._fd, min(self.written - at, most_bytes), at)
        whole = tap_blocks.whole_blocks(data)
        return data[:whole], at + whole

    def give_back(self, end: int) -> None:
        """Give the disk back what lies before `end`; who reads from there gets what comes after."""
        self._first = end
        _fallocate(self._fd, _PUNCH_HOLE_KEEP_SIZE, 0, end)

    def close(self) -> None:
        """Let go of the file; closing twice is allowed."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
