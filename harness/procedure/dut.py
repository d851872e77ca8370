"""One router under test with everything that the bench has for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.at.model import Model
from harness.at.session import AtSession
from harness.cloud.adapter import CloudAdapter
from harness.cloud.core_network import CoreNetwork
from harness.cloud.desk import ServiceDesk
from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError, RouterError
from harness.core.identity import masked
from harness.lab.hotplug import Comeback
from harness.lab.inventory import FoundRouter
from harness.lab.schema import Router
from harness.lab.strips import Strip
from harness.measure.calls import Calls
from harness.procedure.far_end import FarEnd
from harness.procedure.opening import first_answer_ns, open_session
from harness.procedure.plug import Plug
from harness.procedure.recording import LAN, Recording
from harness.procedure.seed_bearer import SeedAddresses, newest_event, seed_addresses
from harness.record.result_writer import ResultWriter
from harness.router.driver import Identity, RouterDriver
from harness.userplane.carrier import bounced
from harness.userplane.dhcp import Lease
from harness.userplane.namespace import Namespace
from harness.userplane.tap import Tap

_CHECK_S: Final = 3.0
_RENEW_S: Final = 2.0


@dataclass(slots=True, kw_only=True)
class Dut:
    """A router of lab.toml on this bench.

    Attributes:
        name: Its name in lab.toml.
        router: What lab.toml says of it.
        model: Its model file.
        plug: Where it is plugged in.
        cloud: Lab side of the access server.
        core: Remote interface of a lab core network, None when there is none.
        strip: The power strip, None when there is none.
        namespace: Its own network namespace on the bench.
        recording: What is recorded of it.
        far_end: The bench's test server, None when there is none.
        lab_log: What the parties logged so far, as party and text; None without such a log.
        make_driver: Makes the driver of its model for a session.
        clock: Where time comes from.
        lease: Address that the router gave the bench, None before it did.
        identity: Who the router says it is, None before it was asked.
    """

    name: str
    router: Router
    model: Model
    plug: Plug
    cloud: CloudAdapter
    core: CoreNetwork | None
    strip: Strip | None
    namespace: Namespace
    recording: Recording
    far_end: FarEnd | None
    make_driver: Callable[[AtSession, Model], RouterDriver]
    clock: Clock
    lab_log: Sequence[tuple[str, str]] | None = None
    lease: Lease | None = None
    identity: Identity | None = None
    core_events_before: int = 0
    _session: AtSession | None = None
    _driver: RouterDriver | None = None
    _found: FoundRouter | None = None
    _bound_generation: int = 0
    _renew_at: Deadline | None = None

    @property
    def capabilities(self) -> frozenset[str]:
        """What this bench can do for a case."""
        have = {
            "power": self.strip is not None and self.router.relay is not None,
            "core": self.core is not None,
            "tap.seed": self.seed_tap is not None,
            "far_end": self.far_end is not None,
            "desk": isinstance(self.cloud, ServiceDesk),
            "slot": self.strip is not None
            and self.strip.switches_cards
            and self.router.physical_sim is not None,
            "log.router": self.lab_log is not None,
        }
        return frozenset(name for name, there in have.items() if there) | self.cloud.capabilities

    @property
    def seed_tap(self) -> Namespace | None:
        """Namespace of the mirror port that shows the seed bearers, None without one."""
        return self.recording.seed_tap

    @property
    def server_address(self) -> str | None:
        """Address at which routers reach the access server, for the tap."""
        return self.recording.server_address

    @property
    def connected(self) -> bool:
        """Whether the AT port is open."""
        return self._session is not None

    @property
    def plugged_in(self) -> bool:
        """Whether the router is seen on USB, with whatever functions."""
        return self.plug.is_there

    @property
    def at_nodes(self) -> tuple[str, ...]:
        """Device nodes of the AT ports that are open, the command port first."""
        found = self._found
        nodes = (found.at_node, found.at_secondary_node) if found else ()
        return tuple(node for node in nodes if node)

    @property
    def session(self) -> AtSession:
        """The open AT ports.

        Raises:
            BenchError: They are not open.
        """
        if self._session is None:
            msg = f"{self.name}: the AT port is not open; is the router plugged in and on?"
            raise BenchError(msg)
        return self._session

    @property
    def driver(self) -> RouterDriver:
        """The driver of the open AT port.

        Raises:
            BenchError: The port is not open.
        """
        if self._driver is None:
            msg = f"{self.name}: the AT port is not open; is the router plugged in and on?"
            raise BenchError(msg)
        return self._driver

    def power_off(self, deadline: Deadline) -> None:
        """Cut the power and believe it when the router is seen to go.

        Raises:
            BenchError: There is no power strip, or the router stays.
        """
        self.disconnect()
        self.recording.untap_lan()
        strip, relay = self._power()
        strip.switch(relay, on=False, deadline=deadline)
        if not self.plug.wait_until_gone(deadline):
            msg = (
                f"{self.name}: outlet {relay} says it is off, but the router at "
                f"{self.router.usb_path} is still there after {deadline.waited_s:.1f} s; "
                "is it on another outlet, or does it run on its battery?"
            )
            raise BenchError(msg)
        self.lease = None
        self._found = None

    def power_on(self, deadline: Deadline) -> int:
        """Give power; return the moment, in monotonic nanoseconds.

        Raises:
            BenchError: There is no power strip, or it does not switch.
        """
        newest = newest_event(self.core, Deadline.after(_CHECK_S, self.clock))
        self.core_events_before = self.core_events_before if newest is None else newest
        strip, relay = self._power()
        start_ns = self.clock.monotonic_ns()
        strip.switch(relay, on=True, deadline=deadline)
        return start_ns

    def connect(self, deadline: Deadline) -> int | None:
        """Take the interface and open the AT ports as soon as they are there; None when too late.

        Raises:
            RouterError: A port is there and does not answer.
            BenchError: A port cannot be opened, or another router is plugged in.
        """
        found = self.plug.taken(self._adopt, deadline)
        if found is None:
            return None
        self._bound_generation = self.plug.generation
        session = open_session(
            found, self.name, self.model, transcript=self.recording.transcript, clock=self.clock
        )
        try:
            answered_ns = first_answer_ns(session, deadline)
            session.sync(deadline)
            driver = self.make_driver(session, self.model)
            driver.prepare(deadline)
            self._require_imei(driver, deadline)
        except BaseException:
            session.close()
            raise
        self._session, self._driver, self._found = session, driver, found
        return answered_ns

    def rebind(self, deadline: Deadline) -> Comeback:
        """Bind session, namespace and tap again to the router after it has gone by itself.

        Raises:
            RouterError: It is not back in time, is no router any more, or does not answer.
            BenchError: Another device is plugged in at its place, or a port cannot be opened.
        """
        self.disconnect()
        comeback = self.plug.wait_until_back(self._bound_generation, deadline)
        self.ensure_connected(deadline)
        return comeback

    def disconnect(self) -> None:
        """Close the AT ports; closing twice is allowed."""
        if self._session is not None:
            self._session.close()
        self._session = self._driver = None

    def identify(self, deadline: Deadline) -> Identity | None:
        """Return who the router says it is; None when it is off or does not answer.

        Raises:
            BenchError: Another router is plugged in, or a port cannot be opened.
        """
        if self.identity is None and self.plug.found() is not None:
            try:
                self.connect(deadline)
            except RouterError:
                return None  # the cases will say so, with an owner
        return self.identity

    def ensure_connected(self, deadline: Deadline) -> None:
        """Open the AT ports unless they are open.

        Raises:
            RouterError: The router does not answer.
            BenchError: Its ports are not there.
        """
        if not self.connected and self.connect(deadline) is None:
            found = self.plug.require()
            msg = f"{found.at_node} does not answer after {deadline.waited_s:.1f} s"
            raise RouterError(msg)

    def lease_address(self, deadline: Deadline) -> bool:
        """Get an address from the router as its user does; False when it offers none.

        One that the bench has is kept, and renewed when its time (T1, RFC 2131 4.4.5) has come.
        """
        if self.lease is not None and self._renew_at is not None and self._renew_at.passed:
            self._lease(self.lease, deadline.within(_RENEW_S))
        if self.lease is None:
            if bounced(self.namespace, LAN, deadline):
                self.recording.note(f"{LAN} of {self.name} was up without carrier; bounced", {})
            self._lease(None, deadline)
        return self.lease is not None

    def _lease(self, held: Lease | None, deadline: Deadline) -> None:
        try:
            self.lease = self.namespace.dhcp(deadline, LAN, held=held)
        except RouterError as exc:
            self.lease = None
            what = "more time for the address" if held else "address"
            self.recording.note(f"no {what} for {self.name}: {exc}", {})
            return
        self._renew_at = Deadline.after(self.lease.renew_s, self.clock)
        for finding in self.lease.findings:
            self.recording.note(f"DHCP of {self.name}: {finding}", {})

    def first_byte(self, deadline: Deadline) -> int:
        """Reach the test server through the router; return when its TCP handshake was done.

        Raises:
            BenchError: Nothing answers.
        """
        far_end = self.require_far_end()
        connection = self.namespace.connected(far_end.address, far_end.port, deadline)
        arrived_ns = self.clock.monotonic_ns()
        connection.close()
        return arrived_ns

    def require_far_end(self) -> FarEnd:
        """Return the test server.

        Raises:
            BenchError: This bench has none.
        """
        if self.far_end is None:
            msg = "lab.toml: uplink: there is none, so no test server is behind the carrier; add it"
            raise BenchError(msg)
        return self.far_end

    def capture_of(self, tap: Tap) -> str:
        """Return where the capture of a tap will be, relative to the run's directory."""
        return self.recording.capture_of(tap)

    def require_tap(self, name: str) -> Tap:
        """Return the tap `bench-end` or `seed` of the case that is being recorded.

        Raises:
            BenchError: There is none now.
        """
        return self.recording.require_tap(name)

    def tapped(
        self, name: str, ifname: str, *, where: Namespace | None = None
    ) -> AbstractContextManager[Tap]:
        """Record an interface of a namespace, the router's own unless told, for a while.

        Raises:
            BenchError: There is no such interface, or no case is being recorded.
        """
        return self.recording.tapped(name, ifname, where=where)

    def bench_problem(self) -> str | None:
        """Return what is wrong with the bench itself, in words; None when nothing is."""
        problem = self.recording.problem()
        servers = self.lease.servers if self.lease else ()
        if problem is None and len(servers) > 1:
            problem = (
                f"{len(servers)} DHCP servers answer at {self.name}: {', '.join(servers)}; "
                "is another router in the same switch?"
            )
        return problem

    def seed_addresses(self) -> SeedAddresses | None:
        """Return which addresses on the seed bearers are its own; None when nobody can tell."""
        deadline = Deadline.after(_CHECK_S, self.clock)
        return seed_addresses(
            self.core, self.router.imei, after=self.core_events_before, deadline=deadline
        )

    def server_seen_on_seed(self) -> Calls | None:
        """Return what the mirror port shows of its calls to the access server; None without one."""
        known = self.seed_addresses()
        return self.recording.server_seen_on_seed(known.own if known else None)

    def interface_present(self) -> bool:
        """Tell whether the router's network interface is in its namespace now."""
        return self.recording.interface_present()

    def uplink_works(self, deadline: Deadline) -> bool:
        """Tell whether the test server answers the bench itself on the far side."""
        far_end = self.require_far_end()
        try:
            far_end.namespace.connected(far_end.address, far_end.port, deadline).close()
        except BenchError:
            return False
        return True

    @contextmanager
    def recorded(self, result: ResultWriter, directory: Path) -> Iterator[None]:
        """Record AT lines and packets of one case into files of its own, and hand them in."""
        self.disconnect()
        with self.recording.begun(result, directory, before_end=self.disconnect):
            yield

    def _adopt(self, found: FoundRouter) -> None:
        """Take the router's network interface into its namespace, unless it is there already."""
        if self.interface_present() or found.ifname is None:
            return
        self.namespace.adopt(found.ifname, LAN)
        self.namespace.up(LAN)
        self.lease = None
        self.recording.tap_lan()
        self.recording.note(*self.plug.described(found))

    def _power(self) -> tuple[Strip, int]:
        if self.strip is None or self.router.relay is None:
            msg = (
                f"lab.toml: routers.{self.name}.relay: no outlet of a power strip feeds it; "
                "name one, or leave out the cases that need power"
            )
            raise BenchError(msg)
        return self.strip, self.router.relay

    def _require_imei(self, driver: RouterDriver, deadline: Deadline) -> None:
        self.identity = driver.identity(deadline)
        imei = self.identity.imei
        if imei != self.router.imei:
            msg = (
                f"lab.toml: routers.{self.name}.imei: the router at {self.router.usb_path} says "
                f"{masked(imei)}, not {masked(self.router.imei)}; another one is plugged in there"
            )
            self.recording.untap_lan()
            self.namespace.release(LAN)
            raise BenchError(msg)
