"""``harness.measure.accounting``: which reading of a counter fits the tap."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.measure.accounting import Layer, Tally, Way, counter_step, explain, tally
from tests.unit.measure_frames import Frame, packets_of

# 10,000 full segments down, 5,000 ACKs up: the arithmetic of Ethernet, IPv4, TCP with time stamps.
SEEN = Tally(
    packets_down=10_000,
    packets_up=5_000,
    l2_down=15_140_000,
    l2_up=330_000,
    payload_down=14_480_000,
    payload_up=0,
)


@pytest.mark.parametrize(
    ("layer", "way", "expected"),
    [
        (Layer.L2, Way.DOWN, 15_140_000),
        (Layer.L3, Way.DOWN, 15_000_000),
        (Layer.PAYLOAD, Way.DOWN, 14_480_000),
        (Layer.L2, Way.UP, 330_000),
        (Layer.L3, Way.UP, 260_000),
        (Layer.L3, Way.BOTH, 15_260_000),
    ],
)
def test_each_layer_has_its_count(layer: Layer, way: Way, expected: int) -> None:
    """14 bytes a packet lie between layer 2 and 3."""
    assert SEEN.count(layer, way) == expected


@pytest.mark.parametrize(
    ("counted", "layer", "way"),
    [
        (15_000_000, Layer.L3, Way.DOWN),
        (15_260_100, Layer.L3, Way.BOTH),
        (15_140_000, Layer.L2, Way.DOWN),
        (14_480_000, Layer.PAYLOAD, Way.DOWN),
    ],
)
def test_the_reading_that_fits_comes_first(counted: int, layer: Layer, way: Way) -> None:
    """A counter at the router's modem counts layer 3, one at its USB interface layer 2."""
    best = explain(counted, SEEN)[0]

    assert (best.layer, best.way, best.unit_bytes) == (layer, way, 1.0)
    assert best.fits


def test_a_counter_in_kibibytes_called_kilobytes_is_named() -> None:
    """15,000,000 B shown as 14,648 "kB": the unit is 1000/1024 of what it says."""
    best = explain(14_648_437, SEEN)[0]

    assert best.layer is Layer.L3
    assert best.unit_bytes == pytest.approx(1000 / 1024)


def test_what_the_router_does_by_itself_is_taken_off() -> None:
    """100 B/s for 60 s are the router's own."""
    best = explain(15_006_000, SEEN, drift_bytes_per_s=100, lasted_s=60)[0]

    assert best.layer is Layer.L3
    assert best.left_over_bytes == pytest.approx(0)


def test_a_counter_that_fits_nothing_says_so() -> None:
    """A third more than anything on the wire."""
    best = explain(20_600_000, SEEN)[0]

    assert not best.fits
    assert best.left_over_bytes > 0


def test_the_tap_is_tallied_by_layer_and_direction() -> None:
    """One segment of 1000 B down, its ACK up."""
    seen = tally(packets_of([Frame(t_ms=0, payload=1000), Frame(t_ms=1, outgoing=True)]))

    assert (seen.l2_down, seen.l2_up) == (1066, 66)
    assert (seen.payload_down, seen.payload_up) == (1000, 0)
    assert seen.count(Layer.L3, Way.BOTH) == 1104


def test_a_counter_that_wraps_at_32_bits_goes_on() -> None:
    """From 4,294,967,000 to 704 are 1000 bytes."""
    assert counter_step(4_294_967_000, 704) == 1000
    assert counter_step(5, 105) == 100


def test_a_counter_that_was_reset_is_not_guessed() -> None:
    """From 1,000,000 back to 10."""
    with pytest.raises(UsageError, match="from 1000000 to 10"):
        counter_step(1_000_000, 10)
