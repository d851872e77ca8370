"""What a throttle is, whoever enforces it: ask for it, have it, prove it, prove it gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from harness.core.errors import BenchError, UsageError
from harness.core.units import BITS_PER_BYTE, format_rate

LOWEST_BPS: Final = 32_000
HIGHEST_BPS: Final = 1_000_000_000
_FULL_FRAME_BYTES: Final = 1514
_POLICER_QUEUE_BYTES: Final = 1600
"""A queue of about one packet: what does not fit into the bucket is dropped, not delayed."""
_LEAST_BURST_BYTES: Final = 5_000
_MOST_BURST_BELOW_1_MBIT: Final = 16_000
_SLIP_S: Final = 0.005
_SLIP_FAST_S: Final = 0.008
_FAST_BPS: Final = 150_000_000
_LEAST_QUEUE_BYTES: Final = 30_000
_QUEUE_S: Final = 0.1
_TOLERANCE: Final = 0.001
_MEGABIT: Final = 1_000_000


class Mode(StrEnum):
    """What happens to a packet that comes too early."""

    SHAPER = "shaper"
    POLICER = "policer"


def default_burst_bytes(rate_bps: int) -> int:
    """Return the bucket that keeps a rate exact although the kernel's timer comes late.

    Five milliseconds' worth up to 150 Mbit/s and eight above, never below 5 kB, and below
    1 Mbit/s never above 16 kB: there a bigger bucket is itself seconds of traffic.
    """
    slip_s = _SLIP_S if rate_bps <= _FAST_BPS else _SLIP_FAST_S
    burst = max(_LEAST_BURST_BYTES, round(rate_bps / BITS_PER_BYTE * slip_s))
    return min(burst, _MOST_BURST_BELOW_1_MBIT) if rate_bps < _MEGABIT else burst


def default_queue_bytes(rate_bps: int) -> int:
    """Return a queue of 100 ms, but at least 20 full frames: what a carrier's gateway has."""
    return max(_LEAST_QUEUE_BYTES, round(rate_bps / BITS_PER_BYTE * _QUEUE_S))


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """A limit in one direction, at layer 2 (Ethernet header included).

    Attributes:
        rate_bps: Rate in bit/s.
        mode: Delay or drop.
        bucket_bytes: Bucket, in bytes; None takes what keeps the rate exact.
        queue_bytes: Queue of a shaper, in bytes; None takes 100 ms.
    """

    rate_bps: int
    mode: Mode = Mode.SHAPER
    bucket_bytes: int | None = None
    queue_bytes: int | None = None

    def __post_init__(self) -> None:
        """Check the limit.

        Raises:
            UsageError: No kernel can do that, or a full frame would never fit.
        """
        if not LOWEST_BPS <= self.rate_bps <= HIGHEST_BPS:
            msg = f"throttle: {self.rate_bps} bit/s is not between 32 kbit/s and 1 Gbit/s"
            raise UsageError(msg)
        if self.bucket_bytes is not None and self.bucket_bytes < _FULL_FRAME_BYTES:
            msg = (
                f"throttle: a bucket of {self.bucket_bytes} bytes never lets a full frame of "
                f"{_FULL_FRAME_BYTES} bytes pass; give it at least that"
            )
            raise UsageError(msg)
        if self.mode is Mode.POLICER and self.queue_bytes is not None:
            msg = "throttle: a policer has no queue; leave queue_bytes out"
            raise UsageError(msg)

    @property
    def burst_bytes(self) -> int:
        """The bucket that will be set, in bytes."""
        return self.bucket_bytes or default_burst_bytes(self.rate_bps)

    @property
    def limit_bytes(self) -> int:
        """The queue that will be set, in bytes."""
        if self.mode is Mode.POLICER:
            return _POLICER_QUEUE_BYTES
        return self.queue_bytes or default_queue_bytes(self.rate_bps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What to inject; a direction that is None is left alone.

    Attributes:
        uplink: Limit from the bench to the internet.
        downlink: Limit from the internet to the bench.
        changing: Whether the rates will be changed while it lasts.
    """

    uplink: RateLimit | None = None
    downlink: RateLimit | None = None
    changing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What went through one direction of a throttle.

    Attributes:
        passed_bytes: Bytes that went through it.
        dropped_packets: Packets that it threw away; None where nobody tells.
        backlog_bytes: Bytes that wait in it now; None where nobody tells.
    """

    passed_bytes: int
    dropped_packets: int | None = None
    backlog_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A throttle as it is, read back from whoever enforces it.

    Attributes:
        uplink: Limit that is in force, or None.
        downlink: The same for the other direction.
        uplink_passed: Counters, or None where there are none.
        downlink_passed: The same for the other direction.
    """

    uplink: RateLimit | None = None
    downlink: RateLimit | None = None
    uplink_passed: Passed | None = None
    downlink_passed: Passed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A throttle that was set, read back, and found to be what was asked for.

    Attributes:
        asked: What was asked for.
        configured: What is in force, as read back.
        tap_ifname: Interface on which the downlink is seen after the throttle, or None if that
            is the router's own interface.
    """

    asked: Injection
    configured: State
    tap_ifname: str | None = None


class Throttle(Protocol):
    """One place where a rate can be limited: bench end, carrier, cloud."""

    where: str
    """Name of the place, for messages and records."""

    both_ways: bool
    """Whether it can limit the uplink as well as the downlink."""

    def apply(self, injection: Injection) -> Applied:
        """Set limits where there are none, read them back and compare.

        Raises:
            BenchError: Somebody else's limit is there, or what is read back is something else.
        """
        ...

    def change(self, injection: Injection) -> None:
        """Change the rates of limits that were applied as changing."""
        ...

    def state(self) -> State:
        """Read back what is in force, with its counters."""
        ...

    def remove(self) -> State:
        """Remove our limits, prove that they are gone, and return the last counters.

        Removing what is not there is allowed.

        Raises:
            BenchError: They are still there.
        """
        ...


@contextmanager
def throttled(throttle: Throttle, injection: Injection) -> Iterator[Applied]:
    """Have a throttle for the time of a with statement, and none after it."""
    try:
        applied = throttle.apply(injection)
        yield applied
    except BaseException:
        try:
            throttle.remove()
        except BenchError as error:
            error.add_note("while another error was on its way")
            raise
        raise
    throttle.remove()


def _differs(asked: RateLimit | None, found: RateLimit | None) -> bool:
    if asked is None or found is None:
        return asked is not found
    wanted, there = asked.burst_bytes, found.burst_bytes
    return (
        abs(found.rate_bps - asked.rate_bps) > max(BITS_PER_BYTE, asked.rate_bps * _TOLERANCE)
        or abs(wanted - there) > max(2, wanted * _TOLERANCE)
        or asked.limit_bytes != found.limit_bytes
    )


def check_applied(where: str, asked: Injection, found: State) -> None:
    """Compare what was asked for with what was read back.

    Raises:
        BenchError: They differ.
    """
    for direction, want, have in (
        ("uplink", asked.uplink, found.uplink),
        ("downlink", asked.downlink, found.downlink),
    ):
        if _differs(want, have):
            shown = "nothing" if have is None else _shown(have)
            wanted = "nothing" if want is None else _shown(want)
            msg = f"throttle at {where}: {direction} shows {shown}, asked for {wanted}"
            raise BenchError(msg)


def _shown(limit: RateLimit) -> str:
    return (
        f"{format_rate(limit.rate_bps)}, bucket {limit.burst_bytes} bytes, "
        f"queue {limit.limit_bytes} bytes"
    )


def check_proven(where: str, before: State, after: State) -> None:
    """Check by its counters that traffic really went through the throttle meanwhile.

    Raises:
        BenchError: Nothing did in a direction that is limited: the traffic took another way.
    """
    for direction, limit, first, last in (
        ("uplink", after.uplink, before.uplink_passed, after.uplink_passed),
        ("downlink", after.downlink, before.downlink_passed, after.downlink_passed),
    ):
        if limit is None or last is None:
            continue
        moved = last.passed_bytes - (first.passed_bytes if first else 0)
        if moved <= 0:
            msg = f"throttle at {where}: no byte went through the {direction} limit"
            raise BenchError(msg)
