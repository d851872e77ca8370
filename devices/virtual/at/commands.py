"""All commands of the virtual router, and ``+CLAC`` that lists them (TS 27.007 clause 8.37)."""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at import (
    card,
    cloudcard,
    function,
    identity,
    message,
    network,
    packet,
    v250,
    voice,
)
from devices.virtual.at.answer import OK, Answer, lines
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table
from devices.virtual.at.vendor import mediatek, quectel, unisoc

_SHARED: Table = MappingProxyType(
    {
        **v250.TABLE,
        **identity.TABLE,
        **card.TABLE,
        **network.TABLE,
        **packet.TABLE,
        **function.TABLE,
        **message.TABLE,
        **voice.TABLE,
        **cloudcard.TABLE,
        **quectel.TABLE,
    }
)
_STYLES = MappingProxyType({"unisoc": unisoc.TABLE, "mediatek": mediatek.TABLE})


def table_for(style: str) -> Table:
    """Return the commands of one vendor's style."""
    commands = dict(_SHARED) | dict(_STYLES[style])

    def list_all(call: Call) -> Answer:
        if call.form is Form.TEST:
            return OK
        return lines(*(f"AT{name}" for name in sorted(commands)))

    commands["+CLAC"] = list_all
    return MappingProxyType(commands)
