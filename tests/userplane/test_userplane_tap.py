"""``harness.userplane.tap``: what was on the wire, first packet to last, and what was lost."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import BenchError
from harness.userplane import links
from harness.userplane.links import InterfaceGoneError
from harness.userplane.pcapng import records_of
from harness.userplane.tap import Tap, TapSettings

if TYPE_CHECKING:
    from harness.measure.packets import Packets
    from tests.userplane.conftest import Pair

_ALONE = Path(__file__).with_name("tap_alone.py")
_ROOT = Path(__file__).parents[2]
_UDP_SEGMENT = 103
"""UDP_SEGMENT of linux/udp.h: forty packets in one call, faster than any reader."""


def _send(pair: Pair, count: int, size: int = 100) -> None:
    """Send datagrams from the bench end to the router's side, numbered in their first bytes."""
    with pair.bench.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(count):
            sock.sendto(number.to_bytes(4, "big") + bytes(size - 4), ("10.9.0.1", 9))


def _numbers(path: Path, at: int = 42) -> list[int]:
    """Return the numbers of our datagrams in a capture, in order."""
    return [
        int.from_bytes(record.frame[at : at + 4], "big")
        for record in records_of(path.read_bytes())
        if record.frame[12:14] == b"\x08\x00" and record.frame[23] == 17 and record.outgoing
    ]


def test_the_first_and_the_last_packet_are_in_the_file(pair: Pair, tmp_path: Path) -> None:
    """Packets sent at once after the start and right before the stop are all kept."""
    path = tmp_path / "lan.pcapng"
    with Tap.start(pair.bench, path=path) as tap:
        _send(pair, 500)
        result = tap.stop()

    assert _numbers(path) == list(range(500))
    assert result.dropped_packets == 0
    assert result.kept_packets == result.received_packets
    assert result.doubts == ()


def test_direction_length_and_order_of_time_are_right(pair: Pair, tmp_path: Path) -> None:
    """A datagram of 100 bytes is 142 on the wire; the answer (port unreachable) comes in."""
    path = tmp_path / "lan.pcapng"
    with Tap.start(pair.bench, path=path) as tap:
        _send(pair, 1)
        tap.stop()
    records = [r for r in records_of(path.read_bytes()) if r.frame[12:14] == b"\x08\x00"]

    assert [(r.outgoing, r.frame[23]) for r in records[:2]] == [(True, 17), (False, 1)]
    assert records[0].wire_bytes == 142
    assert records[0].t_ns <= records[1].t_ns


def test_a_snap_length_keeps_the_true_length(pair: Pair, tmp_path: Path) -> None:
    """Of a long frame 96 bytes are kept, and its length on the wire is still known."""
    path = tmp_path / "lan.pcapng"
    with Tap.start(pair.bench, path=path, settings=TapSettings(snap_bytes=96)) as tap:
        _send(pair, 3, size=1000)
        tap.stop()
    ours = [r for r in records_of(path.read_bytes()) if r.outgoing and r.wire_bytes == 1042]

    assert [len(r.frame) for r in ours] == [96, 96, 96]


def test_packets_can_be_read_while_the_tap_runs(pair: Pair) -> None:
    """Polling gives every packet once, in order, with its headers, and needs no file."""
    parts: list[Packets] = []
    with Tap.start(pair.bench) as tap:
        for _ in range(5):
            _send(pair, 20)
            parts.append(tap.poll())
        tap.stop()
        parts.append(tap.poll())
        nothing = tap.poll()
    headers = b"".join(part.headers for part in parts)
    frames = [headers[at : at + 96] for at in range(0, len(headers), 96)]
    sent = [f[42:46] for f in frames if f[12:14] == b"\x08\x00" and f[23] == 17]

    assert [int.from_bytes(number, "big") for number in sent] == list(range(20)) * 5
    assert len(nothing) == 0


def test_a_full_ring_is_told(pair: Pair, tmp_path: Path) -> None:
    """A ring that is far too small loses packets, and the result says how many."""
    settings = TapSettings(block_bytes=4096, blocks=2, retire_ms=200)
    with Tap.start(pair.bench, path=tmp_path / "lan.pcapng", settings=settings) as tap:
        with pair.bench.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 1400)
            for _ in range(20):
                sock.sendto(bytes(40 * 1400), ("10.9.0.1", 9))
        result = tap.stop()

    assert result.dropped_packets > 0
    assert result.received_packets >= 800
    assert result.doubts[0].startswith(f"the tap lost {result.dropped_packets} of ")


def test_the_limit_of_the_file_is_told(pair: Pair, tmp_path: Path) -> None:
    """A capture that reaches its limit stops growing and says so."""
    path = tmp_path / "lan.pcapng"
    settings = TapSettings(most_bytes=300_000, block_bytes=1 << 16)
    with Tap.start(pair.bench, path=path, settings=settings) as tap:
        _send(pair, 1000, size=1400)
        result = tap.stop()

    assert result.doubts == ("the capture is not whole: stopped at the limit of 300000 bytes",)
    assert path.stat().st_size < 300_000


def test_a_tap_on_an_interface_that_is_not_there_is_the_benchs_error(pair: Pair) -> None:
    """The error names the namespace and what is there."""
    with pytest.raises(BenchError, match=r"bench: no interface 'lan7'; there are lo, lan0"):
        Tap.start(pair.bench, "lan7")


def test_an_interface_that_goes_while_its_tap_starts_is_gone_and_no_failure_of_the_ring(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes an interface waits for it to come back, as when it had never been there."""
    monkeypatch.setattr(pair.bench, "interface", lambda _ifname: None)

    with pytest.raises(InterfaceGoneError, match=r"no0: No such device; is the router still plug"):
        Tap.start(pair.bench, "no0")


def test_a_capture_needs_its_directory(pair: Pair, tmp_path: Path) -> None:
    """A directory that is not there is told before anything is captured."""
    with pytest.raises(BenchError, match="no file for it"):
        Tap.start(pair.bench, path=tmp_path / "nowhere" / "lan.pcapng")


def test_an_interface_that_vanishes_is_told_and_what_came_before_is_kept(
    pair: Pair, tmp_path: Path
) -> None:
    """The router is unplugged in the middle: a fact of the capture, no error; no packet is lost."""
    path = tmp_path / "lan.pcapng"
    with Tap.start(pair.bench, path=path) as tap:
        _send(pair, 10)
        pair.router.perform(links.delete_link(pair.router.interface("far0").index))
        result = tap.stop()

    assert result.vanished
    assert result.doubts == ()
    assert _numbers(path) == list(range(10))


def test_stopping_twice_gives_the_same_result(pair: Pair) -> None:
    """The second stop does nothing."""
    with Tap.start(pair.bench) as tap:
        first = tap.stop()

        assert tap.stop() is first


def test_a_run_that_is_killed_keeps_what_was_captured(tmp_path: Path) -> None:
    """The file grows while the tap runs: after kill -9 every packet that had passed is in it."""
    argv = [sys.executable, str(_ALONE), str(tmp_path), "killed"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=_ROOT, env=_environment()) as alone:
        assert alone.stdout is not None
        seen = json.loads(alone.stdout.readline())
        alone.kill()

    assert seen == {"in_file": 500}
    assert _numbers(tmp_path / "lan.pcapng") == list(range(500))


def test_a_full_disk_is_told_and_the_file_stays_readable(tmp_path: Path) -> None:
    """The disk is full in the middle: a doubt, whole packets up to there, and no error."""
    argv = ["unshare", "--map-root-user", "--mount"]
    argv += [sys.executable, str(_ALONE), str(tmp_path), "full"]
    done = subprocess.run(
        argv, capture_output=True, check=False, cwd=_ROOT, env=_environment(), text=True
    )
    found = json.loads(done.stdout)

    assert found["doubts"] == ["the capture is not whole: writing the capture: the disk is full"]
    assert 0 < found["in_file"] < 500
    assert found["kept"] == found["readable"]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), *sys.path])}
