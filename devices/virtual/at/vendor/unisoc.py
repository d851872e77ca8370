"""The cloud card in Unisoc's wording, ``+VIRTUALSIMINIT`` and ``^MBAU`` (public RIL code)."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from types import MappingProxyType

from devices.virtual.at.answer import INCORRECT_PARAMETERS, OK, Answer, CmeError, PlainError, line
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, number_setting
from devices.virtual.at.modem import CardKind

_SYNCHRONISATION_FAILURE = 0xDC
_RAND_OR_AUTN = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)


def _virtual_card(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line("+VIRTUALSIMINIT: (0-2),(0,1)")
    if call.form is Form.SET:
        call.command.number(0, 0, 2)
        return OK
    card = call.modem.card
    is_cloud = card is not None and card.kind is CardKind.CLOUD
    return line(f"+VIRTUALSIMINIT: {int(is_cloud)}")


def _authenticate(call: Call) -> Answer | Awaitable[Answer]:
    """``^MBAU=<rand>,<autn>`` → 0 and the three results, 1 and AUTS, or 2 for a wrong MAC."""
    if call.form is Form.TEST:
        return OK
    if call.form is not Form.SET:
        raise PlainError
    rand, autn = call.command.text(0), call.command.text(1)
    if not (_RAND_OR_AUTN.fullmatch(rand) and _RAND_OR_AUTN.fullmatch(autn)):
        raise CmeError(INCORRECT_PARAMETERS)
    call.card()
    return _ask_card(call, rand, autn)


async def _ask_card(call: Call, rand: str, autn: str) -> Answer:
    data = await call.modem.actions.authenticate(bytes.fromhex(rand), bytes.fromhex(autn))
    if data is None:
        return line("^MBAU: 2")
    fields = _split(data[1:])
    texts = ",".join(f'"{field.hex().upper()}"' for field in fields)
    return line(f"^MBAU: {1 if data[0] == _SYNCHRONISATION_FAILURE else 0},{texts}")


def _split(data: bytes) -> list[bytes]:
    """Split what follows the tag into its length-prefixed fields."""
    fields: list[bytes] = []
    while data:
        fields.append(data[1 : 1 + data[0]])
        data = data[1 + data[0] :]
    return fields


TABLE: Table = MappingProxyType(
    {
        "+VIRTUALSIMINIT": _virtual_card,
        "+SPVSIMAUTHSET": number_setting("+SPVSIMAUTHSET", 0, 1, 0),
        "+SFUN": number_setting("+SFUN", 2, 5, 4),
        "^MBAU": _authenticate,
    }
)
