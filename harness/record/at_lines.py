"""Brings the lines of an AT transcript into a record, so that time-lines can show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.port.transcript import Direction, Entry, read_transcript
from harness.record.result_writer import ResultWriter

_WORDS: Final = {Direction.SENT: "tx", Direction.RECEIVED: "rx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtLine:
    """One line as it went over a port.

    Attributes:
        t_ns: When its first byte went.
        port: The port's name.
        direction: `tx` to the router, `rx` from it.
        text: The line without its end, as Latin-1.
    """

    t_ns: int
    port: str
    direction: str
    text: str


def at_lines(entries: Iterable[Entry]) -> Iterator[AtLine]:
    """Put reads and writes together to lines; what has no end is a line at the end.

    Args:
        entries: What a transcript holds, in its order.
    """
    held: dict[tuple[str, Direction], tuple[int, str]] = {}
    for entry in entries:
        key = (entry.port, entry.direction)
        t_ns, before = held.pop(key, (entry.t_ns, ""))
        text = before + entry.data.decode("latin-1")
        *whole, rest = text.replace("\r", "\n").split("\n")
        for line in filter(None, whole):
            yield _line(key, t_ns, line)
            t_ns = entry.t_ns
        if rest:
            held[key] = (t_ns, rest)
    for key, (t_ns, rest) in held.items():
        yield _line(key, t_ns, rest)


def _line(key: tuple[str, Direction], t_ns: int, text: str) -> AtLine:
    port, direction = key
    return AtLine(t_ns=t_ns, port=port, direction=_WORDS[direction], text=text)


def record_at_lines(result: ResultWriter, transcript: Path) -> int:
    """Write each line of a transcript as an event of a result; return how many there were.

    Raises:
        TranscriptError: The file is no transcript; the lines before the problem are written.
    """
    count = 0
    for line in at_lines(read_transcript(transcript)):
        data = {"direction": line.direction, "port": line.port}
        result.event("at", line.text, t_ns=line.t_ns, data=data)
        count += 1
    return count
