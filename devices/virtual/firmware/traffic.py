"""Byte counters of the user's bearer, counted at layer 3 (IP bytes)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devices.virtual.at.modem import ByteCount
from devices.virtual.netlink import LinkCounters, Rtnl

GIB_OVER_GB = 2**30 / 10**9
KEPT_ROWS = 100


def read_link(ifname: str) -> ByteCount | None:
    """Read the kernel's counters; None when there is no such interface."""
    try:
        with Rtnl() as rtnl:
            counters: LinkCounters = rtnl.counters(ifname)
    except OSError:
        return None
    return ByteCount(dl=counters.rx_l3_bytes, ul=counters.tx_l3_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """Bytes of one card in one hour (UTC), since the row was opened."""

    iccid: str
    hour_utc: str
    dl_bytes: int
    ul_bytes: int


class Usage:
    """Sums of the bearer's counters by card and hour.

    The bearer is made anew with each PDN connection and starts at zero then.

    Args:
        read: Returns the counters of the interface now, None without one.
        rows: What was counted before the last power-off, by (iccid, hour).
    """

    def __init__(
        self,
        read: Callable[[], ByteCount | None],
        rows: dict[tuple[str, str], tuple[int, int]],
        defects: frozenset[str] = frozenset(),
    ) -> None:
        self._read = read
        self._rows = rows
        self._defects = defects
        self._seen = ByteCount(dl=0, ul=0)
        self._total = ByteCount(dl=0, ul=0)
        self._zero = self._total
        self._reported: dict[tuple[str, str], tuple[int, int]] = {}

    def begin_bearer(self) -> None:
        """Start over: the interface is new."""
        self._seen = ByteCount(dl=0, ul=0)

    def sample(self, iccid: str, hour_utc: str) -> ByteCount:
        """Read the counters, book what is new, and return what is new."""
        now = self._read()
        if now is None:
            return ByteCount(dl=0, ul=0)
        dl, ul = max(0, now.dl - self._seen.dl), max(0, now.ul - self._seen.ul)
        self._seen = now
        old_dl, old_ul = self._rows.get((iccid, hour_utc), (0, 0))
        self._rows[iccid, hour_utc] = (old_dl + dl, old_ul + ul)
        self._total = ByteCount(dl=self._total.dl + dl, ul=self._total.ul + ul)
        return ByteCount(dl=dl, ul=ul)

    @property
    def total(self) -> ByteCount:
        """Bytes since power-on."""
        return self._total

    @property
    def shown(self) -> ByteCount:
        """Bytes since power-on or the last time the user set the counter to zero."""
        total, zero = self._total, self._zero
        return ByteCount(dl=total.dl - zero.dl, ul=total.ul - zero.ul)

    def reset_shown(self) -> None:
        """Set the user's counter to zero; total and rows stay."""
        self._zero = self._total

    def rows(self) -> list[UsageRow]:
        """Return the rows as they are to be reported."""
        return [
            UsageRow(iccid=iccid, hour_utc=hour, dl_bytes=self._told(dl), ul_bytes=self._up(ul))
            for (iccid, hour), (dl, ul) in sorted(self._rows.items())
        ]

    def unreported(self) -> list[tuple[UsageRow, tuple[int, int]]]:
        """Return the rows that have grown since they were reported, with their true counts."""
        rows = [(row, self._rows[row.iccid, row.hour_utc]) for row in self.rows()]
        return [
            (row, counts)
            for row, counts in rows
            if self._reported.get((row.iccid, row.hour_utc)) != counts
        ]

    def was_reported(self, row: UsageRow, counts: tuple[int, int]) -> None:
        """Take note that the server has a row with these counts."""
        self._reported[row.iccid, row.hour_utc] = counts

    def forget_old(self) -> None:
        """Drop reported rows of hours that are over, all but the newest.

        A row is an hour's total, and the clock may be set back to an hour that was counted
        before: an hour that was only just over is not to begin at zero again.
        """
        newest = max((hour for _, hour in self._rows), default="")
        over = [
            key
            for key, counts in self._rows.items()
            if key[1] != newest and self._reported.get(key) == counts
        ]
        for key in over[: max(0, len(self._rows) - KEPT_ROWS)]:
            del self._rows[key]
            del self._reported[key]

    def stored(self) -> list[list[object]]:
        """Return the rows for the flash image."""
        return [[iccid, hour, dl, ul] for (iccid, hour), (dl, ul) in sorted(self._rows.items())]

    def _told(self, count: int) -> int:
        return int(count / GIB_OVER_GB) if "usage_in_gib" in self._defects else count

    def _up(self, count: int) -> int:
        return 0 if "usage_one_direction" in self._defects else self._told(count)
