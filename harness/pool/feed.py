"""The contract of a usage feed, and everything in one that does not keep it.

A feed is rows of (line, hour, carrier, SIM, bytes), as CSV or Parquet. Nothing is dropped in
silence: a row that cannot be counted becomes a `Finding` with its line and its hour, and so does
an hour that is not there. A missing hour is not an hour of zero bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from harness.core.errors import UsageError
from harness.core.files import first_line
from harness.core.units import parse_size_bytes
from harness.pool.months import hour_of, text_of, zone_of

COLUMNS: Final = ("line", "hour", "carrier", "sim", "bytes")
_GIB_IN_GB: Final = 1024**3 / 1000**3
_COUNTER_BITS: Final = (32, 64)
_WRAP_MARGIN: Final = 0.9
_UNIT_TOLERANCE: Final = 0.02


class Flaw(StrEnum):
    """What can be wrong with a row or an hour."""

    NOT_A_NUMBER = "not_a_number"
    ZONE_MISSING = "zone_missing"
    TIME_BACKWARDS = "time_backwards"
    DUPLICATE_HOUR = "duplicate_hour"
    MISSING_HOUR = "missing_hour"
    COUNTER_BASE = "counter_base"
    COUNTER_WRAPPED = "counter_wrapped"
    COUNTER_RESET = "counter_reset"
    UNIT_GIB = "unit_gib"
    OFF_THE_TAP = "off_the_tap"
    SIM_IN_TWO_BANKS = "sim_in_two_banks"
    RESET_RULE_UNKNOWN = "reset_rule_unknown"
    LINE_WITHOUT_SIM = "line_without_sim"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One flaw.

    Attributes:
        flaw: Which.
        line: The line it concerns; empty when it concerns the feed.
        hour: The hour it concerns; None when that cannot be told.
        detail: What was found, with the value, and what was expected.
    """

    flaw: Flaw
    line: str
    hour: int | None
    detail: str

    @property
    def text(self) -> str:
        """One line for a person."""
        hour = "hour unknown" if self.hour is None else text_of(self.hour)
        return f"{self.flaw}  line {self.line or '-'}  {hour}  {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContract:
    """What a feed has promised.

    Attributes:
        unit: Unit of the column `bytes`: B, kB, MB, GB, KiB, MiB or GiB.
        counter: Whether the numbers are running counters rather than amounts an hour.
        first_hour: First hour that must be there.
        end_hour: The hour after the last that must be there.
        max_age_h: How old the newest row may be, in hours.
    """

    unit: str = "B"
    counter: bool = False
    first_hour: int
    end_hour: int
    max_age_h: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One counted hour of one line.

    Attributes:
        line: The line.
        hour: Hours since 1970.
        carrier: PLMN code.
        sim: The SIM it was on; empty when the feed does not say.
        used_bytes: What it used in that hour.
    """

    line: str
    hour: int
    carrier: str
    sim: str
    used_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """A feed after the check.

    Attributes:
        rows: What can be counted.
        findings: What cannot, and what is not there.
        read: Number of rows that the feed had.
    """

    rows: Sequence[FeedRow]
    findings: Sequence[Finding]
    read: int

    @property
    def counts(self) -> Mapping[Flaw, int]:
        """Number of findings by flaw; every flaw is named, also with 0."""
        found = Counter(finding.flaw for finding in self.findings)
        return {flaw: found[flaw] for flaw in Flaw}


@dataclass(slots=True, kw_only=True)
class _Check:
    contract: FeedContract
    factor: float
    findings: list[Finding] = field(default_factory=list)
    rows: list[FeedRow] = field(default_factory=list)
    last_hour: dict[str, int] = field(default_factory=dict)
    last_count: dict[str, int] = field(default_factory=dict)
    seen: set[tuple[str, int]] = field(default_factory=set)

    def flag(self, flaw: Flaw, line: str, hour: int | None, detail: str) -> None:
        self.findings.append(Finding(flaw=flaw, line=line, hour=hour, detail=detail))


def read_feed(path: Path) -> Sequence[Mapping[str, object]]:
    """Read the rows of a CSV or Parquet file, all CSV columns as text.

    Raises:
        UsageError: It is neither, or a column of the contract is missing.
    """
    if path.suffix == ".parquet":
        table = pq.read_table(path)
    elif path.suffix == ".csv":
        header = first_line(path, remedy="name the feed").strip().split(",")
        types = dict.fromkeys(header, pa.string())
        options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=False)
        table = pa_csv.read_csv(path, convert_options=options)
    else:
        msg = f"{path.name}: a feed is a .csv or a .parquet file"
        raise UsageError(msg)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        msg = f"{path.name}: no column {', '.join(missing)}; a feed has {', '.join(COLUMNS)}"
        raise UsageError(msg)
    return cast("Sequence[Mapping[str, object]]", table.select(COLUMNS).to_pylist())


def hour_reader(zone: str | None = None) -> Callable[[object], int | None]:
    """Return the reader of the column `hour`: ISO 8601 text or a time stamp.

    Args:
        zone: The zone that the contract names for times without one; None when it names none.
    """
    default = None if zone is None else zone_of(zone)

    def read(value: object) -> int | None:
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=default)
        return None if moment.tzinfo is None else hour_of(moment)

    return read


def check_feed(
    rows: Iterable[Mapping[str, object]],
    contract: FeedContract,
    *,
    now_hour: int,
    read_hour: Callable[[object], int | None],
) -> FeedReport:
    """Check every row in the order of the feed and count what can be counted.

    Args:
        rows: As `read_feed` gives them.
        contract: What was promised.
        now_hour: The hour it is now, to judge freshness.
        read_hour: Turns the column `hour` into hours since 1970; None when it has no zone.
    """
    check = _Check(contract=contract, factor=float(parse_size_bytes(f"1 {contract.unit}")))
    read = 0
    for row in rows:
        read += 1
        _check_row(check, row, read_hour)
    _check_gaps(check, now_hour)
    return FeedReport(rows=check.rows, findings=check.findings, read=read)


def _amount(value: object) -> float | None:
    try:
        number = float(cast("Any", value))
    except (TypeError, ValueError):
        return None
    return number if number >= 0 else None


def _check_row(
    check: _Check, row: Mapping[str, object], read_hour: Callable[[object], int | None]
) -> None:
    line, sim = str(row["line"]), str(row["sim"] or "")
    hour = read_hour(row["hour"])
    if hour is None:
        detail = f"{row['hour']!r} has no zone; write it like '2020-02-21T00:00+09:00'"
        check.flag(Flaw.ZONE_MISSING, line, None, detail)
        return
    amount = _amount(row["bytes"])
    if amount is None:
        detail = f"{row['bytes']!r} is not a number of {check.contract.unit} that is 0 or more"
        check.flag(Flaw.NOT_A_NUMBER, line, hour, detail)
        return
    if (line, hour) in check.seen:
        check.flag(Flaw.DUPLICATE_HOUR, line, hour, f"{amount:g} {check.contract.unit} again")
        return
    check.seen.add((line, hour))
    last = check.last_hour.get(line)
    if last is not None and hour < last:
        # A running counter cannot be cut into hours backwards; the next one holds its amount.
        fate = "not counted" if check.contract.counter else "counted"
        check.flag(Flaw.TIME_BACKWARDS, line, hour, f"came after {text_of(last)}; {fate}")
        if check.contract.counter:
            return
    check.last_hour[line] = max(hour, hour if last is None else last)
    if not sim:
        check.flag(Flaw.LINE_WITHOUT_SIM, line, hour, f"{amount:g} {check.contract.unit} on no SIM")
    used_bytes = round(amount * check.factor)
    if check.contract.counter:
        used = _difference(check, line, hour, used_bytes)
        if used is None:
            return
        used_bytes = used
    check.rows.append(
        FeedRow(line=line, hour=hour, carrier=str(row["carrier"]), sim=sim, used_bytes=used_bytes)
    )


def _difference(check: _Check, line: str, hour: int, count: int) -> int | None:
    before = check.last_count.get(line)
    check.last_count[line] = count
    if before is None:
        check.flag(
            Flaw.COUNTER_BASE, line, hour, f"first count {count}: use is known from the next"
        )
        return None
    if count >= before:
        return count - before
    for bits in _COUNTER_BITS:
        if _WRAP_MARGIN * (1 << bits) < before < 1 << bits:
            check.flag(
                Flaw.COUNTER_WRAPPED, line, hour, f"{before} to {count}: {bits} bits wrapped"
            )
            return count + (1 << bits) - before
    check.flag(Flaw.COUNTER_RESET, line, hour, f"{before} to {count}: counted from 0")
    return count


def _check_gaps(check: _Check, now_hour: int) -> None:
    due = range(check.contract.first_hour, check.contract.end_hour)
    for line in sorted(check.last_hour):
        for hour in due:
            if (line, hour) not in check.seen:
                check.flag(Flaw.MISSING_HOUR, line, hour, "not in the feed; unknown, not zero")
    newest = max(check.last_hour.values(), default=None)
    if newest is None or now_hour - newest > check.contract.max_age_h:
        age = "no row at all" if newest is None else f"newest row {now_hour - newest} h old"
        check.flag(Flaw.STALE, "", newest, f"{age}, at most {check.contract.max_age_h} h allowed")


def compare_with_tap(
    rows: Iterable[FeedRow], tap_bytes: Mapping[tuple[str, int], int]
) -> Sequence[Finding]:
    """Compare a feed with what our own tap counted, line by hour.

    Args:
        rows: The feed.
        tap_bytes: Bytes by (line, hour), for the hours in which the tap saw all.
    """
    findings: list[Finding] = []
    for row in rows:
        seen = tap_bytes.get((row.line, row.hour))
        if not seen:
            continue
        ratio = row.used_bytes / seen
        detail = f"feed {row.used_bytes} B, tap {seen} B, ratio {ratio:.4f}"
        if abs(ratio * _GIB_IN_GB - 1) <= _UNIT_TOLERANCE:
            detail += ": GiB sent as GB"
            flaw = Flaw.UNIT_GIB
        elif abs(ratio - 1) > _UNIT_TOLERANCE:
            flaw = Flaw.OFF_THE_TAP
        else:
            continue
        findings.append(Finding(flaw=flaw, line=row.line, hour=row.hour, detail=detail))
    return findings


def check_inventory(
    slots: Iterable[tuple[str, str]],
    assigned: Mapping[str, tuple[str, int]],
    reset_known: Mapping[str, bool],
) -> Sequence[Finding]:
    """Check what is in the banks.

    Args:
        slots: (SIM, ``bank/slot``) as the banks report them.
        assigned: For a SIM in use: the line and the hour of its last use.
        reset_known: For each SIM, whether the contract says when it resets.
    """
    places: dict[str, list[str]] = {}
    for sim, slot in slots:
        places.setdefault(sim, []).append(slot)
    findings: list[Finding] = []
    for sim in sorted(set(places) | set(assigned)):
        line, hour = assigned.get(sim, ("", None))
        banks = {slot.split("/")[0] for slot in places.get(sim, [])}
        if len(banks) > 1:
            detail = f"SIM {sim} is in {' and '.join(sorted(places[sim]))}"
            findings.append(
                Finding(flaw=Flaw.SIM_IN_TWO_BANKS, line=line, hour=hour, detail=detail)
            )
        if not reset_known.get(sim, False):
            detail = f"SIM {sim} has no reset rule; its quota is in no total"
            findings.append(
                Finding(flaw=Flaw.RESET_RULE_UNKNOWN, line=line, hour=hour, detail=detail)
            )
    return findings
