"""The cell that serves the router, and counted bytes: values that vendors' commands tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.at.errors import AtFramingError
from harness.at.fields import Fields

_NUMBER: Final = re.compile(r"-?\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_PLMN: Final = re.compile(r"\d{3}-\d{2,3}", re.ASCII)
_NO_VALUE: Final = frozenset({"-", "-32768", "--", "NA"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCell:
    """One serving cell; what is not told is None.

    Attributes:
        rat: Access technology in the vendor's words, such as `LTE`; None without service.
        state: State in the vendor's words, such as `NOCONN` or `Online`.
        plmn: MCC and MNC.
        cell: Cell identity.
        area: LAC or TAC.
        pci: Physical cell identity, or scrambling code.
        channel: EARFCN, UARFCN, ARFCN or NR-ARFCN.
        band: Band in the vendor's words.
        rsrp_dbm: Reference signal power; RSCP on UTRA.
        rsrq_db: Reference signal quality; Ec/Io on UTRA.
        rssi_dbm: Total received power.
        sinr_db: Signal to noise ratio.
        raw: The line.
    """

    raw: str
    rat: str | None = None
    state: str | None = None
    plmn: str | None = None
    cell: int | None = None
    area: int | None = None
    pci: int | None = None
    channel: int | None = None
    band: str | None = None
    rsrp_dbm: float | None = None
    rsrq_db: float | None = None
    rssi_dbm: float | None = None
    sinr_db: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteCount:
    """Bytes that a router has counted.

    Attributes:
        sent_bytes: From the router to the network.
        received_bytes: From the network to the router.
        cid: The context they belong to; None when all are counted together.
    """

    sent_bytes: int
    received_bytes: int
    cid: int | None = None


def plmn_of(mcc: str | None, mnc: str | None, line: str) -> str | None:
    """Join MCC and MNC; None when one is not told.

    Raises:
        AtFramingError: They are not three and two or three digits.
    """
    if mcc in {None, "-"} or mnc in {None, "-"}:
        return None
    if _PLMN.fullmatch(f"{mcc}-{mnc}") is None:
        msg = f"{mcc!r}, {mnc!r} are no MCC and MNC: {line!r}"
        raise AtFramingError(msg)
    return f"{mcc}{mnc}"


def measured(fields: Fields, place: int, name: str, *, scale: float = 1) -> float | None:
    """Return a measured value times `scale`; None when the router has none.

    Raises:
        AtFramingError: It is not a number.
    """
    text = fields.text(place)
    if text is None or text in _NO_VALUE:
        return None
    if _NUMBER.fullmatch(text) is None:
        msg = f"<{name}> {text!r} is not a number: {fields.line!r}"
        raise AtFramingError(msg)
    return float(text) * scale
