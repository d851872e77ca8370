"""Whose fault it is that a user's line is slow, from the lines of several carriers. Pure.

A carrier that is slow alone is the cause itself. Slow on every carrier is what they share: the
router, or the bench's own way to the carriers; a train of datagrams tells which of the two loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.core.party import Party
from harness.core.units import format_rate
from harness.verdict.blame import Blame

_LOST: Final = 0.9
"""Less than this share of what went in came out: it was lost in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeLine:
    """A line that nobody slows, as far as the bench knows.

    Attributes:
        carrier: Whose line it is.
        rate_bps: What the user got, in bit/s.
        is_slow: Less than is demanded.
        carrier_set: What the carrier's own books say it holds the line to; None: nothing.
        sent_bytes: Of the train, what the test server sent; None: there was no train.
        booked_bytes: Of the train, what the carrier counted.
        arrived_bytes: Of the train, what reached the router's user.
    """

    carrier: str
    rate_bps: float
    is_slow: bool
    carrier_set: str | None = None
    sent_bytes: int | None = None
    booked_bytes: int = 0
    arrived_bytes: int = 0


def blame_slow_line(lines: Sequence[FreeLine]) -> Blame:
    """Find the owner of slow lines; don't know is an answer.

    Args:
        lines: One a carrier that was looked at; at least one is slow.
    """
    slow = [line for line in lines if line.is_slow]
    words = ", ".join(f"{line.carrier} {format_rate(line.rate_bps)}" for line in slow)
    held = next((line for line in slow if line.carrier_set is not None), None)
    if held is not None:
        cause = f"{words}: the books of {held.carrier} say {held.carrier_set}"
        return Blame(owner=Party.CARRIER, cause=cause)
    if len(slow) < len(lines):
        return Blame(owner=Party.CARRIER, cause=f"{words}, and the other carriers are fast")
    if len(lines) == 1:
        return Blame(owner=None, cause=f"{words}, and no other carrier was looked at")
    trains = [line for line in slow if line.sent_bytes]
    if trains and all(line.arrived_bytes < _LOST * line.booked_bytes for line in trains):
        cause = f"{words}: the carriers count datagrams that the router's user never gets"
        return Blame(owner=Party.ROUTER, cause=cause)
    if trains and all(line.booked_bytes < _LOST * (line.sent_bytes or 0) for line in trains):
        cause = f"{words}: the test server's datagrams are lost before any carrier counts them"
        return Blame(owner=Party.BENCH, cause=cause)
    return Blame(owner=None, cause=f"{words}, and the trains do not tell where")
