"""Quectel: +QNWINFO, +QENG="servingcell", +QGDCNT (EC2x/EG2x AT Commands Manual; RG50x for NR)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, body, split_fields, split_values
from harness.at.serving_cell import ByteCount, ServingCell, measured, plmn_of

_SERVING: Final = "servingcell"
_WITHOUT_CELL: Final = frozenset({"TDSCDMA", "CDMA", "HDR"})  # told, and not read any further
_NO_CELL_STATES: Final = frozenset({"SEARCH", "LIMSRV", "NOCONN", "CONNECT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkInfo:
    """One line of +QNWINFO.

    Attributes:
        act: Access technology in Quectel's words, such as `FDD LTE`.
        plmn: MCC and MNC; None when it is not told.
        band: Band in Quectel's words, such as `LTE BAND 3`.
        channel: Number of the channel; None when it is not told.
    """

    act: str
    plmn: str | None
    band: str | None
    channel: int | None


def parse_qnwinfo(line: str) -> NetworkInfo | None:
    """Read one line of the answer to ``AT+QNWINFO``; None without service.

    Raises:
        AtFramingError: The line is not one.
    """
    text = body(line, "+QNWINFO")
    if text.strip('"').lower() == "no service":
        return None
    fields = split_values(text, line)
    return NetworkInfo(
        act=fields.need(0, "Act"),
        plmn=fields.text(1),
        band=fields.text(2),
        channel=fields.number(3, "channel"),
    )


def parse_qeng(line: str) -> ServingCell:
    """Read one line of the answer to ``AT+QENG="servingcell"``; EN-DC has three.

    Raises:
        AtFramingError: The line is not one, or tells an access technology that is not known.
    """
    fields = split_fields(line, "+QENG")
    state = None
    if fields.text(0) == _SERVING:
        state = fields.need(1, "state")
        if state not in _NO_CELL_STATES:
            msg = f"+QENG <state> {state!r} is not defined: {line!r}"
            raise AtFramingError(msg)
        fields = Fields(line=line, values=fields.values[2:])
    if not fields.values or fields.text(0) in _WITHOUT_CELL:
        return ServingCell(raw=line, rat=fields.text(0), state=state)
    rat = fields.need(0, "rat")
    match rat:
        case "LTE" | "CAT-M" | "CAT-NB" | "eMTC" | "NBIoT":
            return _lte(fields, rat, state)
        case "WCDMA":
            return _wcdma(fields, state)
        case "GSM":
            return _gsm(fields, state)
        case "NR5G-NSA":
            return _nr_nsa(fields, state)
        case "NR5G-SA":
            return _nr_sa(fields, state)
        case _:
            msg = f"+QENG <rat> {rat!r} is not known: {line!r}"
            raise AtFramingError(msg)


def _lte(fields: Fields, rat: str, state: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat=rat,
        state=state,
        plmn=plmn_of(fields.text(2), fields.text(3), fields.line),
        cell=fields.hexadecimal(4, "cellid"),
        pci=fields.number(5, "pcid"),
        channel=fields.number(6, "earfcn"),
        band=fields.text(7),
        area=fields.hexadecimal(10, "tac"),
        rsrp_dbm=measured(fields, 11, "rsrp"),
        rsrq_db=measured(fields, 12, "rsrq"),
        rssi_dbm=measured(fields, 13, "rssi"),
        sinr_db=measured(fields, 14, "sinr"),
    )


def _wcdma(fields: Fields, state: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat="WCDMA",
        state=state,
        plmn=plmn_of(fields.text(1), fields.text(2), fields.line),
        area=fields.hexadecimal(3, "lac"),
        cell=fields.hexadecimal(4, "cellid"),
        channel=fields.number(5, "uarfcn"),
        pci=fields.number(6, "psc"),
        rsrp_dbm=measured(fields, 8, "rscp"),
        rsrq_db=measured(fields, 9, "ecio"),
    )


def _gsm(fields: Fields, state: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat="GSM",
        state=state,
        plmn=plmn_of(fields.text(1), fields.text(2), fields.line),
        area=fields.hexadecimal(3, "lac"),
        cell=fields.hexadecimal(4, "cellid"),
        pci=fields.number(5, "bsic"),
        channel=fields.number(6, "arfcn"),
        band=fields.text(7),
    )


def _nr_nsa(fields: Fields, state: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat="NR5G-NSA",
        state=state,
        plmn=plmn_of(fields.text(1), fields.text(2), fields.line),
        pci=fields.number(3, "pcid"),
        rsrp_dbm=measured(fields, 4, "rsrp"),
        sinr_db=measured(fields, 5, "sinr"),
        rsrq_db=measured(fields, 6, "rsrq"),
        channel=fields.number(7, "arfcn"),
        band=fields.text(8),
    )


def _nr_sa(fields: Fields, state: str | None) -> ServingCell:
    return ServingCell(
        raw=fields.line,
        rat="NR5G-SA",
        state=state,
        plmn=plmn_of(fields.text(2), fields.text(3), fields.line),
        cell=fields.hexadecimal(4, "cellid"),
        pci=fields.number(5, "pcid"),
        area=fields.hexadecimal(6, "tac"),
        channel=fields.number(7, "arfcn"),
        band=fields.text(8),
        rsrp_dbm=measured(fields, 10, "rsrp"),
        rsrq_db=measured(fields, 11, "rsrq"),
        sinr_db=measured(fields, 12, "sinr"),
    )


def parse_qgdcnt(line: str) -> ByteCount:
    """Read the answer to ``AT+QGDCNT?``: bytes since the last reset of the counter.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "+QGDCNT")
    sent, received = (
        fields.one_of(place, name, range(2**63))
        for place, name in enumerate(("bytes_sent", "bytes_recv"))
    )
    return ByteCount(sent_bytes=sent, received_bytes=received)
