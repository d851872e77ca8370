"""A limit at the carrier and one by the access server, as the router's user sees them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bench import open_bench
from harness.cloud.model import Sim
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError, CloudError, RouterError
from harness.core.units import NS_PER_S
from harness.measure.goodput import GoodputPlan
from harness.procedure.dut import Dut
from harness.procedure.throttle_places import carrier_throttle, cloud_throttle
from harness.userplane.goodput_run import run_goodput
from harness.userplane.tap import Tap
from harness.userplane.throttle import Injection, Mode, RateLimit, State, Throttle, throttled
from harness.userplane.traffic import TestServerClient

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
pytestmark = pytest.mark.slow


@pytest.fixture
def dut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dut]:
    """Return the virtual router, up and with an address for its user."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    shutil.copy(ROOT / "lab.toml", tmp_path)
    with (
        open_bench(tmp_path / "lab.toml", say=lambda _text: None) as bench,
        bench.dut(None) as found,
    ):
        deadline = Deadline.after(PATIENCE_S, found.clock)
        found.ensure_connected(deadline)
        assert found.lease_address(deadline)
        yield found


class Ahead(SystemClock):
    """A clock that can be put forward."""

    ahead_ns = 0

    def monotonic_ns(self) -> int:
        """Return the time that it is put to."""
        return super().monotonic_ns() + self.ahead_ns


def test_a_long_session_asks_for_more_time_before_its_lease_ends(dut: Dut) -> None:
    """After T1 the same address is renewed by a request alone; before that it is kept."""
    clock = Ahead()
    deadline = Deadline.after(PATIENCE_S, clock)
    dut.lease, dut.clock = None, clock
    assert dut.lease_address(deadline)
    first = dut.lease
    assert dut.lease_address(deadline)
    assert first is not None
    assert dut.lease is first

    clock.ahead_ns = first.renew_s * NS_PER_S
    assert dut.lease_address(Deadline.after(PATIENCE_S, clock))

    assert dut.lease is not first
    assert dut.lease is not None
    assert (dut.lease.cidr, dut.lease.offers) == (first.cidr, ())


def in_use(dut: Dut) -> Sim:
    """Return the SIM that the router's user goes out with."""
    deadline = Deadline.after(PATIENCE_S, dut.clock)
    while True:
        try:
            state = dut.cloud.router(dut.router.imei, deadline)
            sims = [sim for sim in dut.cloud.sims(deadline) if state and sim.iccid == state.iccid]
            if sims:
                dut.first_byte(deadline.within(1.0))
                return sims[0]
        except (BenchError, CloudError, RouterError):
            if deadline.passed:
                raise
        dut.clock.sleep(0.2)


def measured_bps(dut: Dut, throttle: Throttle, injection: Injection) -> float | None:
    """Return the downlink's rate at layer 2 under a limit; afterwards none is left."""
    far_end = dut.require_far_end()
    client = TestServerClient(
        far_end.address,
        far_end.port,
        token=far_end.token,
        connect=dut.namespace.connected,
        clock=dut.clock,
    )
    with throttled(throttle, injection), Tap.start(dut.namespace) as tap:
        found = run_goodput(client, tap, GoodputPlan(), clock=dut.clock).goodput
    assert throttle.state() == State()
    return found.wire_bps


@pytest.mark.parametrize(
    "limit",
    [
        RateLimit(rate_bps=2_000_000),
        RateLimit(rate_bps=6_000_000, mode=Mode.POLICER, bucket_bytes=64_000),
    ],
    ids=["shaper", "policer"],
)
def test_the_carriers_limit_is_what_the_user_gets(dut: Dut, limit: RateLimit) -> None:
    """Two per cent of the shaped rate; a policer lets no more through, and TCP gets less of it."""
    assert dut.core is not None
    throttle = carrier_throttle(dut.core, in_use(dut).imsi, clock=dut.clock)
    rate_bps = measured_bps(dut, throttle, Injection(downlink=limit))

    lowest = 0.98 if limit.mode is Mode.SHAPER else 0.1
    assert rate_bps is not None
    assert lowest * limit.rate_bps < rate_bps < 1.02 * limit.rate_bps


def test_the_access_servers_rule_is_what_the_user_gets(dut: Dut) -> None:
    """The router holds its user to the rule; two per cent."""
    in_use(dut)
    throttle = cloud_throttle(dut.cloud, dut.router.imei, clock=dut.clock)
    rate_bps = measured_bps(dut, throttle, Injection(downlink=RateLimit(rate_bps=2_000_000)))

    assert rate_bps is not None
    assert 1_960_000 < rate_bps < 2_040_000
