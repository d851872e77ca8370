"""A story: what befalls a router, step by step, written in a file that people can read.

After each step the router must serve its user again, and four things must hold that no injection
excuses: no SIM that is known to be slow is in use, no profile is half installed, nothing is left in
two places, and what the user moved is in the carrier's books.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.core.errors import UsageError
from harness.core.files import read_text
from harness.core.units import parse_duration_s, parse_rate_bps

_LONGEST_S: Final = 60.0
_MOST_HOURS: Final = 24 * 40

Rate = Annotated[int, BeforeValidator(parse_rate_bps), Field(gt=0)]
Seconds = Annotated[float, BeforeValidator(parse_duration_s), Field(ge=0, le=_LONGEST_S)]


class _Step(BaseModel):
    """One thing that befalls a router."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Throttle(_Step):
    """The carrier holds the SIM in use to a rate until the router has another."""

    do: Literal["throttle"]
    rate: Rate
    power_cut: bool = False
    """Cut the power while it lasts."""


class Reassign(_Step):
    """The access server is asked to give the router another SIM."""

    do: Literal["reassign"]


class Outage(_Step):
    """The router receives no network for a while."""

    do: Literal["outage"]
    lasts: Seconds


class Reject(_Step):
    """The carrier refuses the SIM in use for a while, after coverage was lost."""

    do: Literal["reject"]
    cause: int = Field(ge=2, le=111)
    lasts: Seconds


class PowerCut(_Step):
    """The power is cut and given back."""

    do: Literal["power_cut"]


class ServerFault(_Step):
    """The access server answers the router with an error for a while."""

    do: Literal["server_fault"]
    status: int = Field(ge=400, le=599)
    lasts: Seconds


class TimeJump(_Step):
    """Every clock of the lab's world is put on or back, and stays there to the story's end."""

    do: Literal["time_jump"]
    hours: int = Field(ge=-_MOST_HOURS, le=_MOST_HOURS)


Step = Throttle | Reassign | Outage | Reject | PowerCut | ServerFault | TimeJump


class Story(BaseModel):
    """Steps in their order.

    Attributes:
        title: What it is about.
        steps: What befalls the router.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    steps: tuple[Annotated[Step, Field(discriminator="do")], ...] = Field(min_length=1)


def load_story(path: Path) -> Story:
    """Read a story.

    Raises:
        UsageError: There is none, or it is not written as one.
    """
    text = read_text(path, remedy="name the story with --scenario")
    try:
        return Story.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        msg = f"{path.name}: not TOML: {exc}"
        raise UsageError(msg) from None
    except UsageError as exc:
        msg = f"{path.name}: {exc}"
        raise UsageError(msg) from None
    except ValidationError as exc:
        problem = exc.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        msg = f"{path.name}: {where}: {problem['msg']}"
        raise UsageError(msg) from None
