"""What every throttle must do, whoever enforces it; each back end is a case of this module."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from harness.core.clock import Deadline, FakeClock
from harness.core.errors import BenchError
from harness.userplane.throttle import (
    Injection,
    RateLimit,
    State,
    Throttle,
    check_proven,
    throttled,
)
from harness.userplane.throttle_bench import BenchThrottle
from harness.userplane.throttle_schedule import ScheduleRun, dropping
from harness.userplane.throttle_steered import SteeredThrottle, Steering

if TYPE_CHECKING:
    from tests.userplane.conftest import Pair

SLOW = RateLimit(rate_bps=128_000)
FAST = RateLimit(rate_bps=10_000_000)


class SlowParty:
    """A party that enforces a limit, on a real interface, a while after it was told.

    Attributes:
        late: How many looks it takes until a change shows up.
    """

    def __init__(self, enforcer: BenchThrottle, *, late: int) -> None:
        self._enforcer = enforcer
        self.late = late
        self._looks = 0
        self._told: Injection | None = None

    def write(self, uplink: RateLimit | None, downlink: RateLimit | None) -> None:
        """Remember what was told."""
        self._told = Injection(uplink=uplink, downlink=downlink)
        self._looks = 0

    def read(self) -> State:
        """Look; the change takes effect at the last of some looks."""
        if self._told is not None:
            self._looks += 1
            if self._looks > self.late:
                told, self._told = self._told, None
                self._enforcer.remove()
                if told.uplink or told.downlink:
                    self._enforcer.apply(told)
        return self._enforcer.state()


def _bench(pair: Pair) -> Throttle:
    return BenchThrottle(pair.bench)


def _steered(pair: Pair, late: int = 2) -> Throttle:
    party = SlowParty(BenchThrottle(pair.bench), late=late)
    clock = FakeClock()
    steering = Steering(
        where="carrier 44010",
        write=party.write,
        read=party.read,
        within=lambda: Deadline.after(1.0, clock),
    )
    return SteeredThrottle(steering)


@pytest.fixture(params=[_bench, _steered])
def throttle(request: pytest.FixtureRequest, pair: Pair) -> Throttle:
    """Return each back end in turn, nothing applied."""
    make: Callable[[Pair], Throttle] = request.param
    return make(pair)


def _send(pair: Pair) -> None:
    for source, target in ((pair.bench, "10.9.0.1"), (pair.router, "10.9.0.2")):
        with source.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x" * 1000, (target, 9))


def test_a_throttle_that_was_never_applied_shows_nothing(throttle: Throttle) -> None:
    """There is no limit and no counter, and it has a name."""
    assert throttle.state() == State()
    assert throttle.where


def test_what_was_applied_is_in_force(throttle: Throttle) -> None:
    """The rates that are read back are those asked for."""
    applied = throttle.apply(Injection(uplink=SLOW, downlink=FAST))

    assert applied.configured.uplink is not None
    assert applied.configured.downlink is not None
    assert applied.configured.uplink.rate_bps == 128_000
    assert applied.configured.downlink.rate_bps == 10_000_000


@pytest.mark.parametrize("injection", [Injection(uplink=SLOW), Injection(downlink=SLOW)])
def test_one_direction_alone_leaves_the_other(throttle: Throttle, injection: Injection) -> None:
    """A limit in one direction shows in that direction only."""
    state = throttle.apply(injection).configured

    assert (state.uplink is None) == (injection.uplink is None)
    assert (state.downlink is None) == (injection.downlink is None)


def test_the_counters_prove_that_traffic_went_through(throttle: Throttle, pair: Pair) -> None:
    """Traffic in both directions moves both counters."""
    before = throttle.apply(Injection(uplink=FAST, downlink=FAST)).configured
    _send(pair)

    check_proven(throttle.where, before, throttle.state())


def test_after_removal_nothing_is_in_force(throttle: Throttle) -> None:
    """No limit is left; the last counters are returned; removing again is allowed."""
    throttle.apply(Injection(uplink=SLOW, downlink=SLOW))
    last = throttle.remove()
    throttle.remove()

    assert last.uplink is not None
    assert throttle.state() == State()


def test_it_can_be_applied_again(throttle: Throttle) -> None:
    """After removal another limit takes as the first one did."""
    for rate_bps in (128_000, 384_000):
        limit = RateLimit(rate_bps=rate_bps)
        with throttled(throttle, Injection(downlink=limit)) as applied:
            found = applied.configured.downlink
        assert found is not None
        assert found.rate_bps == rate_bps


def test_an_error_meanwhile_removes_it_and_is_not_hidden(throttle: Throttle) -> None:
    """Whatever ends the with statement, the limit is gone and the error stays."""
    with pytest.raises(KeyError, match="mine"), throttled(throttle, Injection(uplink=SLOW)):
        raise KeyError("mine")  # noqa: EM101 - the text is what is looked for

    assert throttle.state() == State()


def test_a_changing_limit_changes(throttle: Throttle) -> None:
    """The new rate is in force after a change."""
    throttle.apply(Injection(uplink=FAST, downlink=FAST, changing=True))
    throttle.change(Injection(uplink=SLOW, downlink=SLOW, changing=True))
    state = throttle.state()

    assert state.uplink is not None
    assert state.uplink.rate_bps == 128_000


def test_a_schedule_drops_the_rate_after_so_many_bytes(throttle: Throttle, pair: Pair) -> None:
    """Nothing happens before the bytes have passed; then the rate is the lower one."""
    run = ScheduleRun(throttle, dropping(FAST, SLOW, after_bytes=2000), FakeClock())
    run.begin()
    early = run.tick()
    _send(pair)
    change = run.tick()
    state = throttle.state()

    assert early is None
    assert change is not None
    assert change.passed_bytes >= 2000
    assert run.finished
    assert state.downlink is not None
    assert state.downlink.rate_bps == 128_000


def test_a_party_that_does_not_obey_is_told(pair: Pair) -> None:
    """A limit that never shows up is an error with both rates and the time waited."""
    throttle = _steered(pair, late=1000)

    with pytest.raises(
        BenchError,
        match=r"carrier 44010: after 1\.0 s uplink and downlink are \(0, 0\) bit/s, asked for "
        r"\(128000, 128000\) bit/s",
    ):
        throttle.apply(Injection(uplink=SLOW, downlink=SLOW))


def test_a_limit_that_somebody_else_set_is_named(pair: Pair) -> None:
    """A SIM that is already slow is not overwritten."""
    BenchThrottle(pair.bench).apply(Injection(downlink=SLOW))

    with pytest.raises(BenchError, match=r"128 kbit/s is already set and not by this run"):
        _steered(pair).apply(Injection(downlink=FAST))
