"""`harness.lab.announced`: a bench that announces itself line by line."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import pytest

from harness.core.clock import Deadline, FakeClock, SystemClock
from harness.core.errors import BenchError
from harness.lab.announced import AnnouncedSource, read_announcement
from harness.lab.description import Function

TTY = {"subsystem": "tty", "usb_path": "v/1", "interface": 2, "node": "/dev/pts/3"}
FIRST: dict[str, Any] = {
    "version": 1,
    "devices": [TTY],
    "taps": [{"name": "seed", "ifname": "mir0"}],
    "uplink": {"ifname": "inet0", "address": "203.0.113.10/24", "gateway": "203.0.113.1"},
    "access_server": {"lab_url": "https://203.0.113.20:8443", "token": "t", "new": 1},
    "conditions": {"nas_timer_factor": 0.1},
}


def test_the_first_line_describes_the_whole_bench() -> None:
    """Services, taps, the uplink, and what is plugged in."""
    announcement, functions = read_announcement(json.dumps(FIRST).encode())

    assert announcement.access_server.url == "https://203.0.113.20:8443"
    assert announcement.taps[0].ifname == "mir0"
    assert announcement.uplink is not None
    assert announcement.uplink.dns is None
    assert announcement.conditions == {"nas_timer_factor": 0.1}
    assert functions == (Function(subsystem="tty", usb_path="v/1", interface=2, node="/dev/pts/3"),)


@pytest.mark.parametrize(
    "line",
    [b"not json", b"[]", b'{"version": 2}', b'{"version": 1}', b'{"version": 1, "devices": [{}]}'],
)
def test_another_first_line_is_the_benchs_problem(line: bytes) -> None:
    """Nothing half-understood is used."""
    with pytest.raises(BenchError):
        read_announcement(line)


def test_a_bench_that_ends_before_it_is_ready_is_said_so() -> None:
    """An empty stream is no announcement."""
    with pytest.raises(BenchError, match="the virtual bench ended before it was ready"):
        AnnouncedSource(io.BytesIO(b""), on_log=lambda _party, _text: None)


def test_functions_come_and_go_with_the_events() -> None:
    """Re-enumeration is a normal event: gone, then back under another name."""
    back = TTY | {"node": "/dev/pts/9"}
    log: list[tuple[str, str]] = []
    clock = FakeClock(monotonic_ns=7)
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "wb", buffering=0) as out:
        out.write(json.dumps(FIRST).encode() + b"\n")
        source = AnnouncedSource(stream, on_log=lambda *entry: log.append(entry), clock=clock)
        deadline = Deadline.after(10.0, SystemClock())

        out.write(json.dumps({"event": "remove", "device": TTY}).encode() + b"\n")
        assert source.wait(lambda functions: True if not functions else None, deadline)
        out.write(json.dumps({"event": "add", "device": back}).encode() + b"\n")
        node = source.wait(lambda found: found[0].node if found else None, deadline)
        assert not source.ended

        for line in (
            {"event": "log", "party": "carrier", "text": "attach"},
            {"event": "party"},
            {"event": "add", "device": {}},
        ):
            out.write(json.dumps(line).encode() + b"\n")
        out.write(b"rubbish\n")
        out.close()
        source.join(deadline)

    assert node == "/dev/pts/9"
    happened = [(c.t_ns, c.action, c.function.node) for c in source.changes(7)]
    assert happened == [(7, "remove", "/dev/pts/3"), (7, "add", "/dev/pts/9")]
    assert source.changes(8) == ()
    assert source.ended
    assert source.functions()[0].node == "/dev/pts/9"
    assert log[0] == ("carrier", "attach")
    assert [party for party, _text in log] == ["carrier", "bench", "bench", "bench"]


def test_waiting_for_what_does_not_come_ends_with_the_deadline() -> None:
    """With None, not with a hang."""
    source = AnnouncedSource(
        io.BytesIO(json.dumps(FIRST).encode() + b"\n"), on_log=lambda _party, _text: None
    )

    waited = source.wait(lambda _functions: None, Deadline.after(0.01, SystemClock()))

    assert waited is None
