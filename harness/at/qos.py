"""What the network allows a context: +CGEQOSRDP and +CGAPNRC (TS 27.007 10.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, split_fields

_CIDS: Final = range(256)
_QCIS: Final = range(256)
_BPS_PER_KBPS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOfService:
    """Quality of one context; rates in bit/s, None when they are not told.

    Attributes:
        cid: Context identifier.
        qci: QoS class identifier; 0 means the network chose it.
        dl_gbr_bps: Guaranteed rate to the router.
        ul_gbr_bps: Guaranteed rate from the router.
        dl_mbr_bps: Highest rate to the router.
        ul_mbr_bps: Highest rate from the router.
        dl_ambr_bps: Highest rate to the router of all contexts to this APN together.
        ul_ambr_bps: Highest rate from the router of all contexts to this APN together.
    """

    cid: int
    qci: int
    dl_gbr_bps: int | None
    ul_gbr_bps: int | None
    dl_mbr_bps: int | None
    ul_mbr_bps: int | None
    dl_ambr_bps: int | None
    ul_ambr_bps: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApnRateControl:
    """Rate control of an APN (mostly NB-IoT).

    Attributes:
        cid: Context identifier.
        exception_reports: Whether exception reports may be sent on top.
        time_unit: 0 unrestricted, 1 minute, 2 hour, 3 day, 4 week; None when it is not told.
        uplink_messages: Highest number of messages in a time unit; None when it is not told.
    """

    cid: int
    exception_reports: bool | None
    time_unit: int | None
    uplink_messages: int | None


def parse_cgeqosrdp(line: str) -> QualityOfService:
    """Read one line of the answer to ``AT+CGEQOSRDP``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGEQOSRDP")
    return QualityOfService(
        cid=fields.one_of(0, "cid", _CIDS),
        qci=fields.one_of(1, "QCI", _QCIS),
        dl_gbr_bps=_bps(fields, 2, "DL_GBR"),
        ul_gbr_bps=_bps(fields, 3, "UL_GBR"),
        dl_mbr_bps=_bps(fields, 4, "DL_MBR"),
        ul_mbr_bps=_bps(fields, 5, "UL_MBR"),
        dl_ambr_bps=_bps(fields, 6, "DL_AMBR"),
        ul_ambr_bps=_bps(fields, 7, "UL_AMBR"),
    )


def parse_cgapnrc(line: str) -> ApnRateControl:
    """Read one line of the answer to ``AT+CGAPNRC``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGAPNRC")
    reports = fields.number(1, "Additional_exception_reports")
    unit = fields.number(2, "Uplink_time_unit")
    if reports not in {None, 0, 1} or unit not in {None, 0, 1, 2, 3, 4}:
        msg = f"+CGAPNRC carries a value that is not defined: {line!r}"
        raise AtFramingError(msg)
    return ApnRateControl(
        cid=fields.one_of(0, "cid", _CIDS),
        exception_reports=None if reports is None else bool(reports),
        time_unit=unit,
        uplink_messages=fields.number(3, "Maximum_uplink_rate"),
    )


def _bps(fields: Fields, place: int, name: str) -> int | None:
    """Read a rate in kbit/s, which is the unit of 27.007."""
    rate_kbps = fields.number(place, name)
    if rate_kbps is None:
        return None
    if rate_kbps < 0:
        msg = f"<{name}> {rate_kbps} is not a rate: {fields.line!r}"
        raise AtFramingError(msg)
    return rate_kbps * _BPS_PER_KBPS
