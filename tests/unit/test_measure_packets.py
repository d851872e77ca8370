"""``harness.measure.packets``: columns of equal length, taken and joined."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.errors import InternalError
from harness.measure.packets import Packets, joined


def two() -> Packets:
    """Return one packet in, one packet out."""
    return Packets(
        t_ns=np.array([10, 20]),
        wire_bytes=np.array([1514, 66], np.int32),
        outgoing=np.array([False, True]),
        headers=b"a" * 96 + b"b" * 96,
    )


def test_taking_rows_takes_their_headers_as_well() -> None:
    """The second packet keeps its own header bytes."""
    taken = two().taken(two().outgoing)

    assert len(taken) == 1
    assert taken.headers == b"b" * 96
    assert taken.bytes_total() == 66


def test_joining_keeps_the_order() -> None:
    """What was polled first stays first."""
    both = joined([two(), two()])

    assert both.t_ns.tolist() == [10, 20, 10, 20]
    assert both.bytes_total() == 3160


def test_joining_nothing_gives_nothing() -> None:
    """No parts are no packets."""
    assert len(joined([])) == 0


def test_columns_of_different_length_are_our_fault() -> None:
    """A header too few is noticed at once."""
    with pytest.raises(InternalError, match="95 header bytes"):
        Packets(
            t_ns=np.array([10]),
            wire_bytes=np.array([60], np.int32),
            outgoing=np.array([False]),
            headers=b"a" * 95,
        )
