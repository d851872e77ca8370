"""Walks the blocks of a pcapng file (draft-ietf-opsawg-pcapng) to keep a part of it. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from harness.core.errors import BenchError

SECTION_HEADER: Final = 0x0A0D0D0A
ENHANCED_PACKET: Final = 0x00000006
_MAGIC: Final = 0x1A2B3C4D
_FRAME_BYTES: Final = 12  # type, length, and the length again
_PACKET_HEAD_BYTES: Final = 20
_BLOCK_MAX_BYTES: Final = 16 * 1024 * 1024


class Walker:
    """Reads blocks one by one; both byte orders.

    Attributes:
        order: Byte order of the section that was entered last, as `struct` writes it.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.order = "<"

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Yield (type, whole block); a block that was cut off at the end is left out.

        Raises:
            BenchError: It is no pcapng file, or a block has a length that cannot be.
        """
        while len(head := self._file.read(_FRAME_BYTES)) == _FRAME_BYTES:
            (kind,) = struct.unpack_from("<I", head)
            if kind == SECTION_HEADER:
                self.order = "<" if struct.unpack_from("<I", head, 8)[0] == _MAGIC else ">"
                if struct.unpack_from(f"{self.order}I", head, 8)[0] != _MAGIC:
                    msg = f"it is no pcapng file: byte-order magic {head[8:12]!r}"
                    raise BenchError(msg)
            (kind, length) = struct.unpack_from(f"{self.order}II", head)
            if not _FRAME_BYTES <= length <= _BLOCK_MAX_BYTES or length % 4:
                msg = f"a pcapng block of type {kind:#x} has {length} bytes; it is damaged"
                raise BenchError(msg)
            rest = self._file.read(length - _FRAME_BYTES)
            if len(rest) < length - _FRAME_BYTES:
                return
            yield kind, head + rest


def headers_only(block: bytes, order: str, snap_bytes: int) -> bytes:
    """Return an enhanced packet block (4.3) with at most `snap_bytes` bytes of the packet."""
    captured, _original = struct.unpack_from(f"{order}II", block, 8 + 12)
    if captured <= snap_bytes:
        return block
    data_end = 8 + _PACKET_HEAD_BYTES + captured + (-captured) % 4
    head = bytearray(block[8 : 8 + _PACKET_HEAD_BYTES])
    struct.pack_into(f"{order}I", head, 12, snap_bytes)
    data = block[8 + _PACKET_HEAD_BYTES : 8 + _PACKET_HEAD_BYTES + snap_bytes]
    body = bytes(head) + data + bytes((-snap_bytes) % 4) + block[data_end:-4]
    length = struct.pack(f"{order}I", len(body) + _FRAME_BYTES)
    return block[:4] + length + body + length
