"""A measured value with its interval, its cost and the doubts about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One measured quantity; what could not be measured has the value None, never a guess.

    Attributes:
        name: Dotted name of the quantity.
        value: The value, in `unit`.
        unit: Unit of value, low and high.
        low: Lower end of its interval; None when it is exact or has none.
        high: Upper end of its interval.
        n: How many observations it rests on.
        reliability: Doubts, in words; empty when there is none.
        bytes_burnt: SIM data that measuring it cost, both directions, at layer 2.
    """

    name: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    n: int = 1
    reliability: tuple[str, ...] = ()
    bytes_burnt: int = 0
