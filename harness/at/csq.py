"""Signal quality: +CSQ (TS 27.007 8.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import split_fields

_RSSI_MAX: Final = 31
_BER_MAX: Final = 7
_UNKNOWN: Final = 99
_TD_SCDMA_MIN: Final = 100
_TD_SCDMA_MAX: Final = 191
_TD_SCDMA_UNKNOWN: Final = 199


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalQuality:
    """Received signal strength and bit error class.

    Attributes:
        rssi_dbm: In dBm; the lowest value means "or less"; None when the router does not know.
        ber_class: RXQUAL class 0 to 7 of TS 45.008 8.2.4; None when the router does not know.
    """

    rssi_dbm: int | None
    ber_class: int | None


def parse_csq(line: str) -> SignalQuality:
    """Read one ``+CSQ`` information response; 100 to 199 are RSCP of TD-SCDMA, by vendors.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CSQ")
    rssi = fields.need_number(0, "rssi")
    ber = fields.number(1, "ber")
    if ber is not None and not 0 <= ber <= _BER_MAX and ber != _UNKNOWN:
        msg = f"+CSQ <ber> {ber} is not defined (0 to 7 or 99): {line!r}"
        raise AtFramingError(msg)
    return SignalQuality(rssi_dbm=_dbm(rssi, line), ber_class=None if ber == _UNKNOWN else ber)


def _dbm(rssi: int, line: str) -> int | None:
    if rssi in {_UNKNOWN, _TD_SCDMA_UNKNOWN}:
        return None
    if 0 <= rssi <= _RSSI_MAX:
        return 2 * rssi - 113
    if _TD_SCDMA_MIN <= rssi <= _TD_SCDMA_MAX:
        return rssi - _TD_SCDMA_MIN - 116
    msg = f"+CSQ <rssi> {rssi} is not defined (0 to 31 or 99): {line!r}"
    raise AtFramingError(msg)
