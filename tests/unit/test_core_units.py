"""`harness.core.units`: text with a unit to a number and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import HarnessError, UsageError
from harness.core.units import (
    format_duration,
    format_rate,
    format_size,
    parse_duration_s,
    parse_rate_bps,
    parse_size_bytes,
)


@pytest.mark.parametrize(
    ("text", "rate_bps"),
    [
        ("0 bit/s", 0),
        ("128 kbit/s", 128_000),
        ("5 Mbit/s", 5_000_000),
        ("5Mbit/s", 5_000_000),
        ("0.3 Mbit/s", 300_000),
        ("1 Gbit/s", 1_000_000_000),
    ],
)
def test_a_rate_is_read_in_si_units(text: str, rate_bps: int) -> None:
    """Prefixes are decimal and the result is in bit/s."""
    assert parse_rate_bps(text) == rate_bps


@pytest.mark.parametrize("text", ["5 MB/s", "5", "", "fast", "-1 kbit/s", "5 mbit/s", "1e3 bit/s"])
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    """The message shows what was written and how to write it."""
    with pytest.raises(UsageError) as caught:
        parse_rate_bps(text)

    assert str(caught.value) == (
        f"{text!r} is not a rate; write it like '5 Mbit/s' or '384 kbit/s'"
    )


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("25 GB", 25_000_000_000),
        ("1 GiB", 1_073_741_824),
        ("1 MiB", 1_048_576),
        ("64 KiB", 65_536),
        ("1.5 kB", 1_500),
        ("7 B", 7),
        ("2 TB", 2_000_000_000_000),
        ("3 MB", 3_000_000),
    ],
)
def test_a_gigabyte_is_decimal_and_a_gibibyte_is_binary(text: str, size_bytes: int) -> None:
    """GB is 10^9 bytes (requirements R17), GiB is 2^30."""
    assert parse_size_bytes(text) == size_bytes


def test_a_size_without_a_unit_is_refused() -> None:
    """A bare number is never guessed to be bytes."""
    with pytest.raises(UsageError, match=r"'25' is not a size; write it like '25 GB' or '64 KiB'"):
        parse_size_bytes("25")


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("30 s", 30.0), ("250 ms", 0.25), ("5 us", 5e-6), ("2 min", 120.0), ("1 h", 3600.0)],
)
def test_a_duration_is_read_in_seconds(text: str, duration_s: float) -> None:
    """The result is in seconds whatever the unit."""
    assert parse_duration_s(text) == pytest.approx(duration_s)


def test_a_day_is_a_duration() -> None:
    """Lease times and ages are written in days."""
    assert parse_duration_s("2 d") == pytest.approx(172_800.0)


def test_no_duration_is_refused() -> None:
    """Months have no fixed length."""
    with pytest.raises(UsageError, match="'1 month' is not a duration; write it like '30 s'"):
        parse_duration_s("1 month")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (format_rate(384_000), "384 kbit/s"),
        (format_rate(12_345_678), "12.35 Mbit/s"),
        (format_rate(1_000_000_000), "1 Gbit/s"),
        (format_rate(0), "0 bit/s"),
        (format_size(25_000_000_000), "25 GB"),
        (format_size(999), "999 B"),
        (format_size(1_500), "1.5 kB"),
        (format_size(2e12), "2 TB"),
        (format_duration(4.2), "4.2 s"),
        (format_duration(0.0125), "12.5 ms"),
        (format_duration(0.0), "0 ms"),
    ],
)
def test_a_number_is_written_with_the_fitting_unit(text: str, expected: str) -> None:
    """Four significant digits, SI prefixes."""
    assert text == expected


@given(st.text(max_size=20))
def test_any_text_is_a_rate_or_our_own_error(text: str) -> None:
    """No text makes the parser fail in another way."""
    try:
        rate_bps = parse_rate_bps(text)
    except HarnessError:
        return
    assert rate_bps >= 0


@given(st.integers(0, 10**9))
def test_a_written_rate_reads_back(rate_kbps: int) -> None:
    """What is written exactly reads back to the same number."""
    assert parse_rate_bps(f"{rate_kbps} kbit/s") == rate_kbps * 1000
