"""One measured quantity as judgement and record take it: value, interval, doubts and price."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.errors import InternalError


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number with what is needed to judge it.

    Attributes:
        name: What was measured, for example `goodput_down`.
        value: The number in `unit`; None when it could not be measured.
        unit: Unit as in limits.toml: `bit/s`, `ms`, `s`, `B`, `%` or `1`.
        low: Lower end of the value's interval; None when no interval is known.
        high: Upper end of it; None when no interval is known.
        n: Number of samples behind the value.
        reliability: Doubts, each a clause in words; empty when there are none.
        bytes_burnt: Bytes that crossed the SIM for it, both directions, queue drain included.
    """

    name: str
    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    n: int = 0
    reliability: tuple[str, ...] = ()
    bytes_burnt: int = 0

    def __post_init__(self) -> None:
        """Refuse what no measurement can be.

        Raises:
            InternalError: The interval has one end only or does not hold the value.
        """
        if (self.low is None) != (self.high is None):
            msg = f"{self.name}: an interval has two ends; got {self.low!r} and {self.high!r}"
            raise InternalError(msg)
        if self.low is None or self.high is None:
            return
        if self.value is None or not self.low <= self.value <= self.high:
            msg = (
                f"{self.name}: {self.value!r} is not in its interval {self.low!r} to {self.high!r}"
            )
            raise InternalError(msg)

    @property
    def reliable(self) -> bool:
        """Whether there is a value and no doubt about it."""
        return self.value is not None and not self.reliability
