"""Computes a goodput again from the capture that it came from; pure, bytes in, rate out."""

from __future__ import annotations

import mmap
from array import array

import numpy as np

from harness.measure.goodput import curve_of
from harness.measure.packets import Packets
from harness.measure.suffix import best_suffix
from harness.userplane.pcapng import each_record


def goodput_of_capture(
    data: bytes | mmap.mmap, *, first_ns: int, last_ns: int, shortest_s: float
) -> float | None:
    """Return the downlink's rate at layer 2 in bit/s, as the meter found it.

    Args:
        data: The capture, pcapng, perhaps mapped.
        first_ns: Time of the first packet that the meter was fed, UTC.
        last_ns: Time of the last one.
        shortest_s: Shortest stretch that counted.
    """
    times_ns, sizes = array("q"), array("l")
    for record in each_record(data):
        if first_ns <= record.t_ns <= last_ns and not record.outgoing:
            times_ns.append(record.t_ns)
            sizes.append(record.wire_bytes)
    packets = Packets(
        t_ns=np.array(times_ns, np.int64),
        wire_bytes=np.array(sizes, np.int32),
        outgoing=np.zeros(len(sizes), np.bool_),
    )
    fit = best_suffix(curve_of(packets, outgoing=False), min_span_s=shortest_s)
    return None if fit is None else fit.rate_bps
