"""Huawei: ^HCSQ, ^SYSINFOEX, ^DSFLOWQRY, ^DSFLOWRPT (ME909s AT Command Interface Specification).

Signal steps are given as the lower end of their step; 255 is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, split_fields
from harness.at.serving_cell import ByteCount

_UNKNOWN: Final = 255
_NO_SERVICE: Final = frozenset({"NOSERVICE", "NO SERVICE"})
_SERVICE_STATES: Final = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class HuaweiSignal:
    """Signal by access technology; None is not known or not told.

    Attributes:
        sysmode: `LTE`, `WCDMA`, `GSM`, `NR`…; None without service.
        rssi_dbm: Total received power.
        rsrp_dbm: Reference signal power; RSCP on UTRA.
        sinr_db: Signal to noise ratio.
        rsrq_db: Reference signal quality; Ec/Io on UTRA.
    """

    sysmode: str | None
    rssi_dbm: int | None = None
    rsrp_dbm: int | None = None
    sinr_db: float | None = None
    rsrq_db: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemInfo:
    """Service of the router.

    Attributes:
        service: 0 none, 1 limited, 2 full, 3 regional only, 4 power saving.
        domain: 0 none, 1 CS, 2 PS, 3 both, 4 neither registered, searching.
        roaming: Whether it roams; None when it is not told.
        card: 1 card is valid, 255 no card, others a fault.
        sysmode: Access technology in Huawei's words.
        submode: More about it, such as `HSPA+`.
    """

    service: int
    domain: int
    roaming: bool | None
    card: int
    sysmode: str | None
    submode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReport:
    """Bytes of the last or running connection, and of all.

    Attributes:
        last_s: Duration of the last connection in seconds.
        last: Bytes of it.
        total_s: Duration of all connections in seconds.
        total: Bytes of all.
    """

    last_s: int
    last: ByteCount
    total_s: int
    total: ByteCount


def parse_hcsq(line: str) -> HuaweiSignal:
    """Read one ``^HCSQ`` information response or URC.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "^HCSQ")
    sysmode = fields.need(0, "sysmode").upper()
    if sysmode in _NO_SERVICE:
        return HuaweiSignal(sysmode=None)
    rssi = None
    if sysmode in {"LTE", "NR", "LTE-NR"}:
        place = 1
        if sysmode == "LTE":
            rssi = _step(fields, 1, "rssi", 96)
            place = 2
        rsrp = _step(fields, place, "rsrp", 126 if sysmode != "LTE" else 97)
        sinr = _step(fields, place + 1, "sinr", 251)
        rsrq = _step(fields, place + 2, "rsrq", 126 if sysmode != "LTE" else 34)
        return HuaweiSignal(
            sysmode=sysmode,
            rssi_dbm=None if rssi is None else rssi - 121,
            rsrp_dbm=None if rsrp is None else rsrp - (141 if sysmode == "LTE" else 157),
            sinr_db=None if sinr is None else round(sinr * 0.2 - 20.2, 1),
            rsrq_db=None if rsrq is None else rsrq * 0.5 - (20 if sysmode == "LTE" else 43.5),
        )
    rssi = _step(fields, 1, "rssi", 96)
    rscp = _step(fields, 2, "rscp", 96)
    ecio = _step(fields, 3, "ecio", 65)
    return HuaweiSignal(
        sysmode=sysmode,
        rssi_dbm=None if rssi is None else rssi - 121,
        rsrp_dbm=None if rscp is None else rscp - 121,
        rsrq_db=None if ecio is None else ecio * 0.5 - 32.5,
    )


def _step(fields: Fields, place: int, name: str, highest: int) -> int | None:
    value = fields.number(place, name)
    if value is None or value == _UNKNOWN:
        return None
    if not 0 <= value <= highest:
        msg = f"^HCSQ <{name}> {value} is not defined (0 to {highest} or 255): {fields.line!r}"
        raise AtFramingError(msg)
    return value


def parse_sysinfoex(line: str) -> SystemInfo:
    """Read the answer to ``AT^SYSINFOEX``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "^SYSINFOEX")
    told = fields.text(2) is not None
    roaming = fields.one_of(2, "roam_status", range(2)) if told else None
    return SystemInfo(
        service=fields.one_of(0, "srv_status", _SERVICE_STATES),
        domain=fields.one_of(1, "srv_domain", (*range(5), 255)),
        roaming=None if roaming is None else bool(roaming),
        card=fields.one_of(3, "sim_state", range(256)),
        sysmode=fields.text(6),
        submode=fields.text(8),
    )


def parse_dsflowqry(line: str) -> FlowReport:
    """Read the answer to ``AT^DSFLOWQRY``: hexadecimal seconds and bytes.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "^DSFLOWQRY")
    names = ("last_time", "last_tx", "last_rx", "total_time", "total_tx", "total_rx")
    last_s, last_tx, last_rx, total_s, total_tx, total_rx = _hexes(fields, names)
    return FlowReport(
        last_s=last_s,
        last=ByteCount(sent_bytes=last_tx, received_bytes=last_rx),
        total_s=total_s,
        total=ByteCount(sent_bytes=total_tx, received_bytes=total_rx),
    )


def parse_dsflowrpt(line: str) -> ByteCount:
    """Read one ``^DSFLOWRPT`` URC: bytes of the running connection.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "^DSFLOWRPT")
    names = ("time", "tx_rate", "rx_rate", "tx", "rx")
    *_, sent, received = _hexes(fields, names)
    return ByteCount(sent_bytes=sent, received_bytes=received)


def _hexes(fields: Fields, names: tuple[str, ...]) -> list[int]:
    values = []
    for place, name in enumerate(names):
        value = fields.hexadecimal(place, name)
        if value is None:
            msg = f"<{name}> is missing: {fields.line!r}"
            raise AtFramingError(msg)
        values.append(value)
    return values
