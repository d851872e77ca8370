"""What a case burnt of each card's quota, by the tap at the bench's end."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from harness.procedure.cards import Held
from harness.userplane.pcapng import each_record

_IPV4: Final = b"\x08\x00"
_IPV6: Final = b"\x86\xdd"
_ETHERNET_BYTES: Final = 14
_LAN_BYTES: Final = 3
"""Of an IPv4 address, those that a router's user and the router itself have in common (/24)."""
_MULTICAST: Final = 224
_LOCAL_V6: Final = frozenset({0xFE, 0xFF})
"""First bytes of link-local and multicast addresses (RFC 4291, 2.4)."""


def through_bytes(frame: bytes, wire_bytes: int) -> int:
    """Return the bytes of IP that a router passes on for its user; 0 for what stays on the LAN."""
    kind = frame[12:14]
    if kind == _IPV4 and len(frame) >= _ETHERNET_BYTES + 20:
        source, to = frame[26:30], frame[30:34]
        local = source[:_LAN_BYTES] == to[:_LAN_BYTES] or to[0] >= _MULTICAST
        return 0 if local or not any(source) else wire_bytes - _ETHERNET_BYTES
    if kind == _IPV6 and len(frame) >= _ETHERNET_BYTES + 40:
        local = frame[22] in _LOCAL_V6 or frame[38] in _LOCAL_V6
        return 0 if local else wire_bytes - _ETHERNET_BYTES
    return 0


def burnt_by_use(
    packets: Iterable[tuple[int, int]], held: Sequence[Held], *, epoch_ns: int
) -> list[int]:
    """Return the bytes of each use of a card.

    Args:
        packets: UTC in ns and bytes of each packet that was passed on.
        held: The uses, in order of time.
        epoch_ns: UTC in ns when the bench's clock was at 0.
    """
    found = [0] * len(held)
    for utc_ns, size_bytes in packets:
        t_ns = utc_ns - epoch_ns
        for number, use in enumerate(held):
            if use.start_ns <= t_ns and (use.end_ns is None or t_ns < use.end_ns):
                found[number] += size_bytes
    return found


def packets_of(captures: Iterable[Path]) -> Iterable[tuple[int, int]]:
    """Yield UTC in ns and bytes of each packet of captures that its router passed on."""
    for path in captures:
        if not path.stat().st_size:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for record in each_record(data):
                size_bytes = through_bytes(record.frame, record.wire_bytes)
                if size_bytes:
                    yield record.t_ns, size_bytes
