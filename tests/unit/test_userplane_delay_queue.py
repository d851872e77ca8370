"""``harness.userplane.delay_queue``: when a packet arrives, or that it does not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.userplane.delay_queue import DelayQueue, Line

MS = 1_000_000


def queue(line: Line) -> DelayQueue:
    """Return an empty queue whose dice are always the same."""
    return DelayQueue(line, random.Random(1))


def test_a_packet_arrives_when_its_time_has_come() -> None:
    """At 19.999 ms nothing, at 20 ms the packet; lateness is noted."""
    line = queue(Line(delay_s=0.02))
    line.put(b"a", 0)

    assert line.next_s(5 * MS) == 0.015
    assert line.due(20 * MS - 1) is None
    assert line.due(23 * MS) == b"a"
    assert line.due(24 * MS) is None
    assert line.next_s(24 * MS) is None
    assert (line.carried, line.late_ns) == (1, 3 * MS)


@given(st.lists(st.integers(0, 50), max_size=30))
def test_packets_stay_in_order_whatever_the_jitter(gaps_ms: list[int]) -> None:
    """Nothing overtakes, nothing is lost, nothing is early."""
    line = queue(Line(delay_s=0.01, jitter_s=0.1))
    now = 0
    for number, gap in enumerate(gaps_ms):
        now += gap * MS
        line.put(bytes([number]), now)
    early = line.due(9 * MS)
    arrived = []
    while (packet := line.due(now + 200 * MS)) is not None:
        arrived.append(packet[0])

    assert early is None
    assert arrived == list(range(len(gaps_ms)))


def test_a_part_of_the_packets_is_lost() -> None:
    """Of 10,000 packets at 1 % between 50 and 150 are lost."""
    line = queue(Line(loss=0.01))
    for _ in range(10_000):
        line.put(b"x", 0)

    assert 50 < line.lost < 150


def test_what_does_not_fit_on_the_line_is_lost() -> None:
    """A line of 1000 bytes takes two packets of 400; room comes back when one leaves."""
    line = queue(Line(delay_s=0.01, queue_bytes=1000))
    for _ in range(3):
        line.put(bytes(400), 0)
    first = line.overflowed
    line.due(10 * MS)
    line.put(bytes(400), 11 * MS)

    assert (first, line.overflowed) == (1, 1)


@pytest.mark.parametrize(
    ("delay_s", "jitter_s", "loss", "problem"),
    [
        (-0.1, 0.0, 0.0, "delay -0.1 s"),
        (0.0, -0.1, 0.0, "jitter -0.1 s"),
        (10.1, 0.0, 0.0, "delay 10.1 s"),
        (0.0, 0.0, 1.1, "loss 1.1 is not between"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(
    delay_s: float, jitter_s: float, loss: float, problem: str
) -> None:
    """Each value is named."""
    with pytest.raises(UsageError, match=problem):
        Line(delay_s=delay_s, jitter_s=jitter_s, loss=loss)
