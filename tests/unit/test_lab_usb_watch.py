"""``harness.lab.usb_watch``: what changes."""

from __future__ import annotations

from harness.core.clock import Deadline, FakeClock
from harness.lab.description import Function
from harness.lab.source import Plugged
from harness.lab.usb_watch import watch


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
