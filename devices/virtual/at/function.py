"""Power of the phone and its clock: TS 27.007 clauses 8.2, 8.15, 8.40 and 8.41."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from types import MappingProxyType

from devices.virtual.at.answer import INCORRECT_PARAMETERS, OK, Answer, CmeError, line
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, number_setting

_MINIMUM, _FULL, _FLIGHT = 0, 1, 4
_CLOCK = re.compile(r"\d\d/\d\d/\d\d,\d\d:\d\d:\d\d[+-]\d\d", re.ASCII)


def _functionality(call: Call) -> Answer | Awaitable[Answer]:
    if call.form is Form.TEST:
        return line("+CFUN: (0,1,4),(0-1)")
    if call.form is not Form.SET:
        return line(f"+CFUN: {call.modem.fun}")
    fun = call.command.number(0, 0, _FLIGHT, _FULL)
    reset = call.command.number(1, 0, 1, 0)
    if fun not in {_MINIMUM, _FULL, _FLIGHT}:
        raise CmeError(INCORRECT_PARAMETERS)
    if reset:
        call.modem.actions.reset()
    elif fun != call.modem.fun:
        return _after(call.modem.actions.set_function(fun))
    return OK


async def _after(work: Awaitable[None]) -> Answer:
    await work
    return OK


def _clock(call: Call) -> Answer:
    """``+CCLK``: ``yy/MM/dd,hh:mm:ss±zz``, zone in quarters of an hour."""
    if call.form is Form.TEST:
        return OK
    if call.form is not Form.SET:
        return line(f'+CCLK: "{call.modem.actions.local_time().text}"')
    text = call.command.text(0)
    if not _CLOCK.fullmatch(text):
        raise CmeError(INCORRECT_PARAMETERS)
    call.modem.actions.set_local_time(text)
    return OK


def _zone_update(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line("+CTZU: (0,1)")
    if call.form is Form.READ:
        return line(f"+CTZU: {int(call.modem.zone_updates)}")
    call.modem.zone_updates = call.command.number(0, 0, 1, 0) == 1
    return OK


TABLE: Table = MappingProxyType(
    {
        "+CFUN": _functionality,
        "+CCLK": _clock,
        "+CTZU": _zone_update,
        "+CTZR": number_setting("+CTZR", 0, 3, 0),
    }
)
