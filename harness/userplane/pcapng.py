"""pcapng (draft-ietf-opsawg-pcapng): nanosecond times, interface name, direction, drops."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from harness.userplane.tap_blocks import Frames

_SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_STATISTICS: Final = 5
_ENHANCED_PACKET: Final = 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_LINKTYPE_ETHERNET: Final = 1
_OPTION_END: Final = 0
_SHB_APPLICATION: Final = 4
_IF_NAME: Final = 2
_IF_TSRESOL: Final = 9
_ISB_RECEIVED: Final = 4
_ISB_DROPPED: Final = 5
_EPB_FLAGS: Final = 2
_NANOSECONDS: Final = 9
_INBOUND: Final = 1
_OUTBOUND: Final = 2
_PACKET_HEAD: Final = 28
_LONG_BYTES: Final = 256
_PACKET_TAIL: Final = 16
"""Option epb_flags (8), end of options (4), and the block length once more (4)."""


def _option(number: int, value: bytes) -> bytes:
    return struct.pack("<HH", number, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def preamble(ifname: str, *, snap_bytes: int) -> bytes:
    """Write what every file starts with: one section, one interface.

    Args:
        ifname: Name of the interface, with its router if there are several.
        snap_bytes: Bytes kept of each frame; 0 means all.
    """
    head = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
    head += _option(_SHB_APPLICATION, b"cloudsim-harness") + _option(_OPTION_END, b"")
    interface = struct.pack("<HHI", _LINKTYPE_ETHERNET, 0, snap_bytes)
    interface += _option(_IF_NAME, ifname.encode())
    interface += _option(_IF_TSRESOL, bytes([_NANOSECONDS])) + _option(_OPTION_END, b"")
    return _block(_SECTION, head) + _block(_INTERFACE, interface)


def statistics(t_ns: int, *, received: int, dropped: int) -> bytes:
    """Write how many packets the kernel saw and how many of them it lost."""
    body = struct.pack("<III", 0, (t_ns >> 32) & 0xFFFFFFFF, t_ns & 0xFFFFFFFF)
    body += _option(_ISB_RECEIVED, struct.pack("<Q", received))
    body += _option(_ISB_DROPPED, struct.pack("<Q", dropped)) + _option(_OPTION_END, b"")
    return _block(_STATISTICS, body)


def packets(frames: Frames) -> memoryview:
    """Write frames as enhanced packet blocks, all at once by column."""
    if not len(frames.t_ns):
        return memoryview(b"")
    padded = (frames.kept_bytes.astype(np.int64) + 3) & ~3
    lengths = padded + (_PACKET_HEAD + _PACKET_TAIL)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    out = np.zeros(int(ends[-1]), np.uint8)
    _put(out, starts, _heads(frames, lengths))
    flags = np.where(frames.outgoing, _OUTBOUND, _INBOUND)
    tails = np.zeros((len(lengths), 4), "<u4")
    tails[:, 0] = _EPB_FLAGS | (4 << 16)
    tails[:, 1] = flags
    tails[:, 3] = lengths
    _put(out, ends - _PACKET_TAIL, tails.view(np.uint8))
    targets = starts + _PACKET_HEAD
    long = frames.kept_bytes > _LONG_BYTES
    for kept in np.unique(frames.kept_bytes[~long]):
        chosen = np.flatnonzero(frames.kept_bytes == kept)
        reach = np.arange(int(kept))
        for part in np.array_split(chosen, len(chosen) * int(kept) // (1 << 22) + 1):
            source = frames.data[frames.starts[part][:, None] + reach]
            out[targets[part][:, None] + reach] = source
    _copy(frames, out, targets, np.flatnonzero(long))
    return out.data.cast("B")


def _copy(
    frames: Frames,
    out: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
) -> None:
    """Copy frames one by one: from some length on cheaper than an index for each byte."""
    source, target = frames.data.data.cast("B"), out.data.cast("B")
    columns = (targets[chosen], frames.starts[chosen], frames.kept_bytes[chosen])
    for to, start, kept in zip(*(column.tolist() for column in columns), strict=True):
        target[to : to + kept] = source[start : start + kept]


def _heads(frames: Frames, lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    heads = np.zeros((len(lengths), _PACKET_HEAD // 4), "<u4")
    heads[:, 0] = _ENHANCED_PACKET
    heads[:, 1] = lengths
    heads[:, 3] = frames.t_ns >> 32
    heads[:, 4] = frames.t_ns & 0xFFFFFFFF
    heads[:, 5] = frames.kept_bytes
    heads[:, 6] = frames.wire_bytes
    return heads.view(np.uint8)


def _put(
    out: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], rows: npt.NDArray[np.uint8]
) -> None:
    out[starts[:, None] + np.arange(rows.shape[1])] = rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One packet of a file.

    Attributes:
        t_ns: Time stamp, in nanoseconds since 1970.
        wire_bytes: Length on the wire at layer 2.
        outgoing: Whether it left the bench; None if the file does not say.
        frame: What was kept of it.
    """

    t_ns: int
    wire_bytes: int
    outgoing: bool | None
    frame: bytes


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        number, length = struct.unpack_from("<HH", data, at)
        if number == _OPTION_END:
            break
        found[number] = data[at + 4 : at + 4 + length]
        at += 4 + ((length + 3) & ~3)
    return found


def records_of(data: bytes) -> list[Record]:
    """Read the packets of a file that `preamble` and `packets` wrote; a cut-off end is left out."""
    return list(each_record(data))


def each_record(data: bytes | mmap.mmap) -> Iterator[Record]:
    """Yield the packets of such a file one by one: mapped, 5 GB of it need no memory."""
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or at + length > len(data):  # noqa: PLR2004 - the least a block has
            return
        if kind == _ENHANCED_PACKET:
            _, high, low, kept, wire = struct.unpack_from("<IIIII", data, at + 8)
            start = at + _PACKET_HEAD
            flags = _options(data[start + ((kept + 3) & ~3) : at + length - 4]).get(_EPB_FLAGS)
            direction = int.from_bytes(flags or b"", "little") & 3
            yield Record(
                t_ns=high << 32 | low,
                wire_bytes=wire,
                outgoing=None if direction == 0 else direction == _OUTBOUND,
                frame=data[start : start + kept],
            )
        at += length
