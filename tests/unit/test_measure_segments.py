"""``harness.measure.segments`` and ``queueing``: what header bytes tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.packets import Packets
from harness.measure.queueing import arrivals_of, busy_since
from harness.measure.segments import tcp_segments, unwrapped
from tests.unit.measure_frames import Frame, packets_of

MS = 1_000_000


@pytest.mark.parametrize("ipv6", [False, True])
def test_a_data_segment_is_read_in_full(ipv6: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """Numbers, payload and time stamps of one segment, over IPv4 and IPv6."""
    frame = Frame(
        t_ms=5, sequence=7000, acknowledged=300, payload=1448, stamp=123456, echo=654321, ipv6=ipv6
    )

    segments = tcp_segments(packets_of([frame]))

    assert segments.sequence.tolist() == [7000]
    assert segments.acknowledged.tolist() == [300]
    assert segments.payload_bytes.tolist() == [1448]
    assert segments.stamp.tolist() == [123456]
    assert segments.echo.tolist() == [654321]
    assert segments.local_port.tolist() == [40000]
    assert segments.syn.tolist() == [False]


def test_a_segment_without_options_has_no_stamps() -> None:
    """Twenty bytes of header carry no time."""
    segments = tcp_segments(packets_of([Frame(t_ms=0, payload=100, stamp=None)]))

    assert segments.stamp.tolist() == [-1]
    assert segments.echo.tolist() == [-1]
    assert segments.payload_bytes.tolist() == [100]


def test_the_local_port_is_the_benchs_in_both_directions() -> None:
    """Port 40000 is ours, whoever sends."""
    segments = tcp_segments(packets_of([Frame(t_ms=0, outgoing=True), Frame(t_ms=1)]))

    assert segments.local_port.tolist() == [40000, 40000]


def test_without_headers_there_are_no_segments() -> None:
    """Lengths alone are no TCP."""
    packets = Packets(
        t_ns=np.array([1]), wire_bytes=np.array([1514], np.int32), outgoing=np.array([False])
    )

    assert len(tcp_segments(packets)) == 0


@given(st.lists(st.binary(min_size=96, max_size=96), max_size=20))
def test_any_bytes_are_read_without_an_error(headers: list[bytes]) -> None:
    """Whatever is on the wire, the columns stay equally long."""
    n = len(headers)
    segments = tcp_segments(
        Packets(
            t_ns=np.arange(n),
            wire_bytes=np.full(n, 96, np.int32),
            outgoing=np.zeros(n, np.bool_),
            headers=b"".join(headers),
        )
    )

    assert len(segments.payload_bytes) == len(segments.stamp) == len(segments) <= n


def test_numbers_go_on_where_32_bits_wrap() -> None:
    """After 4294967290 comes 4294967300, not 4; a step back stays one."""
    numbers = np.array([4294967290, 4, 4294967290], np.int64)

    assert unwrapped(numbers).tolist() == [4294967290, 4294967300, 4294967290]


def shaped(first_wait_ms: float, step_ms: float, count: int = 10) -> Packets:
    """Return a request and segments that all echo it, each waiting longer than the one before."""
    ask = Frame(t_ms=0, outgoing=True, payload=100, stamp=50)
    data = [
        Frame(t_ms=first_wait_ms + step_ms * i, sequence=1448 * i, payload=1448, echo=50)
        for i in range(count)
    ]
    return packets_of([ask, *data])


def test_the_wait_is_counted_from_the_echoed_packet() -> None:
    """The first segment took 40 ms, the tenth 940 ms."""
    arrivals = arrivals_of(tcp_segments(shaped(40, 100)), 40000)

    assert arrivals.round_trip_ns[0] == 40 * MS
    assert arrivals.round_trip_ns[-1] == 940 * MS
    assert arrivals.idle_round_trip_s() == pytest.approx(0.04)


def test_segments_that_all_waited_show_a_busy_bottleneck() -> None:
    """From the second segment on each waited for more than 50 ms."""
    arrivals = arrivals_of(tcp_segments(shaped(40, 100)), 40000)

    assert busy_since(arrivals, 0.04, 0.05) == 1


def test_segments_that_did_not_wait_show_no_queue() -> None:
    """All within 10 ms of the idle round trip."""
    arrivals = arrivals_of(tcp_segments(shaped(40, 1)), 40000)

    assert busy_since(arrivals, 0.04, 0.05) == len(arrivals)


def test_a_retransmission_by_a_timer_is_no_queue() -> None:
    """A segment sent again after 400 ms of silence echoes an old ACK; it did not wait."""
    ask = Frame(t_ms=0, outgoing=True, payload=100, stamp=50)
    burst = [Frame(t_ms=140 + i, sequence=1448 * i, payload=1448, echo=50) for i in range(1, 9)]
    again = Frame(t_ms=600, sequence=0, payload=1448, echo=50)

    arrivals = arrivals_of(tcp_segments(packets_of([ask, *burst, again])), 40000)

    assert arrivals.repeated.tolist() == [False] * 8 + [True]
    assert busy_since(arrivals, 0.04, 0.05) == len(arrivals)


def test_another_flow_is_not_ours() -> None:
    """Data for another port is left out."""
    assert len(arrivals_of(tcp_segments(shaped(40, 1)), 40001)) == 0
