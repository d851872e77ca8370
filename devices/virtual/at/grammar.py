"""The syntax of a command line, ITU-T V.250 clauses 5.2.1 to 5.4 and TS 27.007 clause 4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from devices.virtual.at.answer import INCORRECT_PARAMETERS, CmeError, PlainError

MAX_LINE = 2048
"""Longest body of a command line that is stored, in characters."""

_EXTENDED = re.compile(
    r"(?P<name>[+^%*#$!@][A-Z][A-Z0-9!%\-./:_]*)(?P<op>=\?|\?|=|)(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_BASIC = re.compile(r"(?P<name>&?[A-Z])(?P<number>\d*)", re.ASCII)
_REGISTER = re.compile(r"S(?P<number>\d+)(?:(?P<read>\?)|=(?P<value>\d*))", re.ASCII)


class Form(Enum):
    """How a command was given (V.250 clause 5.4.3, TS 27.007 clause 4.1)."""

    EXECUTE = "execute"
    READ = "read"
    TEST = "test"
    SET = "set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a command line.

    Attributes:
        name: Upper case, with its prefix character: ``+CSQ``, ``E``, ``&F``, ``S``.
        form: How it was given.
        values: Its parameters as written, quotes included; empty text for a parameter left out.
    """

    name: str
    form: Form
    values: tuple[str, ...] = ()

    def text(self, index: int, default: str | None = None) -> str:
        """Return a parameter without its quotes.

        Raises:
            CmeError: The parameter is missing and there is no default.
        """
        raw = self.values[index].strip() if index < len(self.values) else ""
        if raw:
            is_quoted = len(raw) > 1 and raw[0] == raw[-1] == '"'
            return raw[1:-1] if is_quoted else raw
        if default is None:
            raise CmeError(INCORRECT_PARAMETERS)
        return default

    def number(self, index: int, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number between two borders, both allowed.

        Raises:
            CmeError: It is missing without a default, no number, or out of range.
        """
        raw = self.values[index].strip() if index < len(self.values) else ""
        if not raw and default is not None:
            return default
        if not re.fullmatch(r"\d{1,10}", raw, re.ASCII) or not low <= int(raw) <= high:
            raise CmeError(INCORRECT_PARAMETERS)
        return int(raw)

    def at_most(self, count: int) -> None:
        """Refuse more than ``count`` parameters."""
        if len(self.values) > count:
            raise CmeError(INCORRECT_PARAMETERS)


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at a character wherever it is not inside double quotes."""
    parts: list[str] = []
    start = 0
    is_quoted = False
    for index, char in enumerate(text):
        if char == '"':
            is_quoted = not is_quoted
        elif char == separator and not is_quoted:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return parts


def _fold(body: str) -> str:
    """Return the body in upper case without blanks, but for what is in quotes."""
    parts = body.split('"')
    parts[::2] = [re.sub(r"[\x00-\x20]", "", part).upper() for part in parts[::2]]
    return '"'.join(parts)


def parse(body: str) -> list[Command]:
    """Read the body of a command line: what follows ``AT``.

    Raises:
        PlainError: The body is not a sequence of commands.
    """
    text = _fold(body)
    commands: list[Command] = []
    while text:
        if text[0] == ";":
            text = text[1:]
        elif text[0] in "+^%*#$!@":
            head, *tail = split_outside_quotes(text, ";")
            commands.append(_extended(head))
            text = ";".join(tail)
        elif text[0] == "D":
            commands.append(Command(name="D", form=Form.SET, values=(text[1:],)))
            text = ""
        else:
            command, text = _basic(text)
            commands.append(command)
    return commands


def _extended(text: str) -> Command:
    match = _EXTENDED.fullmatch(text)
    if match is None:
        raise PlainError
    name, operator, rest = match["name"], match["op"], match["rest"]
    if operator == "=":
        return Command(name=name, form=Form.SET, values=tuple(split_outside_quotes(rest, ",")))
    if rest:
        raise PlainError
    form = {"": Form.EXECUTE, "?": Form.READ, "=?": Form.TEST}[operator]
    return Command(name=name, form=form)


def _basic(text: str) -> tuple[Command, str]:
    if register := _REGISTER.match(text):
        number = register["number"]
        left = text[register.end() :]
        if register["read"]:
            return Command(name="S", form=Form.READ, values=(number,)), left
        return Command(name="S", form=Form.SET, values=(number, register["value"])), left
    match = _BASIC.match(text)
    if match is None:
        raise PlainError
    values = (match["number"],)
    return Command(name=match["name"], form=Form.EXECUTE, values=values), text[match.end() :]
