"""``harness.userplane.iperf``, ``ceiling`` and ``tcpinfo``: what is decided without a socket."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.core.errors import BenchError, InternalError
from harness.userplane.ceiling import CpuMeter, CpuTimes, kept_ceiling_bps
from harness.userplane.iperf import iperf_arguments, parse_iperf
from harness.userplane.tcpinfo import parse_tcp_info, tcp_info_from
from harness.userplane.traffic import TrafficPlan

REPORT = """{"start": {}, "end": {"sum_sent": {"bytes": 1400000, "bits_per_second": 11200000.5,
"retransmits": 7}, "sum_received": {"bytes": 1250000, "bits_per_second": 10000000.0}}}"""


def test_the_figures_of_iperf3_are_read() -> None:
    """Receiver and sender are kept apart."""
    result = parse_iperf(REPORT)

    assert result.received_bytes == 1_250_000
    assert result.received_bps == 10_000_000.0
    assert result.sent_bps == 11_200_000.5
    assert result.retransmits == 7


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no JSON"),
        ('{"error": "unable to connect"}', "unable to connect"),
        ('{"end": {}}', "without 'sum_received'"),
    ],
)
def test_what_is_no_report_is_the_benchs_fault(text: str, what: str) -> None:
    """The reason is in the message."""
    with pytest.raises(BenchError, match=what):
        parse_iperf(text)


def test_a_plan_becomes_arguments() -> None:
    """Download is ``-R``; two flows, five seconds, BBR."""
    arguments = iperf_arguments(
        "192.0.2.2", 5201, TrafficPlan(flows=2, longest_s=5, congestion="bbr")
    )

    assert arguments == [
        "-c", "192.0.2.2", "-p", "5201", "--json", "-P", "2", "-t", "5", "-R", "-C", "bbr",
    ]  # fmt: skip


def test_an_upload_is_not_reversed() -> None:
    """No ``-R`` then."""
    assert "-R" not in iperf_arguments("192.0.2.2", 5201, TrafficPlan(upload=True))


@pytest.mark.parametrize(
    ("own_s", "idle", "limited"),
    [(0.5, 50, False), (0.99, 50, True), (0.5, 2, True), (0.1, 2, False)],
)
def test_a_processor_with_nothing_left_is_noticed(
    own_s: float,
    idle: int,
    limited: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    """One core used up by us, or hard work with less than a twentieth of all idle."""
    readings = iter(
        [
            CpuTimes(wall_s=0.0, own_s=0.0, idle=0, ticks=0),
            CpuTimes(wall_s=1.0, own_s=own_s, idle=idle, ticks=100),
        ]
    )

    assert CpuMeter(lambda: next(readings)).limited() is limited


def test_too_short_a_time_says_nothing_of_the_processor() -> None:
    """Ticks are 10 ms; 20 ms are not judged."""
    readings = iter(
        [
            CpuTimes(wall_s=0.0, own_s=0.0, idle=0, ticks=0),
            CpuTimes(wall_s=0.02, own_s=0.02, idle=0, ticks=2),
        ]
    )

    assert not CpuMeter(lambda: next(readings)).limited()


def test_the_ceiling_is_measured_once_a_host(tmp_path: Path) -> None:
    """The second time it is read from the file."""
    measured = [3e9, 4e9]
    path = tmp_path / "cache" / "ceiling.json"

    first = kept_ceiling_bps(path, lambda: measured.pop(0))
    second = kept_ceiling_bps(path, lambda: measured.pop(0))

    assert (first, second) == (3e9, 3e9)
    assert measured == [4e9]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"another host": 5}'])
def test_a_ceiling_file_that_does_not_help_is_replaced(tmp_path: Path, text: str) -> None:
    """Broken or of another host: measure again."""
    path = tmp_path / "ceiling.json"
    path.write_text(text)

    assert kept_ceiling_bps(path, lambda: 2e9) == 2e9


def test_a_ceiling_that_cannot_be_kept_is_the_benchs_fault(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "cache").write_text("")

    with pytest.raises(BenchError, match="cannot be kept"):
        kept_ceiling_bps(tmp_path / "cache" / "ceiling.json", lambda: 2e9)


def info_bytes() -> bytes:
    """Return a struct tcp_info with a number in each field that is read."""
    raw = bytearray(248)
    for at, value in ((16, 1448), (68, 41_000), (80, 10), (148, 40_000), (220, 3)):
        struct.pack_into("=I", raw, at, value)
    for at, value in (
        (120, 900),
        (160, 1_250_000),
        (168, 2_000_000),
        (176, 500_000),
        (184, 250_000),
        (200, 1000),
        (208, 50),
    ):
        struct.pack_into("=Q", raw, at, value)
    return bytes(raw)


def test_tcp_info_is_read_by_its_offsets() -> None:
    """Microseconds become seconds, bytes a second become bits."""
    info = parse_tcp_info(info_bytes())

    assert (info.srtt_s, info.min_rtt_s) == (0.041, 0.04)
    assert info.delivery_rate_bps == 10_000_000
    assert (info.bytes_sent, info.bytes_retransmitted, info.bytes_acknowledged) == (1000, 50, 900)
    assert info.retransmitted == pytest.approx(0.05)
    assert (info.busy_s, info.window_limited_s, info.buffer_limited_s) == (2.0, 0.5, 0.25)
    assert (info.cwnd_packets, info.mss_bytes, info.reordering_seen) == (10, 1448, 3)


def test_tcp_info_survives_the_wire() -> None:
    """What the server writes the client reads."""
    info = parse_tcp_info(info_bytes())

    assert tcp_info_from(info.as_fields()) == info


def test_tcp_info_of_an_old_kernel_is_refused() -> None:
    """104 bytes are those of Linux 2.6."""
    with pytest.raises(BenchError, match="104 bytes, expected 232"):
        parse_tcp_info(bytes(104))


@pytest.mark.parametrize("fields", [None, [], {"srtt_s": 1}])
def test_other_fields_are_not_tcp_info(fields: object) -> None:
    """Both ends are ours: a mismatch is our own fault."""
    with pytest.raises(InternalError):
        tcp_info_from(fields)
