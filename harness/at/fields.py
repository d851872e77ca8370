"""The values behind the name of an information response (V.250 5.4.2.2, TS 27.007 4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError

_FIELD: Final = re.compile(
    r'[ \t]*(?:"(?P<quoted>[^"]*)"|\((?P<list>[^()]*)\)|(?P<bare>[^,"()]*))[ \t]*(?P<end>,|$)',
    re.DOTALL,
)
_INT: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_HEX: Final = re.compile(r"(?:0[xX])?(?P<digits>[0-9A-Fa-f]{1,16})", re.ASCII)
_RANGE: Final = re.compile(r" *(?P<low>-?\d{1,9}) *(?:- *(?P<high>-?\d{1,9}) *)?", re.ASCII)
_RANGE_VALUES_MAX: Final = 65536


def body(line: str, *names: str) -> str:
    """Return what follows one of `names` and its colon.

    Args:
        line: An information response or a URC, without its terminator.
        names: Names that are accepted, such as `+CSQ`; upper case.

    Raises:
        AtFramingError: The line begins with none of them.
    """
    head, colon, rest = line.partition(":")
    if not colon or head.strip().upper() not in names:
        msg = f"not a {' or '.join(names)} response: {line!r}"
        raise AtFramingError(msg)
    return rest.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The comma-separated values of one line; an empty one is `""`, one that lacks is None.

    Attributes:
        line: The line they come from, for error messages.
        values: The values without their quotes; a list in brackets keeps its commas.
    """

    line: str
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def text(self, place: int) -> str | None:
        """Return the value at `place`; None when it lacks or is empty."""
        return (self.values[place] or None) if place < len(self.values) else None

    def need(self, place: int, name: str) -> str:
        """Return the value at `place`.

        Raises:
            AtFramingError: It lacks or is empty; the message calls it `name`.
        """
        value = self.text(place)
        if value is None:
            msg = f"<{name}> is missing: {self.line!r}"
            raise AtFramingError(msg)
        return value

    def number(self, place: int, name: str) -> int | None:
        """Return the decimal number at `place`; None when it lacks, is empty or `-`.

        Raises:
            AtFramingError: It is something else.
        """
        value = (self.text(place) or "").strip()
        if value in {"", "-"}:
            return None
        if _INT.fullmatch(value) is None:
            msg = f"<{name}> {value!r} is not a number: {self.line!r}"
            raise AtFramingError(msg)
        return int(value)

    def need_number(self, place: int, name: str) -> int:
        """Return the decimal number at `place`.

        Raises:
            AtFramingError: There is none.
        """
        value = self.number(place, name)
        if value is None:
            msg = f"<{name}> is missing: {self.line!r}"
            raise AtFramingError(msg)
        return value

    def hexadecimal(self, place: int, name: str) -> int | None:
        """Return the hexadecimal number at `place`; None when it lacks, is empty or `-`.

        Raises:
            AtFramingError: It is something else.
        """
        value = (self.text(place) or "").strip()
        if value in {"", "-"}:
            return None
        match = _HEX.fullmatch(value)
        if match is None:
            msg = f"<{name}> {value!r} is not a hexadecimal number: {self.line!r}"
            raise AtFramingError(msg)
        return int(match["digits"], 16)

    def one_of(self, place: int, name: str, allowed: Sequence[int]) -> int:
        """Return the decimal number at `place`, which must be in `allowed`.

        Raises:
            AtFramingError: It is not, or there is none.
        """
        value = self.need_number(place, name)
        if value not in allowed:
            msg = f"<{name}> {value} is not defined: {self.line!r}"
            raise AtFramingError(msg)
        return value


def split_fields(line: str, *names: str) -> Fields:
    """Split the values behind one of `names`.

    Raises:
        AtFramingError: The line begins with none of them, or a quote or a bracket is not closed.
    """
    return split_values(body(line, *names), line)


def split_values(text: str, line: str) -> Fields:
    """Split comma-separated values.

    Args:
        text: The values.
        line: The line they come from, for error messages.

    Raises:
        AtFramingError: A quote or a bracket is not closed.
    """
    values: list[str] = []
    place = 0
    while True:
        match = _FIELD.match(text, place)
        if match is None:
            msg = f"a value ends in a way that is not understood at {text[place:]!r}: {line!r}"
            raise AtFramingError(msg)
        bare = match["bare"]
        values.append(bare.strip() if bare is not None else match["quoted"] or match["list"] or "")
        if not match["end"]:
            return Fields(line=line, values=tuple(values))
        place = match.end()


def number_set(text: str, line: str) -> tuple[int, ...]:
    """Read a list of numbers and ranges such as ``0,1,4-6``.

    Args:
        text: The list, without its brackets.
        line: The line it comes from, for error messages.

    Raises:
        AtFramingError: A part is not a number or a range, or a range is too long.
    """
    numbers: list[int] = []
    for part in text.split(","):
        if not part.strip():
            continue
        match = _RANGE.fullmatch(part)
        if match is None:
            msg = f"{part!r} is not a number or a range: {line!r}"
            raise AtFramingError(msg)
        low = int(match["low"])
        high = int(match["high"]) if match["high"] else low
        low, high = min(low, high), max(low, high)
        if len(numbers) + high - low >= _RANGE_VALUES_MAX:
            msg = f"the range {part.strip()} is too long: {line!r}"
            raise AtFramingError(msg)
        numbers.extend(range(low, high + 1))
    return tuple(numbers)
