"""The smoke plan over a real kernel's USB stack: bench file, udev, ports, services, traffic.

Emulation is slow: the limits of time are tested elsewhere and are wide here; verdicts, owners and
the record are the same as on a desk.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.bench import Bench, open_bench, open_run
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError, RouterError
from harness.core.party import Party
from harness.lab.description import Function
from harness.lab.hotplug import RouterNotBackError
from harness.lab.udev import UdevSource
from harness.port.errors import PortLostError
from harness.procedure.canonical import CANONICAL
from harness.procedure.catalogue import CASES, SMOKE
from harness.procedure.dut import Dut
from harness.verdict.verdict import Verdict
from tests.usb.bench import soon
from tests.usb.virtual_bench import CHECKOUT, PATH, rehearsed, wide_limits

# An emulated device carries 1 Mbit/s on a loaded host; a slower throttle can be told from it.
SLOW = """
import harness.procedure.throttled as throttled
throttled.INJECTED_BPS = 128_000
from harness.cli.main import run
run()
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bench file that `harness virtual --usb` wrote, while it runs."""
    path = tmp_path_factory.mktemp("rehearsal") / "lab.toml"
    with rehearsed(CHECKOUT / "lab.toml", path) as places:
        assert places == [PATH]
        yield path


def bare_lab(directory: Path) -> Path:
    """Write a bench file that names a router and nothing of what stands around it."""
    text = (CHECKOUT / "lab.toml").read_text()
    text = text.replace("virtual = true ", "virtual = false ").replace("virtual/1-1", PATH)
    text = text.replace('host = "access.cloudsim.test"\n', "")
    path = directory / "lab.toml"
    path.write_text(text)
    return path


def long() -> Deadline:
    """Return the deadline for a router that boots, under emulation."""
    return Deadline.after(240.0, SystemClock())


def accept(lab: Path, limits: Path) -> tuple[int, dict[str, Any], str]:
    """Run `harness accept`; its exit code, what it printed as JSON, and what it said."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            SLOW,
            "accept",
            "--json",
            "--lab",
            str(lab),
            "--limits",
            str(limits),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_smoke_plan_passes_over_real_usb(lab: Path, tmp_path: Path) -> None:
    """From power-on to data and through a throttle, on a bench that is not virtual."""
    code, said, words = accept(lab, wide_limits(tmp_path))

    red = [outcome for outcome in said["results"] if outcome["verdict"] != "pass"]
    if (code, said["verdict"]) != (0, "pass"):
        pytest.fail(f"exit code {code}, {json.dumps(red, indent=1)}\n{words}")  # not cut short
    assert [outcome["case"] for outcome in said["results"]] == [case.info.id for case in SMOKE]


def test_a_bench_without_services_says_what_it_lacks(lab: Path, tmp_path: Path) -> None:
    """Nothing crashes; each case names what it misses."""
    assert lab.exists()
    _, said, words = accept(bare_lab(tmp_path), wide_limits(tmp_path))

    causes = [outcome["cause"] for outcome in said["results"]]
    lacks = "not applicable: this bench has no "
    assert causes[:2] == [f"{lacks}cloud.log, far_end, power", f"{lacks}far_end"], words
    assert all(cause.startswith(lacks) for cause in causes), words


def test_another_router_than_lab_toml_says_is_refused(lab: Path, tmp_path: Path) -> None:
    """Who it is counts, not only where it is plugged in; its interface goes back to the host."""
    assert lab.exists()
    wrong = bare_lab(tmp_path)
    wrong.write_text(wrong.read_text().replace("860000000000017", "490154203237518"))
    with (
        open_bench(wrong, say=print) as bench,
        bench.dut("r1") as dut,
        pytest.raises(BenchError, match=r"lab\.toml: routers\.r1\.imei: the router at .* says"),
    ):
        dut.ensure_connected(soon())


def test_a_restart_is_bound_again_by_identity(lab: Path) -> None:
    """Ports and interface come back under any names; the next generation answers."""
    with (
        open_bench(lab, say=print) as bench,
        bench.dut("r1") as dut,
    ):
        dut.ensure_connected(soon())
        assert dut.lease_address(soon())
        before = dut.plug.generation
        with suppress(PortLostError, RouterError):  # it may go before its OK is read
            dut.session.execute("AT+CFUN=1,1", soon())
        comeback = dut.rebind(long())

        assert comeback.generation == before + 1
        assert dut.interface_present()
        assert dut.lease is None
        assert dut.lease_address(long())
        assert dut.identity is not None
        assert dut.identity.imei == dut.router.imei


def test_a_router_that_does_not_come_back_is_a_verdict(lab: Path) -> None:
    """It is off: the deadline ends the wait and the router is named, not the harness."""
    with (
        open_bench(lab, say=print) as bench,
        bench.dut("r1") as dut,
    ):
        dut.ensure_connected(soon())
        dut.power_off(soon())
        with pytest.raises(RouterNotBackError, match=r"r1 is not back after .* is it on"):
            dut.rebind(Deadline.after(2.0, SystemClock()))
        dut.power_on(soon())
        dut.ensure_connected(long())


class Unplugs:
    """Progress that takes a router's functions away when a phase begins, and gives them back."""

    def __init__(self, phase: str, bench: Bench, dut: Dut) -> None:
        assert isinstance(bench.source, UdevSource)
        self._phase, self._source, self._dut = phase, bench.source, dut
        self.has_unplugged = False
        self.was_open = False

    def started(self, step: str, limit_s: float | None) -> None:
        """Unplug in the phase it is for."""
        assert limit_s is None or limit_s > 0
        if not step.startswith(self._phase) or self.has_unplugged:
            return
        self.has_unplugged, self.was_open = True, self._dut.connected
        generation = self._source.generation(PATH)
        switch = self._source.sys_path(PATH) / "authorized"
        switch.write_text("0")
        assert (
            self._source.wait(lambda seen: () if kinds_at(seen) == ["usb"] else None, soon()) == ()
        )
        switch.write_text("1")
        assert (
            self._source.wait(
                lambda _: () if self._source.generation(PATH) > generation else None, soon()
            )
            == ()
        )

    def ended(self, step: str, verdict: Verdict, text: str) -> None:
        """Take no notice."""


def kinds_at(functions: tuple[Function, ...]) -> list[str]:
    """Return what there is at the router's place."""
    return [function.subsystem for function in functions if function.usb_path == PATH]


@pytest.mark.parametrize("phase", ["P1", "P2", "P3", "P4", "P5", "P7"])
def test_an_unplug_in_a_phase_is_the_benchs_fault_and_the_router_is_bound_again(
    lab: Path, tmp_path: Path, phase: str
) -> None:
    """A verdict, not a hang; and the same router serves on, by its identity.

    A phase may have ended by the access server's word before the AT port was opened at all, under
    emulation; routers re-enumerate while they boot, and then nothing was taken from the harness.
    """
    with (
        open_bench(lab, say=print, runs=tmp_path) as bench,
        bench.dut("r1") as dut,
    ):
        progress = Unplugs(phase, bench, dut)
        with open_run(
            bench, limits=wide_limits(tmp_path), plan="p", cases=CASES, progress=progress
        ) as acceptance:
            outcome = acceptance.run(CANONICAL, dut)
        dut.ensure_connected(long())
        identity = dut.identity

    assert progress.has_unplugged
    expected = (Verdict.ERROR, Party.BENCH) if progress.was_open else (Verdict.PASS, None)
    assert (outcome.verdict, outcome.owner) == expected, outcome
    assert identity is not None
    assert identity.imei == "860000000000017"
