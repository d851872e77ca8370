"""Frames of a diagnostic port: pure, from the bytes that came.

Qualcomm's DIAG has its packets in frames like HDLC's: 0x7E ends one, 0x7D escapes a byte, and the
last two bytes are a CRC-16 (X.25, least significant byte first) over the unescaped packet. There is
no CR and no LF in it, so that nothing of it is ever a line.
"""

from __future__ import annotations

import binascii
from typing import Final

_FLAG: Final = b"\x7e"
_ESCAPE: Final = 0x7D
_ESCAPE_MASK: Final = 0x20
_CRC_BYTES: Final = 2
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def holds_frame(received: bytes) -> bool:
    """Tell whether these bytes hold a frame with a packet in it and a right CRC."""
    return any(_is_frame(part) for part in received.split(_FLAG)[:-1])


def _is_frame(escaped: bytes) -> bool:
    """Tell whether these bytes, without their flag, are a frame with a right CRC."""
    frame = bytearray()
    mask = 0
    for byte in escaped:
        if byte == _ESCAPE:
            mask = _ESCAPE_MASK
            continue
        frame.append(byte ^ mask)
        mask = 0
    packet, crc = frame[:-_CRC_BYTES], frame[-_CRC_BYTES:]
    return bool(packet) and _crc16_x25(bytes(packet)) == int.from_bytes(crc, "little")


def _crc16_x25(data: bytes) -> int:
    """Return the CRC-16 of X.25: CRC-CCITT from 0xFFFF with each byte and the result reversed."""
    crc = binascii.crc_hqx(data.translate(_REVERSED), 0xFFFF) ^ 0xFFFF
    return int(f"{crc:016b}"[::-1], 2)
