"""Computes a goodput again from the capture that it came from; pure, bytes in, rate out."""

from __future__ import annotations

import numpy as np

from harness.measure.goodput import curve_of
from harness.measure.packets import Packets
from harness.measure.suffix import best_suffix
from harness.userplane.pcapng import records_of


def goodput_of_capture(
    data: bytes, *, first_ns: int, last_ns: int, shortest_s: float
) -> float | None:
    """Return the downlink's rate at layer 2 in bit/s, as the meter found it.

    Args:
        data: The capture, pcapng.
        first_ns: Time of the first packet that the meter was fed, UTC.
        last_ns: Time of the last one.
        shortest_s: Shortest stretch that counted.
    """
    records = [
        record
        for record in records_of(data)
        if first_ns <= record.t_ns <= last_ns and not record.outgoing
    ]
    packets = Packets(
        t_ns=np.array([record.t_ns for record in records], np.int64),
        wire_bytes=np.array([record.wire_bytes for record in records], np.int32),
        outgoing=np.zeros(len(records), np.bool_),
    )
    fit = best_suffix(curve_of(packets, outgoing=False), min_span_s=shortest_s)
    return None if fit is None else fit.rate_bps
