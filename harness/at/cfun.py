"""Functionality and errors: +CFUN (TS 27.007 8.2), +CEER (6.10), +CSCON (7.30), +CSCS (5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.at.fields import body, number_set, split_fields

MINIMUM: Final = 0
FULL: Final = 1
FLIGHT: Final = 4
_LEVELS: Final = range(256)
_ON_OFF: Final = range(2)
_CONNECTION_MODES: Final = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionalitySupport:
    """What +CFUN can be set to.

    Attributes:
        levels: Values of `<fun>`.
        resets: Values of `<rst>`; empty when there are none.
    """

    levels: tuple[int, ...]
    resets: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignallingConnection:
    """Whether there is a signalling connection (RRC).

    Attributes:
        connected: Whether there is one.
        state: More about it: 7 is E-UTRAN connected; None when it is not told.
        access: Which access network; None when it is not told.
    """

    connected: bool
    state: int | None
    access: int | None


def parse_cfun(line: str) -> int:
    """Read one ``+CFUN`` information response: 0 minimum, 1 full, 4 flight, others a vendor's.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    return split_fields(line, "+CFUN").one_of(0, "fun", _LEVELS)


def parse_cfun_support(line: str) -> FunctionalitySupport:
    """Read the answer to ``AT+CFUN=?``.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "+CFUN")
    resets = fields.text(1)
    return FunctionalitySupport(
        levels=number_set(fields.need(0, "list of supported <fun>s"), line),
        resets=number_set(resets, line) if resets else (),
    )


def parse_cscon(line: str) -> SignallingConnection:
    """Read the answer to ``AT+CSCON?``: `<n>,<mode>[,<state>[,<access>]]`.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    return _connection(line, 1)


def parse_cscon_urc(line: str) -> SignallingConnection:
    """Read one ``+CSCON`` URC: `<mode>[,<state>[,<access>]]`.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    return _connection(line, 0)


def _connection(line: str, place: int) -> SignallingConnection:
    fields = split_fields(line, "+CSCON")
    if place:
        fields.one_of(0, "n", _CONNECTION_MODES)
    return SignallingConnection(
        connected=bool(fields.one_of(place, "mode", _ON_OFF)),
        state=fields.number(place + 1, "state"),
        access=fields.number(place + 2, "access"),
    )


def parse_ceer(lines: Sequence[str]) -> str | None:
    """Read the answer to ``AT+CEER``: free text, with or without its name; None when empty."""
    texts = []
    for line in lines:
        named = line.lstrip().upper().startswith("+CEER:")
        text = body(line, "+CEER") if named else line.strip()
        texts.append(text.strip('" '))
    return "; ".join(text for text in texts if text) or None


def parse_cscs(line: str) -> str:
    """Read the answer to ``AT+CSCS?``: name of the character set.

    Raises:
        AtFramingError: The line is not one.
    """
    return split_fields(line, "+CSCS").need(0, "chset")
