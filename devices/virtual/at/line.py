"""From characters to command lines, with echo (V.250 clauses 5.2.1 to 5.2.4, 6.2.4)."""

from __future__ import annotations

from dataclasses import dataclass

from devices.virtual.at.grammar import MAX_LINE

_CR = 13
_BACKSPACE = 8
_ESCAPE = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """A finished command line: the body after ``AT``, or None if it was too long."""

    body: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A character that belongs to no command line yet; enough to abort a command that runs."""

    echo: bytes


class LineEditor:
    """Collects characters of one port into command lines."""

    def __init__(self) -> None:
        self._prefix = b""
        self._body: bytearray | None = None
        self._last = ""

    def feed(self, byte: int) -> CommandLine | Typed:
        """Take one character.

        Returns:
            The command line it ends, or the character itself for the echo.
        """
        typed = Typed(echo=bytes((byte,)))
        if self._body is None:
            return self._before_prefix(byte, typed)
        if byte == _CR:
            return self._finish()
        if byte == _BACKSPACE:
            del self._body[-1:]
        elif byte == _ESCAPE:
            self._reset()
        elif len(self._body) <= MAX_LINE:
            self._body.append(byte)
        return typed

    def _before_prefix(self, byte: int, typed: Typed) -> CommandLine | Typed:
        char = bytes((byte,)).upper()
        if self._prefix == b"A" and char == b"T":
            self._body = bytearray()
        elif self._prefix == b"A" and char == b"/":
            self._prefix = b""
            return CommandLine(body=self._last)
        else:
            self._prefix = b"A" if char == b"A" else b""
        return typed

    def _finish(self) -> CommandLine:
        body = bytes(self._body or b"")
        self._reset()
        if len(body) > MAX_LINE:
            return CommandLine(body=None)
        self._last = body.decode("latin-1")
        return CommandLine(body=self._last)

    def _reset(self) -> None:
        self._prefix = b""
        self._body = None
