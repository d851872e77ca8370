"""Serving cell and byte counters in the wording of Quectel's public manuals."""

from __future__ import annotations

from types import MappingProxyType

from devices.virtual.at.answer import INCORRECT_PARAMETERS, OK, Answer, CmeError, line
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table
from devices.virtual.at.modem import Cell
from devices.virtual.at.network import rssi_index

_CHANNELS = MappingProxyType(
    {
        "44010": (1, 276),
        "44011": (3, 1500),
        "44020": (8, 3750),
        "44051": (18, 5900),
        "99942": (3, 1850),
    }
)
"""Band and EARFCN this world gives each network."""


def _channel(cell: Cell) -> tuple[int, int]:
    return _CHANNELS.get(cell.plmn, (3, 1300))


def _network_information(call: Call) -> Answer:
    if call.form is Form.TEST:
        return OK
    cell = call.modem.serving()
    if cell is None:
        return line("+QNWINFO: No Service")
    band, channel = _channel(cell)
    return line(f'+QNWINFO: "FDD LTE","{cell.plmn}","LTE BAND {band}",{channel}')


def _cell_report(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line('+QENG: ("servingcell")')
    if call.form is not Form.SET or call.command.text(0).lower() != "servingcell":
        raise CmeError(INCORRECT_PARAMETERS)
    cell = call.modem.serving()
    if cell is None:
        return line('+QENG: "servingcell","SEARCH"')
    band, channel = _channel(cell)
    state = "CONNECT" if call.modem.is_connected else "NOCONN"
    rssi_dbm = 2 * rssi_index(cell.rsrp_dbm) - 113
    where = f"{cell.plmn[:3]},{cell.plmn[3:]},{cell.ci:X},{cell.ci % 504},{channel},{band},5,5"
    levels = f"{round(cell.rsrp_dbm)},{round(cell.rsrq_db)},{rssi_dbm},15,10"
    return line(f'+QENG: "servingcell","{state}","LTE","FDD",{where},{cell.tac:X},{levels}')


def _byte_counter(call: Call) -> Answer:
    """``+QGDCNT``: bytes sent, bytes received; 0 sets both to zero."""
    if call.form is Form.TEST:
        return line("+QGDCNT: (0,1)")
    if call.form is Form.SET:
        if call.command.number(0, 0, 1) == 0:
            call.modem.actions.reset_byte_count()
        return OK
    count = call.modem.actions.byte_count()
    return line(f"+QGDCNT: {count.ul},{count.dl}")


TABLE: Table = MappingProxyType(
    {"+QNWINFO": _network_information, "+QENG": _cell_report, "+QGDCNT": _byte_counter}
)
