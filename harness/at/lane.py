"""One port of a session: its dialogue, and what the command in flight has got so far."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from harness.at.cmee import command_error
from harness.at.diag import holds_frame
from harness.at.dialogue import (
    Dialogue,
    Event,
    FinalResult,
    Habits,
    InfoLine,
    LateLine,
    Noise,
    Prompt,
    UrcLine,
)
from harness.at.errors import AtFramingError, AtTimeoutError, DeadPortError, WrongPortError
from harness.at.lines import NoiseKind
from harness.core.clock import Deadline
from harness.port.errors import PortLostError
from harness.port.inbox import BytePort, Chunk, PortLost

DEAD_AFTER_TIMEOUTS: Final = 10
_SHOWN_BYTES: Final = 200
_SUCCESS: Final = frozenset({"OK", "", "CONNECT"})
_FOREIGN: Final = {
    NoiseKind.NMEA: "it is the router's GNSS port",
    NoiseKind.DIAG: "it is the router's diagnostic port",
    NoiseKind.NULS: "it is no AT port",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one command.

    Attributes:
        lines: Information lines, without their terminators.
        final: Final result code; empty when the model leaves it out.
        raw: The bytes of these lines, each with CR LF behind it.
        sent_ns: Monotonic time before the command was sent, in nanoseconds.
        done_ns: Monotonic time of arrival of the final result code, in nanoseconds.
    """

    lines: tuple[str, ...]
    final: str
    raw: bytes
    sent_ns: int
    done_ns: int


class Lane:
    """State of one port; its session guards it.

    Attributes:
        port: The port.
        dialogue: What the router says on it.
        lock: Held by the thread whose command is in flight.
        lost: Why nothing comes any more, None while the port lives.
        unclear: Whether a command was given up and its answer may still come.
        timeouts: Commands in a row without an answer.
        late: Lines that came for commands that had been given up.
        last_ns: When something last came, in monotonic nanoseconds.
        noise: How often each kind of noise came.
    """

    def __init__(self, port: BytePort, habits: Habits) -> None:
        self.port = port
        self.dialogue = Dialogue(habits)
        self.lock = threading.RLock()
        self.lost: PortLost | None = None
        self.unclear = False
        self.timeouts = 0
        self.late = 0
        self.last_ns = 0
        self.noise: dict[NoiseKind, int] = {}
        self._lines: list[InfoLine] = []
        self._final: FinalResult | None = None
        self._prompt: Prompt | None = None
        self._received = 0
        self._tail = bytearray()

    @property
    def answered(self) -> bool:
        """Whether the command in flight is over, or can be no more."""
        return self._final is not None or self.lost is not None

    @property
    def prompted(self) -> bool:
        """Whether the router has asked for data."""
        return self._prompt is not None

    def require_alive(self) -> None:
        """Do nothing while the port answers.

        Raises:
            PortLostError: The port is gone.
            DeadPortError: Too many commands in a row got no answer.
        """
        if self.lost is not None:
            raise self.loss()
        if self.timeouts >= DEAD_AFTER_TIMEOUTS:
            msg = (
                f"{self.port.name} is dead: {self.timeouts} commands in a row were not answered; "
                "recover the router, or rebind its ports"
            )
            raise DeadPortError(msg)

    def begin(self, command: str) -> None:
        """Take note that `command` is being sent."""
        self._lines, self._final, self._prompt = [], None, None
        self._received = 0
        self._tail.clear()
        self.dialogue.begin(command)

    def give_up(self) -> None:
        """Take note that nobody waits for the command in flight any more."""
        self.dialogue.give_up()
        self.unclear = True

    def receive(self, chunk: Chunk) -> list[UrcLine]:
        """Take in what arrived; return the URCs."""
        self.last_ns = chunk.t_ns
        self._received += len(chunk.data)
        self._tail += chunk.data[-_SHOWN_BYTES:]
        del self._tail[:-_SHOWN_BYTES]
        return self._sort(self.dialogue.receive(chunk.data, chunk.t_ns))

    def tick(self, t_ns: int) -> list[UrcLine]:
        """Take in what is complete because nothing followed; return the URCs."""
        return self._sort(self.dialogue.tick(t_ns))

    def _sort(self, events: Iterable[Event]) -> list[UrcLine]:
        urcs = []
        for event in events:
            match event:
                case FinalResult():
                    self._final = event
                case InfoLine():
                    self._lines.append(event)
                case UrcLine():
                    urcs.append(event)
                case Prompt():
                    self._prompt = event
                case LateLine():
                    self.late += 1
                case Noise():
                    self.noise[event.kind] = self.noise.get(event.kind, 0) + 1
        return urcs

    def reply(self, sent_ns: int) -> Reply | None:
        """Return the answer to the command that was sent at `sent_ns`; None when there is none."""
        final = self._final
        if final is None:
            return None
        return Reply(
            lines=tuple(line.text for line in self._lines),
            final=final.text,
            raw=b"".join(event.raw + b"\r\n" for event in (*self._lines, final)),
            sent_ns=sent_ns,
            done_ns=final.t_ns,
        )

    def outcome(self, command: str, sent_ns: int, deadline: Deadline) -> Reply:
        """Return the answer to the command that was sent at `sent_ns`, or else give it up.

        Raises:
            AtTimeoutError: There is none.
            PortLostError: The port is gone.
        """
        reply = self.reply(sent_ns)
        if reply is None:
            self.give_up()
            raise self.loss(during=command) if self.lost else self.timeout(command, deadline)
        self.timeouts = 0
        return reply

    def loss(self, *, during: str | None = None) -> PortLostError:
        """Return the error that the port is gone."""
        reason = self.lost.reason if self.lost else "it was closed"
        doing = f" while {during!r} was in flight" if during else ""
        msg = f"{self.port.name} is gone{doing}: {reason}; received {bytes(self._tail)!r}"
        return PortLostError(msg, port=self.port.name)

    def timeout(self, command: str, deadline: Deadline) -> AtTimeoutError:
        """Count a command without an answer; return the error that says so."""
        self.timeouts += 1
        got = bytes(self._tail)
        ending = "" if self._received <= len(got) else ", at last"
        msg = (
            f"{self.port.name}: no final result code for {command!r} after "
            f"{deadline.waited_s:.1f} s; received {self._received} bytes{ending}: {got!r}"
        )
        return AtTimeoutError(msg, waited_s=deadline.waited_s, got=got)

    def no_sync(self, count: int, deadline: Deadline) -> WrongPortError | AtTimeoutError:
        """Return the error that the port did not answer `count` times AT, or is no AT port."""
        got = bytes(self._tail)
        if holds_frame(got):
            self.noise.setdefault(NoiseKind.DIAG, 1)
        for kind, meaning in _FOREIGN.items():
            if self.noise.get(kind):
                msg = (
                    f"{self.port.name} sends {kind} ({self.noise[kind]} times) instead of "
                    f"answering AT; {meaning}; take the AT port by its interface number"
                )
                return WrongPortError(msg, kind=kind)
        msg = (
            f"{self.port.name}: no OK to AT, sent {count} times in {deadline.waited_s:.1f} s; "
            f"received {self._received} bytes: {got!r}"
        )
        return AtTimeoutError(msg, waited_s=deadline.waited_s, got=got)


def accepted(command: str, reply: Reply) -> Reply:
    """Return `reply` if the router did as it was told.

    Raises:
        AtCommandError: It refused `command`.
    """
    if reply.final in _SUCCESS or reply.final.startswith("CONNECT "):
        return reply
    raise command_error(command, reply.final, reply.lines)


def newest_line(reply: Reply, *prefixes: str) -> str:
    """Return the last information line that begins with one of `prefixes`.

    A report that comes while the state is asked for has the prefix of the answer, and may have its
    shape; of the two the later one is the state.

    Raises:
        AtFramingError: There is none.
    """
    lines = [line for line in reply.lines if line.lstrip().upper().startswith(prefixes)]
    if not lines:
        msg = f"expected a line that begins with {' or '.join(prefixes)}, got {reply.lines!r}"
        raise AtFramingError(msg)
    return lines[-1]


def only_line(reply: Reply, *prefixes: str) -> str:
    """Return the one information line that begins with one of `prefixes`.

    Raises:
        AtFramingError: There is none, or more than one.
    """
    lines = [line for line in reply.lines if line.lstrip().upper().startswith(prefixes)]
    if len(lines) != 1:
        msg = f"expected one line that begins with {' or '.join(prefixes)}, got {reply.lines!r}"
        raise AtFramingError(msg)
    return lines[0]
