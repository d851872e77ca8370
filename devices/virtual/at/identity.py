"""Who the modem is: TS 27.007 clause 5, V.250 clause 6.1."""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import INCORRECT_PARAMETERS, OK, Answer, CmeError, line, lines
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, fixed
from devices.virtual.at.modem import Modem


def _information(call: Call) -> Answer:
    modem = call.modem
    return lines(
        f"Manufacturer: {modem.manufacturer}",
        f"Model: {modem.model}",
        f"Revision: {modem.revision}",
        f"IMEI: {modem.imei}",
        "+GCAP: +CGSM",
    )


def _serial(call: Call) -> Answer:
    """``+CGSN[=<snt>]``: 0 serial number, 1 IMEI, 2 IMEISV, 3 software version."""
    modem = call.modem
    if call.form is Form.TEST:
        return line("+CGSN: (0-3)")
    if call.form is not Form.SET:
        return line(modem.imei)
    kind = call.command.number(0, 0, 3, 0)
    if kind == 0:
        return line(modem.imei)
    shown = {1: modem.imei, 2: modem.imei[:14] + "01", 3: "01"}[kind]
    return line(f'+CGSN: "{shown}"')


def _capabilities(call: Call) -> Answer:
    if call.form is Form.TEST:
        return OK
    if call.form is Form.SET:
        raise CmeError(INCORRECT_PARAMETERS)
    return line("+GCAP: +CGSM")


def _manufacturer(modem: Modem) -> str:
    return modem.manufacturer


def _model(modem: Modem) -> str:
    return modem.model


def _revision(modem: Modem) -> str:
    return modem.revision


def _imei(modem: Modem) -> str:
    return modem.imei


TABLE: Table = MappingProxyType(
    {
        "I": _information,
        "+CGMI": fixed(_manufacturer),
        "+GMI": fixed(_manufacturer),
        "+CGMM": fixed(_model),
        "+GMM": fixed(_model),
        "+CGMR": fixed(_revision),
        "+GMR": fixed(_revision),
        "+CGSN": _serial,
        "+GSN": fixed(_imei),
        "+GCAP": _capabilities,
    }
)
