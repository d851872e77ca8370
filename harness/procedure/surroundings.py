"""What went on around a router during a case: USB, the kernel, the access server, shapers.

Each becomes a file beside transcript and captures: evidence as it came, of whoever said it. What
cannot be had is said in a note; it keeps no case from its verdict.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from harness.cloud.adapter import LOG, CloudAdapter
from harness.cloud.event_log import each_event
from harness.cloud.model import ServerEvent, Sim
from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError, HarnessError
from harness.core.party import Party
from harness.lab.kernel_log import KernelLog
from harness.lab.source import Change, DeviceSource
from harness.procedure.burnt import burnt_by_use, packets_of
from harness.procedure.cards import Held, cards_held
from harness.record.result_writer import ResultWriter
from harness.userplane.throttle import State, Throttle
from harness.userplane.throttle_logged import LoggedThrottle

KERNEL_LOG: Final = "kernel.txt"
UDEV_LOG: Final = "udev.jsonl"
SERVER_LOG: Final = "server.jsonl"
SHAPER_LOG: Final = "shaper.jsonl"
BENCH_END: Final = "bench-end"
"""First part of the names of the captures at the router's own interface."""
KINDS: Final = {
    KERNEL_LOG: "kernel-log",
    UDEV_LOG: "udev-log",
    SERVER_LOG: "server-log",
    SHAPER_LOG: "shaper-readback",
}
_ASK_S: Final = 3.0


@dataclass(slots=True, kw_only=True)
class Surroundings:
    """Notes what goes on around one router, from `begin` until `hand_in`.

    Attributes:
        usb_path: Where the router is plugged in.
        imei: The router.
        source: What is plugged in.
        cloud: Lab side of the access server.
        clock: Where time comes from.
    """

    usb_path: str
    imei: str
    source: DeviceSource
    cloud: CloudAdapter
    clock: Clock
    _begun_ns: int = 0
    _last_event: int = 0
    _kernel: KernelLog | None = None
    _missing: list[str] = field(default_factory=list)
    _shaper: list[dict[str, object]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Start to take notes."""
        self._begun_ns = self.clock.monotonic_ns()
        self._missing.clear()
        self._shaper.clear()
        try:
            self._kernel = KernelLog()
        except BenchError as exc:
            self._missing.append(str(exc))

    def logged(self, throttle: Throttle) -> Throttle:
        """Return a throttle whose read-backs are noted."""
        return LoggedThrottle(throttle, self._note_shaper)

    def _note_shaper(self, done: str, where: str, state: State) -> None:
        entry = {"t_ns": self.clock.monotonic_ns(), "done": done, "where": where}
        with self._lock:
            self._shaper.append(entry | asdict(state))

    def hand_in(self, result: ResultWriter, own: Path, told: Collection[int] = ()) -> None:
        """Write what was noted into a case's directory, and what happened into its record.

        Args:
            result: The case's result.
            own: The case's directory.
            told: Numbers of the access server's events that are in the record already.
        """
        self._write_kernel_log(own)
        self._write_udev_log(result, own)
        self._write_server_log(result, own, told)
        with self._lock:
            _write(own / SHAPER_LOG, map(_json, self._shaper))
        for text in self._missing:
            result.event("note", text, party=Party.BENCH)

    def _write_kernel_log(self, own: Path) -> None:
        if self._kernel is not None:
            with self._kernel as log:
                _write(own / KERNEL_LOG, log.lines())
            self._kernel = None

    def _write_udev_log(self, result: ResultWriter, own: Path) -> None:
        changes = [
            change
            for change in self.source.changes(self._begun_ns)
            if change.function.usb_path == self.usb_path
        ]
        for change in changes:
            result.event("udev", _words(change), t_ns=change.t_ns, party=Party.BENCH)
        _write(own / UDEV_LOG, (_json(asdict(change)) for change in changes))

    def _write_server_log(self, result: ResultWriter, own: Path, told: Collection[int]) -> None:
        """Write what the access server logged of this router since the last case."""
        if LOG not in self.cloud.capabilities:
            return
        deadline = Deadline.after(_ASK_S, self.clock)
        try:
            log = each_event(self.cloud, after=self._last_event, imei=self.imei, deadline=deadline)
            events = list(log)
            ahead_us = self.cloud.utc_us(deadline) - self.clock.monotonic_ns() // 1000
            router = self.cloud.router(self.imei, deadline)
            sims = {sim.iccid: sim for sim in self.cloud.sims(deadline)}
        except HarnessError as exc:
            self._missing.append(f"the access server's log of this case is not here: {exc}")
            return
        self._last_event = max((event.seq for event in events), default=self._last_event)
        _write(own / SERVER_LOG, (event.model_dump_json(exclude_none=True) for event in events))
        now_ns = self.clock.monotonic_ns()
        timed = [((event.utc_us - ahead_us) * 1000, event) for event in events]
        for t_ns, event in timed:
            # A case may have set the server's clock; the file has what the time-line cannot place.
            if event.seq not in told and self._begun_ns <= t_ns <= now_ns:
                write_server_event(result, event, t_ns)
        held = cards_held(
            ((min(t_ns, now_ns), event) for t_ns, event in timed),
            begun_ns=self._begun_ns,
            now=router.iccid if router else None,
        )
        self._write_cards(result, own, held, sims)

    def _write_cards(
        self, result: ResultWriter, own: Path, held: Sequence[Held], sims: Mapping[str, Sim]
    ) -> None:
        """Write which cards the router acted as, and what the tap saw it burn of each."""
        epoch_ns = self.clock.utc_us() * 1000 - self.clock.monotonic_ns()
        captures = sorted(own.glob(f"{BENCH_END}-*.pcapng"))
        burnt = burnt_by_use(packets_of(captures), held, epoch_ns=epoch_ns)
        for use, burnt_bytes in zip(held, burnt, strict=True):
            sim = sims.get(use.iccid)
            imsi, carrier, plmn = (sim.imsi, sim.carrier, sim.plmn) if sim else ("", "", "")
            result.sim_use(
                use.iccid,
                imsi,
                carrier,
                plmn,
                start_ns=use.start_ns,
                end_ns=use.end_ns,
                burnt_bytes=burnt_bytes if captures else None,
            )


def write_server_event(result: ResultWriter, event: ServerEvent, t_ns: int) -> None:
    """Write an event of the access server into a record, at a moment of the bench's clock."""
    result.event(
        "server",
        event.kind,
        t_ns=t_ns,
        utc_us=event.utc_us,
        party=Party.ACCESS_SERVER,
        data={"iccid": event.iccid, "carrier": event.carrier, "detail": event.detail},
    )


def _words(change: Change) -> str:
    """Say what came or went, for example `add tty /dev/ttyUSB2`."""
    function = change.function
    name = function.node or function.ifname or function.product or function.usb_path
    return f"{change.action} {function.subsystem} {name}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, lines: Iterable[str]) -> None:
    """Write lines into a file; without any there is no file."""
    text = "".join(f"{line}\n" for line in lines)
    if text:
        path.write_text(text, encoding="utf-8")
