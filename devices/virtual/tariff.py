"""What a carrier holds a line to, by its contract and by what is planted. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from devices.virtual.plan import throttled_to
from devices.virtual.subscribers import Subscriber

_BITS_PER_BYTE = 8
# What planted faults do.
_LATE = dt.timedelta(days=1)
_SECRET_QUOTA_BYTES, _SECRET_RATE_BPS = 1_000_000, 128_000


def held_to(line: Subscriber, now: dt.datetime, planted: Callable[[str], bool]) -> int | None:
    """Return the rate that a line is held to now; ``None`` is full speed."""
    carried = line.dl_bytes + line.ul_bytes
    if carried > _SECRET_QUOTA_BYTES and planted("carrier_slows_without_notice"):
        return _SECRET_RATE_BPS
    late = _LATE if planted("carrier_resets_late") else dt.timedelta()
    throttle_bps = throttled_to(line.usage_by_hour, now, line.terms, late)
    if throttle_bps is not None and planted("carrier_throttle_in_bytes"):
        throttle_bps *= _BITS_PER_BYTE
    return throttle_bps
