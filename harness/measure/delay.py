"""Round trips, jitter, loss and reordering from numbered packets. Pure.

Percentiles are nearest-rank (RFC 2330, 11.3: the smallest value that a share of the sample does not
exceed); delay variation against the shortest delay (RFC 5481, PDV); jitter as RTP has it (RFC 3550,
6.4.1); reordering as RFC 4737, 3.3: a number smaller than one that had come before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.core.errors import UsageError
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.measure.packets import Int64

_JITTER_GAIN: Final = 16
_MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Delays of one stretch of time, in seconds.

    Attributes:
        n: Number of samples.
        least_s: Shortest.
        median_s: 50th percentile.
        p95_s: 95th percentile.
        p99_s: 99th percentile.
        most_s: Longest.
    """

    n: int
    least_s: float
    median_s: float
    p95_s: float
    p99_s: float
    most_s: float

    def measurement(self, name: str) -> Measurement:
        """Return the median in milliseconds."""
        return Measurement(name=name, value=self.median_s * _MS, unit="ms", n=self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingLatency:
    """Latency of a path idle and while it works.

    Attributes:
        idle: Without other traffic.
        loaded: While a transfer filled the path.
    """

    idle: Latency
    loaded: Latency

    @property
    def added_s(self) -> float:
        """How much the median grows under load, in seconds."""
        return self.loaded.median_s - self.idle.median_s

    @property
    def round_trips_per_minute(self) -> float:
        """Round trips a minute under load, as responsiveness is often put."""
        return 60 / self.loaded.median_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """What became of numbered packets.

    Attributes:
        sent: Packets sent.
        lost: Packets that never came.
        reordered: Packets that came after one with a higher number.
        repeated: Packets that came more than once, counted each further time.
        jitter_s: Interarrival jitter of RFC 3550 after the last packet, in seconds.
        variation_s: 95th percentile of the delay above the shortest, in seconds.
    """

    sent: int
    lost: int
    reordered: int
    repeated: int
    jitter_s: float
    variation_s: float

    @property
    def loss(self) -> float:
        """Part that was lost."""
        return self.lost / self.sent


def percentile(samples: list[float], share: float) -> float:
    """Return the nearest-rank percentile of `samples`.

    Raises:
        UsageError: There are no samples, or the share is not above 0 and up to 1.
    """
    if not samples or not 0 < share <= 1:
        msg = f"no percentile {share!r} of {len(samples)} samples"
        raise UsageError(msg)
    return sorted(samples)[math.ceil(share * len(samples)) - 1]


def latency_of(samples_s: list[float]) -> Latency:
    """Return the percentiles of delays in seconds.

    Raises:
        UsageError: There are no samples.
    """
    return Latency(
        n=len(samples_s),
        least_s=percentile(samples_s, 1 / max(1, len(samples_s))),
        median_s=percentile(samples_s, 0.5),
        p95_s=percentile(samples_s, 0.95),
        p99_s=percentile(samples_s, 0.99),
        most_s=percentile(samples_s, 1.0),
    )


def numbered(number: Int64, sent_ns: Int64, t_ns: Int64, *, sent: int) -> Numbered:
    """Account for numbered packets in order of arrival.

    The two clocks need not agree: only differences of delays are used.

    Args:
        number: Number of each packet, from 0.
        sent_ns: Sender's time stamps.
        t_ns: Arrival times.
        sent: How many were sent.

    Raises:
        UsageError: Nothing was sent, or a number is not one of those sent.
    """
    if sent < 1 or (len(number) and not 0 <= int(number.min()) <= int(number.max()) < sent):
        msg = f"numbers from 0 to {sent - 1} were sent; got {number!r}"
        raise UsageError(msg)
    if not len(number):
        return Numbered(sent=sent, lost=sent, reordered=0, repeated=0, jitter_s=0, variation_s=0)
    different = len(np.unique(number))
    before = np.maximum.accumulate(number)
    late = np.zeros(len(number), np.bool_)
    late[1:] = number[1:] < before[:-1]
    _, first = np.unique(number, return_index=True)
    once = np.zeros(len(number), np.bool_)
    once[first] = True
    delays = (t_ns - sent_ns).astype(np.float64) / NS_PER_S
    jitter = 0.0
    for step in np.abs(np.diff(delays)).tolist():
        jitter += (step - jitter) / _JITTER_GAIN
    return Numbered(
        sent=sent,
        lost=sent - different,
        reordered=int((late & once).sum()),
        repeated=len(number) - different,
        jitter_s=jitter,
        variation_s=percentile((delays - delays.min()).tolist(), 0.95),
    )
