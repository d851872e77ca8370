"""One AT port: characters in, characters out (V.250 clauses 5.2 to 5.7).

One command line is worked on at a time; characters that come meanwhile abort it if it can be
aborted (clause 5.6.1), else they wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from devices.virtual.at.answer import (
    Answer,
    CmeError,
    CmsError,
    PlainError,
    encode_final,
    encode_information,
    error_text,
)
from devices.virtual.at.grammar import Command, Form, parse
from devices.virtual.at.handler import Call, Table
from devices.virtual.at.line import CommandLine, LineEditor
from devices.virtual.at.modem import Modem
from devices.virtual.at.settings import Settings

MAX_PENDING = 4096
"""Characters that may wait behind a running command."""


class AtSession:
    """The interpreter behind one port.

    Args:
        modem: What the commands read and act on.
        table: The commands there are.
        write: Takes the bytes for the host.
    """

    def __init__(self, modem: Modem, table: Table, write: Callable[[bytes], None]) -> None:
        self.settings = Settings()
        self._modem = modem
        self._table = table
        self._write = write
        self._editor = LineEditor()
        self._commands: deque[Command] = deque()
        self._pending = bytearray()
        self._unsolicited: list[str] = []
        self._running: asyncio.Future[Answer] | None = None

    def feed(self, data: bytes) -> None:
        """Take characters from the host."""
        for index, byte in enumerate(data):
            if self._running is not None:
                self._wait_or_abort(data[index:])
                return
            if self.settings.echo:
                self._write(bytes((byte,)))
            event = self._editor.feed(byte)
            if isinstance(event, CommandLine):
                self._begin(event)

    def unsolicited(self, text: str) -> None:
        """Send a line nobody asked for; behind the answer of a command that runs."""
        if self._running is None:
            self._write(b"\r\n" + text.encode("latin-1") + b"\r\n")
        else:
            self._unsolicited.append(text)

    def close(self) -> None:
        """Stop a command that runs; may be called again."""
        self._commands.clear()
        if self._running is not None:
            self._running.cancel()

    def _wait_or_abort(self, data: bytes) -> None:
        if self._running is not None and self._is_abortable() and data.strip(b"\n\0"):
            self._running.cancel()
        elif len(self._pending) < MAX_PENDING:
            self._pending += data

    def _is_abortable(self) -> bool:
        head = self._commands[0] if self._commands else None
        return head is not None and head.name == "+COPS" and head.form is Form.TEST

    def _begin(self, command_line: CommandLine) -> None:
        if command_line.body is None:
            self._fail(PlainError())
            return
        try:
            self._commands = deque(parse(command_line.body))
        except PlainError as error:
            self._fail(error)
            return
        self._proceed()

    def _proceed(self) -> None:
        """Work on commands until one has to wait or none is left."""
        while self._commands:
            try:
                result = self._call(self._commands[0])
            except (PlainError, CmeError, CmsError) as error:
                self._fail(error)
                return
            if not isinstance(result, Answer):
                self._running = asyncio.ensure_future(result)
                self._running.add_done_callback(self._resume)
                return
            self._commands.popleft()
            self._inform(result)
        self._final("OK")

    def _call(self, command: Command) -> Answer | asyncio.Future[Answer]:
        handler = self._table.get(command.name)
        if handler is None:
            raise PlainError
        call = Call(command=command, settings=self.settings, modem=self._modem)
        result = handler(call)
        return result if isinstance(result, Answer) else asyncio.ensure_future(result)

    def _resume(self, done: asyncio.Future[Answer]) -> None:
        self._running = None
        if done.cancelled():
            was_abort = bool(self._commands)
            self._commands.clear()
            if was_abort:
                self._final("OK")
        else:
            error = done.exception()
            if isinstance(error, PlainError | CmeError | CmsError):
                self._fail(error)
            else:
                self._inform(done.result())
                self._commands.popleft()
                self._proceed()
        if self._running is None:
            self._let_waiting_out()

    def _let_waiting_out(self) -> None:
        lines, self._unsolicited = self._unsolicited, []
        for text in lines:
            self.unsolicited(text)
        pending, self._pending = bytes(self._pending), bytearray()
        self.feed(pending)

    def _inform(self, answer: Answer) -> None:
        self._write(encode_information(answer, verbose=self.settings.verbose))

    def _fail(self, error: PlainError | CmeError | CmsError) -> None:
        self._commands.clear()
        self._final(error_text(error, cmee=self.settings.cmee))

    def _final(self, text: str) -> None:
        if not self.settings.quiet:
            self._write(encode_final(text, verbose=self.settings.verbose))
