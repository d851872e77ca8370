"""The UDP side of the test server: trains and echoes, for holders of a ticket only.

An echo is as long as its question, and a train goes only to where its ticket came from: a forged
source address gains nothing.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Final

from harness.core.clock import Clock, Deadline
from harness.core.units import BITS_PER_BYTE
from harness.userplane.testserver_wire import (
    DATAGRAM,
    DATAGRAM_MARK,
    TICKET_BYTES,
    UDP_HEADERS,
    Do,
    Request,
)

Peer = tuple[str, int] | tuple[str, int, int, int]

_LARGEST: Final = 2048
_ECHO_STAMP: Final = struct.Struct("!Q")
_PROMISE_S: Final = 30.0
_GROUP_S: Final = 0.0005
_PROMISES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    request: Request
    until: Deadline


class UdpSide:
    """Serves tickets that `promise` announced.

    Args:
        datagrams: Bound UDP socket; closed by `close`.
        clock: Where time comes from.
    """

    def __init__(self, datagrams: socket.socket, *, clock: Clock) -> None:
        self._socket = datagrams
        self._clock = clock
        self._lock = threading.Lock()
        self._promises: dict[bytes, _Promise] = {}
        self._echoes: dict[Peer, Deadline] = {}
        self._wake, self._woken = socket.socketpair()
        self._closing = threading.Event()

    def promise(self, ticket: bytes, request: Request) -> None:
        """Serve `request` to whoever sends `ticket` within half a minute."""
        until = Deadline.after(_PROMISE_S, self._clock)
        with self._lock:
            self._promises = {t: p for t, p in self._promises.items() if not p.until.passed}
            if len(self._promises) < _PROMISES:
                self._promises[ticket] = _Promise(request=request, until=until)

    def serve(self) -> None:
        """Answer datagrams until `close`."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        poller.register(self._woken, select.POLLIN)
        self._socket.setblocking(False)
        while self._woken.fileno() not in dict(poller.poll()):
            try:
                data, peer = self._socket.recvfrom(_LARGEST)
            except OSError:
                continue  # an ICMP error of an earlier peer, or nothing there after all
            self._answer(data, peer)

    def close(self) -> None:
        """Stop serving; trains under way stop as well."""
        if not self._closing.is_set() and self._wake.fileno() >= 0:
            self._closing.set()
            self._wake.send(b"x")

    def release(self) -> None:
        """Close the sockets, once nobody serves any more."""
        for each in (self._socket, self._wake, self._woken):
            each.close()

    def _answer(self, data: bytes, peer: Peer) -> None:
        if len(data) == TICKET_BYTES:
            with self._lock:
                promise = self._promises.pop(data, None)
            if promise is None or promise.until.passed:
                return
            if promise.request.do is Do.TRAIN:
                threading.Thread(
                    target=self._train, args=(promise.request, peer), daemon=True
                ).start()
            else:
                self._echoes = {p: d for p, d in self._echoes.items() if not d.passed}
                self._echoes[peer] = Deadline.after(promise.request.longest_s, self._clock)
                self._to(data, peer)
        elif data.startswith(DATAGRAM_MARK) and len(data) >= DATAGRAM.size + _ECHO_STAMP.size:
            until = self._echoes.get(peer)
            if until is not None and not until.passed:
                stamp = _ECHO_STAMP.pack(self._clock.monotonic_ns())
                head = data[: DATAGRAM.size]
                self._to(head + stamp + data[DATAGRAM.size + _ECHO_STAMP.size :], peer)

    def _train(self, request: Request, peer: Peer) -> None:
        """Send numbered datagrams at the asked rate, whatever becomes of them."""
        fill = bytes(request.packet_bytes - UDP_HEADERS - DATAGRAM.size)
        packet_s = request.packet_bytes * BITS_PER_BYTE / request.pacing_bps
        started = Deadline.after(request.longest_s, self._clock)
        number = 0
        while number < request.packets and not started.passed and not self._closing.is_set():
            due_s = number * packet_s - started.waited_s
            if due_s > _GROUP_S / 2:
                self._clock.sleep(due_s)
            now_ns = self._clock.monotonic_ns()
            self._to(DATAGRAM.pack(DATAGRAM_MARK, number, now_ns) + fill, peer)
            number += 1

    def _to(self, data: bytes, peer: Peer) -> None:
        try:
            self._socket.sendto(data, peer)
        except OSError:
            return  # a datagram may be lost anywhere; here as well
