"""A TCP download and a UDP train over a path that is arithmetic: exact truth, no kernel, no clock.

The limiter is the generic cell rate algorithm (ITU-T I.371), the senders are coarse models of CUBIC
(RFC 9438) and BBR: enough to put a judge before slow start, collapse, pacing and idle windows.
"""

from __future__ import annotations

import heapq
import random
from collections import OrderedDict
from dataclasses import dataclass, field

FULL = 1514
MSS = 1448
_REORDER = 3
_LINE_S = FULL * 8 / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class PathKind:
    """The path beside its limiter.

    Attributes:
        rtt_s: Idle round trip.
        jitter_s: Random delay on top, order kept.
        slot_s: Raster in which the radio delivers.
        loss: Random loss after the limiter.
        away_s: The radio is away for so long, each second once.
        cross: Rate of other traffic through the tap, as a part of the limiter's.
    """

    rtt_s: float
    jitter_s: float = 0.0
    slot_s: float = 0.0
    loss: float = 0.0
    away_s: float = 0.0
    cross: float = 0.0


@dataclass(slots=True, kw_only=True)
class Path:
    """Limiter and radio, one direction; `carry` says when a packet arrives, None when it does not.

    Attributes:
        rate_bps: Rate of the limiter.
        depth_bytes: Its bucket.
        queue_bytes: Its queue; 0 makes it a policer.
        kind: The rest of the path.
        dice: Source of chance.
    """

    rate_bps: float
    depth_bytes: float
    queue_bytes: float
    kind: PathKind
    dice: random.Random
    _tat_s: float = 0.0
    _last_s: float = 0.0
    _phase_s: float = field(default=0.0)

    def __post_init__(self) -> None:
        """Place slots and absences at random."""
        self._phase_s = self.dice.random()

    def carry(self, now_s: float, size: int) -> float | None:
        """Pass one packet."""
        tat_s = max(self._tat_s, now_s) + size * 8 / self.rate_bps
        out_s = max(now_s, tat_s - self.depth_bytes * 8 / self.rate_bps)
        if (out_s - now_s) * self.rate_bps / 8 > self.queue_bytes:
            return None
        self._tat_s = tat_s
        kind = self.kind
        if kind.loss and self.dice.random() < kind.loss:
            return None
        there_s = out_s + kind.rtt_s / 2 + self.dice.random() * kind.jitter_s
        if kind.slot_s:
            there_s = (
                int((there_s + self._phase_s) / kind.slot_s) + 1
            ) * kind.slot_s - self._phase_s
        into_s = (there_s + self._phase_s) % 1.0
        if into_s < kind.away_s:
            there_s += kind.away_s - into_s
        self._last_s = max(self._last_s + _LINE_S, there_s)
        return self._last_s


@dataclass(frozen=True, slots=True)
class Seen:
    """One packet at the tap; the fields a judge may read."""

    t_s: float
    outgoing: bool
    size: int
    segment: int
    stamp: int
    echo: int


class Download:
    """One TCP download; iterate to get what the tap sees, in order of time."""

    def __init__(self, path: Path, *, bbr: bool, window_bytes: int) -> None:
        self._path, self._bbr = path, bbr
        self._rtt_s = path.kind.rtt_s
        self._window = max(2, window_bytes // MSS)
        self._cwnd, self._ssthresh = 10.0, 1e9
        self._flight: OrderedDict[int, int] = OrderedDict()
        self._again: list[int] = []
        self._order = self._next = 0
        self._recover = -1
        self._wmax, self._epoch_s = 10.0, 0.0
        self._echo = 0
        self._events: list[tuple[float, int, str, tuple[int, int, int]]] = []
        self._serial = 0
        self._delivered: list[tuple[float, int]] = []
        self._bw = 0.0
        self._phase, self._round_s, self._full, self._best = "startup", 0.0, 0, 0.0
        self._send_s = self._rtt_s
        self._heard_s = self._rtt_s
        self.packets: list[Seen] = []

    def run(self, until_s: float) -> list[Seen]:
        """Go on until that time; return what the tap has seen since the last call."""
        if not self.packets:
            self.packets.append(Seen(0.0, True, 300, 0, 0, 0))
            self._put(self._rtt_s / 2, "send", (0, 0, 0))
            self._put(self._rtt_s / 2 + 1.0, "timer", (0, 0, 0))
        before = len(self.packets)
        while self._events and self._events[0][0] <= until_s:
            now_s, _, what, (order, segment, number) = heapq.heappop(self._events)
            if what == "data":
                self.packets.append(Seen(now_s, False, FULL, segment, round(now_s * 1e3), number))
                stamp = int(now_s * 1e3)
                self.packets.append(Seen(now_s + 2e-5, True, 66, segment, stamp, 0))
                self._put(now_s + self._rtt_s / 2, "ack", (order, segment, stamp))
            elif what == "ack":
                self._acknowledged(now_s, order, number)
            elif what == "timer":
                self._timer(now_s)
            self._send(now_s)
        return self.packets[before:]

    def _put(self, at_s: float, what: str, data: tuple[int, int, int]) -> None:
        self._serial += 1
        heapq.heappush(self._events, (at_s, self._serial, what, data))

    def _send(self, now_s: float) -> None:
        rate = self._pacing() if self._bbr else 0.0
        while len(self._flight) < min(int(self._cwnd), self._window):
            if rate and self._send_s > now_s + 1e-9:
                self._put(self._send_s, "send", (0, 0, 0))
                return
            segment = self._again.pop(0) if self._again else self._next
            if segment == self._next:
                self._next += 1
            arrives_s = self._path.carry(now_s, FULL)
            self._flight[self._order] = segment
            if arrives_s is not None:
                self._put(arrives_s, "data", (self._order, segment, self._echo))
            self._order += 1
            self._send_s = max(now_s, self._send_s) + (FULL * 8 / rate if rate else 0.0)

    def _acknowledged(self, now_s: float, order: int, stamp: int) -> None:
        self._echo = max(self._echo, stamp)
        self._heard_s = now_s
        if self._flight.pop(order, None) is None:
            return
        self._delivered.append((now_s, 1))
        lost = [old for old in self._flight if old < order - _REORDER][:64]
        for old in lost:
            self._again.append(self._flight.pop(old))
        if self._bbr:
            self._estimate(now_s)
            return
        if lost and order > self._recover:
            self._recover = self._order
            self._wmax, self._epoch_s = self._cwnd, now_s
            self._cwnd = self._ssthresh = max(2.0, self._cwnd * 0.7)
        elif self._cwnd < self._ssthresh:
            self._cwnd += 1
        else:
            k = (self._wmax * 0.3 / 0.4) ** (1 / 3)
            cubic = 0.4 * (now_s - self._epoch_s - k) ** 3 + self._wmax
            reno = self._wmax * 0.7 + 0.53 * (now_s - self._epoch_s) / self._rtt_s
            self._cwnd += max(0.0, min(max(cubic, reno) - self._cwnd, 1.0)) / self._cwnd * 2

    def _timer(self, now_s: float) -> None:
        if self._flight and now_s - self._heard_s > 0.2 + 2 * self._rtt_s:
            self._again.extend(self._flight.values())
            self._flight.clear()
            self._ssthresh, self._cwnd = max(2.0, self._cwnd / 2), 4.0 if self._bbr else 1.0
            self._heard_s = now_s
        self._put(now_s + 0.05, "timer", (0, 0, 0))

    def _estimate(self, now_s: float) -> None:
        while self._delivered and self._delivered[0][0] < now_s - self._rtt_s:
            self._delivered.pop(0)
        self._bw = max(self._bw * 0.9995, len(self._delivered) * FULL * 8 / self._rtt_s)
        if now_s - self._round_s >= self._rtt_s:
            self._round_s = now_s
            self._full = 0 if self._bw > 1.25 * self._best else self._full + 1
            self._best = max(self._best, self._bw)
            if self._phase == "startup" and self._full >= _REORDER:
                self._phase = "steady"
        gain = 2.885 if self._phase == "startup" else 2.0
        self._cwnd = max(10.0, gain * self._bw * self._rtt_s / 8 / FULL)

    def _pacing(self) -> float:
        first = 10 * FULL * 8 / self._rtt_s
        return 2.885 * max(first, self._bw) if self._phase == "startup" else max(self._bw, 1e5)
