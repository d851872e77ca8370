"""Noticing that the card in use was slowed down; no I/O and no clock of its own.

Passive: once a second the firmware gives the bytes that went through the user's bearer and
how long a small question to the carrier's name server took. A line is *slow* in a second in
which it carried traffic below the threshold although it was asked for more: the question
waited behind a queue, or was lost. A policer has no queue; a busy line whose rate hardly moves
for six seconds is therefore asked with a burst of large echoes, of which a policer drops most.
Eight such seconds out of ten make a verdict, so that a
short dip does not; one second at full speed clears the record.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SLOW_BPS = 4_000_000
"""Below this a busy line counts as slow, in bit/s."""

BUSY_BPS = 30_000
"""Below this a line counts as idle: nothing can be said about it."""

QUEUED_S = 0.02
"""A question that takes so much longer than the fastest one stood in a queue, in seconds."""

FLAT_SECONDS = 6
"""So many seconds at nearly one rate make a line suspect of a policer."""

FLAT_SHARE = 0.25
"""Nearly one rate: no second further from their mean than this share of it."""

INNOCENT_SECONDS = 20
"""After a burst that came through whole, so long no other is sent: it costs 28 kB each way."""

POLICED_LOSS = 0.3
"""A burst that loses more than this met a policer."""

NEEDED, WINDOW = 8, 10
"""Slow seconds out of the last seconds with traffic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the user's bearer.

    Attributes:
        rate_bps: What went through, both directions, in bit/s.
        question_s: How long the question took; None when it was lost.
    """

    rate_bps: float
    question_s: float | None


@dataclass(slots=True)
class SlowDetector:
    """Collects seconds and says when they make a slow line."""

    needed: int = NEEDED
    fastest_s: float = 0.05
    is_policed: bool = False
    pause: int = 0
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=FLAT_SECONDS))
    seconds: deque[tuple[bool, float]] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def add(self, second: Second) -> float | None:
        """Take one second; return the mean rate in bit/s once the line is found slow."""
        if second.question_s:
            self.fastest_s = min(self.fastest_s, second.question_s)
        self.rates.append(second.rate_bps)
        self.pause = max(0, self.pause - 1)
        if second.rate_bps >= SLOW_BPS:
            self.seconds.clear()
            self.is_policed = False
            return None
        is_queued = second.question_s is None or second.question_s > self.fastest_s + QUEUED_S
        is_queued = is_queued or self.is_policed
        if second.rate_bps < BUSY_BPS and not is_queued:
            return None
        self.seconds.append((is_queued, second.rate_bps))
        slow = [rate for was_queued, rate in self.seconds if was_queued]
        if len(slow) < self.needed:
            return None
        return sum(slow) / len(slow)

    def is_suspect(self) -> bool:
        """Tell whether the line looks policed and a burst should show it."""
        if self.is_policed or self.pause or len(self.rates) < FLAT_SECONDS:
            return False
        mean = sum(self.rates) / len(self.rates)
        is_flat = all(abs(rate - mean) <= FLAT_SHARE * mean for rate in self.rates)
        return BUSY_BPS <= mean < SLOW_BPS and is_flat

    def judge_burst(self, lost_share: float) -> None:
        """Take the outcome of a burst; the flat seconds before it count if it met a policer."""
        self.is_policed = lost_share > POLICED_LOSS
        if self.is_policed:
            self.seconds.extend((True, rate) for rate in self.rates)
        else:
            self.pause = INNOCENT_SECONDS
        self.rates.clear()


def dwell_s(changes_in_a_row: int) -> float:
    """Return how long a card is kept before the next slow one is given back, in seconds.

    Doubles with each change that brought no fast second, so that a pool of slow cards is not
    gone round and round.
    """
    return min(600.0, 15.0 * 2.0 ** max(0, changes_in_a_row - 1)) if changes_in_a_row else 0.0
