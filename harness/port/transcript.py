r"""Every byte in both directions with its time, in a text form that people read.

One line a read or a write::

    # cloudsim transcript 1; utc 2026-11-24T02:50:11.123456Z; monotonic_ns 81300123456789
    0.000000000 r1.at > "AT+CSQ\r"
    0.000412345 r1.at < "\r\n+CSQ: 20,99\r\n\r\nOK\r\n"

Seconds since the first line, the port, `>` sent or `<` received, the bytes as Latin-1 text with
escapes. Secrets are masked character by character, so the cuts between reads stay true; a read
that ends inside a line is held back until the line is complete, because a secret may be cut in
two.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self, TextIO

from harness.core.clock import Clock, SystemClock
from harness.core.units import NS_PER_S, US_PER_S
from harness.port.errors import TranscriptError
from harness.port.mask import Masker

_HEADER: Final = re.compile(
    r"# cloudsim transcript 1; utc (?P<utc>\S+); monotonic_ns (?P<ns>\d+)", re.ASCII
)
_LINE: Final = re.compile(
    r'(?P<s>\d+)\.(?P<ns>\d{9}) (?P<port>\S+) (?P<direction>[<>]) (?P<text>".*")', re.ASCII
)


class Direction(StrEnum):
    """Which way bytes went."""

    SENT = ">"
    RECEIVED = "<"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Bytes of one read or write.

    Attributes:
        t_ns: Monotonic time, in nanoseconds.
        port: Name of the port.
        direction: Which way the bytes went.
        data: The bytes.
    """

    t_ns: int
    port: str
    direction: Direction
    data: bytes


class Transcript:
    """Records bytes as text, line by line, while they come.

    Args:
        path: File to write; it is made new.
        clock: Where time comes from.
        unmasked: Whether secrets are written as they are.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None, unmasked: bool = False) -> None:
        clock = clock or SystemClock()
        self.path = path
        self._start_ns = clock.monotonic_ns()
        self._masker = None if unmasked else Masker()
        self._lock = threading.Lock()
        self._file: TextIO | None = path.open("w", encoding="ascii", newline="\n")
        utc = dt.datetime.fromtimestamp(clock.utc_us() / US_PER_S, tz=dt.UTC)
        self._file.write(
            f"# cloudsim transcript 1; utc {utc:%Y-%m-%dT%H:%M:%S.%fZ}; "
            f"monotonic_ns {self._start_ns}\n"
        )
        self._file.flush()

    def record(
        self, t_ns: int, port: str, direction: Direction, data: bytes, *, flush: bool = True
    ) -> None:
        """Add the bytes of one read or write; nothing happens after `close`.

        Args:
            t_ns: Monotonic time, in nanoseconds.
            port: Name of the port.
            direction: Which way the bytes went.
            data: The bytes.
            flush: Whether it goes to the kernel now; else the caller calls `flush`, at a moment
                when nobody waits for it.
        """
        with self._lock:
            if self._file is None:
                return
            if self._masker is None:
                self._write(t_ns, port, direction, data)
            else:
                for entry in self._masker.feed(t_ns, port, direction, data):
                    self._write(*entry)
            if flush:
                self._file.flush()

    def flush(self) -> None:
        """Hand what was recorded to the kernel, where it survives the end of this process."""
        with self._lock:
            if self._file is not None:
                self._file.flush()

    def _write(self, t_ns: int, port: str, direction: str, data: bytes) -> None:
        if self._file is None:
            return
        since_ns = max(0, t_ns - self._start_ns)
        text = json.dumps(data.decode("latin-1"))
        self._file.write(
            f"{since_ns // NS_PER_S}.{since_ns % NS_PER_S:09d} {port} {direction} {text}\n"
        )

    def close(self) -> None:
        """Write what is held back, and close; closing twice is allowed."""
        with self._lock:
            if self._file is None:
                return
            if self._masker is not None:
                for entry in self._masker.flush():
                    self._write(*entry)
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_transcript(path: Path) -> Iterator[Entry]:
    """Read what `Transcript` wrote; times are the monotonic ones of the recording host.

    Raises:
        TranscriptError: The file is not a transcript; names the line.
    """
    with path.open(encoding="ascii") as lines:
        header = _HEADER.fullmatch(next(lines, "").rstrip("\n"))
        if header is None:
            msg = f"{path}: not a transcript; line 1 says '# cloudsim transcript 1; …'"
            raise TranscriptError(msg)
        start_ns = int(header["ns"])
        for number, line in enumerate(lines, start=2):
            if line.startswith("#") or not line.strip():
                continue
            yield _entry(line.rstrip("\n"), start_ns, f"{path}:{number}")


def _entry(line: str, start_ns: int, where: str) -> Entry:
    match = _LINE.fullmatch(line)
    if match is None:
        msg = f"{where}: {line!r} is not 'SECONDS PORT < \"bytes\"'"
        raise TranscriptError(msg)
    try:
        data = str(json.loads(match["text"])).encode("latin-1")
    except ValueError as exc:
        msg = f"{where}: {match['text']} is not Latin-1 text with JSON escapes: {exc}"
        raise TranscriptError(msg) from exc
    return Entry(
        t_ns=start_ns + int(match["s"]) * NS_PER_S + int(match["ns"]),
        port=match["port"],
        direction=Direction(match["direction"]),
        data=data,
    )
