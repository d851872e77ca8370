r"""What bench and test server say to each other. Pure.

One TCP connection a transfer. The client speaks first, so that data flows after two round trips:

    cloudsim-test/1 NONCE MAC {"do": "send", ...}\n

MAC is HMAC-SHA256 (RFC 2104) of nonce and request under the shared token: the token itself never
crosses the air. A nonce is taken once. A request for a UDP train is answered with a ticket; the
train goes to whoever sends that ticket from the other end of a UDP path, so nobody can aim it at a
third party.
"""

from __future__ import annotations

import hmac
import json
import math
import struct
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from harness.core.errors import UsageError

MAGIC: Final = "cloudsim-test/1"
LONGEST_LINE: Final = 1024
NONCE_BYTES: Final = 16
TICKET_BYTES: Final = 16
DATAGRAM: Final = struct.Struct("!4sIQ")
"""Head of each datagram of a train: mark, number, sender's monotonic time in ns."""
DATAGRAM_MARK: Final = b"CSH1"
UDP_HEADERS: Final = 42
"""Ethernet, IPv4 and UDP headers of a datagram."""
SHORTEST_TOKEN: Final = 8
_LARGEST_NUMBER: Final = 1 << 53


class Do(StrEnum):
    """What a client can ask for."""

    SEND = "send"
    RECEIVE = "receive"
    ECHO = "echo"
    TRAIN = "train"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request.

    Attributes:
        do: What to do.
        total_bytes: Most payload to send or take.
        longest_s: Longest time it may take, in seconds.
        congestion: TCP congestion control of the server's side, empty for its default.
        pacing_bps: Pacing of a TCP transfer or rate of a train at layer 2; 0 for none.
        packet_bytes: Size of a train's packets at layer 2.
        packets: Number of a train's packets.
        about: Nonce of the transfer whose TCP_INFO is asked for.
    """

    do: Do
    total_bytes: int = 0
    longest_s: float = 10.0
    congestion: str = ""
    pacing_bps: int = 0
    packet_bytes: int = 0
    packets: int = 0
    about: str = ""


class RefusedError(UsageError):
    """A request that the test server does not serve; its text never reaches a stranger."""


def check_token(token: str) -> bytes:
    """Return the token's bytes.

    Raises:
        UsageError: It is shorter than eight characters.
    """
    if len(token) < SHORTEST_TOKEN:
        msg = f"a test server's token has {SHORTEST_TOKEN} characters or more; got {len(token)}"
        raise UsageError(msg)
    return token.encode()


def write_request(request: Request, token: bytes, nonce: str) -> bytes:
    """Return the line that asks for `request`."""
    body = json.dumps(asdict(request), separators=(",", ":"))
    return f"{MAGIC} {nonce} {_mac(token, nonce, body)} {body}\n".encode()


def read_request(line: bytes, token: bytes) -> tuple[str, Request]:
    """Return nonce and request of a line without its newline.

    Raises:
        RefusedError: The line is no request, or not one of somebody who has the token.
    """
    try:
        magic, nonce, mac, body = line.decode("ascii").split(" ", 3)
    except ValueError:
        msg = f"not a request: {line[:40]!r}"
        raise RefusedError(msg) from None
    if magic != MAGIC or len(nonce) != 2 * NONCE_BYTES:
        msg = f"not a request of {MAGIC}: {line[:40]!r}"
        raise RefusedError(msg)
    if not hmac.compare_digest(mac, _mac(token, nonce, body)):
        msg = "the request is signed with another token"
        raise RefusedError(msg)
    try:
        fields = json.loads(body)
        request = Request(**fields | {"do": Do(fields["do"])})
    except (ValueError, TypeError, KeyError):
        msg = f"not a request: {body[:80]!r}"
        raise RefusedError(msg) from None
    return nonce, _checked(request)


def _checked(request: Request) -> Request:
    counts = (request.total_bytes, request.pacing_bps, request.packet_bytes, request.packets)
    for number in counts:
        if type(number) is not int or not 0 <= number <= _LARGEST_NUMBER:
            msg = f"not a whole number of zero or more in a request: {number!r}"
            raise RefusedError(msg)
    if type(request.longest_s) not in {int, float} or not 0 <= request.longest_s < math.inf:
        msg = f"not a time in a request: {request.longest_s!r}"
        raise RefusedError(msg)
    if not isinstance(request.congestion, str) or not isinstance(request.about, str):
        msg = f"not text in a request: {request.congestion!r}, {request.about!r}"
        raise RefusedError(msg)
    return request


def _mac(token: bytes, nonce: str, body: str) -> str:
    return hmac.digest(token, f"{nonce} {body}".encode(), "sha256").hex()
