"""The way of a real bench, on which lab.toml names every service, up to a verdict.

The routers are virtual and announced; all else is found as on a bench of real ones: addresses,
certificate and tokens from the bench file, mirror port and far side by their interfaces. Finding
routers by udev is tested in a VM (tests/usb); none of it was ever verified on hardware.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from harness.at.model import load_models
from harness.bench import Bench, assembled, open_bench, open_run
from harness.core.clock import SystemClock
from harness.core.errors import BenchError
from harness.lab.announced import AnnouncedService, Announcement
from harness.lab.load import load_lab
from harness.lab.site import site_of
from harness.procedure.case import Case, Outcome
from harness.procedure.catalogue import CASES, SMOKE
from harness.procedure.virtual_bench import start_virtual_bench
from harness.record.reader import RunRecord
from harness.userplane.broker import Broker
from harness.verdict.verdict import Verdict
from tests.whole.silent import Silent

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def bare_text() -> str:
    """Return the shipped bench file without the virtual bench."""
    text = (ROOT / "lab.toml").read_text(encoding="utf-8")
    text = re.sub(r"(?m)^virtual = true.*\n", "", text)
    text = re.sub(r"(?ms)^\[virtual\].*?(?=^# The routers)", "", text)
    return re.sub(r'(?m)^host = "access.*\n', "", text)


def bare_lab(directory: Path, _told: Announcement) -> Path:
    """Write the bench file of a bench with routers and no service."""
    path = directory / "lab.toml"
    path.write_text(bare_text(), encoding="utf-8")
    return path


def real_lab(directory: Path, told: Announcement) -> Path:
    """Write the bench file of a real bench with the services that the virtual bench announced."""
    text = bare_text()

    def service(name: str, found: AnnouncedService | None) -> str:
        assert found is not None
        lines = [f"url = {json.dumps(found.url)}"]
        if found.token:
            token = directory / f"{name}.token"
            token.touch(mode=0o600)
            token.write_text(found.token + "\n")
            lines.append(f'token_file = "{token.name}"')
        if found.ca_file:
            shutil.copy(found.ca_file, directory / f"{name}.pem")
            lines.append(f'ca_file = "{name}.pem"')
        return "\n".join(lines) + "\n"

    text = re.sub(
        r'(?m)^\[access_server\]\nadapter = "generic"\n',
        "[access_server]\n"
        f"{service('access', told.access_server)}"
        f'host = "{told.access_server.device_address}"\n',
        text,
    )
    assert told.uplink is not None
    text += f"\n[core_network]\n{service('core', told.core_network)}"
    text += f'\n[power]\nkind = "shelly1"\n{service("power", told.power)}'
    text += f'\n[taps.seed]\ninterface = "{told.taps[0].ifname}"\n'
    text += (
        f'\n[uplink]\ninterface = "{told.uplink.ifname}"\naddress = "{told.uplink.address}"\n'
        f'gateway = "{told.uplink.gateway}"\n'
    )
    path = directory / "lab.toml"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def wired(directory: Path, write: Callable[[Path, Announcement], Path]) -> Iterator[Bench]:
    """Wire a bench by the file that `write` makes of what the virtual bench announced."""
    clock = SystemClock()
    with ExitStack() as stack:
        broker = stack.enter_context(Broker.start(private=True, clock=clock))
        source = start_virtual_bench(stack, broker, ROOT / "lab.toml", lambda *_line: None)
        path = write(directory, source.announcement)
        lab = load_lab(path)
        yield assembled(
            stack,
            broker,
            lab,
            path,
            site_of(lab, directory),
            source=source,
            runs=None,
            clock=clock,
            models=load_models(),
        )


def outcomes_of(bench: Bench, cases: Sequence[Case]) -> tuple[Path, list[Outcome]]:
    """Run cases on the bench's only router; return the record and what they came to."""
    limits = ROOT / "tests/acceptance/limits.toml"
    with (
        bench.dut(None) as dut,
        open_run(bench, limits=limits, plan="smoke", cases=CASES, progress=Silent()) as acceptance,
    ):
        outcomes = [acceptance.run(case, dut) for case in cases]
    return acceptance.directory, outcomes


@pytest.fixture(autouse=True)
def own_leases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the leases of this host's real benches alone."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_the_smoke_cases_pass_where_the_bench_file_names_every_service(tmp_path: Path) -> None:
    """The record says that the bench is no virtual one, and has the packets of the mirror port."""
    with wired(tmp_path, real_lab) as bench:
        directory, outcomes = outcomes_of(bench, SMOKE)

    assert [(outcome.verdict, outcome.cause) for outcome in outcomes] == [(Verdict.PASS, "")] * 5
    with RunRecord.open(directory) as record:
        assert not record.run.is_virtual
    assert list(directory.glob("*/seed.pcapng"))


def test_without_services_what_needs_them_is_not_applicable(tmp_path: Path) -> None:
    """A bench with nothing but a router says of each case what it lacks."""
    with wired(tmp_path, bare_lab) as bench:
        _, outcomes = outcomes_of(bench, SMOKE)

    lacks = "not applicable: this bench has no "
    assert {outcome.verdict for outcome in outcomes} == {Verdict.NONE}
    assert [outcome.cause for outcome in outcomes][:2] == [
        f"{lacks}cloud.log, far_end, power",
        f"{lacks}far_end",
    ]
    assert all(outcome.cause.startswith(lacks) for outcome in outcomes)


def test_a_bench_of_real_routers_needs_udev_and_the_routers(tmp_path: Path) -> None:
    """On a host without them the message says which of it is missing, and nothing was started."""
    path = tmp_path / "lab.toml"
    path.write_text(bare_text(), encoding="utf-8")
    words = "udevd does not run here|nothing is plugged in at virtual/1-1|root"

    with (
        pytest.raises(BenchError, match=words),
        open_bench(path, say=lambda _text: None),
    ):
        pass
