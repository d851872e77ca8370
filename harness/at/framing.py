"""Bytes to lines (V.250 5.7.1, as modems in the field keep it): pure, and in bounded memory.

A run of CR and LF ends a line, except inside a quoted string. A quote that is not closed within
`QUOTE_BYTES_MAX` bytes, or within `QUOTE_GRACE_NS` after the line break in it, was none: its lines
are cut without regard to quotes. A line without an end is cut at `LINE_BYTES_MAX`.

Two things are only known by what follows: whether `0<CR>` is a result code of ATV0 (no LF
follows), and whether `>` is a prompt (a blank follows, or nothing). They wait `HOLD_GRACE_NS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

LINE_BYTES_MAX: Final = 16384
QUOTE_BYTES_MAX: Final = 1024
QUOTE_GRACE_NS: Final = 400_000_000
HOLD_GRACE_NS: Final = 50_000_000

_BREAK_OR_QUOTE: Final = re.compile(rb'[\r\n"]')
_BREAK: Final = re.compile(rb"[\r\n]")
_LONE_DIGIT: Final = re.compile(rb"(?:\A|[\r\n])[0-9][\r\n]")
_QUOTE: Final = 0x22
_CR: Final = 0x0D
_PROMPT: Final = 0x3E
_BLANK: Final = 0x20
_DIGITS: Final = frozenset(b"0123456789")


class TokenKind(Enum):
    """What the framer found."""

    LINE = auto()
    NUMERIC = auto()  # a digit that only a CR ends: a result code of ATV0
    PROMPT = auto()
    PIECE = auto()  # a part of a line that is too long to be one


class Token(NamedTuple):
    """A piece of the stream.

    Attributes:
        kind: What it is.
        raw: Its bytes, without the line break.
    """

    kind: TokenKind
    raw: bytes


class Framer:
    """Cuts a byte stream into tokens; the cuts between reads make no difference.

    Attributes:
        prompt_expected: Whether `>` at the start of a line is a prompt; cleared by the first one.
    """

    def __init__(self) -> None:
        self.prompt_expected = False
        self._buffer = bytearray()
        self._scanned = 0
        self._quote_at = -1  # where an open quote began, -1 outside quotes
        self._literal_until = 0  # quotes before this place are ordinary characters
        self._broken_since_ns: int | None = None  # first line break inside the open quote
        self._held_since_ns: int | None = None

    @property
    def tick_ns(self) -> int | None:
        """When `tick` has something to do, in monotonic nanoseconds; None when nothing waits."""
        times = []
        if self._broken_since_ns is not None:
            times.append(self._broken_since_ns + QUOTE_GRACE_NS)
        if self._held_since_ns is not None:
            times.append(self._held_since_ns + HOLD_GRACE_NS)
        return min(times, default=None)

    @property
    def pending(self) -> bytes:
        """Bytes that are not yet a token."""
        return bytes(self._buffer)

    def feed(self, chunk: bytes, t_ns: int) -> Iterator[Token]:
        """Take the bytes of one read that arrived at `t_ns`; give what they complete.

        The tokens must be taken to the end. `prompt_expected` may change between them.
        """
        if self._broken_since_ns is not None or self._held_since_ns is not None:
            yield from self.tick(t_ns)
        self._buffer += chunk
        self._held_since_ns = None
        if self._quote_at < 0 and not self._literal_until and not self.prompt_expected:
            lines = self._plain_lines()
            if lines is not None:
                yield from lines
                return
        yield from self._cut(t_ns)

    def _plain_lines(self) -> list[Token] | None:
        """Cut a buffer that holds nothing special, which is nearly all there is; else None."""
        data = bytes(self._buffer)
        if b'"' in data or len(data) > LINE_BYTES_MAX or _LONE_DIGIT.search(data):
            return None
        *lines, rest = data.replace(b"\r", b"\n").split(b"\n")
        tokens = [Token(TokenKind.LINE, line) for line in lines if line]
        self._buffer[:] = rest
        self._scanned = len(rest)
        return tokens

    def tick(self, t_ns: int) -> Iterator[Token]:
        """Give what is complete because nothing has followed until `t_ns`; take it to the end."""
        if self._broken_since_ns is not None and t_ns - self._broken_since_ns >= QUOTE_GRACE_NS:
            self._forget_quote(len(self._buffer))
            yield from self._cut(t_ns)
        if self._held_since_ns is not None and t_ns - self._held_since_ns >= HOLD_GRACE_NS:
            yield self._held_token()

    def clear(self) -> bytes:
        """Drop what is not yet a token; return it."""
        dropped = bytes(self._buffer)
        self._buffer.clear()
        self._scanned = self._literal_until = 0
        self._quote_at = -1
        self._broken_since_ns = self._held_since_ns = None
        return dropped

    def _held_token(self) -> Token:
        raw = bytes(self._buffer).rstrip(b"\r")
        self.clear()
        if raw == b">":
            self.prompt_expected = False
            return Token(TokenKind.PROMPT, raw)
        return Token(TokenKind.NUMERIC, raw)

    def _forget_quote(self, until: int) -> None:
        self._literal_until = until
        self._quote_at = -1
        self._scanned = 0
        self._broken_since_ns = None

    def _cut(self, t_ns: int) -> Iterator[Token]:
        tokens: list[Token] = []
        start = 0
        while True:
            yield from tokens
            tokens.clear()
            if self.prompt_expected and self._scanned == start and self._quote_at < 0:
                start, go_on = self._prompt(start, t_ns, tokens)
                if not go_on:
                    break
            at, found = self._find()
            if at > self._limit(start):
                start = self._over_limit(start, tokens)
            elif found:
                next_start = self._at_break_or_quote(start, at, t_ns, tokens)
                if next_start is None:
                    break
                start = next_start
            elif at == len(self._buffer):
                break
        self._drop(start)
        yield from tokens

    def _find(self) -> tuple[int, bool]:
        """Look for the next line break or quote; return where, and whether there is one."""
        if self._scanned < self._literal_until:
            end = min(len(self._buffer), self._literal_until)
            match = _BREAK.search(self._buffer, self._scanned, end)
        else:
            end = len(self._buffer)
            match = _BREAK_OR_QUOTE.search(self._buffer, self._scanned)
        if match is None:
            self._scanned = end
            return end, False
        return match.start(), True

    def _limit(self, start: int) -> int:
        limit = start + LINE_BYTES_MAX
        return limit if self._quote_at < 0 else min(limit, self._quote_at + QUOTE_BYTES_MAX)

    def _at_break_or_quote(self, start: int, at: int, t_ns: int, tokens: list[Token]) -> int | None:
        """Take the break or quote at `at`; return where the line begins now, None to wait."""
        quoted = self._quote_at >= 0
        self._scanned = at + 1
        if self._buffer[at] == _QUOTE:
            self._quote_at = -1 if quoted else at
            self._broken_since_ns = None
            return start
        if quoted:
            if self._broken_since_ns is None:
                self._broken_since_ns = t_ns
            return start
        if at > start:
            kind = self._line_kind(start, at)
            if kind is None:
                self._scanned = at
                self._held_since_ns = t_ns
                return None
            tokens.append(Token(kind, bytes(self._buffer[start:at])))
        return at + 1

    def _over_limit(self, start: int, tokens: list[Token]) -> int:
        limit = start + LINE_BYTES_MAX
        if self._quote_at >= 0:
            self._forget_quote(min(limit, self._quote_at + QUOTE_BYTES_MAX))
            self._scanned = start
            return start
        if _BREAK.search(self._buffer, start, limit):  # breaks inside closed quotes
            self._forget_quote(limit)
            self._scanned = start
            return start
        tokens.append(Token(TokenKind.PIECE, bytes(self._buffer[start:limit])))
        self._scanned = limit
        return limit

    def _prompt(self, start: int, t_ns: int, tokens: list[Token]) -> tuple[int, bool]:
        """Look for a prompt at the start of a line; return the new start and whether to go on."""
        buffer = self._buffer
        if start >= len(buffer) or buffer[start] != _PROMPT:
            return start, True
        if start + 1 == len(buffer):
            self._held_since_ns = t_ns
            return start, False
        if buffer[start + 1] != _BLANK:
            return start, True
        self.prompt_expected = False
        tokens.append(Token(TokenKind.PROMPT, b"> "))
        self._scanned = start + 2
        return start + 2, True

    def _line_kind(self, start: int, at: int) -> TokenKind | None:
        """Tell a line from a numeric result code; None when the next byte must decide."""
        buffer = self._buffer
        if at - start != 1 or buffer[start] not in _DIGITS or buffer[at] != _CR:
            return TokenKind.LINE
        following = bytes(buffer[at + 1 : at + 3])
        if following in {b"", b"\r"}:
            return None
        if following.startswith((b"\n", b"\r\n")):
            return TokenKind.LINE
        return TokenKind.NUMERIC

    def _drop(self, count: int) -> None:
        if not count:
            return
        del self._buffer[:count]
        self._scanned -= count
        self._literal_until = max(0, self._literal_until - count)
        if self._quote_at >= 0:
            self._quote_at -= count
