"""What a test server gives at most, so that it is no amplifier and no free mirror. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from harness.core.units import format_duration, format_rate, format_size
from harness.userplane.testserver_wire import DATAGRAM, UDP_HEADERS, Do, RefusedError, Request

_LARGEST_PACKET: Final = 1514


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one request and of all together.

    Attributes:
        total_bytes: Most payload of one transfer.
        longest_s: Longest transfer, in seconds.
        rate_bps: Highest rate of one transfer or train, in bit/s; 0 for no bound on TCP.
        train_bytes: Most bytes of one UDP train.
        connections: Transfers at once.
        waiting: Connections at once that have not asked for anything yet; one more ends the oldest.
        nonces: Nonces that are remembered against being sent again.
    """

    total_bytes: int = 2_000_000_000
    longest_s: float = 60.0
    rate_bps: int = 0
    train_bytes: int = 20_000_000
    connections: int = 64
    waiting: int = 64
    nonces: int = 100_000


def check_limits(request: Request, limits: Limits) -> Request:
    """Return `request` if it keeps the limits.

    Raises:
        RefusedError: It asks for more.
    """
    if request.longest_s > limits.longest_s:
        _refuse("time", format_duration(request.longest_s), format_duration(limits.longest_s))
    if request.total_bytes > limits.total_bytes:
        _refuse("size", format_size(request.total_bytes), format_size(limits.total_bytes))
    if limits.rate_bps and request.pacing_bps > limits.rate_bps:
        _refuse("rate", format_rate(request.pacing_bps), format_rate(limits.rate_bps))
    if request.do is Do.TRAIN:
        _check_train(request, limits)
    return request


class Nonces:
    """Remembers nonces, so that a recorded request is served once only.

    Args:
        most: Nonces to remember; the oldest is forgotten first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: OrderedDict[str, None] = OrderedDict()

    def take(self, nonce: str) -> None:
        """Use a nonce up.

        Raises:
            RefusedError: It was used before.
        """
        if nonce in self._seen:
            msg = f"nonce {nonce} was used before"
            raise RefusedError(msg)
        self._seen[nonce] = None
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)


def _check_train(request: Request, limits: Limits) -> None:
    smallest = UDP_HEADERS + DATAGRAM.size
    if not smallest <= request.packet_bytes <= _LARGEST_PACKET:
        msg = (
            f"a train has packets of {smallest} to {_LARGEST_PACKET} B, not {request.packet_bytes}"
        )
        raise RefusedError(msg)
    if request.packets * request.packet_bytes > limits.train_bytes:
        _refuse(
            "train",
            format_size(request.packets * request.packet_bytes),
            format_size(limits.train_bytes),
        )
    if request.pacing_bps <= 0:
        msg = "a train has a rate above zero"
        raise RefusedError(msg)


def _refuse(what: str, asked: str, limit: str) -> None:
    msg = f"{what} {asked} is above this server's limit of {limit}"
    raise RefusedError(msg)
