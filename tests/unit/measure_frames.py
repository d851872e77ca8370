"""Ethernet frames with TCP over IPv4, as bytes, for tests of what reads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from harness.measure.packets import Packets


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame; the bench's port is 40000, the server's 5201."""

    t_ms: float
    outgoing: bool = False
    sequence: int = 0
    acknowledged: int = 0
    payload: int = 0
    stamp: int | None = 1
    echo: int = 0
    ipv6: bool = False
    flags: int = 0x10


def frame_bytes(frame: Frame) -> bytes:
    """Return the first 96 bytes, padded with zeros."""
    options = b""
    if frame.stamp is not None:
        options = b"\x01\x01\x08\x0a" + struct.pack("!II", frame.stamp, frame.echo)
    ports = (40000, 5201) if frame.outgoing else (5201, 40000)
    offset = (20 + len(options)) // 4
    tcp = struct.pack(
        "!HHIIBBHHH",
        *ports,
        frame.sequence % 2**32,
        frame.acknowledged % 2**32,
        offset << 4,
        frame.flags,
        512,
        0,
        0,
    )
    tcp += options
    length = len(tcp) + frame.payload
    if frame.ipv6:
        ip = struct.pack("!IHBB", 6 << 28, length, 6, 64) + bytes(32)
        kind = 0x86DD
    else:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0, 64, 6, 0) + bytes(8)
        kind = 0x0800
    return (bytes(12) + struct.pack("!H", kind) + ip + tcp).ljust(96, b"\0")[:96]


def packets_of(frames: list[Frame]) -> Packets:
    """Return the frames as a tap hands them over."""
    header = [14 + (40 if f.ipv6 else 20) + 20 + (12 if f.stamp is not None else 0) for f in frames]
    sizes = [size + f.payload for size, f in zip(header, frames, strict=True)]
    return Packets(
        t_ns=np.array([round(f.t_ms * 1e6) for f in frames], np.int64),
        wire_bytes=np.array(sizes, np.int32),
        outgoing=np.array([f.outgoing for f in frames], np.bool_),
        headers=b"".join(frame_bytes(f) for f in frames),
    )
