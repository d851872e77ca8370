"""Commands of ITU-T V.250 clause 6 and the result-code switches of TS 27.007."""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import INCORRECT_PARAMETERS, OK, Answer, CmeError, PlainError, line
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Handler, Table, accept, list_setting, refuse
from devices.virtual.at.settings import Settings

_BYTE_MAX = 255
_FIXED_REGISTERS = frozenset({3, 4, 5})  # CR, LF and backspace are what they are here


def _flag(call: Call) -> bool:
    value = call.command.values[0] or "0"
    if value not in {"0", "1"}:
        raise PlainError
    return value == "1"


def _echo(call: Call) -> Answer:
    call.settings.echo = _flag(call)
    return OK


def _verbose(call: Call) -> Answer:
    call.settings.verbose = _flag(call)
    return OK


def _quiet(call: Call) -> Answer:
    call.settings.quiet = _flag(call)
    return OK


def restore_defaults(settings: Settings) -> None:
    """Set every parameter of a port to its default (V.250 clauses 6.1.1 and 6.1.2)."""
    fresh = Settings()
    settings.echo, settings.verbose, settings.quiet = fresh.echo, fresh.verbose, fresh.quiet
    settings.registers = fresh.registers
    settings.cmee, settings.oper_format = fresh.cmee, fresh.oper_format
    settings.reports, settings.numbers, settings.texts = {}, {}, {}


def _reset(call: Call) -> Answer:
    restore_defaults(call.settings)
    return OK


def _register(call: Call) -> Answer:
    number = int(call.command.values[0])
    if number not in call.settings.registers:
        raise PlainError
    if call.form is Form.READ:
        return line(f"{call.settings.registers[number]:03d}")
    value = int(call.command.values[1] or "0")
    is_changed = value != call.settings.registers[number]
    if value > _BYTE_MAX or (number in _FIXED_REGISTERS and is_changed):
        raise PlainError
    call.settings.registers[number] = value
    return OK


def _up_to(highest: int) -> Handler:
    """Make a handler for a basic command that takes 0 to ``highest`` and changes nothing here."""

    def handle(call: Call) -> Answer:
        if int(call.command.values[0] or "0") > highest:
            raise PlainError
        return OK

    return handle


def _cmee(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line("+CMEE: (0-2)")
    if call.form is Form.READ:
        return line(f"+CMEE: {call.settings.cmee}")
    call.settings.cmee = call.command.number(0, 0, 2, 0)
    return OK


def _charset(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line('+CSCS: ("IRA","GSM","UCS2")')
    if call.form is Form.READ:
        return line(f'+CSCS: "{call.settings.texts.get("+CSCS", "IRA")}"')
    wanted = call.command.text(0, "IRA").upper()
    if wanted not in {"IRA", "GSM", "UCS2"}:
        raise CmeError(INCORRECT_PARAMETERS)
    call.settings.texts["+CSCS"] = wanted
    return OK


TABLE: Table = MappingProxyType(
    {
        "E": _echo,
        "V": _verbose,
        "Q": _quiet,
        "Z": _reset,
        "&F": _reset,
        "S": _register,
        "X": _up_to(4),
        "L": _up_to(3),
        "M": _up_to(3),
        "&C": _up_to(1),
        "&D": _up_to(2),
        "&K": _up_to(6),
        "&S": _up_to(1),
        "&W": _up_to(1),
        "&V": accept,
        "P": accept,
        "T": accept,
        "H": _up_to(1),
        "O": refuse,
        "A": refuse,
        "+CMEE": _cmee,
        "+CSCS": _charset,
        "+IFC": list_setting("+IFC", "(0-2),(0-2)", "0,0", 2),
        "+ICF": list_setting("+ICF", "(3),(0)", "3,0", 2),
        "+IPR": list_setting("+IPR", "(),(0,9600,115200,460800,921600)", "0", 1),
    }
)
