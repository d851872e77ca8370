"""Extended signal quality: +CESQ (TS 27.007 8.69); each value is the lower end of its step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields, split_fields

_FIELDS_MIN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendedSignalQuality:
    """Received power and quality by access technology; None is "not known or not detectable".

    Attributes:
        rxlev_dbm: GSM carrier RSSI.
        ber_class: GSM RXQUAL class 0 to 7.
        rscp_dbm: UTRA received signal code power.
        ecno_db: UTRA Ec/N0.
        rsrq_db: E-UTRA reference signal quality.
        rsrp_dbm: E-UTRA reference signal power.
        ss_rsrq_db: NR synchronisation signal quality.
        ss_rsrp_dbm: NR synchronisation signal power.
        ss_sinr_db: NR synchronisation signal to noise ratio.
    """

    rxlev_dbm: int | None
    ber_class: int | None
    rscp_dbm: int | None
    ecno_db: float | None
    rsrq_db: float | None
    rsrp_dbm: int | None
    ss_rsrq_db: float | None = None
    ss_rsrp_dbm: int | None = None
    ss_sinr_db: float | None = None


def parse_cesq(line: str) -> ExtendedSignalQuality:
    """Read one ``+CESQ`` information response, with or without the values of NR.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CESQ")
    if len(fields) < _FIELDS_MIN:
        msg = f"+CESQ has {len(fields)} values, at least 6 expected: {line!r}"
        raise AtFramingError(msg)
    rxlev = _step(fields, 0, "rxlev", 63, unknown=99)
    ber = _step(fields, 1, "ber", 7, unknown=99)
    rscp = _step(fields, 2, "rscp", 96)
    ecno = _step(fields, 3, "ecno", 49)
    rsrq = _step(fields, 4, "rsrq", 34)
    rsrp = _step(fields, 5, "rsrp", 97)
    ss_rsrq = _step(fields, 6, "ss_rsrq", 126)
    ss_rsrp = _step(fields, 7, "ss_rsrp", 126)
    ss_sinr = _step(fields, 8, "ss_sinr", 127)
    return ExtendedSignalQuality(
        rxlev_dbm=None if rxlev is None else rxlev - 111,
        ber_class=ber,
        rscp_dbm=None if rscp is None else rscp - 121,
        ecno_db=None if ecno is None else ecno / 2 - 24.5,
        rsrq_db=None if rsrq is None else rsrq / 2 - 20,
        rsrp_dbm=None if rsrp is None else rsrp - 141,
        ss_rsrq_db=None if ss_rsrq is None else ss_rsrq / 2 - 43.5,
        ss_rsrp_dbm=None if ss_rsrp is None else ss_rsrp - 157,
        ss_sinr_db=None if ss_sinr is None else ss_sinr / 2 - 23.5,
    )


def _step(fields: Fields, place: int, name: str, highest: int, unknown: int = 255) -> int | None:
    value = fields.number(place, name)
    if value is None or value == unknown:
        return None
    if not 0 <= value <= highest:
        msg = (
            f"+CESQ <{name}> {value} is not defined (0 to {highest} or {unknown}): {fields.line!r}"
        )
        raise AtFramingError(msg)
    return value
