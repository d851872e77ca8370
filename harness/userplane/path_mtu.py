"""The longest packet that a path carries (RFC 8899), asked with echoes of the test server.

A path that loses what is long and tells nobody (RFC 2923: an MTU black hole) lets a handshake
through and no download. The test server answers an echo with a datagram as long as the question, so
the shorter of the two directions is found.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import RouterError
from harness.userplane.testserver_wire import (
    DATAGRAM,
    DATAGRAM_MARK,
    TICKET_BYTES,
    Do,
    Request,
)
from harness.userplane.traffic import OpenDatagrams, TestServerClient

_IP_MTU_DISCOVER: Final = 10
_IPV6_MTU_DISCOVER: Final = 23
_PROBE: Final = 3
"""IP_PMTUDISC_PROBE: never fragment, and do not believe what ICMP said before."""
_UDP_BYTES: Final = 8
_IPV4_BYTES: Final = 20
_IPV6_BYTES: Final = 40
_SHORTEST: Final = 128
_LONGEST: Final = 1500
_TRIES: Final = 3
_LONGEST_S: Final = 60.0
_TICKETS: Final = 3
_RECEIVE_BYTES: Final = 2048


def path_mtu(
    client: TestServerClient,
    open_datagrams: OpenDatagrams,
    *,
    answer_s: float = 0.3,
    clock: Clock | None = None,
) -> int:
    """Return the longest IP packet that comes back from the test server, in bytes.

    Args:
        client: The test server.
        open_datagrams: Opens a UDP socket in the router's namespace.
        answer_s: How long an answer may take, in seconds; each length is tried three times.
        clock: Where time comes from.

    Raises:
        BenchError: The test server refuses.
        RouterError: Not even short datagrams come back.
    """
    clock = clock or SystemClock()
    ticket = client.ticket(Request(do=Do.ECHO, longest_s=_LONGEST_S))
    with open_datagrams(*client.peer) as sock:
        _never_fragment(sock)
        for _ in range(_TICKETS):
            sock.send(ticket)
        if not _passes(sock, _SHORTEST, answer_s, clock):
            msg = f"no UDP echo of {_SHORTEST} bytes came back; does the path let UDP through"
            raise RouterError(msg)
        passed, lost = _SHORTEST, _LONGEST + 1
        at = _LONGEST
        while passed + 1 < lost:
            if _passes(sock, at, answer_s, clock):
                passed = at
            else:
                lost = at
            at = (passed + lost) // 2
    return passed


def _never_fragment(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PROBE)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE)


def _passes(sock: socket.socket, length: int, answer_s: float, clock: Clock) -> bool:
    """Tell whether an IP packet so long comes back."""
    ip_bytes = _IPV6_BYTES if sock.family == socket.AF_INET6 else _IPV4_BYTES
    payload = length - ip_bytes - _UDP_BYTES
    question = DATAGRAM.pack(DATAGRAM_MARK, length, 0).ljust(payload, b"\0")
    for _ in range(_TRIES):
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # what ICMP says of an earlier one
        try:
            sock.send(question)
        except OSError as error:
            _expected(error)
            continue
        if _answered(sock, length, Deadline.after(answer_s, clock)):
            return True
    return False


def _answered(sock: socket.socket, length: int, deadline: Deadline) -> bool:
    while not deadline.passed:
        sock.settimeout(max(deadline.left_s, 0.001))
        try:
            answer = sock.recv(_RECEIVE_BYTES)
        except TimeoutError:
            continue
        except OSError as error:
            _expected(error)
            continue
        if len(answer) > TICKET_BYTES and answer.startswith(DATAGRAM_MARK):
            _, number, _ = DATAGRAM.unpack_from(answer)
            if number == length:
                return True
    return False


def _expected(error: OSError) -> None:
    """Let pass what an interface or ICMP says of a packet that is too long, or of a port."""
    if error.errno not in {errno.EMSGSIZE, errno.ECONNREFUSED}:
        raise error
