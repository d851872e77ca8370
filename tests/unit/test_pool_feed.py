"""``harness.pool.feed``: each flaw is flagged with its line and hour, nothing is dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.core.errors import UsageError
from harness.pool.feed import (
    FeedContract,
    FeedReport,
    FeedRow,
    Flaw,
    check_feed,
    check_inventory,
    compare_with_tap,
    hour_reader,
    read_feed,
)

DATA = Path(__file__).parent.parent / "data" / "pool"
FIRST = 439_023  # 2020-02-01T00:00+09:00, hours since 1970
HOUR = "2020-02-01T00:00+09:00"
NEXT = "2020-02-01T01:00+09:00"


def _row(line: str, hour: object, amount: object, sim: str = "S1") -> Mapping[str, object]:
    return {"line": line, "hour": hour, "carrier": "44010", "sim": sim, "bytes": amount}


def _checked(
    rows: Sequence[Mapping[str, object]],
    *,
    unit: str = "B",
    counter: bool = False,
    hours: int = 2,
    zone: str | None = None,
) -> FeedReport:
    contract = FeedContract(unit=unit, counter=counter, first_hour=FIRST, end_hour=FIRST + hours)
    return check_feed(rows, contract, now_hour=FIRST + hours - 1, read_hour=hour_reader(zone))


def test_each_flaw_of_the_bad_feed_is_flagged_with_line_and_hour() -> None:
    """The file has one flaw of each kind that a row can have."""
    report = _checked(read_feed(DATA / "bad_feed.csv"))

    assert report.read == 8
    assert [(f.flaw, f.line, f.hour) for f in report.findings] == [
        (Flaw.DUPLICATE_HOUR, "L1", 439_024),
        (Flaw.TIME_BACKWARDS, "L2", 439_023),
        (Flaw.ZONE_MISSING, "L3", None),
        (Flaw.LINE_WITHOUT_SIM, "L4", 439_023),
        (Flaw.NOT_A_NUMBER, "L4", 439_024),
        (Flaw.MISSING_HOUR, "L4", 439_024),
    ]
    assert [(r.line, r.hour, r.used_bytes) for r in report.rows] == [
        ("L1", 439_023, 1000),
        ("L1", 439_024, 2000),
        ("L2", 439_024, 50),
        ("L2", 439_023, 70),
        ("L4", 439_023, 500),
    ]
    assert report.counts[Flaw.MISSING_HOUR] == 1
    assert report.counts[Flaw.STALE] == 0


def test_a_finding_reads_as_one_line() -> None:
    """Flaw, line, hour, value and remedy."""
    (finding,) = _checked([_row("L3", "2020-02-01T00:00", 1)], hours=0).findings[:1]

    assert finding.text == (
        "zone_missing  line L3  hour unknown  '2020-02-01T00:00' has no zone; "
        "write it like '2020-02-21T00:00+09:00'"
    )


def test_a_missing_hour_is_not_a_zero_hour() -> None:
    """An hour with 0 bytes is counted; an hour without a row is a finding."""
    zero = _checked([_row("L1", HOUR, 5), _row("L1", NEXT, 0)])
    gone = _checked([_row("L1", HOUR, 5)])

    assert [r.used_bytes for r in zero.rows] == [5, 0]
    assert [f.flaw for f in zero.findings] == []
    assert [(f.flaw, f.hour) for f in gone.findings] == [(Flaw.MISSING_HOUR, 439_024)]


def test_a_counter_that_wraps_goes_on_and_one_that_resets_starts_at_zero() -> None:
    """A 32-bit counter near its end wraps; any other fall is a reset."""
    wrapped = _checked([_row("L1", HOUR, 4_294_967_000), _row("L1", NEXT, 704)], counter=True)
    reset = _checked([_row("L1", HOUR, 1_000_000), _row("L1", NEXT, 300)], counter=True)
    plain = _checked([_row("L1", HOUR, 1_000_000), _row("L1", NEXT, 1_000_500)], counter=True)

    assert [r.used_bytes for r in wrapped.rows] == [1000]
    assert [(f.flaw, f.line, f.hour) for f in wrapped.findings] == [
        (Flaw.COUNTER_BASE, "L1", 439_023),
        (Flaw.COUNTER_WRAPPED, "L1", 439_024),
    ]
    assert [r.used_bytes for r in reset.rows] == [300]
    assert reset.findings[1].detail == "1000000 to 300: counted from 0"
    assert [r.used_bytes for r in plain.rows] == [500]


def test_a_counter_that_comes_backwards_is_flagged_and_not_counted() -> None:
    """Hour 1 before hour 0: the fall is no reset."""
    report = _checked([_row("L1", NEXT, 500), _row("L1", HOUR, 300)], counter=True)

    assert [f.flaw for f in report.findings] == [Flaw.COUNTER_BASE, Flaw.TIME_BACKWARDS]
    assert report.findings[1].detail == "came after 2020-01-31T16:00+00:00; not counted"
    assert report.rows == []


def test_the_zone_of_the_contract_is_used_for_times_without_one() -> None:
    """Midnight in Tokyo is 15:00 UTC of the day before."""
    report = _checked([_row("L1", "2020-02-01T00:00", 7)], hours=1, zone="Asia/Tokyo")

    assert [(r.hour, r.used_bytes) for r in report.rows] == [(439_023, 7)]


def test_units_are_converted_once() -> None:
    """0.5 GB is 500,000,000 bytes."""
    report = _checked([_row("L1", HOUR, "0.5")], unit="GB", hours=1)

    assert [r.used_bytes for r in report.rows] == [500_000_000]


@pytest.mark.parametrize("amount", ["", "-1", "nan", None, "12 GB"])
def test_an_amount_that_is_none_is_flagged(amount: object) -> None:
    """Only a number that is 0 or more can be counted."""
    report = _checked([_row("L1", HOUR, amount)], hours=1)

    assert report.findings[0].flaw is Flaw.NOT_A_NUMBER
    assert report.rows == []


def test_an_old_feed_is_stale() -> None:
    """The newest row may be one hour old."""
    contract = FeedContract(first_hour=FIRST, end_hour=FIRST + 1)
    report = check_feed(
        [_row("L1", HOUR, 1)], contract, now_hour=FIRST + 3, read_hour=hour_reader()
    )

    assert [f.text for f in report.findings] == [
        "stale  line -  2020-01-31T15:00+00:00  newest row 3 h old, at most 1 h allowed"
    ]


def test_gib_sent_as_gb_is_seen_beside_the_tap() -> None:
    """1 GB seen on the tap and 0.931 GB in the feed is the ratio of GB to GiB."""
    rows = [
        FeedRow(line="L1", hour=FIRST, carrier="44010", sim="S1", used_bytes=931_322_575),
        FeedRow(line="L2", hour=FIRST, carrier="44010", sim="S2", used_bytes=1_001_000_000),
        FeedRow(line="L3", hour=FIRST, carrier="44010", sim="S3", used_bytes=500_000_000),
        FeedRow(line="L4", hour=FIRST, carrier="44010", sim="S4", used_bytes=500_000_000),
    ]
    tap = {("L1", FIRST): 10**9, ("L2", FIRST): 10**9, ("L3", FIRST): 10**9}

    findings = compare_with_tap(rows, tap)

    assert [(f.flaw, f.line, f.hour) for f in findings] == [
        (Flaw.UNIT_GIB, "L1", FIRST),
        (Flaw.OFF_THE_TAP, "L3", FIRST),
    ]
    assert findings[0].detail == (
        "feed 931322575 B, tap 1000000000 B, ratio 0.9313: GiB sent as GB"
    )


def test_a_sim_in_two_banks_and_one_without_a_reset_rule_are_flagged() -> None:
    """With the line and the hour of their last use."""
    findings = check_inventory(
        [("S1", "b1/1"), ("S2", "b1/2"), ("S1", "b2/7")],
        {"S1": ("L9", FIRST), "S2": ("L8", FIRST + 1)},
        {"S1": True, "S2": False},
    )

    assert [(f.flaw, f.line, f.hour, f.detail) for f in findings] == [
        (Flaw.SIM_IN_TWO_BANKS, "L9", FIRST, "SIM S1 is in b1/1 and b2/7"),
        (
            Flaw.RESET_RULE_UNKNOWN,
            "L8",
            FIRST + 1,
            "SIM S2 has no reset rule; its quota is in no total",
        ),
    ]


def test_parquet_with_time_stamps_reads_like_csv(tmp_path: Path) -> None:
    """A time stamp with a zone needs no text."""
    table = pa.table(
        {
            "line": ["L1"],
            "hour": pa.array([datetime(2020, 1, 31, 15, tzinfo=UTC)]),
            "carrier": ["44010"],
            "sim": ["S1"],
            "bytes": pa.array([9], pa.int64()),
        }
    )
    pq.write_table(table, tmp_path / "feed.parquet")

    report = _checked(read_feed(tmp_path / "feed.parquet"), hours=1)

    assert [(r.line, r.hour, r.used_bytes) for r in report.rows] == [("L1", 439_023, 9)]


def test_a_feed_without_its_columns_is_refused(tmp_path: Path) -> None:
    """The message names what is missing."""
    path = tmp_path / "feed.csv"
    path.write_text("line,hour\nL1,x\n", encoding="utf-8")

    with pytest.raises(UsageError, match=r"feed\.csv: no column carrier, sim, bytes"):
        read_feed(path)
    with pytest.raises(UsageError, match=r"feed\.txt: a feed is a \.csv or a \.parquet file"):
        read_feed(tmp_path / "feed.txt")
