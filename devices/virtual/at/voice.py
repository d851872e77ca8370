"""Calls and supplementary services of TS 27.007 that a data card answers and does not have."""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import OK, OPERATION_NOT_SUPPORTED, Answer, CmeError, line
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, list_setting, number_setting, refuse


def _calls(_call: Call) -> Answer:
    """``+CLCC``: there is no call."""
    return OK


def _dial(_call: Call) -> Answer:
    raise CmeError(OPERATION_NOT_SUPPORTED)


def _activity(call: Call) -> Answer:
    """``+CPAS`` (clause 8.1): 0 is ready."""
    return line("+CPAS: (0)") if call.form is Form.TEST else line("+CPAS: 0")


def _battery(call: Call) -> Answer:
    """``+CBC`` (clause 8.4): on battery, full."""
    return line("+CBC: (0-3),(0-100)") if call.form is Form.TEST else line("+CBC: 0,100")


TABLE: Table = MappingProxyType(
    {
        "D": _dial,
        "+CLCC": _calls,
        "+CHUP": _calls,
        "+CPAS": _activity,
        "+CBC": _battery,
        "+CMOD": number_setting("+CMOD", 0, 0, 0),
        "+CMER": list_setting("+CMER", "(0-3),(0),(0),(0-2),(0,1)", "0,0,0,0,0", 5),
        "+CRC": number_setting("+CRC", 0, 1, 0),
        "+CLIP": number_setting("+CLIP", 0, 1, 0),
        "+CUSD": number_setting("+CUSD", 0, 2, 0),
        "+CSSN": list_setting("+CSSN", "(0,1),(0,1)", "0,0", 2),
        "+CCWA": refuse,
        "+CLIR": refuse,
        "+COLP": refuse,
        "+VTS": refuse,
    }
)
