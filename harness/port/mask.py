"""Hides secrets in recorded bytes: PIN, passwords, authentication data, IMSI, MSISDN.

A secret is replaced by as many `*` as it had characters. Masking looks at whole lines, because a
read may end in the middle of a secret: what could be the beginning of one is held back until its
line is complete.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final

Record = tuple[int, str, str, bytes]

_SENT: Final = ">"
_HELD_BYTES_MAX: Final = 4096
_HELD_NS_MAX: Final = 1_000_000_000
_IMSI: Final = re.compile(rb"(?<![0-9])([0-9]{14,15})(?![0-9])")
_NUMBER: Final = re.compile(rb"(\+?[0-9]{7,15})")
_HEX: Final = re.compile(rb"([0-9A-F]{9,})", re.IGNORECASE)
_VALUES: Final = re.compile(rb"[=:](.*)", re.DOTALL)

# What hides behind a command or an answer, by the name that comes first in the line.
_ALL_OF_IT: Final = (
    b"+CPIN=", b"+CPIN2=", b"+CPWD=", b"+CLCK=", b"+CGAUTH=", b"^AUTHDATA=", b"+UAUTHREQ=",
    b"+XGAUTH=", b"$QCPDPP=", b"+QICSGP=", b"+MGAUTH=", b"+CIMI:", b"^MBAU", b"+CNUM:",
)  # fmt: skip
_HEX_OF_IT: Final = (
    b"+ERSA", b"+EAPVSIM", b"+RSIMRSP", b"%RSIMREQ", b"+ERSIMAKA", b"+EAUTH", b"+ESIMAUTH",
)  # fmt: skip
_APDU: Final = re.compile(
    rb"\+(?:CSIM|CGLA)=[0-9,]*\"?[0-9A-F]{2}(?:88|20|24|2C)[0-9A-F]{6}([0-9A-F]+)", re.IGNORECASE
)
_SECRET_FILES: Final = re.compile(rb"\+CRSM=(?:176|178|214|220),(?:28423|28480)\b", re.IGNORECASE)
# One of these is in every line that hides something; kept short, because each chunk is searched.
_HINTS: Final = (
    b"CPIN", b"CPWD", b"CLCK", b"AUTH", b"PDPP", b"ICSGP", b"CIMI", b"MBAU", b"CNUM", b"ERSA",
    b"SIM", b"+CGLA", b"+CRSM",
)  # fmt: skip
_FINAL: Final = re.compile(rb"(?:OK|ERROR|\+CM[ES] ERROR: ?.*|0|4)")
_COULD_BEGIN_A_SECRET: Final = b'Aa+^%*$#!0123456789"'
_KEPT_IMSIS: Final = 16


@dataclass(slots=True)
class _Held:
    """Bytes that wait for the end of their line."""

    t_ns: int
    port: str
    direction: str
    data: bytes
    done: bool = False


@dataclass(slots=True)
class _Stream:
    """One direction of one port: what is held, and how much of its first part is masked."""

    held: list[_Held] = field(default_factory=list)
    masked: int = 0


class Masker:
    """Takes what was read and written; gives it back masked, in the same order and cuts."""

    def __init__(self) -> None:
        self._order: deque[_Held] = deque()
        self._streams: dict[tuple[str, str], _Stream] = {}
        self._answer: dict[str, re.Pattern[bytes]] = {}  # port: what hides in the answer to come
        self._imsis: deque[bytes] = deque(maxlen=_KEPT_IMSIS)

    def feed(self, t_ns: int, port: str, direction: str, data: bytes) -> list[Record]:
        """Take one read or write; return what can be written now."""
        stream = self._streams.setdefault((port, direction), _Stream())
        entry = _Held(t_ns, port, direction, data)
        self._order.append(entry)
        stream.held.append(entry)
        joined = b"".join(held.data for held in stream.held)
        end = max(joined.rfind(b"\r"), joined.rfind(b"\n")) + 1
        end = max(end, stream.masked)
        tail = joined[end:].lstrip(b"\x00 ")
        if not tail or tail[0] not in _COULD_BEGIN_A_SECRET or len(tail) > _HELD_BYTES_MAX:
            end = len(joined)
        self._mask(stream, joined, end, port, direction)
        while self._order and t_ns - self._order[0].t_ns > _HELD_NS_MAX and not self._order[0].done:
            self._give_up_waiting(self._order[0])
        return self._released()

    def flush(self) -> list[Record]:
        """Return all that is still held back, masked as far as it can be understood."""
        for entry in self._order:
            if not entry.done:
                self._give_up_waiting(entry)
        return self._released()

    def _give_up_waiting(self, entry: _Held) -> None:
        stream = self._streams[entry.port, entry.direction]
        joined = b"".join(held.data for held in stream.held)
        self._mask(stream, joined, len(joined), entry.port, entry.direction)

    def _released(self) -> list[Record]:
        records: list[Record] = []
        while self._order and self._order[0].done:
            held = self._order.popleft()
            records.append((held.t_ns, held.port, held.direction, held.data))
        return records

    def _mask(self, stream: _Stream, joined: bytes, end: int, port: str, direction: str) -> None:
        fresh = joined[stream.masked : end]
        whole = joined[: stream.masked] + self._masked(fresh, port, direction) + joined[end:]
        start = 0
        keep: list[_Held] = []
        for entry in stream.held:
            stop = start + len(entry.data)
            entry.data = whole[start:stop]
            entry.done = stop <= end
            if not entry.done:
                if not keep:
                    stream.masked = max(0, end - start)
                keep.append(entry)
            start = stop
        if not keep:
            stream.masked = 0
        stream.held = keep

    def _masked(self, data: bytes, port: str, direction: str) -> bytes:
        if port not in self._answer and not _hinted(data.upper()):
            for imsi in self._imsis:
                data = data.replace(imsi, b"*" * len(imsi))
            return data
        lines = re.split(rb"([\r\n]+)", data)
        return b"".join(self._masked_line(line, port, direction) for line in lines)

    def _masked_line(self, line: bytes, port: str, direction: str) -> bytes:
        upper = line.upper()
        if direction == _SENT:
            self._expect_answer(upper, port)
        pattern = self._answer.get(port)
        if any(name in upper for name in _ALL_OF_IT):
            line = self._starred(_VALUES, line)
        if any(name in upper for name in _HEX_OF_IT):
            line = self._starred(_HEX, line)
        line = self._starred(_APDU, line)
        if pattern is not None and direction != _SENT:
            if _FINAL.fullmatch(line.strip(b"\x00 ")):
                del self._answer[port]
            elif not upper.lstrip(b"\x00 ").startswith(b"AT"):
                line = self._starred(pattern, line)
        for imsi in self._imsis:
            line = line.replace(imsi, b"*" * len(imsi))
        return line

    def _expect_answer(self, command: bytes, port: str) -> None:
        if not command.startswith(b"AT"):
            return
        self._answer.pop(port, None)
        if b"+CIMI" in command:
            self._answer[port] = _IMSI
        elif b"+CNUM" in command:
            self._answer[port] = _NUMBER
        elif _SECRET_FILES.search(command) or _APDU.search(command) or b"^MBAU" in command:
            self._answer[port] = _HEX

    def _starred(self, pattern: re.Pattern[bytes], line: bytes) -> bytes:
        def stars(match: re.Match[bytes]) -> bytes:
            if pattern is _IMSI:
                self._imsis.append(match[1])
            start, stop = match.start(1) - match.start(), match.end(1) - match.start()
            whole = match[0]
            hidden = re.sub(rb"[^,\"\s]", b"*", whole[start:stop])
            return whole[:start] + hidden + whole[stop:]

        return pattern.sub(stars, line)


def _hinted(upper: bytes) -> bool:
    for hint in _HINTS:  # noqa: SIM110 - a generator costs more than the search
        if hint in upper:
            return True
    return False
