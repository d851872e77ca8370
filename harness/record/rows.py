"""The nouns of a record as values: what writers hand in and what readers get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.verdict.verdict import Verdict

EventKind = Literal[
    "at", "urc", "udev", "power", "injection", "registration", "sim", "server", "note"
]
RunState = Literal["running", "finished", "interrupted"]
ResultState = Literal["open", "finished", "not_run"]
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What is known of a run before it starts.

    Attributes:
        id: Short name that ends the directory's name, for example the router's: `r1`.
        title: What the run is for, one line.
        plan: Name of the plan, or the command line.
        bench: Name of the bench.
        is_virtual: Whether the routers are virtual; reports say so in large letters.
        harness_version: Version of this harness.
        lab_text: lab.toml as it was read.
        environment: Facts on the host, as text by name.
    """

    id: str
    title: str
    plan: str
    bench: str
    is_virtual: bool
    harness_version: str
    lab_text: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitInfo:
    """One router under test, with the firmware on it and the slot it is in.

    Attributes:
        imei: Its identity.
        model: Model as it calls itself.
        firmware: Firmware version as it calls it.
        hardware: Hardware revision; empty when it does not say.
        slot: Where on the bench it is plugged in.
        serial: Serial number; empty when it does not say.
        firmware_sha256: Hash of the image, when the image is at hand.
    """

    imei: str
    model: str
    firmware: str
    hardware: str = ""
    slot: str = ""
    serial: str = ""
    firmware_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInfo:
    """A test case as the catalogue describes it.

    Attributes:
        id: Identity, for example `CS-ATT-001`.
        version: Version of the case.
        title_en: Title in English.
        title_ja: Title in Japanese.
        requirements: Demands of the operator's report that it answers.
    """

    id: str
    version: str
    title_en: str
    title_ja: str
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """The run; `environment` is what `RunInfo` gave, times as in the schema."""

    run_id: str
    title: str
    plan: str
    bench: str
    is_virtual: bool
    harness_version: str
    lab_text: str
    lab_sha256: str
    environment: Json
    started_utc_us: int
    started_ns: int
    finished_utc_us: int | None
    finished_ns: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A router, with its firmware joined in."""

    id: int
    imei: str
    model: str
    hardware: str
    serial: str
    slot: str
    firmware: str
    firmware_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One attempt of one case on one router, with the case joined in.

    Attributes:
        id: Key of the result in its journal.
        unit_id: Key of the router.
        case_id: The case.
        case_version: Its version.
        title_en: Its title in English.
        title_ja: Its title in Japanese.
        requirements: Demands that it answers.
        attempt: 1 for the first; 0 for a case that was not run.
        state: `open`: never finished, so the run was interrupted in it, or is in it now.
        started_utc_us: When it began.
        started_ns: The same on the bench's clock.
        finished_utc_us: When it ended; None when it did not.
        finished_ns: The same on the bench's clock.
        verdict: What it came to.
        owner: Who must act, when it did not pass.
        cause: Why, in words; of a case that was not run: the reason.
    """

    id: int
    unit_id: int
    case_id: str
    case_version: str
    title_en: str
    title_ja: str
    requirements: tuple[str, ...]
    attempt: int
    state: ResultState
    started_utc_us: int
    started_ns: int
    finished_utc_us: int | None
    finished_ns: int | None
    verdict: Verdict
    owner: str | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """How many results are alike in state, verdict and owner."""

    state: ResultState
    verdict: Verdict
    owner: str | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRow:
    """One phase of a result; `end_ns` None: it never ended."""

    result_id: int
    name: str
    start_ns: int
    end_ns: int | None
    limit_s: float | None
    verdict: Verdict
    owner: str | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRow:
    """One measurement with the limit that it was judged by (None, None: not judged).

    Attributes:
        result_id: The result that it belongs to.
        t_ns: When it was written.
        name: What was measured.
        value: The value; None when it could not be measured.
        unit: Unit of value, interval and limits.
        low: Lower end of the measurement's own interval.
        high: Upper end of it.
        n: Number of observations.
        reliability: Doubts, each a clause in words; empty when there are none.
        bytes_burnt: SIM data that measuring cost.
        limit_name: Limit that judged it.
        limit_low: The limit's lower bound, copied.
        limit_high: The limit's upper bound, copied.
        decision: The limit's decision rule, copied.
        requirements: The limit's requirements, copied.
        verdict: The judgement.
        marginal: Whether the interval straddles a bound.
        evidence: From what it can be computed again; see `harness.record.recompute`.
    """

    result_id: int
    t_ns: int
    name: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    n: int
    reliability: tuple[str, ...]
    bytes_burnt: int
    limit_name: str | None
    limit_low: float | None
    limit_high: float | None
    decision: str | None
    requirements: tuple[str, ...]
    verdict: Verdict
    marginal: bool
    evidence: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SimUseRow:
    """One stretch of time in which the router acted as one card, and what it burnt of its quota."""

    result_id: int
    iccid: str
    imsi: str
    carrier: str
    plmn: str
    start_ns: int
    end_ns: int | None
    burnt_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """Something that happened; `result_id` None: to the run, in no case."""

    id: int
    result_id: int | None
    t_ns: int
    utc_us: int
    kind: EventKind
    party: str | None
    text: str
    data: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    """A quantity over time, as points of (monotonic ns, value)."""

    result_id: int
    name: str
    unit: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRow:
    """A file that was kept; its content is found by `sha256`."""

    result_id: int | None
    kind: str
    name: str
    path: str
    sha256: str
    size_bytes: int
    note: str
