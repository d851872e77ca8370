"""TCP_INFO of Linux (tcp(7), struct tcp_info in include/uapi/linux/tcp.h): what the sender knows.

Secondary evidence beside the tap: retransmissions, round trips, delivery rate, who was waited for.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import asdict, dataclass
from typing import Final

from harness.core.errors import BenchError, InternalError

_SIZE: Final = 232
_U32: Final = struct.Struct("=I")
_U64: Final = struct.Struct("=Q")
_US_PER_S: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpInfo:
    """The parts of TCP_INFO that tell something about a path.

    Attributes:
        srtt_s: Smoothed round trip time, in seconds.
        min_rtt_s: Shortest round trip time that was seen, in seconds.
        cwnd_packets: Congestion window, in packets.
        mss_bytes: Maximum segment size of the sending side.
        delivery_rate_bps: Most recent delivery rate, payload, in bit/s.
        bytes_sent: Payload sent, retransmissions included.
        bytes_retransmitted: Payload sent again.
        bytes_acknowledged: Payload acknowledged.
        busy_s: Time with data in flight, in seconds.
        window_limited_s: Part of it in which the receiver's window was full.
        buffer_limited_s: Part of it in which the send buffer was too small.
        reordering_seen: How often reordering was noticed.
    """

    srtt_s: float
    min_rtt_s: float
    cwnd_packets: int
    mss_bytes: int
    delivery_rate_bps: int
    bytes_sent: int
    bytes_retransmitted: int
    bytes_acknowledged: int
    busy_s: float
    window_limited_s: float
    buffer_limited_s: float
    reordering_seen: int

    @property
    def retransmitted(self) -> float:
        """Part of the payload that was sent again, 0.0 when nothing was sent."""
        return self.bytes_retransmitted / self.bytes_sent if self.bytes_sent else 0.0

    def as_fields(self) -> dict[str, int | float]:
        """Return name and value of each attribute, for a record or a wire."""
        return asdict(self)


def parse_tcp_info(raw: bytes) -> TcpInfo:
    """Read the kernel's struct tcp_info.

    Raises:
        BenchError: The kernel is older than 4.19 and gives fewer fields.
    """
    if len(raw) < _SIZE:
        msg = f"TCP_INFO has {len(raw)} bytes, expected {_SIZE} or more; the kernel is too old"
        raise BenchError(msg)

    def u32(at: int) -> int:
        return int(_U32.unpack_from(raw, at)[0])

    def u64(at: int) -> int:
        return int(_U64.unpack_from(raw, at)[0])

    return TcpInfo(
        srtt_s=u32(68) / _US_PER_S,
        min_rtt_s=u32(148) / _US_PER_S,
        cwnd_packets=u32(80),
        mss_bytes=u32(16),
        delivery_rate_bps=u64(160) * 8,
        bytes_sent=u64(200),
        bytes_retransmitted=u64(208),
        bytes_acknowledged=u64(120),
        busy_s=u64(168) / _US_PER_S,
        window_limited_s=u64(176) / _US_PER_S,
        buffer_limited_s=u64(184) / _US_PER_S,
        reordering_seen=u32(220),
    )


def read_tcp_info(connection: socket.socket) -> TcpInfo:
    """Ask the kernel about one TCP connection."""
    return parse_tcp_info(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256))


def tcp_info_from(fields: object) -> TcpInfo:
    """Read what `TcpInfo.as_fields` gave, after a trip through JSON.

    Raises:
        InternalError: A field is missing or of the wrong type.
    """
    if not isinstance(fields, dict):
        msg = f"TCP_INFO fields are a table; got {fields!r}"
        raise InternalError(msg)
    try:
        return TcpInfo(**fields)
    except TypeError as exc:
        msg = f"not the fields of TCP_INFO: {fields!r}"
        raise InternalError(msg) from exc
