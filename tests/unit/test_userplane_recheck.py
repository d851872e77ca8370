"""`harness.userplane.recheck`: a goodput computed again from its capture."""

from __future__ import annotations

import numpy as np
import pytest

from harness.userplane import pcapng
from harness.userplane.recheck import goodput_of_capture
from harness.userplane.tap_blocks import Frames

START_NS = 1_795_000_000_000_000_000
STEP_NS = 4_000_000  # 1514 bytes every 4 ms: 3.028 Mbit/s


def capture(count: int) -> bytes:
    """Return a capture of full frames from the router, evenly spaced, with one going out."""
    sizes = np.full(count, 1514, np.int32)
    frames = Frames(
        data=np.zeros(1514 * count, np.uint8),
        starts=np.arange(count, dtype=np.int64) * 1514,
        kept_bytes=sizes,
        wire_bytes=sizes,
        t_ns=START_NS + np.arange(count, dtype=np.int64) * STEP_NS,
        outgoing=np.arange(count) == 5,
    )
    return pcapng.preamble("r1/lan0", snap_bytes=0) + pcapng.packets(frames)


def test_the_rate_is_that_of_the_packets_the_meter_was_fed() -> None:
    """Packets before and after are not counted, nor what left the bench."""
    first_ns = START_NS + 20 * STEP_NS
    rate_bps = goodput_of_capture(
        capture(400), first_ns=first_ns, last_ns=first_ns + 100 * STEP_NS, shortest_s=0.3
    )

    assert rate_bps == pytest.approx(3_028_000.0)


def test_too_few_packets_have_no_rate() -> None:
    """None, never a guess."""
    assert (
        goodput_of_capture(capture(10), first_ns=0, last_ns=START_NS + 3 * STEP_NS, shortest_s=0.3)
        is None
    )
