"""``devices.virtual.firmware.dhcp`` and ``dns``: what the LAN's clients are told."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.virtual.firmware.dhcp import DhcpServer, decode
from devices.virtual.firmware.dns import DnsError, decode_addresses, encode_query

MAC = bytes.fromhex("0276000b0001")
OTHER_MAC = bytes.fromhex("0276000b0002")
COOKIE = bytes.fromhex("63825363")


def server() -> DhcpServer:
    """Return a server with two addresses to give."""
    return DhcpServer(
        interface=ipaddress.IPv4Interface("192.168.43.1/24"),
        pool=("192.168.43.100", "192.168.43.101"),
    )


def message(kind: int, *options: bytes, mac: bytes = MAC, ciaddr: str = "0.0.0.0") -> bytes:  # noqa: S104
    """Return a client's message (RFC 2131 figure 1)."""
    head = bytes.fromhex("01010600 11223344 0000 8000".replace(" ", ""))
    address = ipaddress.IPv4Address(ciaddr).packed
    fixed = head + address + bytes(12) + mac.ljust(16, b"\0") + bytes(192)
    return fixed + COOKIE + bytes((53, 1, kind)) + b"".join(options) + b"\xff"


def option(code: int, address: str) -> bytes:
    """Return an option that holds an address."""
    return bytes((code, 4)) + ipaddress.IPv4Address(address).packed


def yiaddr(data: bytes) -> str:
    """Return "your address" of a reply."""
    return str(ipaddress.IPv4Address(data[16:20]))


def kind_of(data: bytes) -> int:
    """Return option 53 of a reply; ours writes it first."""
    assert data[236:240] == COOKIE
    assert data[240:242] == b"\x35\x01"
    return data[242]


def test_discover_is_offered_the_first_free_address() -> None:
    """OFFER (2) with mask, router, name server and lease time, broadcast."""
    reply = server().handle(message(1))

    assert reply is not None
    assert (kind_of(reply.data), yiaddr(reply.data)) == (2, "192.168.43.100")
    assert reply.destination == "255.255.255.255"
    assert bytes.fromhex("0104ffffff00") in reply.data
    assert bytes.fromhex("0304c0a82b01") in reply.data
    assert bytes.fromhex("0604c0a82b01") in reply.data
    assert bytes.fromhex("330400000e10") in reply.data


def test_a_request_is_acknowledged_and_two_clients_differ() -> None:
    """ACK (5), and the next client gets the next address."""
    dhcp = server()
    dhcp.handle(message(1))
    mine = dhcp.handle(message(3, option(50, "192.168.43.100"), option(54, "192.168.43.1")))
    other = dhcp.handle(message(1, mac=OTHER_MAC))

    assert mine is not None
    assert other is not None
    assert (kind_of(mine.data), yiaddr(mine.data)) == (5, "192.168.43.100")
    assert yiaddr(other.data) == "192.168.43.101"


def test_a_foreign_address_is_refused() -> None:
    """NAK (6) for an address that is not of this network, as after a move."""
    reply = server().handle(message(3, option(50, "10.0.0.7")))

    assert reply is not None
    assert (kind_of(reply.data), yiaddr(reply.data)) == (6, "0.0.0.0")  # noqa: S104


def test_a_renewal_is_answered_to_the_client() -> None:
    """RENEWING: no option 50, ciaddr filled, the answer goes to that address."""
    dhcp = server()
    dhcp.handle(message(1))
    reply = dhcp.handle(message(3, ciaddr="192.168.43.100"))

    assert reply is not None
    assert kind_of(reply.data) == 5
    assert reply.destination == "192.168.43.100"


def test_another_server_s_client_is_left_alone() -> None:
    """A request that names another server is not ours to answer."""
    assert server().handle(message(3, option(54, "192.168.43.9"))) is None


def test_a_released_address_is_given_again() -> None:
    """After RELEASE (7) the address is free for the next client."""
    dhcp = server()
    dhcp.handle(message(1))
    dhcp.handle(message(7, ciaddr="192.168.43.100"))
    reply = dhcp.handle(message(1, mac=OTHER_MAC))

    assert reply is not None
    assert yiaddr(reply.data) == "192.168.43.100"


def test_an_empty_pool_keeps_silent() -> None:
    """The third client of a pool of two gets no offer."""
    dhcp = server()
    dhcp.handle(message(1))
    dhcp.handle(message(1, mac=OTHER_MAC))

    assert dhcp.handle(message(1, mac=bytes.fromhex("0276000b0003"))) is None


@given(st.binary(max_size=400))
def test_any_datagram_is_a_message_or_nothing(data: bytes) -> None:
    """DHCP: junk is dropped, nothing else happens."""
    assert decode(data) is None or data[0] == 1


def test_a_query_is_coded_as_the_rfc_says() -> None:
    """RFC 1035 clause 4.1: header, labels, type A, class IN."""
    assert encode_query("a.test", 0x1234).hex() == (
        "123401000001000000000000016104746573740000010001"
    )


def test_an_answer_with_a_pointer_is_read() -> None:
    """One A record behind a compressed name."""
    head = struct.pack(">6H", 7, 0x8180, 1, 1, 0, 0)
    question = b"\x01a\x04test\x00\x00\x01\x00\x01"
    record = bytes.fromhex("c00c 0001 0001 0000003c 0004 cb007114".replace(" ", ""))

    assert decode_addresses(head + question + record, 7) == ("203.0.113.20",)


def test_an_answer_to_another_question_is_an_error() -> None:
    """The number must match."""
    with pytest.raises(DnsError):
        decode_addresses(struct.pack(">6H", 8, 0x8180, 0, 0, 0, 0), 7)


@given(st.binary(max_size=80))
def test_any_datagram_is_addresses_or_an_error(data: bytes) -> None:
    """DNS: a tuple or our own error, nothing else."""
    try:
        addresses = decode_addresses(b"\x00\x07\x81\x80" + data, 7)
    except DnsError:
        return

    assert isinstance(addresses, tuple)
