"""A scenario file: what happened, with a source for each date, and the model that replays it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib import resources
from typing import Any, Final

from harness.core.errors import UsageError
from harness.core.units import parse_rate_bps, parse_size_bytes

SHIPPED: Final = {"outage-2020": "outage_2020.toml"}


class Happening(StrEnum):
    """What a dated fact does to the model."""

    NOTICE = "notice"
    SLOW = "slow"
    RECOVERY_CLAIMED = "recovery_claimed"
    CAPACITY_ADDED = "capacity_added"
    SUSPENSION_OFFERED = "suspension_offered"
    HEAVY_CAPPED = "heavy_capped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One dated fact.

    Attributes:
        day: When, in the scenario's zone.
        event: What it does to the model.
        what: What happened, in words.
        source: Who says so.
    """

    day: date
    event: Happening
    what: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The numbers of the scale model; see the comments in the scenario file."""

    lines: int
    quota_bytes: int
    throttle_bps: int
    dry_day: date
    carriers: Mapping[str, float]
    extra_sims_before_story: float
    late_reset_carrier: str
    late_reset_share: float
    late_reset_until: date
    added_share: float
    suspended_share: float
    lead_days: int
    heavy_bytes: int
    cap_bytes: int
    sample_lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story that can be replayed.

    Attributes:
        name: Its name on the command line.
        zone: Whose days.
        first_day: First day of the history.
        story_day: First day of the story.
        end_day: Last day.
        model: The scale model.
        facts: What happened, by date.
    """

    name: str
    zone: str
    first_day: date
    story_day: date
    end_day: date
    model: Model
    facts: Sequence[Fact]

    def days_of(self, event: Happening) -> Sequence[date]:
        """Return the days on which `event` happened."""
        return [fact.day for fact in self.facts if fact.event is event]


def load_scenario(name: str) -> Scenario:
    """Read a scenario that is shipped.

    Raises:
        UsageError: There is none of that name.
    """
    file = SHIPPED.get(name)
    if file is None:
        msg = f"{name!r} is not a scenario; there is {', '.join(sorted(SHIPPED))}"
        raise UsageError(msg)
    text = resources.files("harness.pool").joinpath(file).read_text(encoding="utf-8")
    return parse_scenario(text)


def parse_scenario(text: str) -> Scenario:
    """Read a scenario from TOML.

    Raises:
        UsageError: A key is missing, or a fact has no source or an event that is not known.
    """
    try:
        found = tomllib.loads(text)
        facts = [_fact(fact) for fact in found["fact"]]
        return Scenario(
            name=found["name"],
            zone=found["zone"],
            first_day=found["first_day"],
            story_day=found["story_day"],
            end_day=found["end_day"],
            model=_model(found["model"]),
            facts=sorted(facts, key=lambda fact: fact.day),
        )
    except KeyError as exc:
        msg = f"scenario: {exc.args[0]} is missing"
        raise UsageError(msg) from exc
    except tomllib.TOMLDecodeError as exc:
        msg = f"scenario: {exc}"
        raise UsageError(msg) from exc


def _fact(found: Mapping[str, Any]) -> Fact:
    if not found["source"] or found["event"] not in set(Happening):
        events = ", ".join(Happening)
        msg = f"scenario: {found['date']}: needs a source and an event of {events}"
        raise UsageError(msg)
    return Fact(
        day=found["date"],
        event=Happening(found["event"]),
        what=found["what"],
        source=found["source"],
    )


def _model(found: Mapping[str, Any]) -> Model:
    return Model(
        lines=found["lines"],
        quota_bytes=parse_size_bytes(found["quota"]),
        throttle_bps=parse_rate_bps(found["throttle"]),
        dry_day=found["dry_day"],
        carriers=found["carriers"],
        extra_sims_before_story=found["extra_sims_before_story"],
        late_reset_carrier=found["late_reset_carrier"],
        late_reset_share=found["late_reset_share"],
        late_reset_until=found["late_reset_until"],
        added_share=found["added_share"],
        suspended_share=found["suspended_share"],
        lead_days=found["lead_days"],
        heavy_bytes=parse_size_bytes(found["heavy"]),
        cap_bytes=parse_size_bytes(found["cap"]),
        sample_lines=found["sample_lines"],
    )
