"""The far end of a measurement: sends, takes, echoes, and refuses everything else.

`serve` runs it on sockets that are handed in (in a namespace of the virtual bench) or that `listen`
made (on any reachable host). A stranger gets a closed connection and not one byte.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import select
import socket
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError
from harness.core.units import BITS_PER_BYTE
from harness.userplane.tcpinfo import TcpInfo, read_tcp_info
from harness.userplane.testserver_limits import Limits, Nonces, check_limits
from harness.userplane.testserver_udp import UdpSide
from harness.userplane.testserver_wire import (
    LONGEST_LINE,
    TICKET_BYTES,
    Do,
    RefusedError,
    Request,
    check_token,
    read_request,
)

_BLOCK_BYTES: Final = 1 << 18
_PATIENCE_S: Final = 10.0
_REMEMBERED: Final = 1000
_INFO_S: Final = 2.0
_SO_MAX_PACING_RATE: Final = 47
TOKEN_VARIABLE: Final = "HARNESS_TESTSERVER_TOKEN"  # noqa: S105 - a name, not a token


class TestServer:
    """One test server on a listening TCP socket and a UDP socket of the same port.

    Args:
        listener: Listening TCP socket; closed by `close`.
        datagrams: Bound UDP socket; closed by `close`.
        token: Shared secret.
        limits: What it gives at most.
        clock: Where time comes from.
        log: Takes one line a request, refused ones with the reason.
    """

    __test__ = False  # pytest takes classes named Test... for its own

    def __init__(
        self,
        listener: socket.socket,
        datagrams: socket.socket,
        *,
        token: str,
        limits: Limits | None = None,
        clock: Clock | None = None,
        log: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._listener = listener
        self._token = check_token(token)
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._log = log
        self._nonces = Nonces(self._limits.nonces)
        self._infos: OrderedDict[str, TcpInfo] = OrderedDict()
        self._udp = UdpSide(datagrams, clock=self._clock)
        self._waiting: OrderedDict[socket.socket, None] = OrderedDict()
        self._slots = threading.BoundedSemaphore(self._limits.connections)
        self._lock = threading.Lock()
        self._finished = threading.Condition()
        self._wake, self._woken = socket.socketpair()
        self._block = memoryview(os.urandom(_BLOCK_BYTES))  # no link compresses this
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        """TCP and UDP port."""
        return int(self._listener.getsockname()[1])

    def start(self) -> Self:
        """Serve in threads of this process until `close`."""
        for target, name in ((self.serve, "testserver"), (self._udp.serve, "testserver-udp")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def serve(self) -> None:
        """Accept connections until `close`."""
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        self._listener.setblocking(False)
        while self._woken.fileno() not in dict(poller.poll()):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue
            self._let_wait(connection)
            name = f"testserver-{peer[0]}"
            threading.Thread(
                target=self._one, args=(connection, peer[0]), name=name, daemon=True
            ).start()

    def close(self) -> None:
        """Stop serving; transfers under way end at their own limit."""
        if self._wake.fileno() < 0:
            return
        self._wake.send(b"x")
        self._udp.close()
        for thread in self._threads:
            thread.join()
        self._udp.release()
        for each in (self._listener, self._wake, self._woken):
            each.close()

    def _let_wait(self, connection: socket.socket) -> None:
        """Give a connection time to ask; a crowd of silent ones cannot keep others out."""
        with self._lock:
            self._waiting[connection] = None
            if len(self._waiting) > self._limits.waiting:
                oldest, _ = self._waiting.popitem(last=False)
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)

    def _one(self, connection: socket.socket, peer: str) -> None:
        with connection:
            try:
                try:
                    nonce, request = self._admit(connection)
                finally:
                    with self._lock:
                        self._waiting.pop(connection, None)
                with self._slot():
                    self._log(f"{peer} {request.do} {request.total_bytes or request.packets}")
                    self._serve_one(connection, nonce, request)
            except RefusedError as exc:
                self._log(f"{peer} refused: {exc}")
            except OSError as exc:
                self._log(f"{peer} ended: {exc}")

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=False):
            msg = f"{self._limits.connections} transfers at once are this server's limit"
            raise RefusedError(msg)
        try:
            yield
        finally:
            self._slots.release()

    def _admit(self, connection: socket.socket) -> tuple[str, Request]:
        deadline = Deadline.after(_PATIENCE_S, self._clock)
        line = b""
        while not line.endswith(b"\n"):
            connection.settimeout(max(deadline.left_s, 0.001))
            # One byte at a time: what follows the line belongs to the transfer.
            byte = connection.recv(1)
            line += byte
            if not byte or len(line) > LONGEST_LINE:
                msg = f"no request in {len(line)} bytes"
                raise RefusedError(msg)
        nonce, request = read_request(line[:-1], self._token)
        check_limits(request, self._limits)
        with self._lock:
            self._nonces.take(nonce)
        return nonce, request

    def _serve_one(self, connection: socket.socket, nonce: str, request: Request) -> None:
        if request.do in {Do.TRAIN, Do.ECHO}:
            ticket = secrets.token_bytes(TICKET_BYTES)
            self._udp.promise(ticket, request)
            connection.sendall(ticket)
            return
        if request.do is Do.INFO:
            # The transfer's own thread may not have seen its end yet.
            with self._finished:
                self._finished.wait_for(lambda: request.about in self._infos, timeout=_INFO_S)
                info = self._infos.get(request.about)
            answer = info.as_fields() if info else {}
            connection.sendall(json.dumps(answer).encode())
            return
        if request.congestion:
            connection.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_CONGESTION, request.congestion.encode()
            )
        rate_bps = request.pacing_bps or self._limits.rate_bps
        if rate_bps:
            # 64 bits since Linux 4.20; an int of 32 would end at 17 Gbit/s.
            rate = struct.pack("=Q", rate_bps // BITS_PER_BYTE)
            connection.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)
        try:
            if request.do is Do.SEND:
                self._send(connection, request)
            else:
                self._receive(connection, request)
        finally:
            self._remember(nonce, read_tcp_info(connection))

    def _send(self, connection: socket.socket, request: Request) -> None:
        deadline = Deadline.after(request.longest_s, self._clock)
        left = request.total_bytes
        while left > 0 and not deadline.passed:
            connection.settimeout(max(deadline.left_s, 0.001))
            left -= connection.send(self._block[: min(left, _BLOCK_BYTES)])
        connection.shutdown(socket.SHUT_WR)
        # Wait for the client's own end, so that TCP_INFO is that of a finished transfer.
        connection.settimeout(max(deadline.left_s, 0.001))
        connection.recv(1)

    def _receive(self, connection: socket.socket, request: Request) -> None:
        deadline = Deadline.after(request.longest_s, self._clock)
        buffer = bytearray(_BLOCK_BYTES)
        got = 0
        while got < request.total_bytes and not deadline.passed:
            connection.settimeout(max(deadline.left_s, 0.001))
            count = connection.recv_into(buffer)
            if not count:
                break
            got += count
        connection.sendall(json.dumps({"got_bytes": got}).encode())

    def _remember(self, nonce: str, info: TcpInfo) -> None:
        with self._finished:
            self._finished.notify_all()
            self._infos[nonce] = info
            if len(self._infos) > _REMEMBERED:
                self._infos.popitem(last=False)


def listen(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return a listening TCP socket and a UDP socket of the same port.

    Raises:
        BenchError: The address is not one of this host's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    datagrams = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        datagrams.bind((address, listener.getsockname()[1]))
    except OSError as exc:
        listener.close()
        datagrams.close()
        msg = f"test server cannot listen on {address} port {port}: {exc.strerror}"
        raise BenchError(msg) from exc
    return listener, datagrams


def main() -> None:
    """Serve on a listener and a UDP socket that were inherited (`--fds 3,4`), until killed.

    The token comes by environment, because a command line is readable by everybody on a host.
    """
    parser = argparse.ArgumentParser(prog="harness.userplane.testserver")
    parser.add_argument("--fds", required=True)
    listener, datagrams = (
        socket.socket(fileno=int(fd)) for fd in parser.parse_args().fds.split(",")
    )
    with TestServer(listener, datagrams, token=os.environ.get(TOKEN_VARIABLE, "")):
        threading.Event().wait()


if __name__ == "__main__":
    main()
