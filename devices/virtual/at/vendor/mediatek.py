"""The cloud card in MediaTek's wording: ``+ERSIM``, ``+EAPVSIM`` (known from public RIL code)."""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import OK, Answer, line
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, number_setting, only_test
from devices.virtual.at.modem import CardKind


def _remote_card(call: Call) -> Answer:
    """``+ERSIM``: whether a remote card is plugged in."""
    if call.form is Form.TEST:
        return line("+ERSIM: (0,1)")
    if call.form is Form.SET:
        call.command.number(0, 0, 1)
        return OK
    card = call.modem.card
    is_cloud = card is not None and card.kind is CardKind.CLOUD
    return line(f"+ERSIM: {int(is_cloud)}")


def _application_card(call: Call) -> Answer:
    """``+EAPVSIM``: whether the application processor provides the card."""
    if call.form is Form.TEST:
        return line("+EAPVSIM: (0,1)")
    if call.form is Form.SET:
        call.command.number(0, 0, 1)
        return OK
    return line(f"+EAPVSIM: {int(call.modem.is_cloud_used)}")


TABLE: Table = MappingProxyType(
    {
        "+ERSIM": _remote_card,
        "+EAPVSIM": _application_card,
        "+ERSIMAKA": number_setting("+ERSIMAKA", 0, 1, 1),
        "+ERSIMATO": number_setting("+ERSIMATO", 0, 60, 30),
        "+ERSA": only_test("+ERSA: (0-4)"),
    }
)
