"""Operator selection: +COPS (TS 27.007 7.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from harness.at.charset import decode_text, looks_like_ucs2
from harness.at.errors import AtFramingError
from harness.at.fields import Fields, body, number_set, split_fields, split_values

_MODES: Final = range(5)
_FORMATS: Final = range(3)
_NUMERIC: Final = 2
_ACT_MAX: Final = 16
_ENTRY_FIELDS_MIN: Final = 4
_ENTRIES_MAX: Final = 256
_PLMN: Final = re.compile(r"\d{5,6}", re.ASCII)
_QUOTED_NUMBERS: Final = re.compile(r'"[0-9, -]*"', re.ASCII)
_BETWEEN: Final = re.compile(r"[\s,;)]*")
_GROUP: Final = re.compile(r'\((?P<inside>(?:[^"()]|"[^"]*")*)\)', re.DOTALL)


class Availability(IntEnum):
    """State of an operator in a scan."""

    UNKNOWN = 0
    AVAILABLE = 1
    CURRENT = 2
    FORBIDDEN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What the router is told to use, and uses.

    Attributes:
        mode: 0 automatic, 1 manual, 2 deregistered, 3 only the format is set, 4 manual, then
            automatic.
        name: Long or short name; None when it is told as a number, or not at all.
        plmn: MCC and MNC; None when it is told as a name, or not at all.
        act: Access technology (7 is E-UTRAN); None when it is not told.
    """

    mode: int
    name: str | None
    plmn: str | None
    act: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOperator:
    """One operator of a scan.

    Attributes:
        availability: Whether it may be used.
        long_name: Long name; None when it is not told.
        short_name: Short name; None when it is not told.
        plmn: MCC and MNC; None when it is not told.
        act: Access technology; None when it is not told.
    """

    availability: Availability
    long_name: str | None
    short_name: str | None
    plmn: str | None
    act: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The answer to the test form.

    Attributes:
        operators: What was found.
        modes: Modes that the router knows; empty when it does not tell them.
        formats: Formats that the router knows; empty when it does not tell them.
    """

    operators: tuple[FoundOperator, ...]
    modes: tuple[int, ...] = ()
    formats: tuple[int, ...] = ()


def parse_cops(line: str) -> Operator:
    """Read the answer to ``AT+COPS?``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+COPS")
    mode = fields.one_of(0, "mode", _MODES)
    text = _name(fields.text(2))
    shape = fields.one_of(1, "format", _FORMATS) if text is not None else None
    numeric = text is not None and (shape == _NUMERIC or _PLMN.fullmatch(text) is not None)
    if numeric and text is not None and _PLMN.fullmatch(text) is None:
        msg = f"+COPS <oper> {text!r} is not a PLMN code of 5 or 6 digits: {line!r}"
        raise AtFramingError(msg)
    return Operator(
        mode=mode,
        name=None if numeric else text,
        plmn=text if numeric else None,
        act=_act(fields, 3),
    )


def parse_cops_scan(lines: tuple[str, ...]) -> Scan:
    """Read the answer to ``AT+COPS=?``: one line, or one a network.

    Accepted are blanks, stray brackets and commas, values without quotes, missing names, a
    missing access technology, and values behind it, as modems in the field send them.

    Raises:
        AtFramingError: A line is not one, or an entry is not understood.
    """
    operators: list[FoundOperator] = []
    lists: list[tuple[int, ...]] = []
    for line in lines:
        text = body(line, "+COPS")
        place = _BETWEEN.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
        while place < len(text):
            match = _GROUP.match(text, place)
            if match is None or len(operators) + len(lists) >= _ENTRIES_MAX:
                msg = f"+COPS: no entry in brackets at {text[place : place + 80]!r}: {line!r}"
                raise AtFramingError(msg)
            entry = _entry(match["inside"], line)
            if isinstance(entry, FoundOperator):
                operators.append(entry)
            elif entry:
                lists.append(entry)
            place = _BETWEEN.match(text, match.end()).end()  # type: ignore[union-attr]
    return Scan(
        operators=tuple(operators),
        modes=lists[0] if lists else (),
        formats=lists[1] if len(lists) > 1 else (),
    )


def _entry(inside: str, line: str) -> FoundOperator | tuple[int, ...]:
    fields = split_values(inside, line)
    if not any(fields.values):
        return ()
    if _QUOTED_NUMBERS.fullmatch(inside):
        return number_set(inside.replace('"', ""), line)
    if '"' not in inside and not _is_bare_operator(fields):
        return number_set(inside, line)
    if len(fields) < _ENTRY_FIELDS_MIN:
        msg = f"+COPS: an operator has at least 4 values, ({inside}) has {len(fields)}: {line!r}"
        raise AtFramingError(msg)
    plmn = _name(fields.text(3))
    if plmn is not None and _PLMN.fullmatch(plmn) is None:
        msg = f"+COPS <numeric oper> {plmn!r} is not a PLMN code of 5 or 6 digits: {line!r}"
        raise AtFramingError(msg)
    return FoundOperator(
        availability=Availability(fields.one_of(0, "stat", range(len(Availability)))),
        long_name=_name(fields.text(1)),
        short_name=_name(fields.text(2)),
        plmn=plmn,
        act=_act(fields, 4),
    )


def _is_bare_operator(fields: Fields) -> bool:
    """Tell an operator without any quotes from a list of numbers: its fourth value is a PLMN."""
    plmn = fields.text(3)
    return plmn is not None and _PLMN.fullmatch(plmn) is not None


def _act(fields: Fields, place: int) -> int | None:
    act = fields.number(place, "AcT")
    if act is not None and not 0 <= act <= _ACT_MAX:
        msg = f"+COPS <AcT> {act} is not defined: {fields.line!r}"
        raise AtFramingError(msg)
    return act


def _name(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    return decode_text(text, "UCS2") if looks_like_ucs2(text) else text.strip()
