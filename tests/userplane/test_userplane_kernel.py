"""`harness.userplane.kernel`: the kernel is asked, not its files."""

from __future__ import annotations

from harness.lab.doctor_host import SystemHost
from harness.userplane.broker import Broker
from harness.userplane.delay import kernel_has_netem
from harness.userplane.kernel import kernel_parts


def test_what_the_shapers_of_this_bench_use_is_there() -> None:
    """The same kernel runs the tests of the throttle, which need these three."""
    parts = kernel_parts()

    assert set(parts) == {"sch_tbf", "sch_htb", "sch_netem", "ifb"}
    assert (parts["sch_tbf"], parts["sch_htb"], parts["ifb"]) == (True, True, True)


def test_netem_is_answered_as_by_whoever_uses_it(broker: Broker) -> None:
    """Many kernels lack it; both ask."""
    assert kernel_parts()["sch_netem"] is kernel_has_netem(broker.first)


def test_the_kernel_is_believed_before_its_files() -> None:
    """Built in without a trace is there; on disk and refused is not."""
    host = SystemHost(kernel_parts={"sch_made_up": True, "sch_htb": False})

    assert host.has_module("sch_made_up") is True
    assert host.has_module("sch_htb") is False
    assert host.has_module("sch_never_heard_of") is False
