"""``harness.procedure.surroundings``: files of what went on around a router."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from harness.cloud.generic import GenericCloud
from harness.cloud.service import Service
from harness.core.clock import FakeClock
from harness.core.party import Party
from harness.lab.description import Function
from harness.lab.source import Plugged
from harness.procedure.surroundings import Surroundings
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.userplane.throttle import Applied, Injection, Passed, RateLimit, State

TTY = Function(subsystem="tty", usb_path="1-2.1", interface=2, node="/dev/ttyUSB2")
OTHER = Function(subsystem="tty", usb_path="1-2.3", interface=2, node="/dev/ttyUSB9")
SLOW = State(
    downlink=RateLimit(rate_bps=128_000), downlink_passed=Passed(passed_bytes=42, dropped_packets=1)
)


class Shaper:
    """A throttle that is in force as soon as it is told."""

    where = "bench end"
    both_ways = True

    def apply(self, injection: Injection) -> Applied:
        """Say that it is in force."""
        return Applied(asked=injection, configured=SLOW)

    def change(self, injection: Injection) -> None:
        """Take it."""

    def state(self) -> State:
        """Say what is in force."""
        return SLOW

    def remove(self) -> State:
        """Say what was in force."""
        return SLOW


def refused(_host: str, _port: int, _timeout_s: float) -> socket.socket:
    """Refuse every connection."""
    raise ConnectionRefusedError


def lines(path: Path) -> list[dict[str, object]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_was_seen_becomes_files_and_what_was_not_is_said(tmp_path: Path) -> None:
    """USB of this router only, each read-back; a server that does not answer fails no case."""
    clock = FakeClock(monotonic_ns=1_000)
    info = RunInfo(id="r", title="", plan="", bench="b", is_virtual=True, harness_version="0")
    plugged = Plugged((TTY,), clock)
    plugged.remove(TTY)  # before the case: not of it
    clock.sleep(1.0)
    seen = Surroundings(
        usb_path="1-2.1",
        imei="490154203237518",
        source=plugged,
        cloud=GenericCloud(
            Service(
                name="the access server",
                party=Party.ACCESS_SERVER,
                url="http://203.0.113.20",
                connect=refused,
            )
        ),
        clock=clock,
    )
    with RunJournal.create(tmp_path, info, clock) as journal:
        unit = journal.unit(UnitInfo(imei="490154203237518", model="M", firmware="1"))
        result = journal.begin_result(CaseInfo(id="C", version="1", title_en="", title_ja=""), unit)
        seen.begin()
        plugged.add(TTY)
        plugged.add(OTHER)
        throttle = seen.logged(Shaper())
        throttle.apply(Injection(downlink=RateLimit(rate_bps=128_000)))
        throttle.change(Injection(downlink=RateLimit(rate_bps=128_000)))
        throttle.state()
        throttle.remove()
        own = journal.directory / "own"
        own.mkdir()
        seen.hand_in(result, own)
        directory = journal.directory

    with RunRecord.open(directory) as record:
        events = [(event.kind, event.t_ns, event.text) for event in record.events()]
    assert ("udev", 1_000_001_000, "add tty /dev/ttyUSB2") in events
    assert sum(kind == "udev" for kind, _t_ns, _text in events) == 1
    assert any("the access server's log of this case is not here" in text for *_, text in events)
    (change,) = lines(own / "udev.jsonl")
    assert change["t_ns"] == 1_000_001_000
    read = lines(own / "shaper.jsonl")
    assert [line["done"] for line in read] == ["applied", "changed", "read", "removed"]
    assert {line["where"] for line in read} == {"bench end"}
    assert read[0]["downlink"] == {
        "rate_bps": 128_000, "mode": "shaper", "bucket_bytes": None, "queue_bytes": None,
    }  # fmt: skip
    assert read[3]["downlink_passed"] == {
        "passed_bytes": 42, "dropped_packets": 1, "backlog_bytes": None,
    }  # fmt: skip
    assert not (own / "server.jsonl").exists()
