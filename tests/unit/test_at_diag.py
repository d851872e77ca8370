"""``harness.at.diag``: frames of a diagnostic port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.at.diag import holds_frame

# The check value that the catalogue of CRC algorithms gives for CRC-16/X-25 is 0x906E.
FRAME = b"123456789\x6e\x90\x7e"


@pytest.mark.parametrize(
    ("received", "is_frame"),
    [
        (FRAME, True),
        (b"\r\nlog" + b"\x7e" + FRAME, True),
        (FRAME + b"123", True),
        (b"\x7e" + FRAME, True),
        (FRAME.replace(b"\x90", b"\x91"), False),
        (FRAME.replace(b"\x6e", b"\x6f"), False),
        (FRAME.removesuffix(b"\x7e"), False),
        (b"\x00\x00\x7e", False),  # the CRC of nothing is 0x0000: no packet
        (b"\x7e\x7e\x7e", False),
        (b"A\xf5\xa3\x7e", True),
        (b"\x7d\x5e\x21\xa1\x7e", False),
        (b"", False),
        (b"AT\r\r\nOK\r\n", False),
    ],
)
def test_a_frame_is_known_by_its_crc(received: bytes, *, is_frame: bool) -> None:
    """A packet and its CRC, ended by the flag; junk before and after it changes nothing."""
    assert holds_frame(received) is is_frame


@given(st.binary(min_size=1, max_size=40))
def test_escaped_bytes_are_part_of_the_packet(packet: bytes) -> None:
    """0x7E and 0x7D travel as 0x7D and the byte with bit 5 turned (RFC 1662, 4.2)."""
    crc = 0xFFFF
    for byte in packet:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    whole = packet + (crc ^ 0xFFFF).to_bytes(2, "little")
    escaped = b"".join(
        bytes((0x7D, byte ^ 0x20)) if byte in {0x7D, 0x7E} else bytes((byte,)) for byte in whole
    )

    assert holds_frame(escaped + b"\x7e")
    assert not holds_frame(escaped[:-1] + bytes((escaped[-1] ^ 1,)) + b"\x7e")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_not(received: bytes) -> None:
    """An answer, never an error."""
    assert holds_frame(received) in {True, False}
