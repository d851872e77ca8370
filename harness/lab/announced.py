"""A bench that announces itself: one JSON line with everything, then one a change.

The virtual bench speaks so; its README has the format. To the harness it is one more source of
descriptions, beside udev.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError
from harness.lab.description import Function, function_from_json
from harness.lab.source import Change, Plugged

T = TypeVar("T")


class _Part(BaseModel):
    """A part of the announcement; keys that we do not know are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AnnouncedService(_Part):
    """An HTTP service of the announced bench.

    Attributes:
        url: Where its lab side answers.
        ca_file: CA certificate to trust.
        token: Bearer token.
        device_address: Address at which routers reach it.
    """

    url: str
    ca_file: Path | None = None
    token: str | None = None
    device_address: str | None = None


class AnnouncedTap(_Part):
    """A mirror port of the announced bench.

    Attributes:
        name: What it shows.
        ifname: Its network interface.
    """

    name: str
    ifname: str


class AnnouncedUplink(_Part):
    """The bench's leg on the far side.

    Attributes:
        ifname: Its network interface.
        address: Address with prefix length.
        gateway: Next hop.
        dns: Resolver.
    """

    ifname: str
    address: str
    gateway: str
    dns: str | None = None


class Announcement(_Part):
    """The first line.

    Attributes:
        version: Version of the format; 1.
        access_server: Lab side of the access server.
        core_network: Remote interface of the core network.
        power: The power strip.
        taps: Mirror ports.
        uplink: The bench's leg on the far side.
        conditions: What the virtual world runs under; goes to the record as it is.
        usb: On a real USB bus: where each of its own paths is plugged in.
    """

    version: int
    access_server: AnnouncedService
    core_network: AnnouncedService | None = None
    power: AnnouncedService | None = None
    taps: tuple[AnnouncedTap, ...] = ()
    uplink: AnnouncedUplink | None = None
    conditions: Mapping[str, Any] = {}
    usb: Mapping[str, str] = {}


def read_announcement(line: bytes) -> tuple[Announcement, tuple[Function, ...]]:
    """Read the first line of a bench that announces itself.

    Raises:
        BenchError: It is not such a line, or of another version.
    """
    try:
        value = json.loads(line)
        if not isinstance(value, dict) or value.get("version") != 1:
            msg = f"the virtual bench announced {line[:200]!r}, not version 1 of its description"
            raise BenchError(msg)
        server = value.get("access_server")
        if isinstance(server, dict):
            server.setdefault("url", server.get("lab_url"))
        functions = tuple(function_from_json(item) for item in value.get("devices", ()))
        return Announcement.model_validate(value), functions
    except (ValueError, ValidationError) as exc:
        msg = f"the virtual bench announced something else than its description: {exc}"
        raise BenchError(msg) from None


class AnnouncedSource:
    """Keeps what is plugged in up to date from the lines that follow the announcement.

    Attributes:
        announcement: The first line.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        on_log: Callable[[str, str], None],
        clock: Clock | None = None,
    ) -> None:
        """Read the announcement and follow the stream in a thread of its own.

        Args:
            stream: Standard output of the virtual bench.
            on_log: Called with party and text of each log line, in that thread.
            clock: Where time comes from; None is the host's.

        Raises:
            BenchError: The stream ended, or its first line is no announcement.
        """
        line = stream.readline()
        if not line:
            msg = "the virtual bench ended before it was ready; its own messages are above"
            raise BenchError(msg)
        self.announcement, functions = read_announcement(line)
        self._plugged = Plugged(functions, clock)
        self._on_log = on_log
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._follow, args=(stream,), name="announced-bench", daemon=True
        )
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the bench has closed its stream: it is gone."""
        return self._ended.is_set()

    def functions(self) -> tuple[Function, ...]:
        """Return every function that is there now."""
        return self._plugged.functions()

    def generation(self, usb_path: str) -> int:
        """Return how often a device has appeared at a path since this source was opened."""
        return self._plugged.generation(usb_path)

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Wait until `found` makes something of what is plugged in; None when time is over."""
        return self._plugged.wait(found, deadline)

    def changes(self, since_ns: int) -> tuple[Change, ...]:
        """Return what came and went since a moment of the monotonic clock, oldest first."""
        return self._plugged.changes(since_ns)

    def join(self, deadline: Deadline) -> None:
        """Wait for the end of the stream."""
        self._thread.join(deadline.left_s)

    def _follow(self, stream: BinaryIO) -> None:
        for line in stream:
            self._take(line)
        self._ended.set()

    def _take(self, line: bytes) -> None:
        """Take one line; what is no event of ours is told to the log, never dropped."""
        try:
            event = json.loads(line)
            kind = event["event"]
            if kind == "add":
                self._plugged.add(function_from_json(event["device"]))
            elif kind == "remove":
                self._plugged.remove(function_from_json(event["device"]))
            elif kind == "log":
                self._on_log(str(event["party"]), str(event["text"]))
            else:
                self._on_log("bench", f"unknown event: {line!r}")
        except (ValueError, KeyError, TypeError, BenchError) as exc:
            self._on_log("bench", f"unreadable event {line[:200]!r}: {exc}")
