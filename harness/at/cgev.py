"""Packet domain events: +CGEV, switched on by +CGEREP (TS 27.007 10.1.19)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from harness.at.address import Address, parse_address
from harness.at.errors import AtFramingError
from harness.at.fields import Fields, body, split_values

_EVENT: Final = re.compile(
    r"(?:(?P<origin>NW|ME) )?(?P<kind>DETACH|CLASS|PDN ACT|PDN DEACT|ACT|DEACT|REACT|REJECT|MODIFY)"
    r"(?: +(?P<values>.*))?",
    re.ASCII | re.DOTALL,
)
_CIDS: Final = range(256)


class EventKind(StrEnum):
    """What happened."""

    DETACH = "DETACH"
    CLASS = "CLASS"
    PDN_ACT = "PDN ACT"
    PDN_DEACT = "PDN DEACT"
    ACT = "ACT"
    DEACT = "DEACT"
    REACT = "REACT"
    REJECT = "REJECT"
    MODIFY = "MODIFY"


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketEvent:
    """One event; what it does not tell is None.

    Attributes:
        kind: What happened.
        origin: `NW` when the network, `ME` when the router began it.
        cid: The context.
        primary_cid: The context that a dedicated bearer belongs to.
        reason: Of PDN ACT: 0 IPv4 only, 1 IPv6 only, 2 single address, 3 the same and the other
            context failed. Of MODIFY: what was changed.
        other_cid: The second context that was activated for the other address family.
        event_type: 0 somebody waits for a confirmation, 1 nobody does.
        mobile_class: Of CLASS: `A`, `B`, `C`, `CG` or `CC`.
        pdp_type: Type of the context, in the old forms.
        address: Address of the context, in the old forms.
        raw: The line.
    """

    kind: EventKind
    origin: Literal["NW", "ME"] | None
    raw: str
    cid: int | None = None
    primary_cid: int | None = None
    reason: int | None = None
    other_cid: int | None = None
    event_type: int | None = None
    mobile_class: str | None = None
    pdp_type: str | None = None
    address: Address | None = None


def parse_cgev(line: str) -> PacketEvent:
    """Read one ``+CGEV`` URC.

    Raises:
        AtFramingError: The line is not one, or tells an event that is not defined.
    """
    text = body(line, "+CGEV")
    if text.startswith('"') and text.find('"', 1) == len(text) - 1:
        text = text[1:-1]  # some routers quote the whole event
    match = _EVENT.fullmatch(text)
    if match is None:
        msg = f"+CGEV {text!r} is not an event of 27.007: {line!r}"
        raise AtFramingError(msg)
    kind = EventKind(match["kind"])
    origin: Literal["NW", "ME"] | None = None
    if match["origin"]:
        origin = "NW" if match["origin"] == "NW" else "ME"
    if (origin is None) is not (kind is EventKind.REJECT):
        msg = f"+CGEV {text!r} does not say whose event it is: {line!r}"
        raise AtFramingError(msg)
    fields = split_values(match["values"] or "", line)
    return _event(kind, origin, fields)


def _event(kind: EventKind, origin: Literal["NW", "ME"] | None, fields: Fields) -> PacketEvent:
    line = fields.line
    match kind:
        case EventKind.DETACH:
            return PacketEvent(kind=kind, origin=origin, raw=line)
        case EventKind.CLASS:
            value = fields.need(0, "class")
            return PacketEvent(kind=kind, origin=origin, raw=line, mobile_class=value)
        case EventKind.PDN_ACT:
            return PacketEvent(
                kind=kind,
                origin=origin,
                raw=line,
                cid=fields.one_of(0, "cid", _CIDS),
                reason=fields.number(1, "reason"),
                other_cid=fields.number(2, "cid_other"),
            )
        case EventKind.PDN_DEACT:
            cid = fields.one_of(0, "cid", _CIDS)
            return PacketEvent(kind=kind, origin=origin, raw=line, cid=cid)
        case EventKind.MODIFY:
            return PacketEvent(
                kind=kind,
                origin=origin,
                raw=line,
                cid=fields.one_of(0, "cid", _CIDS),
                reason=fields.number(1, "change_reason"),
                event_type=fields.number(2, "event_type"),
            )
        case _:
            return _bearer_or_address(kind, origin, fields)


def _bearer_or_address(
    kind: EventKind, origin: Literal["NW", "ME"] | None, fields: Fields
) -> PacketEvent:
    """Read `<p_cid>,<cid>,<event_type>` or, before EPS, `<PDP_type>,<PDP_addr>[,<cid>]`."""
    line = fields.line
    if kind in {EventKind.ACT, EventKind.DEACT} and fields.need(0, "p_cid").isdecimal():
        return PacketEvent(
            kind=kind,
            origin=origin,
            raw=line,
            primary_cid=fields.one_of(0, "p_cid", _CIDS),
            cid=fields.one_of(1, "cid", _CIDS),
            event_type=fields.number(2, "event_type"),
        )
    return PacketEvent(
        kind=kind,
        origin=origin,
        raw=line,
        pdp_type=fields.need(0, "PDP_type"),
        address=parse_address(fields.text(1), line),
        cid=fields.number(2, "cid"),
    )
