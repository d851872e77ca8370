"""The composition root: the only place that wires the parts of a bench together."""

from __future__ import annotations

import platform
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness import __version__
from harness.at.model import Model, load_models
from harness.cloud.absent import AbsentCloud
from harness.cloud.adapter import CloudAdapter
from harness.cloud.choice import adapter_of
from harness.cloud.core_network import CoreNetwork
from harness.cloud.power_strip import PowerStrip
from harness.cloud.service import Connect, Service, connect_from_host
from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError, UsageError
from harness.core.party import Party
from harness.lab.announced import AnnouncedService
from harness.lab.host_watch import HostWatch
from harness.lab.inventory import match_all
from harness.lab.lease import default_directory, lease, sweep
from harness.lab.load import lab_text, load_lab
from harness.lab.schema import Lab, Router
from harness.lab.site import Site, announced_site, site_of
from harness.lab.source import DeviceSource
from harness.lab.strips import Strip, strip_of
from harness.lab.udev import UdevSource
from harness.procedure.acceptance import Acceptance, check_limits
from harness.procedure.case import Case, Progress
from harness.procedure.dut import Dut
from harness.procedure.far_end import FarEnd, far_end_elsewhere, serve_far_end
from harness.procedure.plug import Plug
from harness.procedure.recording import TAP, Recording
from harness.procedure.surroundings import Surroundings
from harness.procedure.virtual_bench import start_virtual_bench
from harness.record.journal import RunJournal
from harness.record.rows import RunInfo
from harness.report import html
from harness.router.generic import Generic3gppRouter
from harness.router.roles import require_models, roles_of
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace
from harness.verdict.limits import load_limits

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of the lab that this bench can reach.

    Attributes:
        cloud: Lab side of the access server.
        core: Remote interface of a core network, None when the lab has none.
        strip: The power strip, None when the bench has none.
    """

    cloud: CloudAdapter
    core: CoreNetwork | None
    strip: Strip | None


@dataclass(slots=True, kw_only=True)
class Bench:
    """A bench that is up.

    Attributes:
        lab: What lab.toml says.
        lab_text: The file as it was read.
        runs: Where records go.
        clock: Where time comes from.
        broker: Owner of the namespaces.
        source: What is plugged in.
        models: Router models by name.
        services: What of the lab can be asked and steered.
        far_end: The bench's test server behind the carriers, None when there is none.
        taps: Namespace of each mirror port by name.
        server_address: Address at which routers reach the access server; None when not known.
        conditions: What a virtual world runs under; empty on a real bench.
        host: Knows when the host stood still or its clock was stepped.
        lab_log: What the parties logged, as party and text; None when no log reaches the bench.
    """

    lab: Lab
    lab_text: str
    runs: Path
    clock: Clock
    broker: Broker
    source: DeviceSource
    models: Mapping[str, Model]
    services: Services
    far_end: FarEnd | None
    taps: Mapping[str, Namespace]
    server_address: str | None
    conditions: Mapping[str, object]
    host: HostWatch
    lab_log: Sequence[tuple[str, str]] | None = None

    @contextmanager
    def dut(self, name: str | None) -> Iterator[Dut]:
        """Hold the router `name` (the only one when None) with a namespace of its own.

        Raises:
            UsageError: There is no such router, or a name is needed.
            BenchError: Somebody else uses it.
        """
        name = self._named(name)
        router = self.lab.routers[name]
        with ExitStack() as stack:
            namespace = stack.enter_context(self.broker.namespace(name))
            stack.enter_context(
                lease(
                    router.imei,
                    owner=f"harness on {platform.node()}",
                    directory=default_directory(),
                    clock=self.clock,
                    namespace=namespace.path,
                )
            )
            model, path = self.models[router.model], router.usb_path
            here = [f for f in self.source.functions() if f.usb_path == path]
            recording = self._recording(name, router, namespace)
            dut = Dut(
                name=name,
                router=router,
                model=model,
                plug=Plug(
                    name=name,
                    router=router,
                    roles=roles_of(model, here),
                    source=self.source,
                    holds_interface=recording.interface_present,
                ),
                cloud=self.services.cloud,
                core=self.services.core,
                strip=self.services.strip,
                namespace=namespace,
                recording=recording,
                far_end=self.far_end,
                lab_log=self.lab_log,
                make_driver=Generic3gppRouter,
                clock=self.clock,
            )
            stack.callback(dut.disconnect)
            yield dut

    def _recording(self, name: str, router: Router, namespace: Namespace) -> Recording:
        return Recording(
            name=name,
            namespace=namespace,
            seed_tap=self.taps.get("seed"),
            server_address=self.server_address,
            clock=self.clock,
            host=self.host,
            surroundings=Surroundings(
                usb_path=router.usb_path,
                imei=router.imei,
                source=self.source,
                cloud=self.services.cloud,
                clock=self.clock,
            ),
        )

    def _named(self, name: str | None) -> str:
        names = ", ".join(self.lab.routers)
        if name is None:
            if len(self.lab.routers) > 1:
                msg = f"lab.toml has several routers; name one of {names} with --dut"
                raise UsageError(msg)
            return next(iter(self.lab.routers))
        if name not in self.lab.routers:
            msg = f"there is no router {name!r} in lab.toml; there are {names}"
            raise UsageError(msg)
        return name


@contextmanager
def open_bench(
    path: Path, *, say: Say, runs: Path | None = None, clock: Clock | None = None
) -> Iterator[Bench]:
    """Build the bench that `path` describes, and take it down in every way of ending.

    Args:
        path: The bench file.
        say: Told what a person should know, one line each.
        runs: Where records go, instead of where lab.toml says.
        clock: Where time comes from.

    Raises:
        BenchError: lab.toml is wrong, or something that it names is not there.
    """
    clock = clock or SystemClock()
    lab = load_lab(path)
    models = load_models()
    require_models(lab, models)
    for left in sweep(default_directory()):
        say(f"swept {left}")
    with ExitStack() as stack:
        broker = stack.enter_context(Broker.start(private=lab.bench.virtual, clock=clock))
        for swept in broker.sweep():
            say(f"swept interface {swept.name}: {swept.done}")
        source: DeviceSource
        lab_log: list[tuple[str, str]] | None = None
        if lab.bench.virtual:
            lab_log = []
            announced = start_virtual_bench(stack, broker, path, _heard(lab_log, say))
            source, site = announced, announced_site(announced.announcement)
        else:
            source = stack.enter_context(UdevSource(clock=clock))
            site = site_of(lab, path.parent)
        bench = assembled(
            stack, broker, lab, path, site, source=source, runs=runs, clock=clock, models=models
        )
        bench.lab_log = lab_log
        yield bench


def _heard(lab_log: list[tuple[str, str]], say: Say) -> Callable[[str, str], None]:
    """Return who keeps what the parties log and says it on."""

    def heard(party: str, text: str) -> None:
        lab_log.append((party, text))
        say(f"{party}: {text}")

    return heard


def assembled(  # noqa: PLR0913 - the parts of a bench
    stack: ExitStack,
    broker: Broker,
    lab: Lab,
    path: Path,
    site: Site,
    *,
    source: DeviceSource,
    runs: Path | None,
    clock: Clock,
    models: Mapping[str, Model],
) -> Bench:
    """Wire what a bench needs, in the order in which it depends on one another.

    Raises:
        BenchError: A router, an interface or an address that lab.toml names is not there.
    """
    seen = source.functions()
    roles = {
        router.model: roles_of(
            models[router.model], [f for f in seen if f.usb_path == router.usb_path]
        )
        for router in lab.routers.values()
    }
    match_all(lab.routers, roles, seen)
    connect: Connect = connect_from_host
    far_end = None
    if site.uplink is not None:
        far_end = serve_far_end(stack, broker, site.uplink)
        if site.uplink.ifname is not None:
            connect = _through(far_end.namespace, clock)
    elif site.test_server is not None:
        far_end = far_end_elsewhere(broker, site.test_server)
    taps = {}
    for name, ifname in site.taps.items():
        taps[name] = stack.enter_context(broker.namespace(f"tap {name}"))
        taps[name].adopt(ifname, TAP)
        taps[name].up(TAP)
    return Bench(
        lab=lab,
        lab_text=lab_text(path),
        runs=runs or path.parent / lab.bench.runs,
        clock=clock,
        broker=broker,
        source=source,
        models=models,
        services=_services(lab, site, connect),
        far_end=far_end,
        taps=taps,
        server_address=site.server_address,
        conditions=site.conditions,
        host=stack.enter_context(HostWatch(clock)),
    )


def _services(lab: Lab, site: Site, connect: Connect) -> Services:
    """Return what of the lab can be asked and steered, each with the party that must serve it."""

    def service(name: str, party: Party, told: AnnouncedService) -> Service:
        return Service(
            name=f"the {name}",
            party=party,
            url=told.url,
            connect=connect,
            token=told.token,
            ca_file=told.ca_file,
        )

    cloud: CloudAdapter = AbsentCloud()
    if site.access_server is not None:
        cloud = adapter_of(lab, service("access server", Party.ACCESS_SERVER, site.access_server))
    core = None
    if site.core_network is not None:
        core = CoreNetwork(service("core network", Party.CARRIER, site.core_network))
    strip: Strip | None = None
    if site.power is not None:
        strip = PowerStrip(service("power strip", Party.BENCH, site.power))
    elif lab.power is not None:
        strip = strip_of(lab.power)
    return Services(cloud=cloud, core=core, strip=strip)


def _through(namespace: Namespace, clock: Clock) -> Connect:
    """Return a way to open connections from a namespace of the bench."""

    def connect(host: str, port: int, timeout_s: float) -> socket.socket:
        try:
            return namespace.connected(host, port, Deadline.after(timeout_s, clock))
        except BenchError as exc:  # a service that does not answer is that party's, not ours
            raise ConnectionError(str(exc)) from exc

    return connect


@contextmanager
def open_run(
    bench: Bench, *, limits: Path, plan: str, cases: Sequence[Case], progress: Progress
) -> Iterator[Acceptance]:
    """Begin a run, and end it with its verdict and its report, whatever happens between.

    Raises:
        UsageError: A limit is missing or unused.
        BenchError: The record cannot be written.
    """
    demanded = load_limits(limits)
    check_limits(demanded, cases)
    info = RunInfo(
        id=secrets.token_hex(3),
        title="acceptance of cloud-SIM routers",
        plan=plan,
        bench=bench.lab.bench.name,
        is_virtual=bench.lab.bench.virtual,
        harness_version=__version__,
        lab_text=bench.lab_text,
        environment=_environment(bench),
    )
    with RunJournal.create(bench.runs, info, bench.clock) as journal:
        journal.limit_set(demanded.text, demanded.sha256)
        acceptance = Acceptance(
            journal=journal, limits=demanded, clock=bench.clock, progress=progress
        )
        try:
            yield acceptance
            journal.finish(acceptance.verdict)
        except BaseException:
            with suppress(BenchError):  # what ended the run is not hidden by its report
                _write_report(journal.directory)
            raise
        _write_report(journal.directory)


def _write_report(directory: Path) -> None:
    """Write a run's page.

    Raises:
        BenchError: It cannot be written.
    """
    try:
        html.write(directory)
    except OSError as exc:
        msg = f"{directory}: the report cannot be written: {exc.strerror}"
        raise BenchError(msg) from exc


def _environment(bench: Bench) -> dict[str, str]:
    """Return what a reader of the record should know of the host and of a virtual world."""
    facts = {
        "host": platform.node(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    return facts | {
        f"virtual.{key}": str(value) for key, value in bench.conditions.items() if value is not None
    }
