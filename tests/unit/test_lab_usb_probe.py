"""``harness.lab.usb_probe`` and ``usb_watch``: what a port is, what changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.clock import Deadline, FakeClock
from harness.lab.description import Function
from harness.lab.source import Plugged
from harness.lab.usb_probe import PROBE, PortKind, recognise
from harness.lab.usb_watch import watch

# The check value that the catalogue of CRC algorithms gives for CRC-16/X-25 is 0x906E.
FRAME = b"123456789\x6e\x90\x7e"
SENTENCE = b"$GPGLL,4916.45,N,12311.12,W,225444,A*31\r\n"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"\r\nOK\r\n", PortKind.AT),
        (b"AT\r\r\nOK\r\n", PortKind.AT),
        (b"AT\r0\r", PortKind.AT),
        (b"\r\n+CME ERROR: 14\r\n", PortKind.AT),
        (b"\r\nRDY\r\n\r\nERROR\r\n", PortKind.AT),
        (SENTENCE, PortKind.NMEA),
        (b"garbage" + SENTENCE * 3, PortKind.NMEA),
        (FRAME, PortKind.DIAG),
        (b"", PortKind.SILENT),
        (b"\r\n\x00\x00", PortKind.SILENT),
        (PROBE, PortKind.NOISE),
        (b"AT\r\nAT\r\n", PortKind.NOISE),
        (SENTENCE.replace(b"*31", b"*32"), PortKind.NOISE),
        (FRAME.replace(b"\x90", b"\x91"), PortKind.NOISE),
        (b"BOOKING\r\n", PortKind.NOISE),
    ],
)
def test_a_port_is_known_by_its_answer(answer: bytes, kind: PortKind) -> None:
    """V.250's result codes, NMEA's sum, DIAG's CRC; an echo is no answer."""
    assert recognise(answer) is kind


@given(st.binary(max_size=200))
def test_any_bytes_are_some_kind(answer: bytes) -> None:
    """A kind, never an error."""
    assert recognise(answer) in PortKind


def test_watching_tells_what_is_there_and_stops() -> None:
    """A line a function; at the deadline it is over."""
    plugged = Plugged(
        (
            Function(subsystem="usb", usb_path="hub/1-1", vid="1782", pid="4d11", product="P5"),
            Function(subsystem="tty", usb_path="hub/1-1", interface=2, node="/dev/ttyUSB0"),
        )
    )
    lines: list[str] = []
    watch(plugged, lines.append, Deadline.after(0.0, FakeClock()))

    assert lines == [
        "add     hub/1-1  1782:4d11  usb      -     P5",
        "add     hub/1-1  ?:?  tty      if02  /dev/ttyUSB0",
    ]
