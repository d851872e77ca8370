"""What is recorded of one case on one router: AT lines, packets, and the files they become."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.core.clock import Clock
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.lab.host_watch import HostWatch
from harness.measure.calls import Calls, calls_to
from harness.measure.packets import Packets, joined
from harness.port.transcript import Transcript
from harness.procedure.surroundings import BENCH_END, KINDS, Surroundings
from harness.record.artifacts import DEFAULT_POLICY, shorten
from harness.record.at_lines import record_at_lines
from harness.record.result_writer import ResultWriter
from harness.userplane.namespace import Namespace
from harness.userplane.tap import Tap
from harness.userplane.throttle import Throttle
from harness.verdict.verdict import Verdict

LAN: Final = "lan0"
TAP: Final = "tap0"
TRANSCRIPT: Final = "at.txt"


@dataclass(slots=True, kw_only=True)
class Recording:
    """Transcript and taps of a router; a case is recorded between `begun` and its end.

    Attributes:
        name: The router's name in lab.toml.
        namespace: Its own network namespace on the bench.
        seed_tap: Namespace of the mirror port that shows the seed bearers, None without one.
        server_address: Address at which routers reach the access server.
        clock: Where time comes from.
        host: Knows when the host stood still or its clock was stepped, None when nobody looks.
        surroundings: Notes what went on around the router, None when nobody does.
        verdict: What the case came to, which says how much is kept; NONE until it is known.
        told: Numbers of the access server's events that the case has recorded itself.
        transcript: AT lines of the case that is being recorded, None when there is none.
    """

    name: str
    namespace: Namespace
    seed_tap: Namespace | None
    server_address: str | None
    clock: Clock
    host: HostWatch | None = None
    surroundings: Surroundings | None = None
    verdict: Verdict = Verdict.NONE
    told: set[int] = field(default_factory=set)
    transcript: Transcript | None = None
    _taps: dict[str, Tap] = field(default_factory=dict)
    _doubt: str | None = None
    _host_mark: int = 0
    _seed_packets: list[Packets] = field(default_factory=list)
    _directory: Path | None = None
    _result: ResultWriter | None = None

    @contextmanager
    def begun(
        self, result: ResultWriter, directory: Path, before_end: Callable[[], None]
    ) -> Iterator[None]:
        """Record AT lines and packets of one case into files of its own, and hand them in.

        Args:
            result: The case's result.
            directory: The run's directory.
            before_end: Called while the transcript can still be written to.
        """
        own = directory / f"{result.result_id:04d}-{self.name}"
        own.mkdir(parents=True)
        self._directory, self._result = own, result
        self._doubt = None
        self.verdict = Verdict.NONE
        self.told.clear()
        self._host_mark = self.host.count if self.host else 0
        with ExitStack() as stack:
            stack.callback(self._hand_in, result, own)
            if self.surroundings is not None:
                self.surroundings.begin()
                stack.callback(self.surroundings.hand_in, result, own, self.told)
            stack.callback(self._stop_taps)
            self.transcript = Transcript(own / TRANSCRIPT, clock=self.clock)
            stack.callback(self.transcript.close)
            stack.callback(before_end)
            if self.seed_tap is not None:
                self._taps["seed"] = Tap.start(self.seed_tap, TAP, path=own / "seed.pcapng")
            if self.interface_present():
                self.tap_lan()
            yield

    def note(self, text: str, data: Mapping[str, object]) -> None:
        """Write what the bench saw into the record of the case, if one is being recorded."""
        if self._result is not None:
            self._result.event("note", text, party=Party.BENCH, data=data)

    def tap_lan(self) -> None:
        """Tap the router's network interface, if a case is being recorded; each one has a file."""
        self.untap_lan()
        if self._directory is not None:
            number = len(list(self._directory.glob(f"{BENCH_END}-*.pcapng"))) + 1
            path = self._directory / f"{BENCH_END}-{number}.pcapng"
            self._taps[BENCH_END] = Tap.start(self.namespace, LAN, path=path)

    def untap_lan(self) -> None:
        """End the capture of the router's network interface, before it is made to go."""
        tap = self._taps.pop(BENCH_END, None)
        if tap is not None:
            self._end(BENCH_END, tap)

    def interface_present(self) -> bool:
        """Tell whether the router's network interface is in its namespace now."""
        return any(link.name == LAN for link in self.namespace.interfaces())

    def problem(self) -> str | None:
        """Return why what was recorded is not to be relied on; None when it is."""
        host_doubt = self.host.since(self._host_mark) if self.host else None
        return host_doubt or self._doubt

    def capture_of(self, tap: Tap) -> str:
        """Return where the capture of a tap will be, relative to the run's directory."""
        path = tap.path
        return "" if path is None else f"{path.parent.name}/{path.name}"

    def require_tap(self, name: str) -> Tap:
        """Return the tap `bench-end` or `seed` of the case that is being recorded.

        Raises:
            BenchError: There is none now.
        """
        if name not in self._taps:
            msg = f"{self.name}: there is no tap {name!r}; is its interface there?"
            raise BenchError(msg)
        return self._taps[name]

    @contextmanager
    def tapped(self, name: str, ifname: str, *, where: Namespace | None = None) -> Iterator[Tap]:
        """Record an interface of a namespace, the router's own unless told, for a while.

        Raises:
            BenchError: There is no such interface, or no case is being recorded.
        """
        if self._directory is None:
            msg = f"{self.name}: no case is being recorded"
            raise BenchError(msg)
        path = self._directory / f"{name}.pcapng"
        is_copy = ifname not in {LAN, TAP}
        with Tap.start(where or self.namespace, ifname, path=path, incoming_only=is_copy) as tap:
            yield tap

    def logged(self, throttle: Throttle) -> Throttle:
        """Return a throttle whose read-backs become a file of the case."""
        return throttle if self.surroundings is None else self.surroundings.logged(throttle)

    def server_seen_on_seed(self, own: Collection[str] | None) -> Calls | None:
        """Return what the mirror port shows of calls to the access server; None without one.

        Args:
            own: Addresses whose calls count; None: everybody's.
        """
        if "seed" not in self._taps or self.server_address is None:
            return None
        self._seed_packets.append(self._taps["seed"].poll())
        now_ns = self.clock.utc_us() * 1000
        return calls_to(joined(self._seed_packets), self.server_address, now_ns=now_ns, clients=own)

    def _hand_in(self, result: ResultWriter, own: Path) -> None:
        kinds = KINDS | {TRANSCRIPT: "at-transcript"}
        record_at_lines(result, own / TRANSCRIPT)
        for path in sorted(own.iterdir()):
            kind = "pcapng" if path.suffix == ".pcapng" else kinds.get(path.name, "file")
            result.artifact(path, kind, note=self._shortened(path))
        self._directory = self.transcript = self._result = None

    def _shortened(self, path: Path) -> str:
        """Keep as much of a file as the policy says; a damaged capture is evidence as it is."""
        try:
            return shorten(path, verdict=self.verdict, policy=DEFAULT_POLICY)
        except BenchError as exc:
            return str(exc)

    def _stop_taps(self) -> None:
        for name, tap in self._taps.items():
            self._end(name, tap)
        self._taps.clear()
        self._seed_packets.clear()

    def _end(self, name: str, tap: Tap) -> None:
        doubts = tap.stop().doubts
        tap.close()
        if doubts:
            self._doubt = f"the tap {name}: {'; '.join(doubts)}"
