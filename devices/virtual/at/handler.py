"""What a handler of a command is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from devices.virtual.at.answer import (
    CARD_NOT_INSERTED,
    CARD_PIN_REQUIRED,
    INCORRECT_PARAMETERS,
    OK,
    OPERATION_NOT_SUPPORTED,
    Answer,
    CmeError,
    PlainError,
    line,
)
from devices.virtual.at.grammar import Command, Form
from devices.virtual.at.modem import CardView, Modem
from devices.virtual.at.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command together with what it works on."""

    command: Command
    settings: Settings
    modem: Modem

    @property
    def form(self) -> Form:
        """How the command was given."""
        return self.command.form

    def card(self) -> CardView:
        """Return the card in use.

        Raises:
            CmeError: There is none, or it waits for its PIN.
        """
        if self.modem.card is None or self.modem.fun == 0:
            raise CmeError(CARD_NOT_INSERTED)
        if self.modem.needs_pin():
            raise CmeError(CARD_PIN_REQUIRED)
        return self.modem.card


Handler = Callable[[Call], Answer | Awaitable[Answer]]
Table = Mapping[str, Handler]


def fixed(text: Callable[[Modem], str]) -> Handler:
    """Make a handler for a command that only tells something, bare (TS 27.007 clause 5)."""

    def handle(call: Call) -> Answer:
        if call.form is Form.TEST:
            return OK
        if call.form is Form.SET:
            raise CmeError(INCORRECT_PARAMETERS)
        return line(text(call.modem))

    return handle


def number_setting(name: str, low: int, high: int, default: int) -> Handler:
    """Make a handler for a parameter of one number, kept per port."""
    span = f"({low}-{high})" if high > low + 1 else f"({low},{high})"

    def handle(call: Call) -> Answer:
        if call.form is Form.TEST:
            return line(f"{name}: {span if high > low else f'({low})'}")
        if call.form is Form.READ:
            return line(f"{name}: {call.settings.numbers.get(name, default)}")
        call.settings.numbers[name] = call.command.number(0, low, high, default)
        return OK

    return handle


def list_setting(name: str, test: str, default: str, count: int) -> Handler:
    """Make a handler for a parameter of several values that is only remembered, per port."""

    def handle(call: Call) -> Answer:
        if call.form is Form.TEST:
            return line(f"{name}: {test}")
        if call.form is Form.READ:
            return line(f"{name}: {call.settings.texts.get(name, default)}")
        if call.form is Form.EXECUTE:
            call.settings.texts[name] = default
            return OK
        call.command.at_most(count)
        given = [value.strip() for value in call.command.values]
        kept = call.settings.texts.get(name, default).split(",")
        merged = given + kept[len(given) :]
        call.settings.texts[name] = ",".join(new or old for new, old in _pairs(merged, kept))
        return OK

    return handle


def _pairs(merged: list[str], kept: list[str]) -> list[tuple[str, str]]:
    return [(new, kept[i] if i < len(kept) else "0") for i, new in enumerate(merged)]


def only_test(text: str) -> Handler:
    """Make a handler for a command that is accepted in every form and changes nothing."""

    def handle(call: Call) -> Answer:
        if call.form is Form.TEST:
            return line(text) if text else OK
        if call.form is Form.READ:
            raise CmeError(OPERATION_NOT_SUPPORTED)
        return OK

    return handle


def accept(_call: Call) -> Answer:
    """Accept a command whatever its parameters."""
    return OK


def refuse(_call: Call) -> Answer:
    """Refuse a command the modem does not have."""
    raise PlainError
