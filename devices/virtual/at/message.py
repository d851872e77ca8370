"""Short messages as far as a host asks before it starts: TS 27.005 clauses 3 and 4.

The carriers of this world carry no short message: stores are empty, sending is refused.
"""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import (
    CMS_INVALID_MEMORY_INDEX,
    CMS_INVALID_TEXT_PARAMETER,
    CMS_NO_NETWORK_SERVICE,
    OK,
    Answer,
    CmsError,
    line,
)
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, list_setting, number_setting

_STORES = ("SM", "ME")
_SIZE = 50


def _service(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line("+CSMS: (0,1)")
    if call.form is Form.READ:
        return line(f"+CSMS: {call.settings.numbers.get('+CSMS', 0)},1,1,1")
    call.settings.numbers["+CSMS"] = call.command.number(0, 0, 1)
    return line("+CSMS: 1,1,1")


def _stores(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line('+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")')
    chosen = call.settings.stored.get("+CPMS", ("ME", "ME", "ME"))
    if call.form is Form.READ:
        return line("+CPMS: " + ",".join(f'"{store}",0,{_SIZE}' for store in chosen))
    given = [call.command.text(i, chosen[i]).upper() for i in range(3)]
    if not set(given) <= set(_STORES):
        raise CmsError(CMS_INVALID_TEXT_PARAMETER)
    call.settings.stored["+CPMS"] = tuple(given)
    return line(f"+CPMS: 0,{_SIZE},0,{_SIZE},0,{_SIZE}")


def _centre(call: Call) -> Answer:
    call.card()
    if call.form is Form.TEST:
        return OK
    if call.form is Form.READ:
        return line(call.settings.texts.get("+CSCA", '+CSCA: "",129'))
    number = call.command.text(0)
    call.settings.texts["+CSCA"] = f'+CSCA: "{number}",{145 if number.startswith("+") else 129}'
    return OK


def _list(call: Call) -> Answer:
    call.card()
    if call.form is Form.TEST:
        is_text = call.settings.numbers.get("+CMGF", 0)
        unread = '("REC UNREAD","REC READ","STO UNSENT","STO SENT","ALL")'
        return line(f"+CMGL: {unread if is_text else '(0-4)'}")
    return OK


def _read(call: Call) -> Answer:
    call.card()
    if call.form is Form.TEST:
        return OK
    raise CmsError(CMS_INVALID_MEMORY_INDEX)


def _delete(call: Call) -> Answer:
    call.card()
    if call.form is Form.TEST:
        return line("+CMGD: (),(0-4)")
    return OK


def _send(call: Call) -> Answer:
    call.card()
    if call.form is Form.TEST:
        return OK
    raise CmsError(CMS_NO_NETWORK_SERVICE)


TABLE: Table = MappingProxyType(
    {
        "+CSMS": _service,
        "+CPMS": _stores,
        "+CMGF": number_setting("+CMGF", 0, 1, 0),
        "+CSCA": _centre,
        "+CSMP": list_setting("+CSMP", "", "17,167,0,0", 4),
        "+CSDH": number_setting("+CSDH", 0, 1, 0),
        "+CSCB": list_setting("+CSCB", "(0,1)", '0,"",""', 3),
        "+CNMI": list_setting("+CNMI", "(0-2),(0-3),(0,2),(0-2),(0,1)", "0,0,0,0,0", 5),
        "+CNMA": _read,
        "+CMMS": number_setting("+CMMS", 0, 2, 0),
        "+CMGL": _list,
        "+CMGR": _read,
        "+CMGD": _delete,
        "+CMGS": _send,
        "+CMGW": _send,
        "+CMSS": _send,
        "+CGSMS": list_setting("+CGSMS", "(0-3)", "1", 1),
    }
)
