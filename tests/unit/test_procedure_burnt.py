"""``harness.procedure.burnt``: bytes of a card's quota, from the tap at the bench's end."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from harness.cli.burnt import burnt_lines
from harness.pool.budget import Burnt
from harness.procedure.burnt import burnt_by_use, packets_of, through_bytes
from harness.procedure.cards import Held

MACS = bytes(12)


def ipv4(source: str, to: str) -> bytes:
    """Return Ethernet and IPv4 headers."""
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(to).packed
    return MACS + b"\x08\x00" + bytes(12) + addresses


def ipv6(source: str, to: str) -> bytes:
    """Return Ethernet and IPv6 headers."""
    addresses = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(to).packed
    return MACS + b"\x86\xdd" + bytes(8) + addresses


@pytest.mark.parametrize(
    ("frame", "burns"),
    [
        (ipv4("192.168.43.7", "198.51.100.9"), True),
        (ipv4("198.51.100.9", "192.168.43.7"), True),
        (ipv4("192.168.43.7", "192.168.43.1"), False),  # the router itself
        (ipv4("0.0.0.0", "255.255.255.255"), False),  # noqa: S104  # DHCP
        (ipv4("192.168.43.7", "239.255.255.250"), False),  # SSDP
        (ipv6("2001:db8::7", "2001:db8:1::9"), True),
        (ipv6("fe80::7", "ff02::2"), False),
        (MACS + b"\x08\x06" + bytes(28), False),  # ARP
        (ipv4("192.168.43.7", "198.51.100.9")[:20], False),  # cut off
        (b"", False),
    ],
)
def test_what_a_router_passes_on_burns_its_ip_bytes(frame: bytes, *, burns: bool) -> None:
    """Headers of Ethernet are not the carrier's, and what stays on the LAN costs nothing."""
    assert through_bytes(frame, 1514) == (1500 if burns else 0)


def test_each_card_is_charged_for_its_own_time() -> None:
    """From its first nanosecond to before its last; between two cards nobody is."""
    held = [
        Held(iccid="A", start_ns=10, end_ns=20),
        Held(iccid="B", start_ns=30, end_ns=None),
    ]
    packets = [(1_009, 1), (1_010, 2), (1_019, 4), (1_020, 8), (1_030, 16), (9_999, 32)]

    assert burnt_by_use(packets, held, epoch_ns=1_000) == [6, 48]


def test_an_empty_capture_burnt_nothing(tmp_path: Path) -> None:
    """A router that came and went leaves one."""
    (tmp_path / "bench-end-1.pcapng").touch()

    assert list(packets_of(tmp_path.iterdir())) == []


def test_the_line_tells_where_and_who_declares_too_little() -> None:
    """The SIM that burnt most comes first; five and more are counted."""
    runs = [
        Burnt(case="RATE", declared_bytes=1_000_000, by_sim={"8981100000000000010": 2_000_000}),
        Burnt(
            case="IDLE", declared_bytes=10, by_sim={f"89811000000000002{n}": n for n in range(6)}
        ),
    ]

    assert burnt_lines(runs) == [
        "2 MB of 1 MB declared: *0010 2 MB, *0025 5 B, *0024 4 B, *0023 3 B and 2 more",
        "RATE burnt 2 MB and declares 1 MB: correct its estimated_bytes",
        "IDLE burnt 15 B and declares 10 B: correct its estimated_bytes",
    ]
    assert burnt_lines([]) == ["not seen: no tap had an interface of a router with a SIM"]
