"""Netlink framing (RFC 3549): messages and attributes to bytes and back, one socket to speak it.

pyroute2 0.9.7 takes a second to import where the whole broker starts in 0.07 s, wants a name for
a namespace where ours are only descriptors, and sends one request at a time. What a router needs
takes it 44 to 73 ms, this layer 41 ms with a tap and everything read back, nearly all of it the
kernel's grace periods; `tests/bench/bench_userplane.py` prints both from one run.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

NETLINK_ROUTE: Final = 0

REQUEST: Final = 0x1
ACK: Final = 0x4
REPLACE: Final = 0x100
EXCLUSIVE: Final = 0x200
DUMP: Final = 0x300
CREATE: Final = 0x400

_ERROR: Final = 2
_DONE: Final = 3
_SOL_NETLINK: Final = 270
_CAP_ACK: Final = 10
_EXT_ACK: Final = 11
_EXT_ACK_TEXT: Final = 1
_FLAG_NESTED: Final = 0x8000
_FLAG_CAPPED: Final = 0x100
_TYPE_MASK: Final = 0x3FFF
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_RECEIVE_BYTES: Final = 1 << 18
_BATCH: Final = 60
"""Requests in one datagram; their acknowledgements fit into the default receive buffer."""


class NetlinkError(OSError):
    """The kernel said no to a request; `errno` is its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One message from the kernel.

    Attributes:
        kind: Message type, such as RTM_NEWLINK.
        body: Everything after the netlink header.
    """

    kind: int
    body: bytes


def attribute(kind: int, value: bytes | int | str) -> bytes:
    """Write one attribute; a number is 32 bits wide, text ends with a zero byte."""
    if isinstance(value, str):
        value = value.encode() + b"\0"
    elif isinstance(value, int):
        value = struct.pack("=I", value)
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(-length % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Write an attribute that holds attributes."""
    return attribute(kind | _FLAG_NESTED, b"".join(attributes))


def message(kind: int, body: bytes, *, flags: int = 0) -> bytes:
    """Write one request; its sequence number is given when it is sent."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | REQUEST, 0, 0) + body


def attributes_of(data: bytes) -> dict[int, bytes]:
    """Read attributes; the last one of a kind wins, what is cut off is left out."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            break
        found[kind & _TYPE_MASK] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found


def text_of(value: bytes) -> str:
    """Read a text attribute."""
    return value.rstrip(b"\0").decode(errors="replace")


def _split(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield kind, flags, sequence, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def replies_of(data: bytes) -> list[Reply]:
    """Split a datagram of a monitor socket into its messages."""
    return [Reply(kind=kind, body=body) for kind, _, _, body in _split(data)]


def _error_of(body: bytes, flags: int) -> NetlinkError | None:
    (code,) = struct.unpack_from("=i", body)
    if code == 0:
        return None
    (echoed,) = struct.unpack_from("=I", body, 4)
    skip = 4 + (_HEADER.size if flags & _FLAG_CAPPED else (echoed + 3) & ~3)
    detail = attributes_of(body[skip:]).get(_EXT_ACK_TEXT)
    text = os.strerror(-code) + (f" ({text_of(detail)})" if detail else "")
    return NetlinkError(-code, text)


class NetlinkSocket:
    """A netlink socket of one namespace: asks, and (in the broker) performs.

    Any thread may call; a request and its answer belong together.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._sequence = 0
        sock.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        sock.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def _numbered(self, request: bytes, extra_flags: int) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        length, kind, flags, _, _ = _HEADER.unpack_from(request)
        head = _HEADER.pack(length, kind, flags | extra_flags, self._sequence, 0)
        return head + request[_HEADER.size :]

    def perform(self, requests: Iterable[bytes]) -> None:
        """Send requests that change something and wait for the kernel's word on each.

        Raises:
            NetlinkError: One of them was refused; those after it in the same 60 were tried, too.
        """
        waiting = list(requests)
        while waiting:
            batch, waiting = waiting[:_BATCH], waiting[_BATCH:]
            with self._lock:
                first = self._sequence + 1
                self._sock.send(b"".join(self._numbered(request, ACK) for request in batch))
                refused = self._acknowledged(first, len(batch))
            if refused is not None:
                raise refused

    def _acknowledged(self, first: int, count: int) -> NetlinkError | None:
        refused: NetlinkError | None = None
        while count:
            for kind, flags, sequence, body in _split(self._sock.recv(_RECEIVE_BYTES)):
                if kind != _ERROR or sequence < first:
                    continue
                count -= 1
                refused = refused or _error_of(body, flags)
        return refused

    def ask(self, request: bytes, *, dump: bool = False) -> list[Reply]:
        """Send a request that only reads and return the answer; it needs no privilege.

        Raises:
            NetlinkError: The kernel refused it, for instance because there is no such interface.
        """
        with self._lock:
            self._sock.send(self._numbered(request, DUMP if dump else 0))
            return self._answers(dump=dump)

    def _answers(self, *, dump: bool) -> list[Reply]:
        """Read the answer to the last request."""
        mine = self._sequence
        answers: list[Reply] = []
        while True:
            for kind, flags, sequence, body in _split(self._sock.recv(_RECEIVE_BYTES)):
                if sequence != mine:
                    continue
                if kind == _DONE:
                    return answers
                if kind == _ERROR:
                    error = _error_of(body, flags)
                    if error is not None:
                        raise error
                    return answers
                answers.append(Reply(kind=kind, body=body))
            if answers and not dump:
                return answers
