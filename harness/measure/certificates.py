"""What no token bucket can do: the certificate that a path is faster than a threshold.

A token bucket of rate X and depth B lets at most B + X·t through in *any* time t. Behind it a
radio scheduler may hold packets back and release them as a lump, which shortens t by up to the
lump's length. Whoever saw more bytes in some window has proof, whatever TCP did.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.units import BITS_PER_BYTE, NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The slowest limiter that the certificate has to rule out, and the path behind it.

    Attributes:
        rate_bps: Its rate X, in bit/s of layer 2.
        depth_bytes: Its depth B, in bytes.
        lump_s: Longest time for which the path behind it holds packets back in normal work.
        rtt_s: Round trip time; a silence of up to 1.25 of it is a sender that waits for its ACKs.
    """

    rate_bps: float
    depth_bytes: float
    lump_s: float
    rtt_s: float = 0.0

    @property
    def most_bytes(self) -> float:
        """Bytes that may pass at once: the bucket, and a lump of its rate."""
        return self.depth_bytes + self.rate_bps * self.lump_s / BITS_PER_BYTE


class FastCertificate:
    """Looks for a window with more bytes than the bucket allows (a CUSUM over arrivals).

    A silence longer than a lump and longer than 1.25 round trips may be a radio that was away: what
    arrives after it may have queued up meanwhile. For as long as the silence was, no window may
    begin behind it.

    Args:
        bucket: The limiter to rule out.
        due_ns: When the first packet could come at the earliest, None when that is not known; what
            is missing until it comes is a silence as well.
    """

    def __init__(self, bucket: Bucket, *, due_ns: int | None = None) -> None:
        self._bucket = bucket
        self._excess_bytes = 0.0
        self._floor_bytes = 0.0
        self._floor_until_ns = 0
        self._last_ns = due_ns

    def feed(self, t_ns: list[int], wire_bytes: list[int]) -> int | None:
        """Take arrivals; return the time in ns of the one that proves it, None when none does."""
        most = self._bucket.most_bytes
        for now, size in zip(t_ns, wire_bytes, strict=True):
            self._pass(now)
            self._excess_bytes += size
            if self._excess_bytes > most:
                return now
        return None

    def _pass(self, now_ns: int) -> None:
        """Take what the bucket of the threshold would have let through since the last packet."""
        gap_ns = 0 if self._last_ns is None else max(0, now_ns - self._last_ns)
        self._last_ns = now_ns
        allowed = self._bucket.rate_bps / BITS_PER_BYTE * gap_ns / NS_PER_S
        self._excess_bytes -= allowed
        if gap_ns > max(self._bucket.lump_s, 1.25 * self._bucket.rtt_s) * NS_PER_S:
            self._floor_bytes, self._floor_until_ns = -allowed, now_ns + gap_ns
        elif now_ns > self._floor_until_ns:
            self._floor_bytes = 0.0
        self._excess_bytes = max(self._excess_bytes, self._floor_bytes)
