"""u-blox: +UGCNTRD (AT Commands Manual of TOBY-L2, LARA-R2 and SARA)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.fields import split_fields
from harness.at.serving_cell import ByteCount

_COUNTS: Final = range(2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextCounters:
    """Bytes of one context.

    Attributes:
        session: Since it was activated.
        total: Since the counter was set back.
    """

    session: ByteCount
    total: ByteCount


def parse_ugcntrd(line: str) -> ContextCounters:
    """Read one line of the answer to ``AT+UGCNTRD``.

    Raises:
        AtFramingError: The line is not one.
    """
    fields = split_fields(line, "+UGCNTRD")
    cid = fields.one_of(0, "cid", range(256))
    names = ("sent_sess_bytes", "received_sess_bytes", "sent_total_bytes", "received_total_bytes")
    sent, received, sent_total, received_total = (
        fields.one_of(place, name, _COUNTS) for place, name in enumerate(names, start=1)
    )
    return ContextCounters(
        session=ByteCount(sent_bytes=sent, received_bytes=received, cid=cid),
        total=ByteCount(sent_bytes=sent_total, received_bytes=received_total, cid=cid),
    )
