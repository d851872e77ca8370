"""`harness.userplane.carrier`: up without carrier is noticed and bounced."""

from __future__ import annotations

from contextlib import closing

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.userplane.carrier import bounced
from harness.userplane.links import InterfaceGoneError
from tests.userplane.conftest import Pair


def soon() -> Deadline:
    """Return the deadline of these tests."""
    return Deadline.after(10.0, SystemClock())


def test_an_interface_with_carrier_is_left_alone(pair: Pair) -> None:
    """Nothing is switched off, so no route is lost."""
    with closing(pair.bench.monitor()) as monitor:
        assert bounced(pair.bench, "lan0", soon()) is False

        assert [link for _, link in monitor.wait(0.2) if not link.up] == []


@pytest.mark.slow
def test_an_interface_without_carrier_is_switched_off_and_on(wire: Pair) -> None:
    """The other end is down: down and up are seen, and whoever asked is told."""
    wire.router.down("far0")
    wire.bench.adopt("vusb0")
    wire.bench.up("lan0")
    with closing(wire.bench.monitor()) as monitor:
        assert bounced(wire.bench, "lan0", soon()) is True
        seen = [link.up for _, link in monitor.wait(1.0)]
        while batch := monitor.wait(0.2):
            seen += [link.up for _, link in batch]

    assert False in seen
    assert wire.bench.interface("lan0").up is True


def test_an_interface_that_is_not_there_is_said_so(wire: Pair) -> None:
    """It went again meanwhile."""
    with pytest.raises(InterfaceGoneError, match="no interface 'lan0'"):
        bounced(wire.bench, "lan0", soon())
