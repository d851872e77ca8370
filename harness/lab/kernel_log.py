"""The kernel's log from a moment on, by /dev/kmsg (Documentation/ABI/testing/dev-kmsg).

Times are the kernel's: microseconds of its local clock, which runs beside CLOCK_MONOTONIC and
differs from it by some milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from harness.core.errors import BenchError

DEVICE: Final = Path("/dev/kmsg")
_RECORD_BYTES: Final = 8192  # more than the longest record; a shorter read is refused
_US_PER_S: Final = 1_000_000
_MOST_RECORDS: Final = 100_000
_RECORD: Final = re.compile(
    r"(?P<prefix>\d+),\d+,(?P<us>\d+),[^;]*;(?P<text>[^\n]*)(?:\n.*)?", re.ASCII | re.DOTALL
)


def line_of(record: bytes) -> str:
    """Return a record as a line: seconds, priority, text; keys and values after it are left out.

    What is no record is returned as it is.
    """
    text = record.decode("utf-8", "backslashreplace")
    match = _RECORD.fullmatch(text)
    if match is None:
        return text.rstrip("\n")
    seconds, us = divmod(int(match["us"]), _US_PER_S)
    return f"[{seconds:>6}.{us:06}] <{int(match['prefix']) & 7}> {match['text']}"


class KernelLog:
    """The kernel's log since this was opened.

    Args:
        device: The log's device.

    Raises:
        BenchError: This process may not read it, or there is none (a container).
    """

    def __init__(self, device: Path = DEVICE) -> None:
        self._fd: int | None = None
        try:
            self._fd = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
            with contextlib.suppress(OSError):  # a pipe has no end to go to
                os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as exc:
            msg = f"{device}: the kernel's log cannot be read: {exc.strerror}"
            raise BenchError(msg) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the device; closing twice is allowed."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def lines(self) -> Iterator[str]:
        """Yield what came since the last call, oldest first; a gap is said to be one."""
        for _ in range(_MOST_RECORDS):
            if self._fd is None:
                return
            try:
                record = os.read(self._fd, _RECORD_BYTES)
            except BlockingIOError:
                return
            except BrokenPipeError:
                yield "[records were overwritten before they could be read]"
                continue
            if not record:
                return
            yield line_of(record)
