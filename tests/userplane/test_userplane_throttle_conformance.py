"""What every throttle must do, whoever enforces it; each back end is a case of this module."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.cloud.core_network import CoreNetwork
from harness.cloud.generic import GenericCloud
from harness.core.clock import Deadline, FakeClock
from harness.core.errors import BenchError, CloudError, UsageError
from harness.core.party import Party
from harness.procedure.throttle_places import carrier_throttle, cloud_throttle
from harness.userplane.throttle import (
    Injection,
    Mode,
    RateLimit,
    State,
    Throttle,
    check_proven,
    throttled,
)
from harness.userplane.throttle_bench import BenchThrottle
from harness.userplane.throttle_logged import LoggedThrottle
from harness.userplane.throttle_schedule import ScheduleRun, dropping
from harness.userplane.throttle_steered import SteeredThrottle, Steering
from tests.userplane.steered_parties import IMEI, IMSI, CoreStandIn, ServerStandIn, serving

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


def _logged(pair: Pair) -> Throttle:
    return LoggedThrottle(BenchThrottle(pair.bench), lambda _done, _where, _state: None)


@contextmanager
def _at_once(make: Callable[[Pair], Throttle], pair: Pair) -> Iterator[Throttle]:
    yield make(pair)


@contextmanager
def _carrier(pair: Pair) -> Iterator[Throttle]:
    with serving(CoreStandIn(BenchThrottle(pair.bench)), Party.CARRIER) as service:
        yield carrier_throttle(CoreNetwork(service), IMSI, clock=FakeClock())


@contextmanager
def _cloud(pair: Pair) -> Iterator[Throttle]:
    with serving(ServerStandIn(BenchThrottle(pair.bench)), Party.ACCESS_SERVER) as service:
        yield cloud_throttle(GenericCloud(service), IMEI, clock=FakeClock())


_PLACES: dict[str, Callable[[Pair], AbstractContextManager[Throttle]]] = {
    "bench": lambda pair: _at_once(_bench, pair),
    "steered": lambda pair: _at_once(_steered, pair),
    "logged": lambda pair: _at_once(_logged, pair),
    "carrier": _carrier,
    "cloud": _cloud,
}


@pytest.fixture(params=_PLACES)
def throttle(request: pytest.FixtureRequest, pair: Pair) -> Iterator[Throttle]:
    """Return each back end in turn, nothing applied."""
    with _PLACES[request.param](pair) as made:
        yield made


def _both(
    throttle: Throttle, up: RateLimit, down: RateLimit, *, changing: bool = False
) -> Injection:
    """Return limits in every direction that this back end can hold."""
    uplink = up if throttle.both_ways else None
    return Injection(uplink=uplink, downlink=down, changing=changing)


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
    applied = throttle.apply(_both(throttle, SLOW, FAST))
    uplink, downlink = applied.configured.uplink, applied.configured.downlink

    assert downlink is not None
    assert downlink.rate_bps == 10_000_000
    assert (uplink.rate_bps if uplink else None) == (128_000 if throttle.both_ways else None)


@pytest.mark.parametrize("injection", [Injection(uplink=SLOW), Injection(downlink=SLOW)])
def test_one_direction_alone_leaves_the_other(throttle: Throttle, injection: Injection) -> None:
    """A limit in one direction shows in that direction only; who cannot hold it says so."""
    if injection.uplink is not None and not throttle.both_ways:
        with pytest.raises(UsageError, match="downlink only"):
            throttle.apply(injection)
        assert throttle.state() == State()
        return
    state = throttle.apply(injection).configured

    assert (state.uplink is None) == (injection.uplink is None)
    assert (state.downlink is None) == (injection.downlink is None)


def test_the_counters_prove_that_traffic_went_through(throttle: Throttle, pair: Pair) -> None:
    """Traffic in both directions moves every counter there is; without traffic that is told.

    A speed rule at the access server has none: there only a measurement proves it.
    """
    before = throttle.apply(_both(throttle, FAST, FAST)).configured
    counters = (before.uplink_passed, before.downlink_passed)
    assert counters == (None, None) if not throttle.both_ways else None not in counters
    if throttle.both_ways:
        with pytest.raises(BenchError, match="no byte went through the uplink limit"):
            check_proven(throttle.where, before, before)
    _send(pair)

    check_proven(throttle.where, before, throttle.state())


def test_after_removal_nothing_is_in_force(throttle: Throttle) -> None:
    """No limit is left; the last counters are returned; removing again is allowed."""
    throttle.apply(_both(throttle, SLOW, SLOW))
    last = throttle.remove()
    throttle.remove()

    assert last.downlink is not None
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
    with pytest.raises(KeyError, match="mine"), throttled(throttle, Injection(downlink=SLOW)):
        raise KeyError("mine")  # noqa: EM101 - the text is what is looked for

    assert throttle.state() == State()


def test_a_changing_limit_changes(throttle: Throttle) -> None:
    """The new rate is in force after a change."""
    throttle.apply(_both(throttle, FAST, FAST, changing=True))
    throttle.change(_both(throttle, SLOW, SLOW, changing=True))
    state = throttle.state()

    assert state.downlink is not None
    assert state.downlink.rate_bps == 128_000


@pytest.mark.parametrize("throttle", ["bench", "steered", "carrier"], indirect=True)
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
        match=r"carrier 44010: after 1\.0 s uplink and downlink are nothing and nothing, asked for "
        r"128 kbit/s \(shaper\) and 128 kbit/s \(shaper\)",
    ):
        throttle.apply(Injection(uplink=SLOW, downlink=SLOW))


def test_a_limit_that_somebody_else_set_is_named(pair: Pair) -> None:
    """A SIM that is already slow is not overwritten."""
    BenchThrottle(pair.bench).apply(Injection(downlink=SLOW))

    with pytest.raises(BenchError, match=r"128 kbit/s is already set and not by this run"):
        _steered(pair).apply(Injection(downlink=FAST))


def test_a_limit_that_did_not_show_up_is_taken_back(pair: Pair) -> None:
    """Applying fails; what the party was told is lifted before the error goes on."""
    enforcer = BenchThrottle(pair.bench)
    party = ServerStandIn(enforcer, looks_to_heartbeat=40)
    with serving(party, Party.ACCESS_SERVER) as service:
        throttle = cloud_throttle(GenericCloud(service), IMEI, clock=FakeClock(), within_s=7.0)
        with (
            pytest.raises(BenchError, match=r"after 7\.0 s .* asked for nothing and 128 kbit/s"),
            throttled(throttle, Injection(downlink=SLOW)),
        ):
            pass

    assert party.tiers == [{"after_bytes": 10_000_000, "rate_bps": 1_000_000}]
    assert enforcer.state() == State()


def test_a_router_keeps_the_tiers_it_had(pair: Pair) -> None:
    """A speed rule comes before the router's tiers, and goes without them."""
    party = ServerStandIn(BenchThrottle(pair.bench))
    tier = {"after_bytes": 10_000_000, "rate_bps": 1_000_000}
    with serving(party, Party.ACCESS_SERVER) as service:
        throttle = cloud_throttle(GenericCloud(service), IMEI, clock=FakeClock())
        with throttled(throttle, Injection(downlink=SLOW)):
            assert party.tiers == [{"after_bytes": 0, "rate_bps": 128_000}, tier]

    assert party.tiers == [tier]


def test_a_tier_that_is_reached_is_somebody_elses_limit(pair: Pair) -> None:
    """A router whose plan already slows it down is not measured under a rule of ours."""
    party = ServerStandIn(BenchThrottle(pair.bench))
    party.used_bytes = 10_000_000
    with serving(party, Party.ACCESS_SERVER) as service:
        throttle = cloud_throttle(GenericCloud(service), IMEI, clock=FakeClock())
        with pytest.raises(BenchError, match="1 Mbit/s is already set and not by this run"):
            throttle.apply(Injection(downlink=SLOW))


def test_a_carrier_polices_with_the_bucket_it_is_told(pair: Pair) -> None:
    """Mode and bucket reach the carrier and are compared with what it says."""
    policer = RateLimit(rate_bps=5_000_000, mode=Mode.POLICER, bucket_bytes=64_000)
    party = CoreStandIn(BenchThrottle(pair.bench))
    with serving(party, Party.CARRIER) as service:
        throttle = carrier_throttle(CoreNetwork(service), IMSI, clock=FakeClock())
        with throttled(throttle, Injection(downlink=policer)) as applied:
            assert applied.configured.downlink == policer

    assert party.line["mode"] == "shaper"
    assert party.line["bucket_bytes"] is None


def test_a_carrier_holds_both_directions_in_one_way(pair: Pair) -> None:
    """Limits that differ in more than the rate are wrong usage; nothing is set."""
    policer = RateLimit(rate_bps=5_000_000, mode=Mode.POLICER)
    party = CoreStandIn(BenchThrottle(pair.bench))
    with serving(party, Party.CARRIER) as service:
        throttle = carrier_throttle(CoreNetwork(service), IMSI, clock=FakeClock())
        with pytest.raises(UsageError, match="one for both directions"):
            throttle.apply(Injection(uplink=SLOW, downlink=policer))

        assert throttle.state() == State()


def test_a_rate_that_nobody_asks_for_is_the_carriers_error(pair: Pair) -> None:
    """A core network that holds a line to 1 bit/s is named as the party at fault."""
    party = CoreStandIn(BenchThrottle(pair.bench))
    party.line["downlink_bps"] = 1
    with serving(party, Party.CARRIER) as service:
        throttle = carrier_throttle(CoreNetwork(service), IMSI, clock=FakeClock())
        with pytest.raises(CloudError, match="carrier says that it holds 1 bit/s") as caught:
            throttle.state()

    assert caught.value.party == Party.CARRIER


def test_a_router_that_the_server_does_not_know_is_the_servers_error(pair: Pair) -> None:
    """An unknown IMEI is named by its last digits."""
    with serving(ServerStandIn(BenchThrottle(pair.bench)), Party.ACCESS_SERVER) as service:
        throttle = cloud_throttle(GenericCloud(service), "860000000000099", clock=FakeClock())
        with pytest.raises(CloudError, match=r"does not know router \*0099"):
            throttle.state()


def test_a_speed_rule_has_no_bucket(pair: Pair) -> None:
    """What a speed rule cannot say is wrong usage."""
    party = ServerStandIn(BenchThrottle(pair.bench))
    with serving(party, Party.ACCESS_SERVER) as service:
        throttle = cloud_throttle(GenericCloud(service), IMEI, clock=FakeClock())
        with pytest.raises(UsageError, match="no mode, no bucket"):
            throttle.apply(Injection(downlink=RateLimit(rate_bps=128_000, bucket_bytes=5000)))
