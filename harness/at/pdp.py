"""Packet domain: +CGATT +CGDCONT +CGACT +CGPADDR +CGCONTRDP (TS 27.007 10.1.1 to 10.1.23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.at.address import (
    Address,
    Interface,
    mask_length,
    parse_address,
    parse_interface,
)
from harness.at.errors import AtFramingError
from harness.at.fields import Fields, number_set, split_fields

_ON_OFF: Final = range(2)
_IPV6: Final = 6
_CIDS: Final = range(256)
PDP_TYPES: Final = ("IP", "IPV6", "IPV4V6", "PPP", "Non-IP", "Ethernet", "Unstructured", "X.25")
_TYPES_BY_TEXT: Final = {
    **{name.upper(): name for name in PDP_TYPES},
    "IPV4": "IP",
    "NONIP": "Non-IP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextState:
    """Whether a context is active.

    Attributes:
        cid: Context identifier.
        active: Whether it is active.
    """

    cid: int
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDefinition:
    """One defined context.

    Attributes:
        cid: Context identifier.
        pdp_type: One of `PDP_TYPES`.
        apn: Access point name; None when the network chooses it.
        address: Address that is asked for; None when the network gives one.
    """

    cid: int
    pdp_type: str
    apn: str | None
    address: Address | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSupport:
    """What contexts of one type the router can define.

    Attributes:
        cids: Context identifiers.
        pdp_type: One of `PDP_TYPES`.
    """

    cids: tuple[int, ...]
    pdp_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextAddresses:
    """Addresses of one context.

    Attributes:
        cid: Context identifier.
        addresses: Its addresses; empty when it has none.
    """

    cid: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicParameters:
    """What the network gave to an active context; one line an address family.

    Attributes:
        cid: Context identifier.
        bearer: EPS bearer identity; None when it is not told.
        apn: Access point name as the network tells it, for example with `.mnc010.mcc440.gprs`.
        interface: The router's address and network.
        second: The address of the other family, where a router tells both in one line.
        gateway: Address of the gateway.
        dns: Addresses of name servers.
        pcscf: Addresses of P-CSCF servers.
    """

    cid: int
    bearer: int | None
    apn: str | None
    interface: Interface | None
    second: Interface | None = None
    gateway: Address | None
    dns: tuple[Address, ...]
    pcscf: tuple[Address, ...]


def parse_cgatt(line: str) -> bool:
    """Read the answer to ``AT+CGATT?``: whether the router is attached.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    return bool(split_fields(line, "+CGATT").one_of(0, "state", _ON_OFF))


def parse_cgact(line: str) -> ContextState:
    """Read one line of the answer to ``AT+CGACT?``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGACT")
    cid = fields.one_of(0, "cid", _CIDS)
    return ContextState(cid=cid, active=bool(fields.one_of(1, "state", _ON_OFF)))


def parse_cgdcont(line: str) -> ContextDefinition:
    """Read one line of the answer to ``AT+CGDCONT?``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGDCONT")
    return ContextDefinition(
        cid=fields.one_of(0, "cid", _CIDS),
        pdp_type=_pdp_type(fields.need(1, "PDP_type"), line),
        apn=fields.text(2),
        address=parse_address(fields.text(3), line),
    )


def parse_cgdcont_support(line: str) -> ContextSupport:
    """Read one line of the answer to ``AT+CGDCONT=?``.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGDCONT")
    return ContextSupport(
        cids=number_set(fields.need(0, "cids"), line),
        pdp_type=_pdp_type(fields.need(1, "PDP_type"), line),
    )


def parse_cgpaddr(line: str) -> ContextAddresses:
    """Read one line of the answer to ``AT+CGPADDR``; 0.0.0.0 is no address.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGPADDR")
    cid = fields.one_of(0, "cid", _CIDS)
    found = (parse_address(text, line) for text in fields.values[1:])
    return ContextAddresses(cid=cid, addresses=tuple(address for address in found if address))


def parse_cgcontrdp(line: str) -> DynamicParameters:
    """Read one line of the answer to ``AT+CGCONTRDP``, old form (mask apart) or new.

    Raises:
        AtFramingError: The line is not one, or carries a value that is not defined.
    """
    fields = split_fields(line, "+CGCONTRDP")
    interface = parse_interface(fields.text(3), line)
    place = 4
    mask = fields.text(place)
    if interface is not None and interface.prefix_length is None and mask is not None:
        length = mask_length(mask)
        if length:  # a gateway begins with no run of ones, and all zeros is no mask
            interface = Interface(address=interface.address, prefix_length=length)
            place += 1
    second = _second(fields, place, interface)
    place += second is not None
    servers = [parse_address(text, line) for text in fields.values[place : place + 5]]
    return DynamicParameters(
        cid=fields.one_of(0, "cid", _CIDS),
        bearer=fields.number(1, "bearer_id"),
        apn=fields.text(2),
        interface=interface,
        second=second,
        gateway=servers[0] if servers else None,
        dns=tuple(server for server in servers[1:3] if server),
        pcscf=tuple(server for server in servers[3:] if server),
    )


def _second(fields: Fields, place: int, first: Interface | None) -> Interface | None:
    """Read a second address of the router: one of IPv6 that follows one of IPv4."""
    if first is None or first.address.version == _IPV6:
        return None
    found = parse_interface(fields.text(place), fields.line)
    return found if found is not None and found.address.version == _IPV6 else None


def _pdp_type(text: str, line: str) -> str:
    pdp_type = _TYPES_BY_TEXT.get(text.strip().upper())
    if pdp_type is None:
        msg = f"<PDP_type> {text!r} is not defined ({', '.join(PDP_TYPES)}): {line!r}"
        raise AtFramingError(msg)
    return pdp_type
