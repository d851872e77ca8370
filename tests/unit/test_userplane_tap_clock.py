"""``harness.userplane.tap_clock``: packets keep their distances when the clock is set."""

from __future__ import annotations

import numpy as np
import pytest

from harness.userplane.tap_clock import TapClock, stamped_before, step_ns

MS = 1_000_000
HOUR = 3_600_000 * MS


@pytest.mark.parametrize("step", [-HOUR, -500 * MS, 500 * MS, HOUR])
@pytest.mark.parametrize("before", [0, 1, 3, 5])
def test_packets_are_told_apart_by_the_time_at_which_they_can_have_come(
    step: int, before: int
) -> None:
    """Five packets, one a millisecond, the clock set after some; looked at every 10 ms."""
    came = np.arange(1000 * MS, 1005 * MS, MS, dtype=np.int64)
    stamps = came + np.where(np.arange(5) < before, 0, step)

    found = stamped_before(stamps, since_ns=998 * MS, now_ns=1008 * MS, step_ns=step)

    assert found == before


def test_a_packet_that_lay_in_the_ring_is_not_taken_for_one_of_the_new_time() -> None:
    """It was stamped 30 ms before the last look; the clock went back by an hour after it."""
    stamps = np.array([970 * MS, 1001 * MS - HOUR], np.int64)

    assert stamped_before(stamps, since_ns=1000 * MS, now_ns=1010 * MS, step_ns=-HOUR) == 1


@pytest.mark.parametrize(
    ("moved", "after_ms", "step"),
    [
        (0, 10, 0),
        (900_000, 10, 0),
        (-1_100_000, 10, -1_100_000),
        (30 * MS, 60_000, 0),
        (-32 * MS, 60_000, -32 * MS),
    ],
)
def test_slewing_is_no_step(moved: int, after_ms: int, step: int) -> None:
    """500 ppm are 30 ms in a minute; reading two clocks takes some time as well."""
    assert step_ns(moved, after_ms * MS) == step


class Host:
    """A host whose wall clock can be set."""

    def __init__(self) -> None:
        """Begin at some time of the day."""
        self.up_ns = 5_000 * MS
        self.set_ns = 1_700_000_000_000 * MS

    def wall_ns(self) -> int:
        """Return the time of day."""
        return self.up_ns + self.set_ns

    def monotonic_ns(self) -> int:
        """Return the time since the start."""
        return self.up_ns

    def packet(self, after_ms: int) -> int:
        """Return the stamp of a packet that comes a while later."""
        self.up_ns += after_ms * MS
        return self.wall_ns()


def test_stamps_stay_as_they_are_when_nobody_sets_the_clock() -> None:
    """Bit for bit, however often."""
    clock = TapClock()
    stamps = np.array([clock.now_ns()], np.int64)

    assert clock.steady(stamps).tolist() == stamps.tolist()
    assert clock.steady(stamps + MS).tolist() == (stamps + MS).tolist()
    assert clock.moved_ns() == 0


@pytest.mark.parametrize("steps", [(-HOUR, 0), (HOUR, 0), (-500 * MS, 700 * MS), (HOUR, -HOUR)])
def test_a_clock_that_is_set_twice_changes_no_distance(steps: tuple[int, int]) -> None:
    """Packets every 3 ms, looked at every 9 ms; set between two packets of one look, and again."""
    host = Host()
    clock = TapClock(host.wall_ns, host.monotonic_ns)
    begun_ns = host.wall_ns()
    seen: list[int] = []

    for look in range(4):
        stamps = [host.packet(3), host.packet(3)]
        if look in {1, 3}:
            host.set_ns += steps[look // 2]
        stamps.append(host.packet(3))
        seen += clock.steady(np.array(stamps, np.int64)).tolist()

    assert [t - begun_ns for t in seen] == [3 * MS * number for number in range(1, 13)]
    assert clock.now_ns() == seen[-1]
    assert clock.moved_ns() == sum(steps)


def test_a_clock_that_is_set_while_nothing_comes_shifts_what_comes_after() -> None:
    """Neither the look without packets nor the one after it is disturbed."""
    host = Host()
    clock = TapClock(host.wall_ns, host.monotonic_ns)
    first = host.packet(1)
    kept = clock.steady(np.array([first], np.int64)).tolist()

    host.set_ns -= HOUR
    clock.steady(np.zeros(0, np.int64))
    kept += clock.steady(np.array([host.packet(20)], np.int64)).tolist()

    assert kept == [first, first + 20 * MS]
