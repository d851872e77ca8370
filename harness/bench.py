"""The composition root: the only place that wires the parts of a bench together."""

from __future__ import annotations

import platform
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from harness import __version__
from harness.at.model import Model, load_models
from harness.cloud.adapter import CloudAdapter
from harness.cloud.choice import adapter_of
from harness.cloud.core_network import CoreNetwork
from harness.cloud.power_strip import PowerStrip
from harness.cloud.service import Connect, Service, connect_from_host
from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError, UsageError
from harness.core.party import Party
from harness.lab.announced import AnnouncedService, AnnouncedSource
from harness.lab.host_watch import HostWatch
from harness.lab.inventory import PortRoles, match_all
from harness.lab.lease import default_directory, lease, sweep
from harness.lab.load import load_lab
from harness.lab.schema import Lab, LabService
from harness.lab.source import DeviceSource
from harness.procedure.acceptance import Acceptance, check_limits
from harness.procedure.case import Case, Progress
from harness.procedure.dut import Dut, FarEnd
from harness.procedure.recording import Recording
from harness.procedure.surroundings import Surroundings
from harness.record.journal import RunJournal
from harness.record.rows import RunInfo
from harness.report import html
from harness.router.generic import Generic3gppRouter
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace
from harness.userplane.testserver import TestServer
from harness.verdict.limits import load_limits

VIRTUAL_BENCH_GROUP: Final = "cloudsim_harness.virtual_bench"
TEST_PORT: Final = 5201
_BACKLOG: Final = 128

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
    strip: PowerStrip | None


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
            stack.enter_context(
                lease(
                    router.imei,
                    owner=f"harness on {platform.node()}",
                    directory=default_directory(),
                    clock=self.clock,
                )
            )
            namespace = stack.enter_context(self.broker.namespace(name))
            dut = Dut(
                name=name,
                router=router,
                model=self.models[router.model],
                roles=roles_of(self.models[router.model]),
                source=self.source,
                cloud=self.services.cloud,
                core=self.services.core,
                strip=self.services.strip,
                namespace=namespace,
                recording=Recording(
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
                ),
                far_end=self.far_end,
                lab_log=self.lab_log,
                make_driver=Generic3gppRouter,
                clock=self.clock,
            )
            stack.callback(dut.disconnect)
            yield dut

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
    _require_models(lab, models)
    for left in sweep(default_directory()):
        say(f"swept {left}")
    with ExitStack() as stack:
        broker = stack.enter_context(Broker.start(private=lab.bench.virtual, clock=clock))
        for swept in broker.sweep():
            say(f"swept interface {swept.name}: {swept.done}")
        yield _assembled(stack, broker, lab, path, say=say, runs=runs, clock=clock, models=models)


def _assembled(
    stack: ExitStack,
    broker: Broker,
    lab: Lab,
    path: Path,
    *,
    say: Say,
    runs: Path | None,
    clock: Clock,
    models: Mapping[str, Model],
) -> Bench:
    """Start what a bench needs, in the order in which it depends on one another."""
    if not lab.bench.virtual:
        msg = (
            f"{path.name}: bench.virtual: real routers are found by udev, which this version does "
            "not do yet; set virtual = true"
        )
        raise BenchError(msg)
    lab_log: list[tuple[str, str]] = []

    def heard(party: str, text: str) -> None:
        lab_log.append((party, text))
        say(f"{party}: {text}")

    source = _start_virtual_bench(stack, broker, path, heard)
    announced = source.announcement
    used = {router.model for router in lab.routers.values()}
    match_all(lab.routers, {name: roles_of(models[name]) for name in used}, source.functions())
    connect: Connect = connect_from_host
    far_end = None
    if announced.uplink is not None:
        uplink = announced.uplink
        wan = stack.enter_context(broker.namespace("wan"))
        wan.adopt(uplink.ifname, "wan0")
        wan.address(uplink.address, uplink.gateway, "wan0")
        far_end = _start_test_server(stack, wan, uplink.address.split("/")[0])
        connect = _through(wan, clock)
    taps = {}
    for tap in announced.taps:
        taps[tap.name] = stack.enter_context(broker.namespace(f"tap {tap.name}"))
        taps[tap.name].adopt(tap.ifname, "tap0")
        taps[tap.name].up("tap0")
    cloud = _service("access server", Party.ACCESS_SERVER, announced.access_server, connect)
    core = strip = None
    if announced.core_network is not None:
        core = CoreNetwork(_service("core network", Party.CARRIER, announced.core_network, connect))
    if announced.power is not None:
        strip = PowerStrip(_service("power strip", Party.BENCH, announced.power, connect))
    return Bench(
        lab=lab,
        lab_text=path.read_text(encoding="utf-8"),
        runs=runs or path.parent / lab.bench.runs,
        clock=clock,
        broker=broker,
        source=source,
        models=models,
        services=Services(cloud=adapter_of(lab, cloud), core=core, strip=strip),
        far_end=far_end,
        taps=taps,
        server_address=announced.access_server.device_address,
        conditions=announced.conditions,
        host=stack.enter_context(HostWatch(clock)),
        lab_log=lab_log,
    )


def roles_of(model: Model) -> PortRoles:
    """Return the interface numbers that the inventory needs of a model.

    Raises:
        BenchError: No set of USB ids of the model has an AT port and a network interface.
    """
    for mode in model.usb:
        by_role = {role: interface for interface, role in sorted(mode.roles.items(), reverse=True)}
        if "at" in by_role and "net" in by_role:
            return PortRoles(at=by_role["at"], at_secondary=by_role.get("at2"), net=by_role["net"])
    msg = f"{model.name}.toml: usb: no mode has an AT port and a network interface; add one"
    raise BenchError(msg)


def _require_models(lab: Lab, models: Mapping[str, Model]) -> None:
    """Check that each router's model is known before anything starts."""
    for name, router in lab.routers.items():
        if router.model not in models:
            known = ", ".join(sorted(models))
            msg = (
                f"lab.toml: routers.{name}.model: there is no model {router.model!r}; "
                f"there are {known}"
            )
            raise BenchError(msg)


def virtual_bench_module() -> str:
    """Return the module that is the virtual bench; it is found by entry point, unread.

    Raises:
        BenchError: None is installed.
    """
    modules = [entry.value for entry in entry_points(group=VIRTUAL_BENCH_GROUP)]
    if not modules:
        msg = "no virtual bench is installed; install this checkout with make setup"
        raise BenchError(msg)
    return modules[0]


def _start_virtual_bench(
    stack: ExitStack, broker: Broker, path: Path, heard: Callable[[str, str], None]
) -> AnnouncedSource:
    """Start the virtual bench as a child of the broker."""
    module = virtual_bench_module()
    state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="virtual-bench-")))
    errors = state / "supervisor.log"
    argv = [sys.executable, "-m", module, "--lab", str(path.resolve()), "--state", str(state)]
    process = broker.spawn(argv, stderr=errors)
    stack.callback(process.close)
    try:
        return AnnouncedSource(process.stdout, on_log=heard)
    except BenchError as exc:
        words = errors.read_text(encoding="utf-8").strip().splitlines()
        said = words[-1] if words else "it said nothing"
        msg = f"the virtual bench did not start: {said}"
        raise BenchError(msg) from exc


def _start_test_server(stack: ExitStack, wan: Namespace, address: str) -> FarEnd:
    """Serve measurements on the bench's own leg behind the carriers."""
    token = secrets.token_hex(16)
    listener = wan.socket(socket.AF_INET, socket.SOCK_STREAM, bind=(address, TEST_PORT))
    listener.listen(_BACKLOG)
    datagrams = wan.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=(address, TEST_PORT))
    stack.enter_context(TestServer(listener, datagrams, token=token))
    return FarEnd(address=address, port=TEST_PORT, token=token, namespace=wan)


def _through(namespace: Namespace, clock: Clock) -> Connect:
    """Return a way to open connections from a namespace of the bench."""

    def connect(host: str, port: int, timeout_s: float) -> socket.socket:
        try:
            return namespace.connected(host, port, Deadline.after(timeout_s, clock))
        except BenchError as exc:  # a service that does not answer is that party's, not ours
            raise ConnectionError(str(exc)) from exc

    return connect


def _service(
    name: str, party: Party, announced: AnnouncedService | LabService, connect: Connect
) -> Service:
    """Return a service of the lab as the adapters want it."""
    token = announced.token if isinstance(announced, AnnouncedService) else None
    return Service(
        name=f"the {name}",
        party=party,
        url=announced.url or "",
        connect=connect,
        token=token,
        ca_file=announced.ca_file,
    )


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
        finally:
            html.write(journal.directory)


def _environment(bench: Bench) -> dict[str, str]:
    """Return what a reader of the record should know of the host and of a virtual world."""
    facts = {
        "host": platform.node(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    return facts | {f"virtual.{key}": str(value) for key, value in bench.conditions.items()}
