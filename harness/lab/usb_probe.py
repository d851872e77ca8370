"""What a serial port is, from what it says to `AT`: pure, from the bytes that came back.

AT answers as V.250 5.7 has it; NMEA 0183 sentences are `$…*hh` with the exclusive or of what is
between; Qualcomm DIAG frames end in 0x7E after a CRC-16 (X.25) over the unescaped bytes, and a
port in that mode answers text with an error frame.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

PROBE: Final = b"AT\r"

_FINAL: Final = re.compile(rb"(?:^|[\r\n])(?:OK|ERROR|\+CM[ES] ERROR: [^\r\n]*|0|4)\r", re.ASCII)
_SENTENCE: Final = re.compile(rb"\$(?P<body>[!-)+-~ ]{3,79})\*(?P<sum>[0-9A-F]{2})\r?\n", re.ASCII)
_FLAG: Final = b"\x7e"
_ESCAPE: Final = 0x7D
_ESCAPE_MASK: Final = 0x20
_CRC_POLYNOMIAL: Final = 0x8408
_CRC_GOOD: Final = 0xF0B8
_LEAST_FRAME_BYTES: Final = 3


class PortKind(StrEnum):
    """What a port turned out to be."""

    AT = "AT"
    NMEA = "NMEA"
    DIAG = "DIAG"
    SILENT = "silent"
    NOISE = "noise"


def recognise(answer: bytes) -> PortKind:
    """Tell what kind of port gave this answer to `PROBE`.

    An echo alone is no answer: a terminal in cooked mode echoes, too.
    """
    if not answer.strip(b"\x00\r\n"):
        return PortKind.SILENT
    if _FINAL.search(answer):
        return PortKind.AT
    if any(_sum_is_right(match) for match in _SENTENCE.finditer(answer)):
        return PortKind.NMEA
    if any(_is_frame(part) for part in answer.split(_FLAG)[:-1]):
        return PortKind.DIAG
    return PortKind.NOISE


def _sum_is_right(match: re.Match[bytes]) -> bool:
    total = 0
    for byte in match["body"]:
        total ^= byte
    return total == int(match["sum"], 16)


def _is_frame(escaped: bytes) -> bool:
    """Tell whether these bytes, without their flag, are a frame with a right CRC."""
    frame = bytearray()
    is_escaped = False
    for byte in escaped:
        if byte == _ESCAPE:
            is_escaped = True
            continue
        frame.append(byte ^ _ESCAPE_MASK if is_escaped else byte)
        is_escaped = False
    if len(frame) < _LEAST_FRAME_BYTES:
        return False
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc == _CRC_GOOD
