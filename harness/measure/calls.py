"""Who called one server and was left without an answer: TCP (RFC 9293) read off kept headers.

It sees who spoke last, not what was said: the payload is TLS and stays closed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from harness.core.units import NS_PER_S
from harness.measure.packets import HEADER_BYTES, Packets

SILENCE_S: Final = 1.0
"""A server that has said nothing for so long since it was asked has not answered."""
_ETHERTYPE: Final = slice(12, 14)
_IPV4: Final = b"\x08\x00"
_IP: Final = 14
_TOTAL_LENGTH: Final = slice(_IP + 2, _IP + 4)
_PROTOCOL: Final = _IP + 9
_SOURCE: Final = slice(_IP + 12, _IP + 16)
_DESTINATION: Final = slice(_IP + 16, _IP + 20)
_TCP: Final = 6
_DATA_OFFSET: Final = 12
_FLAGS: Final = 13
_SYN: Final = 0x02
_FIN_OR_RST: Final = 0x05


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a tap saw of calls to one server.

    Attributes:
        connections: Connections that somebody opened or tried to open.
        left_waiting: How many of them the server did not answer: no handshake, or no word after
            the caller's last one.
        total_bytes: Bytes at layer 2 between it and anybody, both directions.
    """

    connections: int
    left_waiting: int
    total_bytes: int

    @property
    def last_words(self) -> str:
        """The finding in words."""
        return f"{self.left_waiting} of {self.connections} calls got no answer"


@dataclass(slots=True)
class _Call:
    """One connection: when the caller spoke and the server has not since."""

    asked_ns: int | None = None
    closed_ns: int | None = None


@dataclass(slots=True)
class _Tally:
    """Connections by caller, while packets are read."""

    calls: dict[bytes, _Call] = field(default_factory=dict)
    total_bytes: int = 0


def calls_to(
    packets: Packets, server: str, *, now_ns: int, clients: Collection[str] | None = None
) -> Calls:
    """Look for TCP connections to a server; headers must have been kept.

    Args:
        packets: What the tap has seen so far.
        server: IPv4 address of the server.
        now_ns: The present, on the clock of the tap.
        clients: IPv4 addresses whose calls count; None: everybody's.
    """
    wanted = ipaddress.IPv4Address(server).packed
    own = None if clients is None else {ipaddress.IPv4Address(c).packed for c in clients}
    tally = _Tally()
    rows = zip(packets.t_ns.tolist(), packets.wire_bytes.tolist(), strict=True)
    for number, (t_ns, size) in enumerate(rows):
        frame = packets.headers[number * HEADER_BYTES : (number + 1) * HEADER_BYTES]
        ends = {frame[_SOURCE], frame[_DESTINATION]}
        if own is not None and own.isdisjoint(ends):
            continue
        if frame[_ETHERTYPE] == _IPV4 and wanted in ends:
            tally.total_bytes += size
            if frame[_PROTOCOL] == _TCP:
                _take(tally, frame, t_ns, to_server=frame[_DESTINATION] == wanted)
    waiting = sum(_left_waiting(call, now_ns) for call in tally.calls.values())
    return Calls(connections=len(tally.calls), left_waiting=waiting, total_bytes=tally.total_bytes)


def _take(tally: _Tally, frame: bytes, t_ns: int, *, to_server: bool) -> None:
    """Take one segment: who spoke, and who hung up."""
    header = (frame[_IP] & 0x0F) * 4
    tcp = _IP + header
    flags = frame[tcp + _FLAGS]
    payload = int.from_bytes(frame[_TOTAL_LENGTH]) - header - (frame[tcp + _DATA_OFFSET] >> 4) * 4
    port = frame[tcp : tcp + 2] if to_server else frame[tcp + 2 : tcp + 4]
    address = frame[_SOURCE] if to_server else frame[_DESTINATION]
    call = tally.calls.setdefault(address + port, _Call())
    speaks = payload > 0 or bool(flags & _SYN)
    if to_server and flags & _FIN_OR_RST:
        call.closed_ns = call.closed_ns or t_ns
    elif to_server and speaks:
        call.asked_ns = t_ns
    elif not to_server and speaks:
        call.asked_ns = None


def _left_waiting(call: _Call, now_ns: int) -> bool:
    """Whether the caller's last word was followed by silence; a caller may hang up at once."""
    if call.asked_ns is None:
        return False
    end_ns = now_ns if call.closed_ns is None else call.closed_ns
    return end_ns - call.asked_ns >= SILENCE_S * NS_PER_S
