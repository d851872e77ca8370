"""Text with a unit to a number and back. Decimal prefixes are SI: 1 GB is 10^9 bytes."""

from __future__ import annotations

import re
from typing import Final

from harness.core.errors import UsageError

BITS_PER_BYTE: Final = 8
NS_PER_S: Final = 1_000_000_000
US_PER_S: Final = 1_000_000

_NUMBER: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[A-Za-z/]+)", re.ASCII)
_RATE: Final = {
    "bit/s": 1,
    "kbit/s": 1_000,
    "Mbit/s": 1_000_000,
    "Gbit/s": 1_000_000_000,
}
_SIZE: Final = {
    "B": 1,
    "kB": 1_000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "TB": 1_000_000_000_000,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_DURATION_US: Final = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}


def _parse(text: str, units: dict[str, int], what: str, examples: str) -> float:
    match = _NUMBER.fullmatch(text)
    factor = units.get(match["unit"]) if match else None
    if match is None or factor is None:
        msg = f"{text!r} is not a {what}; write it like {examples}"
        raise UsageError(msg)
    return float(match["number"]) * factor


def parse_rate_bps(text: str) -> int:
    """Read a rate such as ``384 kbit/s``; the result is in bit/s.

    Raises:
        UsageError: The text is not a number with one of bit/s, kbit/s, Mbit/s, Gbit/s.
    """
    return round(_parse(text, _RATE, "rate", "'5 Mbit/s' or '384 kbit/s'"))


def parse_size_bytes(text: str) -> int:
    """Read a size such as ``25 GB`` (10^9) or ``16 MiB`` (2^20); the result is in bytes.

    Raises:
        UsageError: The text is not a number with a unit of bytes.
    """
    return round(_parse(text, _SIZE, "size", "'25 GB' or '64 KiB'"))


def parse_duration_s(text: str) -> float:
    """Read a duration such as ``30 s`` or ``250 ms``; the result is in seconds.

    Raises:
        UsageError: The text is not a number with one of us, ms, s, min, h, d.
    """
    return _parse(text, _DURATION_US, "duration", "'30 s' or '250 ms'") / US_PER_S


def _format(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    for factor, unit in steps:
        if abs(value) >= factor:
            return f"{value / factor:.4g} {unit}"
    factor, unit = steps[-1]
    return f"{value / factor:.4g} {unit}"


def format_rate(rate_bps: float) -> str:
    """Write a rate in bit/s with four significant digits and the fitting unit."""
    return _format(rate_bps, ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1, "bit/s")))


def format_size(size_bytes: float) -> str:
    """Write a number of bytes with four significant digits and the fitting SI unit."""
    return _format(size_bytes, ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")))


def format_duration(duration_s: float) -> str:
    """Write a duration in seconds with four significant digits, as s or ms."""
    return _format(duration_s, ((1, "s"), (1e-3, "ms")))
