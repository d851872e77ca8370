"""The vendor's window on the cloud card.

Nothing public describes such a command, so this one is ours:

- ``AT^CLOUDSIM?`` → ``^CLOUDSIM: <card>,<phase>,"<iccid>"``; card 0 physical, 1 cloud, 2 seed;
  phase 0 to 8 is the highest of P0 to P8 that was reached.
- ``AT^CLOUDSIM=0|1`` switches the same line as an unsolicited one, at every change.
- ``AT^CLOUDHELD?`` → ``^CLOUDHELD: "<iccid>"``: whose profile is in flash, empty for none.
- ``AT^CLOUDSIM=2`` asks for another card; ``AT^CLOUDSIM=3,<0|1>`` changes to physical or cloud;
  ``AT^CLOUDSIM=4`` is the factory reset.
"""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import (
    OK,
    OPERATION_NOT_ALLOWED,
    OPERATION_NOT_SUPPORTED,
    Answer,
    CmeError,
    line,
)
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table
from devices.virtual.at.modem import CardKind, Modem

_REASSIGN, _SWITCH, _FACTORY_RESET = 2, 3, 4


def state_line(modem: Modem) -> str:
    """Return the state as one line."""
    kind = modem.card.kind if modem.card else CardKind.SEED
    iccid = modem.card.iccid if modem.card else ""
    return f'^CLOUDSIM: {int(kind)},{modem.phase},"{iccid}"'


def _cloud_card(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line("^CLOUDSIM: (0-4),(0,1)")
    if call.form is not Form.SET:
        return line(state_line(call.modem))
    mode = call.command.number(0, 0, _FACTORY_RESET)
    actions = call.modem.actions
    if mode <= 1:
        call.settings.numbers["^CLOUDSIM"] = mode
    elif mode == _FACTORY_RESET:
        actions.factory_reset()
    elif mode == _REASSIGN:
        if not actions.ask_reassignment():
            raise CmeError(OPERATION_NOT_ALLOWED)
    elif not actions.switch_card(CardKind(call.command.number(1, 0, 1))):
        raise CmeError(OPERATION_NOT_ALLOWED)
    return OK


def _held_card(call: Call) -> Answer:
    if call.form is Form.TEST:
        return OK
    if call.form is not Form.READ:
        raise CmeError(OPERATION_NOT_SUPPORTED)
    return line(f'^CLOUDHELD: "{call.modem.actions.held_iccid()}"')


TABLE: Table = MappingProxyType({"^CLOUDSIM": _cloud_card, "^CLOUDHELD": _held_card})
