"""``harness.pool``: what holds for all numbers."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.pool.contract import ResetRule
from harness.pool.feed import FeedContract, check_feed, hour_reader
from harness.pool.landing import land
from harness.pool.state import SimEvent, SimState, after
from harness.pool.usage import UsageStore

AMOUNTS = st.floats(0.0, 1e12, allow_nan=False)


@pytest.mark.slow
@given(
    st.lists(AMOUNTS, min_size=1, max_size=70),
    st.integers(0, 6),
    st.integers(0, 31),
)
def test_a_landing_is_ordered_and_never_below_what_was_used(
    days: list[float], weekday: int, month_day: int
) -> None:
    """P10 <= P50 <= P90, whatever the past was."""
    over = min(month_day, len(days))

    landing = land(np.array(days), weekday, month_day=over, month_days=31)

    assert landing.total.p10 <= landing.total.p50 <= landing.total.p90
    assert landing.total.p10 >= landing.used * (1 - 1e-9)
    assert np.isfinite(landing.total.p90)


@pytest.mark.slow
@given(st.lists(st.sampled_from(SimEvent), max_size=30))
def test_a_sim_is_healthy_only_after_a_measurement(events: list[SimEvent]) -> None:
    """However the events come, without a measurement at full rate no SIM becomes healthy."""
    state = SimState.UNKNOWN
    measured = False
    for event in events:
        try:
            state = after(state, event)
        except UsageError:
            continue
        measured = measured or event is SimEvent.MEASURED_FULL
        assert measured or state is not SimState.HEALTHY


@pytest.mark.slow
@given(
    st.integers(1, 31),
    st.integers(0, 23),
    st.sampled_from(["Asia/Tokyo", "UTC"]),
    st.integers(400_000, 500_000),
)
def test_now_is_between_two_resets(day: int, hour: int, zone: str, now: int) -> None:
    """The last is not after now, the next is, and no reset lies between them."""
    rule = ResetRule(day=day, hour=hour, zone=zone)

    assert rule.last(now) <= now < rule.next(now)
    assert rule.next(rule.last(now)) == rule.next(now)
    assert 28 * 24 - 72 <= rule.next(now) - rule.last(now) <= 31 * 24


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "line": st.sampled_from(["L1", "L2"]),
            "hour": st.sampled_from(["2020-02-01T00:00+09:00", "2020-02-01T01:00+09:00", "soon"]),
            "carrier": st.just("44010"),
            "sim": st.sampled_from(["S1", ""]),
            "bytes": st.one_of(st.integers(-5, 10**12), st.just("x"), st.none()),
        }
    ),
    max_size=8,
)


@pytest.mark.slow
@given(ROWS, st.booleans())
def test_every_row_of_a_feed_is_counted_or_flagged(
    rows: list[dict[str, object]],
    counter: object,
) -> None:
    """Nothing is dropped in silence, whether the numbers are amounts or running counters."""
    contract = FeedContract(counter=bool(counter), first_hour=439_023, end_hour=439_023)
    report = check_feed(rows, contract, now_hour=439_024, read_hour=hour_reader())

    lost = {"not_a_number", "zone_missing", "duplicate_hour", "counter_base"}
    lost |= {"time_backwards"} if counter else set()
    flagged = sum(str(finding.flaw) in lost for finding in report.findings)
    assert report.read == len(rows) == len(report.rows) + flagged
    assert all(row.used_bytes >= 0 for row in report.rows)


@pytest.mark.slow
@settings(max_examples=20)  # every example writes five files to disk
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 3), st.integers(0, 9)), st.integers(0, 2**50), max_size=20
    )
)
def test_what_is_written_is_what_is_read(values: dict[tuple[int, int], int]) -> None:
    """Any values by hour and line, before and after packing, to the byte."""
    with TemporaryDirectory() as folder:
        store = UsageStore.create(Path(folder), carriers=["44010"])
        for hour in range(4):
            mine = {line: used for (at, line), used in values.items() if at == hour}
            lines, used = np.array(list(mine), np.int64), np.array(list(mine.values()), np.int64)
            store.write_hour(hour, "44010", lines, used)
        expected = [tuple(values.get((hour, line)) for hour in range(4)) for line in range(10)]

        assert [store.line(line, 0, 4).used_bytes for line in range(10)] == expected
        store.pack_day(0)
        assert [store.line(line, 0, 4).used_bytes for line in range(10)] == expected
        totals = store.totals(0, 4)
        assert totals.agree
        assert totals.lines_bytes == sum(values.values())
