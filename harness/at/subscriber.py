"""Own numbers and indicators: +CNUM (TS 27.007 7.1), +CIND (8.9), +CIEV (8.10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import body, number_set, split_fields

_INDICATOR: Final = re.compile(
    r'\s*,?\s*\(\s*"(?P<name>[^"]*)"\s*,\s*\((?P<values>[^()]*)\)\s*\)', re.DOTALL
)
_INDICATORS_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNumber:
    """A number of the subscription.

    Attributes:
        name: Its name on the card; None when it has none.
        number: The number; None when the card does not know it.
        number_type: Type of address (129 national, 145 international).
    """

    name: str | None
    number: str | None
    number_type: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One indicator that the router has.

    Attributes:
        name: Its name, such as `signal`.
        values: What it can be.
    """

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorChange:
    """A new value of an indicator.

    Attributes:
        name: Its name or its number, counted from 1.
        value: Its value.
    """

    name: str
    value: int


def parse_cnum(line: str) -> OwnNumber:
    """Read one line of the answer to ``AT+CNUM``.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "+CNUM")
    return OwnNumber(
        name=fields.text(0), number=fields.text(1), number_type=fields.number(2, "type")
    )


def parse_cind_support(line: str) -> tuple[Indicator, ...]:
    """Read the answer to ``AT+CIND=?``.

    Raises:
        AtFramingError: The line is not one.
    """
    text = body(line, "+CIND")
    found: list[Indicator] = []
    place = 0
    while text[place:].strip(" ,"):
        match = _INDICATOR.match(text, place)
        if match is None or len(found) >= _INDICATORS_MAX:
            msg = f'+CIND: no ("name",(values)) at {text[place : place + 80]!r}: {line!r}'
            raise AtFramingError(msg)
        found.append(Indicator(name=match["name"], values=number_set(match["values"], line)))
        place = match.end()
    return tuple(found)


def parse_cind(line: str) -> tuple[int, ...]:
    """Read the answer to ``AT+CIND?``: the values in the order of the test form.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "+CIND")
    return tuple(fields.need_number(place, "ind") for place in range(len(fields)))


def parse_ciev(line: str) -> IndicatorChange:
    """Read one ``+CIEV`` URC.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "+CIEV")
    return IndicatorChange(name=fields.need(0, "ind"), value=fields.need_number(1, "value"))
