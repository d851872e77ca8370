"""What is demanded: limits with name, unit, bounds and decision rule, read from limits.toml.

A bench file cannot loosen a limit; the file's SHA-256 goes into each record.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.core.errors import UsageError
from harness.core.files import read_text

Unit = Literal["s", "ms", "bit/s", "B", "1", "%", "dBm"]
Decision = Literal["simple", "guarded"]
Requirement = Annotated[str, Field(pattern=r"R\d{2}")]


class Limit(BaseModel):
    """The bounds of one quantity.

    Attributes:
        name: Dotted name by which a case asks for it.
        unit: Unit of low and high.
        low: Smallest value that passes; None when there is none.
        high: Greatest value that passes; None when there is none.
        requirements: Which demands of the operator's report it answers.
        decision: `simple`: the value decides. `guarded`: the whole interval must be inside
            (guard band of the measurement's uncertainty, ISO/IEC Guide 98-4).
        title: What it limits, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    unit: Unit
    low: float | None = None
    high: float | None = None
    requirements: tuple[Requirement, ...] = Field(min_length=1, strict=False)
    decision: Decision = "simple"
    title: str

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.low is None and self.high is None:
            msg = "it has neither low nor high, so nothing can fail it; give one of them"
            raise ValueError(msg)
        if self.low is not None and self.high is not None and self.low > self.high:
            msg = f"low {self.low} is above high {self.high}"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSet:
    """All limits of one file.

    Attributes:
        text: The file as it was read.
        sha256: SHA-256 of the file, hex.
        limits: Limits by name.
    """

    text: str
    sha256: str
    limits: Mapping[str, Limit]

    def __getitem__(self, name: str) -> Limit:
        """Return the limit called `name`.

        Raises:
            UsageError: There is none; a missing limit is never an open one.
        """
        try:
            return self.limits[name]
        except KeyError:
            known = ", ".join(sorted(self.limits))
            msg = f"limits.toml: {name}: there is no such limit; there are {known}"
            raise UsageError(msg) from None

    def require_all_used(self, used: frozenset[str]) -> None:
        """Check that each limit is asked for by some case.

        Raises:
            UsageError: A limit is used by nothing.
        """
        unused = sorted(set(self.limits) - used)
        if unused:
            msg = f"limits.toml: {', '.join(unused)}: no case uses it; remove it or use it"
            raise UsageError(msg)


def parse_limits(text: str, *, source: str = "limits.toml") -> LimitSet:
    """Read the text of a limits file.

    Raises:
        UsageError: It is no TOML, or a limit is incomplete, unknown in form or contradictory.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        msg = f"{source}: it is not TOML: {exc}"
        raise UsageError(msg) from None
    limits: dict[str, Limit] = {}
    for name, value in _flat(tables, ""):
        try:
            limits[name] = Limit.model_validate({"name": name, **value})
        except ValidationError as exc:
            problem = exc.errors()[0]
            key = ".".join([name, *(str(part) for part in problem["loc"])])
            msg = f"{source}: {key}: {problem['msg']}"
            raise UsageError(msg) from None
    return LimitSet(
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        limits=MappingProxyType(limits),
    )


def load_limits(path: Path) -> LimitSet:
    """Read a limits file.

    Raises:
        UsageError: There is no such file, or its content is wrong.
    """
    text = read_text(path, remedy="name it with --limits")
    return parse_limits(text, source=path.name)


def _flat(table: Mapping[str, object], prefix: str) -> list[tuple[str, dict[str, object]]]:
    """Return dotted names with their innermost tables (a limit has a `unit`)."""
    found: list[tuple[str, dict[str, object]]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        if not isinstance(value, dict):
            msg = f"limits.toml: {name}: a limit is a table with unit, low or high, and title"
            raise UsageError(msg)
        inner = all(isinstance(part, dict) for part in value.values())
        found += _flat(value, f"{name}.") if inner and value else [(name, value)]
    return found
