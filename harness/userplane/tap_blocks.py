"""Blocks of a TPACKET_V3 ring (Documentation/networking/packet_mmap.rst) as columns."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.core.units import NS_PER_S
from harness.measure.packets import HEADER_BYTES, Packets

_BLOCK: Final = struct.Struct("<IIIIII")
_NEXT: Final = struct.Struct("<I")
_WORDS: Final = 6
_PACKET_BYTES: Final = 68
"""Length of struct tpacket3_hdr and the struct sockaddr_ll behind it."""
_MAC_AT: Final = 24
_TYPE_AT: Final = 48 + 10
_OUTGOING: Final = 4
"""PACKET_OUTGOING of linux/if_packet.h."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frames:
    """The frames of some blocks: where each lies, and what the kernel says about it.

    Attributes:
        data: The bytes that everything lies in.
        t_ns: Kernel time stamps, in nanoseconds since 1970.
        wire_bytes: Length of each frame at layer 2.
        kept_bytes: How much of each was kept.
        starts: Where the kept bytes begin in `data`.
        outgoing: Whether the frame left the bench.
    """

    data: npt.NDArray[np.uint8]
    t_ns: npt.NDArray[np.int64]
    wire_bytes: npt.NDArray[np.int32]
    kept_bytes: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    outgoing: npt.NDArray[np.bool_]

    def packets(self, *, headers: bool = True) -> Packets:
        """Return what a measurement needs; `headers` keeps the first bytes of each frame."""
        kept = b""
        if headers and len(self.t_ns):
            reach = np.arange(HEADER_BYTES)
            at = self.starts[:, None] + reach
            table = self.data[np.minimum(at, len(self.data) - 1)]
            table[reach >= self.kept_bytes[:, None]] = 0
            kept = table.tobytes()
        return Packets(
            t_ns=self.t_ns, wire_bytes=self.wire_bytes, outgoing=self.outgoing, headers=kept
        )


def whole_blocks(data: bytes | memoryview) -> int:
    """Return how many bytes from the start of `data` are whole blocks."""
    at = 0
    while at + _BLOCK.size + 4 <= len(data):
        (length,) = _NEXT.unpack_from(data, at + 20)
        if length < _BLOCK.size or at + length > len(data):
            break
        at += length
    return at


def _packet_starts(data: bytes | memoryview) -> list[int]:
    starts: list[int] = []
    unpack = _NEXT.unpack_from
    at = 0
    while at + _BLOCK.size <= len(data):
        _, _, _, count, first, length = _BLOCK.unpack_from(data, at)
        if length < _BLOCK.size:
            break
        here = at + first
        for _ in range(count):
            starts.append(here)
            here += unpack(data, here)[0]
        at += length
    return starts


def frames_of(data: bytes | memoryview) -> Frames:
    """Find every frame in whole blocks that lie one after the other."""
    octets = np.frombuffer(data, np.uint8)
    at = np.array(_packet_starts(data), np.int64)
    if not len(at):
        nothing = np.zeros(0, np.int64)
        small = np.zeros(0, np.int32)
        return Frames(
            data=octets, t_ns=nothing, wire_bytes=small, kept_bytes=small, starts=nothing,
            outgoing=np.zeros(0, np.bool_),
        )  # fmt: skip
    heads = np.ascontiguousarray(octets[at[:, None] + np.arange(_PACKET_BYTES)])
    words = heads[:, : 4 * _WORDS].copy().view("<u4").reshape(len(at), _WORDS)
    mac = heads[:, _MAC_AT : _MAC_AT + 2].copy().view("<u2").reshape(len(at))
    return Frames(
        data=octets,
        t_ns=words[:, 1].astype(np.int64) * NS_PER_S + words[:, 2],
        wire_bytes=words[:, 4].astype(np.int32),
        kept_bytes=words[:, 3].astype(np.int32),
        starts=at + mac,
        outgoing=heads[:, _TYPE_AT] == _OUTGOING,
    )
