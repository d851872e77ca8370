"""SIMCom: +CPSI (AT Command Manuals of SIM7500/SIM7600, SIM7000/SIM7080 and SIM8200).

Levels come in tenths of a dB, or in dB from the modules for CAT-M1 and NB-IoT. An RSRP tells
which: none is below -200 dBm, and none in tenths is above -300.
"""

from __future__ import annotations

import re
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, split_fields
from harness.at.serving_cell import ServingCell, measured, plmn_of

_TENTH: Final = 0.1
_PLMN: Final = re.compile(r"\d{3}-\d{2,3}|-?", re.ASCII)
_NO_SERVICE: Final = "NO SERVICE"
_RSRP_MIN_DBM: Final = -200
_WITHOUT_CELL: Final = frozenset({"CDMA", "EVDO", "TDS"})  # told, and not read any further


def parse_cpsi(line: str) -> ServingCell:
    """Read one line of the answer to ``AT+CPSI?``.

    Raises:
        AtFramingError: The line is not one, or tells a system mode that is not known.
    """
    fields = split_fields(line, "+CPSI")
    mode = fields.need(0, "System Mode")
    state = fields.text(1)
    if mode.upper() == _NO_SERVICE or mode in _WITHOUT_CELL:
        rat = mode if mode in _WITHOUT_CELL else None
        return ServingCell(raw=line, rat=rat, state=state)
    if mode == "NR5G_NSA" and not _PLMN.fullmatch(fields.text(2) or ""):
        return _nr_beside_lte(fields)
    mcc, _, mnc = fields.need(2, "MCC-MNC").partition("-")
    plmn = plmn_of(mcc, mnc, line)
    match mode:
        case "LTE" | "LTE CAT-M1" | "LTE NB-IOT":
            return _lte(fields, mode, state, plmn)
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


def _scale(fields: Fields, place: int) -> float:
    """Return what a level is multiplied by, as the RSRP at `place` tells it."""
    level = fields.number(place, "RSRP")
    return 1 if level is not None and _RSRP_MIN_DBM < level < 0 else _TENTH


def _lte(fields: Fields, mode: str, state: str | None, plmn: str | None) -> ServingCell:
    scale = _scale(fields, 11)
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
        rsrq_db=measured(fields, 10, "RSRQ", scale=scale),
        rsrp_dbm=measured(fields, 11, "RSRP", scale=scale),
        rssi_dbm=measured(fields, 12, "RSSI", scale=scale),
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


def _nr_beside_lte(fields: Fields) -> ServingCell:
    """Read the second line of EN-DC as the SIM8200 tells it: cell, band and levels alone."""
    return ServingCell(
        raw=fields.line,
        rat="NR5G_NSA",
        pci=fields.number(1, "PCellID"),
        band=fields.text(2),
        channel=fields.number(3, "earfcn"),
        rsrp_dbm=measured(fields, 4, "RSRP", scale=_TENTH),
        rsrq_db=measured(fields, 5, "RSRQ", scale=_TENTH),
        sinr_db=measured(fields, 6, "SNR"),
    )
