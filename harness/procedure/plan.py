"""Plans: which cases a run is made of, as a file that people can read and change."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.errors import UsageError
from harness.core.files import read_text
from harness.procedure.case import Case
from harness.procedure.catalogue import case_by_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Cases in the order in which they run.

    Attributes:
        title: What the plan is for.
        cases: The cases.
        repeat: How often each of them runs.
        name: Name of its file; empty when there is none.
    """

    title: str
    cases: tuple[Case, ...]
    repeat: int = 1
    name: str = ""

    @property
    def command(self) -> str:
        """The command that runs it, for the record."""
        return f"harness accept --plan {self.name}" if self.name else "harness accept"


class _PlanFile(BaseModel):
    """A plan as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: str
    cases: list[str] = Field(min_length=1)
    repeat: int = Field(default=1, ge=1)


def load_plan(name: str, directory: Path) -> Plan:
    """Read the plan `name` of a directory of plans.

    Raises:
        UsageError: There is no such plan, or it names a case that there is not.
    """
    path = directory / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in directory.glob("*.toml"))) or "none"
        msg = f"there is no plan {name!r} in {directory}; there are {known}"
        raise UsageError(msg)
    text = read_text(path, remedy="mend the plan")
    try:
        found = _PlanFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        msg = f"{path.name}: not TOML: {exc}"
        raise UsageError(msg) from None
    except ValidationError as exc:
        problem = exc.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        msg = f"{path.name}: {where}: {problem['msg']}"
        raise UsageError(msg) from None
    cases = tuple(case_by_id(case_id) for case_id in found.cases)
    return Plan(title=found.title, cases=cases, repeat=found.repeat, name=name)
