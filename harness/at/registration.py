"""Registration: +CREG (TS 27.007 7.2), +CGREG (10.1.20), +CEREG (10.1.22), +C5GREG (10.1.47).

The read form carries `<n>,<stat>`, the URC begins with `<stat>`. Hexadecimal numbers come with and
without quotes and zeros; `FFFE`, `FFFF` and
`0` as area mean unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, number_set, split_fields

NAMES: Final = ("+CREG", "+CGREG", "+CEREG", "+C5GREG")
_N_MAX: Final = 5
_STAT_MAX: Final = 11
_ACT_MAX: Final = 16
_ACT_UNKNOWN: Final = 255  # u-blox: the value is not valid now
_UNKNOWN_AREAS: Final = frozenset({0, 0xFFFE, 0xFFFF, 0xFFFFFE, 0xFFFFFF})
_UNKNOWN_CELLS: Final = frozenset({0xFFFFFFFF, 0x0FFFFFFF})
_PLAIN_FIELDS: Final = 4  # <stat>,<area>,<ci>,<AcT>
_CAUSE_WITHOUT_RAC_FIELDS: Final = 6
_TEXT_DIGITS_MIN: Final = 3

Domain = Literal["cs", "ps", "eps", "5gs"]
_DOMAINS: Final[dict[str, Domain]] = {
    "+CREG": "cs",
    "+CGREG": "ps",
    "+CEREG": "eps",
    "+C5GREG": "5gs",
}


class Stat(IntEnum):
    """Registration status `<stat>`."""

    IDLE = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5
    SMS_ONLY_HOME = 6
    SMS_ONLY_ROAMING = 7
    EMERGENCY_ONLY = 8
    CSFB_NOT_PREFERRED_HOME = 9
    CSFB_NOT_PREFERRED_ROAMING = 10
    RLOS = 11


_REGISTERED: Final = frozenset(
    {Stat.HOME, Stat.ROAMING, Stat.CSFB_NOT_PREFERRED_HOME, Stat.CSFB_NOT_PREFERRED_ROAMING}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One registration status.

    Attributes:
        domain: Which network domain it is about.
        stat: The status.
        area: LAC or TAC; None when it is not told.
        cell: Cell identity; None when it is not told.
        act: Access technology of TS 27.007 (7 is E-UTRAN); None when it is not told.
        rac: Routing area code; None when it is not told.
        cause_type: 0 for a cause of the standard, 1 for one of the vendor.
        reject_cause: Why the network denied it; None when it is not told.
        n: Which URCs are switched on; None in a URC.
        raw: The line.
    """

    domain: Domain
    stat: Stat
    area: int | None
    cell: int | None
    act: int | None
    rac: int | None
    cause_type: int | None
    reject_cause: int | None
    n: int | None
    raw: str

    @property
    def registered(self) -> bool:
        """Whether the router may use packet data: home or roaming, not SMS or emergency only."""
        return self.stat in _REGISTERED


def parse_registration(line: str) -> Registration:
    """Read the answer to the read form of one of `NAMES`.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, *NAMES)
    if len(fields) == 1:
        msg = f"<n>,<stat> expected, this is the form of a URC: {line!r}"
        raise AtFramingError(msg)
    n = fields.one_of(0, "n", range(_N_MAX + 1))
    rest = Fields(line=line, values=fields.values[1:])
    return _registration(line, n, rest)


def parse_registration_urc(line: str) -> Registration:
    """Read a URC of one of `NAMES`; the form of the answer is accepted, as some routers send it.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, *NAMES)
    if len(fields) > 1 and _is_answer(fields):
        return parse_registration(line)
    return _registration(line, None, fields)


def _is_answer(fields: Fields) -> bool:
    """Tell `<n>,<stat>…` from `<stat>,<area>…`: an area has quotes or more than two digits."""
    second = fields.values[1]
    quoted = f'"{second}"' in fields.line
    return second.isdecimal() and len(second) < _TEXT_DIGITS_MIN and not quoted


def parse_registration_modes(line: str) -> tuple[int, ...]:
    """Read the answer to the test form: the values of `<n>` that the router knows.

    Raises:
        AtFramingError: The line is not one.
    """
    return number_set(split_fields(line, *NAMES).need(0, "list of supported <n>s"), line)


def _registration(line: str, n: int | None, fields: Fields) -> Registration:
    domain = _DOMAINS[line.partition(":")[0].strip().upper()]
    stat = Stat(fields.one_of(0, "stat", range(_STAT_MAX + 1)))
    fields, rac = _without_rac(fields)
    area = fields.hexadecimal(1, "lac or tac")
    cell = fields.hexadecimal(2, "ci")
    act = fields.number(3, "AcT")
    if act == _ACT_UNKNOWN:
        act = None
    if act is not None and not 0 <= act <= _ACT_MAX:
        msg = f"<AcT> {act} is not defined: {line!r}"
        raise AtFramingError(msg)
    cause_at = _PLAIN_FIELDS
    if domain == "5gs":
        cause_at += 2  # <Allowed_NSSAI_length> and <Allowed_NSSAI>
    elif domain == "ps" and len(fields) != _CAUSE_WITHOUT_RAC_FIELDS:
        rac = fields.hexadecimal(cause_at, "rac") if rac is None else rac
        cause_at += 1
    cause_type = fields.number(cause_at, "cause_type")
    unknown_area = area in _UNKNOWN_AREAS
    return Registration(
        domain=domain,
        stat=stat,
        area=None if unknown_area else area,
        cell=None if cell in _UNKNOWN_CELLS or (unknown_area and not cell) else cell,
        act=act,
        rac=rac,
        cause_type=cause_type,
        reject_cause=fields.number(cause_at + 1, "reject_cause"),
        n=n,
        raw=line,
    )


def _without_rac(fields: Fields) -> tuple[Fields, int | None]:
    """Take out a routing area code that stands before the cell (Novatel)."""
    act, after = fields.text(3), fields.text(4)
    if act is None or after is None or (act.isdecimal() and len(act) < _TEXT_DIGITS_MIN):
        return fields, None
    values = fields.values
    moved = Fields(line=fields.line, values=(*values[:2], *values[3:]))
    return moved, fields.hexadecimal(2, "rac")
