"""SIMCom: +CPSI (SIM7500/SIM7600 Series AT Command Manual)."""

from __future__ import annotations

from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, split_fields
from harness.at.serving_cell import ServingCell, measured, plmn_of

_TENTH: Final = 0.1
_NO_SERVICE: Final = "NO SERVICE"


def parse_cpsi(line: str) -> ServingCell:
    """Read one line of the answer to ``AT+CPSI?``.

    Raises:
        AtFramingError: The line is not one, or tells a system mode that is not known.
    """
    fields = split_fields(line, "+CPSI")
    mode = fields.need(0, "System Mode")
    state = fields.text(1)
    if mode.upper() == _NO_SERVICE:
        return ServingCell(raw=line, state=state)
    mcc, _, mnc = fields.need(2, "MCC-MNC").partition("-")
    plmn = plmn_of(mcc, mnc, line)
    match mode:
        case "LTE":
            return _lte(fields, state, plmn)
        case "WCDMA":
            return ServingCell(
                raw=line,
                rat=mode,
                state=state,
                plmn=plmn,
                area=fields.hexadecimal(3, "LAC"),
                cell=fields.number(4, "Cell ID"),
                band=fields.text(5),
                pci=fields.number(6, "PSC"),
                channel=fields.number(7, "Freq"),
            )
        case "GSM":
            return ServingCell(
                raw=line,
                rat=mode,
                state=state,
                plmn=plmn,
                area=fields.hexadecimal(3, "LAC"),
                cell=fields.number(4, "Cell ID"),
            )
        case "NR5G_SA" | "NR5G_NSA":
            return _nr(fields, mode, state, plmn)
        case _:
            msg = f"+CPSI <System Mode> {mode!r} is not known: {line!r}"
            raise AtFramingError(msg)


def _lte(fields: Fields, state: str | None, plmn: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat="LTE",
        state=state,
        plmn=plmn,
        area=fields.hexadecimal(3, "TAC"),
        cell=fields.number(4, "SCellID"),
        pci=fields.number(5, "PCellID"),
        band=fields.text(6),
        channel=fields.number(7, "earfcn"),
        rsrq_db=measured(fields, 10, "RSRQ", scale=_TENTH),
        rsrp_dbm=measured(fields, 11, "RSRP", scale=_TENTH),
        rssi_dbm=measured(fields, 12, "RSSI", scale=_TENTH),
        sinr_db=measured(fields, 13, "RSSNR"),
    )


def _nr(fields: Fields, mode: str, state: str | None, plmn: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat=mode,
        state=state,
        plmn=plmn,
        area=fields.hexadecimal(3, "TAC"),
        cell=fields.number(4, "SCellID"),
        pci=fields.number(5, "PCellID"),
        band=fields.text(6),
        channel=fields.number(7, "earfcn"),
        rsrp_dbm=measured(fields, 8, "RSRP", scale=_TENTH),
        rsrq_db=measured(fields, 9, "RSRQ", scale=_TENTH),
        sinr_db=measured(fields, 10, "SNR"),
    )
