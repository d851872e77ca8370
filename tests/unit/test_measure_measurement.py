"""``harness.measure.measurement``: what a measurement can and cannot be."""

from __future__ import annotations

import pytest

from harness.core.errors import InternalError
from harness.measure.measurement import Measurement


def test_a_value_without_doubts_is_reliable() -> None:
    """A value with an interval and no doubt is reliable."""
    measured = Measurement(name="goodput_down", value=1.0, unit="bit/s", low=0.9, high=1.1)

    assert measured.reliable


def test_a_doubt_makes_it_unreliable() -> None:
    """One doubt is enough."""
    measured = Measurement(
        name="goodput_down", value=1.0, unit="bit/s", reliability=("3 packets lost by the tap",)
    )

    assert not measured.reliable


def test_nothing_measured_is_not_reliable() -> None:
    """No value is no result."""
    assert not Measurement(name="goodput_down", value=None, unit="bit/s").reliable


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(1.0, 0.5, None), (1.0, None, 2.0), (3.0, 1.0, 2.0), (0.5, 1.0, 2.0), (None, 1.0, 2.0)],
)
def test_an_interval_that_does_not_hold_the_value_is_our_fault(
    value: float | None, low: float | None, high: float | None
) -> None:
    """An interval has two ends and the value between them."""
    with pytest.raises(InternalError):
        Measurement(name="rtt", value=value, unit="ms", low=low, high=high)
