"""``harness.userplane.throttle`` and ``throttle_schedule``: defaults, and when a step is due."""

from __future__ import annotations

import pytest

from harness.core.clock import Deadline, FakeClock
from harness.core.errors import BenchError, UsageError
from harness.userplane.throttle import (
    Applied,
    Injection,
    Mode,
    Passed,
    RateLimit,
    State,
    check_applied,
    default_burst_bytes,
    default_queue_bytes,
)
from harness.userplane.throttle_schedule import (
    Schedule,
    ScheduleRun,
    Step,
    dipping,
    dropping,
    tiered,
)

FAST = RateLimit(rate_bps=10_000_000)
SLOW = RateLimit(rate_bps=128_000)


class CountingThrottle:
    """A throttle in memory: remembers every change and counts what the test says.

    Attributes:
        where: Its name.
        rates: Downlink rate after each apply and change.
        passed_bytes: What its counter shows.
    """

    def __init__(self) -> None:
        self.where = "memory"
        self.both_ways = True
        self.rates: list[int] = []
        self.passed_bytes = 0
        self._now = Injection()

    def apply(self, injection: Injection) -> Applied:
        """Take the limits."""
        self.change(injection)
        return Applied(asked=injection, configured=self.state())

    def change(self, injection: Injection) -> None:
        """Take other limits."""
        self._now = injection
        self.rates.append(injection.downlink.rate_bps if injection.downlink else 0)

    def state(self) -> State:
        """Show the limits and the counter."""
        passed = Passed(passed_bytes=self.passed_bytes, dropped_packets=0, backlog_bytes=0)
        return State(uplink=self._now.uplink, downlink=self._now.downlink, downlink_passed=passed)

    def remove(self) -> State:
        """Forget the limits."""
        last, self._now = self.state(), Injection()
        return last


@pytest.mark.parametrize(
    ("rate_bps", "burst_bytes"),
    [
        (32_000, 5_000),
        (999_999, 5_000),
        (8_000_000, 5_000),
        (10_000_000, 6_250),
        (150_000_000, 93_750),
        (1_000_000_000, 1_000_000),
    ],
)
def test_the_bucket_follows_the_rule_of_timer_slip(rate_bps: int, burst_bytes: int) -> None:
    """Five milliseconds' worth, at least 5 kB, eight milliseconds above 150 Mbit/s."""
    assert default_burst_bytes(rate_bps) == burst_bytes


@pytest.mark.parametrize(
    ("rate_bps", "queue_bytes"), [(128_000, 30_000), (2_400_000, 30_000), (10_000_000, 125_000)]
)
def test_the_queue_is_a_tenth_of_a_second(rate_bps: int, queue_bytes: int) -> None:
    """But never less than 30 kB."""
    assert default_queue_bytes(rate_bps) == queue_bytes


def test_a_policer_has_no_queue() -> None:
    """Its limit is one packet, and asking for a queue makes no sense."""
    assert RateLimit(rate_bps=1_000_000, mode=Mode.POLICER).limit_bytes == 1600
    with pytest.raises(UsageError, match="a policer has no queue"):
        RateLimit(rate_bps=1_000_000, mode=Mode.POLICER, queue_bytes=10_000)


def test_a_rate_that_was_read_back_otherwise_is_told() -> None:
    """Both limits are in the message, with units."""
    asked = Injection(uplink=RateLimit(rate_bps=384_000))
    found = State(uplink=RateLimit(rate_bps=512_000))

    with pytest.raises(
        BenchError,
        match=r"throttle at lan0: uplink shows 512 kbit/s, bucket 5000 bytes, queue 30000 bytes, "
        r"asked for 384 kbit/s, bucket 5000 bytes, queue 30000 bytes",
    ):
        check_applied("lan0", asked, found)


def test_a_limit_that_nobody_asked_for_is_told() -> None:
    """A direction that should be free and is not is an error, and the other way round."""
    with pytest.raises(BenchError, match=r"downlink shows 128 kbit/s.*asked for nothing"):
        check_applied("lan0", Injection(), State(downlink=SLOW))
    with pytest.raises(BenchError, match="downlink shows nothing, asked for 128 kbit/s"):
        check_applied("lan0", Injection(downlink=SLOW), State())


def test_the_rate_drops_after_so_many_seconds() -> None:
    """At 2.99 s nothing, at 3 s the lower rate, and then never again."""
    clock, throttle = FakeClock(), CountingThrottle()
    run = ScheduleRun(throttle, dropping(FAST, SLOW, after_s=3.0), clock)
    run.begin()
    clock.sleep(2.99)
    early = run.tick()
    clock.sleep(0.01)
    change = run.tick()

    assert early is None
    assert change is not None
    assert (change.step, change.at_s) == (1, 3.0)
    assert run.tick() is None
    assert throttle.rates == [10_000_000, 128_000]


def test_dips_come_and_go() -> None:
    """Two dips of half a second, two seconds apart, end at the normal rate."""
    clock, throttle = FakeClock(), CountingThrottle()
    schedule = dipping(FAST, SLOW, every_s=2.0, lasting_s=0.5, times=2)
    run = ScheduleRun(throttle, schedule, clock)
    run.begin()
    run.run(Deadline.after(10.0, clock))

    assert throttle.rates == [10_000_000, 128_000, 10_000_000, 128_000, 10_000_000]
    assert [round(change.at_s, 2) for change in run.changes] == [2.0, 2.5, 4.5, 5.0]


def test_tiers_follow_the_bytes() -> None:
    """Each tier begins when another 1000 bytes have passed since the last change."""
    clock, throttle = FakeClock(), CountingThrottle()
    throttle.passed_bytes = 500
    limits = (FAST, RateLimit(rate_bps=1_000_000), SLOW)
    run = ScheduleRun(throttle, tiered(limits, tier_bytes=1000), clock)
    run.begin()
    throttle.passed_bytes = 1499
    first = run.tick()
    throttle.passed_bytes = 1500
    second = run.tick()
    throttle.passed_bytes = 2600
    third = run.tick()

    assert first is None
    assert second is not None
    assert third is not None
    assert (second.passed_bytes, third.passed_bytes) == (1000, 2100)
    assert throttle.rates == [10_000_000, 1_000_000, 128_000]


def test_a_schedule_that_is_not_through_ends_with_the_deadline() -> None:
    """Time is up before the step is due: nothing was changed."""
    clock, throttle = FakeClock(), CountingThrottle()
    run = ScheduleRun(throttle, dropping(FAST, SLOW, after_s=3.0), clock)
    run.begin()
    run.run(Deadline.after(1.0, clock))

    assert not run.finished
    assert clock.slept_s[0] == 0.005


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (Step(downlink=SLOW), "step 1 needs one of after_s and after_bytes"),
        (Step(downlink=SLOW, after_s=1.0, after_bytes=1), "step 1 needs one of"),
        (Step(uplink=SLOW, after_s=1.0), "step 1 limits other directions than the start"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(step: Step, problem: str) -> None:
    """Before anything is applied."""
    with pytest.raises(UsageError, match=problem):
        Schedule(start=Injection(downlink=FAST), steps=(step,))
