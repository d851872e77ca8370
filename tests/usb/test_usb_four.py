"""Four routers at once on a real kernel's USB stack, each with a namespace of its own."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from harness.bench import open_bench
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import RouterError
from harness.lab.virtual_lab import VirtualLab
from harness.port.errors import PortLostError
from harness.procedure.dut import Dut
from tests.usb.virtual_bench import rehearsed


def long() -> Deadline:
    """Return the deadline for a router that boots beside three others, under emulation."""
    return Deadline.after(300.0, SystemClock())


def require_in_use(dut: Dut) -> None:
    """Check that a router answers as itself and gives its user an address."""
    assert dut.identity is not None
    assert dut.identity.imei == dut.router.imei
    assert dut.lease_address(long())
    assert dut.lease is not None
    assert dut.lease.gateway == "192.168.43.1"


def test_four_routers_restart_together_and_are_told_apart(tmp_path: Path) -> None:
    """One address range in all of them; each is found at its port again, under its own IMEI."""
    world = tmp_path / "world.toml"
    world.write_text(
        VirtualLab(models=("virtual-unisoc",), routers=4, sims=0, pin=None, runs="runs").text
    )
    with ExitStack() as stack:
        places = stack.enter_context(rehearsed(world, tmp_path / "lab.toml", routers=4))
        assert places == [f"platform-vhci_hcd.0/1-{port}" for port in (1, 2, 3, 4)]
        bench = stack.enter_context(open_bench(tmp_path / "lab.toml", say=print))
        duts = [stack.enter_context(bench.dut(name)) for name in bench.lab.routers]
        for dut in duts:
            dut.ensure_connected(long())
            require_in_use(dut)
        generations = [dut.plug.generation for dut in duts]
        for dut in duts:
            with suppress(PortLostError, RouterError):  # it may go before its OK is read
                dut.session.execute("AT+CFUN=1,1", long())
        comebacks = [dut.rebind(long()) for dut in duts]

        assert [found.generation for found in comebacks] == [n + 1 for n in generations]
        for dut in duts:
            require_in_use(dut)
