"""The harness's side of the broker: start it, ask it, get namespaces and sockets from it."""

from __future__ import annotations

import binascii
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError
from harness.userplane import broker_wire, links
from harness.userplane.links import InterfaceGoneError
from harness.userplane.namespace import MARK, Namespace
from harness.userplane.netlink import NETLINK_ROUTE, NetlinkSocket

_START_S: Final = 60.0
_ANSWER_S: Final = 10.0
_FIRST: Final = 0
_SWITCHES: Final = (
    ("kernel/unprivileged_userns_clone", "0"),
    ("user/max_user_namespaces", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
)
"""Kernel settings that forbid an ordinary user a namespace, each with its forbidding value."""


@dataclass(slots=True, kw_only=True)
class SpawnedProcess:
    """A program that runs in the broker's first namespace and ends with the broker.

    Attributes:
        pid: Process id as this process sees it.
        stdin: What the program reads.
        stdout: What the program writes.
        pidfd: Becomes readable when the program has ended.
        broker: Who started it.
    """

    pid: int
    stdin: BinaryIO
    stdout: BinaryIO
    pidfd: int
    broker: Broker

    def ended(self, wait_s: float = 0.0) -> bool:
        """Wait at most `wait_s` seconds for the end; tell whether it has come."""
        return bool(select.select([self.pidfd], [], [], wait_s)[0])

    def returncode(self) -> int | None:
        """Return how it ended (negative: by that signal), or None while it runs."""
        code: int | None = self.broker.ask({"do": "reap", "pid": self.pid})[0]["returncode"]
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens if it has ended."""
        self.broker.ask({"do": "signal", "pid": self.pid, "signal": number})

    def close(self, wait_s: float = 5.0) -> int | None:
        """Close its standard input, wait, then kill; return how it ended."""
        if self.pidfd < 0:
            return None
        self.stdin.close()
        if not self.ended(wait_s):
            self.send_signal(signal.SIGKILL)
            self.ended(wait_s)
        code = self.returncode()
        self.stdout.close()
        os.close(self.pidfd)
        self.pidfd = -1
        return code


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """Something an earlier run left behind, and what was done about it."""

    name: str
    done: str


class Broker:
    """A running broker process; usable from any thread, one request at a time."""

    def __init__(
        self, process: subprocess.Popen[bytes], sock: socket.socket, hello: dict[str, Any]
    ) -> None:
        self._process = process
        self._sock = sock
        self._lock = threading.Lock()
        self._closed = False
        self._namespaces: list[Namespace] = []
        self.pid: int = hello["pid"]
        self.in_user_namespace: bool = hello["user_namespace"]
        self.first = Namespace(broker=self, number=_FIRST, fd=hello["fd"], name="first")

    @classmethod
    def start(
        cls, *, private: bool, clock: Clock | None = None, join_pid: int | None = None
    ) -> Self:
        """Start the broker process.

        Args:
            private: Make a network namespace that has nothing to do with the host's (virtual
                bench); otherwise work in the host's own, which needs root.
            clock: Where time comes from.
            join_pid: Work in the namespaces of this process instead (a bench started by hand).

        Raises:
            BenchError: It did not start; the message says what to change on the host.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kind = "private" if private else "host"
        argv = [sys.executable, "-m", "harness.userplane.broker_main"]
        argv += [str(theirs.fileno()), kind, "-" if join_pid is None else str(join_pid)]
        process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        deadline = Deadline.after(_START_S, clock or SystemClock())
        ours.settimeout(_START_S)
        try:
            received = broker_wire.receive(ours)
        except TimeoutError:
            received = None
        if received is None or "error" in received[0]:
            ours.close()
            process.kill()
            process.wait()
            waited = f"no word from the broker after {deadline.waited_s:.1f} s"
            msg = waited if received is None else _refusal(received[0], join_pid=join_pid)
            raise BenchError(msg)
        ours.settimeout(_ANSWER_S)
        return cls(process, ours, received[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the broker: every interface goes back, every program it started is killed."""
        if self._closed:
            return
        self._closed = True
        for namespace in [self.first, *self._namespaces]:
            namespace.forget()
        self._sock.close()
        try:
            self._process.wait(_ANSWER_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(
        self, request: dict[str, Any], descriptors: Sequence[int] = ()
    ) -> tuple[dict[str, Any], list[int]]:
        """Send one request and return the answer with its descriptors.

        Raises:
            InterfaceGoneError: The kernel knows no such interface.
            BenchError: The kernel refused it, or the broker is gone.
        """
        try:
            with self._lock:
                broker_wire.send(self._sock, request, descriptors)
                received = broker_wire.receive(self._sock)
        except OSError as error:
            msg = f"broker: {error} at {request['do']!r}; was it killed? start the run again"
            raise BenchError(msg) from error
        if received is None:
            msg = f"broker: ended at {request['do']!r}; was it killed? start the run again"
            raise BenchError(msg)
        if "error" in received[0]:
            raise _refused(request, received[0])
        return received

    def perform(self, number: int, requests: Iterable[bytes]) -> None:
        """Have netlink requests sent in a namespace.

        Raises:
            InterfaceGoneError: The interface they are for is gone.
            BenchError: The kernel refused one.
        """
        texts = [binascii.b2a_base64(request, newline=False).decode() for request in requests]
        self.ask({"do": "netlink", "namespace": number, "requests": texts})

    def open_socket(
        self,
        number: int,
        family: int,
        kind: int,
        proto: int = 0,
        *,
        bind: tuple[Any, ...] | None = None,
    ) -> socket.socket:
        """Open a socket in a namespace; it stays there wherever it is used.

        Raises:
            BenchError: The kernel refused it, for instance an address in use.
        """
        request = {"do": "socket", "namespace": number, "family": int(family)}
        request |= {"type": int(kind), "proto": int(proto), "bind": bind}
        _, descriptors = self.ask(request)
        return socket.socket(fileno=descriptors[0])

    def reader(self, number: int) -> NetlinkSocket:
        """Return a netlink socket of a namespace that can read everything and change nothing."""
        sock = self.open_socket(
            number, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE, bind=(0, 0)
        )
        return NetlinkSocket(sock)

    def namespace(self, name: str) -> Namespace:
        """Make a namespace for one router.

        Args:
            name: The router's name in `lab.toml`, for messages.
        """
        answer, _ = self.ask({"do": "namespace"})
        namespace = Namespace(broker=self, number=answer["namespace"], fd=answer["fd"], name=name)
        self._namespaces.append(namespace)
        return namespace

    def drop(self, number: int) -> None:
        """Let a namespace go; with the broker gone, it is gone already."""
        if not self._closed and self._process.poll() is None:
            self.ask({"do": "drop", "namespace": number})

    def spawn(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, *, stderr: Path
    ) -> SpawnedProcess:
        """Run a program in the first namespace; it is killed when the broker ends.

        Args:
            argv: Program and arguments.
            env: Its environment; None means this process's.
            stderr: File that its standard error is added to.
        """
        their_in, our_in = os.pipe()
        our_out, their_out = os.pipe()
        with stderr.open("ab") as errors:
            fds = [their_in, their_out, errors.fileno()]
            request = {"do": "spawn", "argv": list(argv), "env": dict(env or os.environ)}
            try:
                answer, descriptors = self.ask(request, fds)
            except BenchError:
                os.close(our_in)
                os.close(our_out)
                raise
            finally:
                os.close(their_in)
                os.close(their_out)
        return SpawnedProcess(
            pid=answer["pid"],
            stdin=os.fdopen(our_in, "wb", buffering=0),
            stdout=os.fdopen(our_out, "rb"),
            pidfd=descriptors[0],
            broker=self,
        )

    def sweep(self) -> list[Swept]:
        """Give interfaces their names back that a killed run left in the first namespace.

        When a broker is killed the kernel itself puts hardware back, but under the name it had in
        the router's namespace; the text on the interface says what it was called before.
        """
        swept: list[Swept] = []
        for link in self.first.interfaces():
            if not link.alias.startswith(MARK):
                continue
            old = link.alias.removeprefix(MARK)
            down = links.set_up(link.index, up=False)
            try:
                self.perform(_FIRST, [down, links.rename(link.index, name=old, alias="")])
            except BenchError:
                swept.append(Swept(name=link.name, done=f"left so: another one is called {old}"))
                continue
            swept.append(Swept(name=link.name, done=f"renamed to {old}"))
        return swept


def _refused(request: dict[str, Any], answer: dict[str, Any]) -> BenchError:
    where = request.get("ifname") or f"namespace {request.get('namespace', _FIRST)}"
    what = f"{request['do']}: {where}: {answer['error']}"
    if answer["errno"] in {errno.ENODEV, errno.ENXIO}:
        return InterfaceGoneError(f"{what}; is the router still plugged in?")
    return BenchError(what)


def _refusal(answer: dict[str, Any], *, join_pid: int | None) -> str:
    why = answer["error"]
    if join_pid is not None:
        return f"broker: cannot enter the namespaces of process {join_pid}: {why}; whose is it?"
    cures = []
    for name, forbids in _SWITCHES:
        path = Path("/proc/sys", name)
        if path.exists() and path.read_text(encoding="ascii").strip() == forbids:
            cures.append(f"sysctl {name.replace('/', '.')} is {forbids}")
    cure = "; ".join(cures) or "a container may forbid it (seccomp: unshare)"
    return (
        f"broker: neither root nor a user namespace is to be had here ({why}): {cure}; "
        "run as root, or allow unprivileged user namespaces"
    )
