"""What the card wants to be told: +CPIN (TS 27.007 8.3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import body


class PinState(StrEnum):
    """What the card or the router waits for; the last three are vendors'."""

    READY = "READY"
    SIM_PIN = "SIM PIN"
    SIM_PUK = "SIM PUK"
    SIM_PIN2 = "SIM PIN2"
    SIM_PUK2 = "SIM PUK2"
    PH_SIM_PIN = "PH-SIM PIN"
    PH_FSIM_PIN = "PH-FSIM PIN"
    PH_FSIM_PUK = "PH-FSIM PUK"
    PH_NET_PIN = "PH-NET PIN"
    PH_NET_PUK = "PH-NET PUK"
    PH_NETSUB_PIN = "PH-NETSUB PIN"
    PH_NETSUB_PUK = "PH-NETSUB PUK"
    PH_SP_PIN = "PH-SP PIN"
    PH_SP_PUK = "PH-SP PUK"
    PH_CORP_PIN = "PH-CORP PIN"
    PH_CORP_PUK = "PH-CORP PUK"
    NOT_READY = "NOT READY"
    NOT_INSERTED = "NOT INSERTED"
    REMOVED = "SIM REMOVED"


_BY_TEXT: Final = {state.value: state for state in PinState}


def parse_cpin(line: str) -> PinState:
    """Read one ``+CPIN`` information response or URC; quotes and blanks do not matter.

    Raises:
        AtFramingError: The line is not one, or tells a state that is not known.
    """
    text = " ".join(body(line, "+CPIN").replace('"', " ").upper().split())
    state = _BY_TEXT.get(text) or _BY_TEXT.get(f"SIM {text}")
    if state is None:
        msg = f"+CPIN <code> {text!r} is not defined: {line!r}"
        raise AtFramingError(msg)
    return state
