"""What a router says, sorted: echo, information response, final result code, URC, noise.

Pure: bytes and their time of arrival in, events out. The cuts between reads make no difference,
any bytes at all give events, and memory is bounded. After `receive`, `tick_ns` says when `tick`
must be called if nothing arrives until then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from harness.at.command import Command, Form, parse_command
from harness.at.framing import Framer, Token, TokenKind
from harness.at.lines import (
    NUMERIC_RESULTS,
    NoiseKind,
    is_final,
    is_recognised,
    is_unsolicited,
    name_of,
    noise_kind,
    unglued,
    without_leading_junk,
)

ANSWER_BYTES_MAX: Final = 1_048_576
MISSING_OK_GRACE_NS: Final = 300_000_000
_REMEMBERED_COMMANDS: Final = 8
_SHORTEST_ECHO_PREFIX: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that a router said.

    Attributes:
        t_ns: Monotonic time at which it was complete, in nanoseconds.
        text: The line as Latin-1 text, without NULs and line break.
        raw: The line's bytes.
    """

    t_ns: int
    text: str
    raw: bytes


class Echo(Event):
    """The command, given back."""

    __slots__ = ()


class InfoLine(Event):
    """A line of the answer to the command in flight."""

    __slots__ = ()


class FinalResult(Event):
    """The final result code of the command in flight; empty text when its OK is missing."""

    __slots__ = ()


class UrcLine(Event):
    """An unsolicited result code."""

    __slots__ = ()


class LateLine(Event):
    """A line of the answer to a command that was given up."""

    __slots__ = ()


class Prompt(Event):
    """The router asks for data."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Event):
    """Something that no AT port should send.

    Attributes:
        kind: What it looks like.
    """

    kind: NoiseKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a model deviates from V.250.

    Attributes:
        extra_finals: Lines that end a command although no standard says so.
        missing_ok: Commands after whose information response no OK comes.
        extra_urcs: Names, such as `+VENDOR`, that are never an answer.
    """

    extra_finals: frozenset[str] = frozenset()
    missing_ok: frozenset[str] = frozenset()
    extra_urcs: frozenset[str] = frozenset()


class Dialogue:
    """The router's side of one port.

    Args:
        habits: How the model deviates from the standard.
    """

    def __init__(self, habits: Habits | None = None) -> None:
        self._habits = habits or Habits()
        self._framer = Framer()
        self._command: Command | None = None
        self._echo_due = False
        self._has_info = False
        self._answer_bytes = 0
        self._sent: deque[str] = deque(maxlen=_REMEMBERED_COMMANDS)
        self._given_up: deque[Command] = deque(maxlen=_REMEMBERED_COMMANDS)
        self._settled: deque[Command] = deque(maxlen=_REMEMBERED_COMMANDS)
        self._late_final_due = False
        self._verbose = False  # whether a final result code in words was seen
        self._in_data = False
        self._info_ends_ns: int | None = None

    @property
    def in_flight(self) -> str | None:
        """The command that waits for its final result code."""
        return self._command.text if self._command else None

    @property
    def owed(self) -> int:
        """How many commands were given up and may still be answered."""
        return len(self._given_up)

    @property
    def in_data(self) -> bool:
        """Whether CONNECT was seen and the end of the data was not."""
        return self._in_data

    @property
    def pending(self) -> bytes:
        """Bytes that are not yet an event."""
        return self._framer.pending

    @property
    def tick_ns(self) -> int | None:
        """When `tick` has something to do, in monotonic nanoseconds; None when nothing waits."""
        times = [t_ns for t_ns in (self._framer.tick_ns, self._info_ends_ns) if t_ns is not None]
        return min(times, default=None)

    def begin(self, command: str) -> None:
        """Take note that `command` is being sent.

        Raises:
            UsageError: It is not one command line.
        """
        parsed = parse_command(command)
        self._command = parsed
        self._echo_due = True
        self._has_info = False
        self._answer_bytes = 0
        self._info_ends_ns = None
        self._in_data = False
        self._sent.append(command)
        self._framer.prompt_expected = parsed.prompts
        if "V0" in command.upper():
            self._verbose = False

    def give_up(self) -> None:
        """Take note that nobody waits for the command in flight any more; it may answer late."""
        if self._command is not None:
            self._given_up.append(self._command)
        self._command = None
        self._info_ends_ns = None
        self._framer.prompt_expected = False

    def settle(self) -> None:
        """Take note that the router has answered all it was asked; OK is the next command's.

        Lines of commands that were given up are still told from other answers: some modems scan
        for networks on the side and answer minutes later.
        """
        self._settled.extend(self._given_up)
        self._given_up.clear()
        self._late_final_due = False

    def receive(self, chunk: bytes, t_ns: int) -> list[Event]:
        """Take the bytes of one read that arrived at `t_ns`; return what they complete."""
        events = [] if self._info_ends_ns is None else self._missing_ok(t_ns)
        for token in self._framer.feed(chunk, t_ns):
            parts = unglued(token.raw) if token.kind is TokenKind.LINE else (token.raw,)
            events += [self._event(Token(token.kind, part), t_ns) for part in parts]
        return events

    def tick(self, t_ns: int) -> list[Event]:
        """Return what is complete because nothing has followed until `t_ns`."""
        events = [self._event(token, t_ns) for token in self._framer.tick(t_ns)]
        return events + self._missing_ok(t_ns)

    def _missing_ok(self, t_ns: int) -> list[Event]:
        if self._info_ends_ns is None or t_ns < self._info_ends_ns:
            return []
        self._end()
        return [FinalResult(t_ns=t_ns, text="", raw=b"")]

    def _end(self) -> None:
        self._command = None
        self._info_ends_ns = None
        self._framer.prompt_expected = False

    def _event(self, token: Token, t_ns: int) -> Event:
        kind, raw = token
        text = raw.decode("latin-1")
        if "\x00" in text:
            text = text.replace("\x00", "")
        if kind is not TokenKind.LINE:
            if kind is TokenKind.PIECE:
                return Noise(t_ns=t_ns, text=text, raw=raw, kind=NoiseKind.OVERLONG)
            if kind is TokenKind.PROMPT:
                return Prompt(t_ns=t_ns, text=text, raw=raw)
            if not self._verbose:
                text = NUMERIC_RESULTS.get(text, text)
        if self._in_data:
            if text.strip() != "NO CARRIER":
                return Noise(t_ns=t_ns, text=text, raw=raw, kind=NoiseKind.DATA)
            self._in_data = False
        return self._line(text, raw, t_ns)

    def _line(self, text: str, raw: bytes, t_ns: int) -> Event:
        command = self._command
        if text in self._sent:
            self._echo_due = False
            return Echo(t_ns=t_ns, text=text, raw=raw)
        if self._echo_due and command is not None and text.startswith(command.text):
            text = self._without_echo(text, command)
        if is_final(text, command, self._habits.extra_finals):
            return self._final(text, raw, t_ns)
        if command is not None and command.prompts and text.strip() == ">":
            self._framer.prompt_expected = False
            return Prompt(t_ns=t_ns, text=text, raw=raw)
        name = name_of(text)
        if name is None:
            bare = without_leading_junk(text)
            if bare != text and is_recognised(bare, command, self._habits.extra_finals):
                return self._line(bare, raw, t_ns)
        if command is None or name is None or name not in command.prefixes:
            kind = self._noise_kind(text, name, raw)
            if kind is not None:
                return Noise(t_ns=t_ns, text=text, raw=raw, kind=kind)
        return self._answer_or_urc(text, name, raw, t_ns)

    def _noise_kind(self, text: str, name: str | None, raw: bytes) -> NoiseKind | None:
        if name is not None:  # a URC may hold line breaks in a quoted string
            return noise_kind(raw, "".join(text.splitlines()))
        kind = noise_kind(raw, text)
        in_answer = self._command is not None and self._has_info
        if kind is None and not in_answer and not without_leading_junk(text):
            return NoiseKind.BINARY  # such as a byte order mark
        return kind

    def _answer_or_urc(self, text: str, name: str | None, raw: bytes, t_ns: int) -> Event:
        command = self._command
        if (self._given_up or self._settled) and self._is_late(text, name):
            self._late_final_due = True
            return LateLine(t_ns=t_ns, text=text, raw=raw)
        if (
            command is None
            or name in self._habits.extra_urcs
            or is_unsolicited(text, name, command)
        ):
            return UrcLine(t_ns=t_ns, text=text, raw=raw)
        self._answer_bytes += len(raw)
        if self._answer_bytes > ANSWER_BYTES_MAX:
            return Noise(t_ns=t_ns, text=text, raw=raw, kind=NoiseKind.OVERFLOW)
        self._has_info = True
        if command.text in self._habits.missing_ok:
            self._info_ends_ns = t_ns + MISSING_OK_GRACE_NS
        return InfoLine(t_ns=t_ns, text=text, raw=raw)

    def _final(self, text: str, raw: bytes, t_ns: int) -> Event:
        command = self._command
        self._verbose = self._verbose or not raw.isdigit()
        if command is None or self._is_late_final(text, command):
            self._late_final_due = False
            if self._given_up:
                self._given_up.popleft()
            return LateLine(t_ns=t_ns, text=text, raw=raw)
        self._in_data = text.startswith("CONNECT")
        self._end()
        return FinalResult(t_ns=t_ns, text=text.strip() or text, raw=raw)

    def _is_late_final(self, text: str, command: Command) -> bool:
        """Tell whether a final result code belongs to a command that was given up.

        It does when a line of that command's answer came just before, and when it is an OK to a
        command that cannot be answered by OK alone.
        """
        if self._late_final_due:
            return True
        needs_info = command.form is Form.READ
        return bool(self._given_up) and needs_info and not self._has_info and text.strip() == "OK"

    def _is_late(self, text: str, name: str | None) -> bool:
        current = self._command
        if current is not None and (name is None or name in current.prefixes):
            return False
        for command in (*self._given_up, *self._settled):
            named = name in command.prefixes if name else not command.silent
            if named and not is_unsolicited(text, name, command):
                return True
        return False

    def _without_echo(self, text: str, command: Command) -> str:
        """Take an echo off that no CR separates from the answer."""
        rest = text[len(command.text) :]
        if len(command.text) < _SHORTEST_ECHO_PREFIX:
            finals = self._habits.extra_finals
            return rest if is_final(rest, command, finals) else text
        self._echo_due = False
        return rest
