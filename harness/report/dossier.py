"""What people add to an acceptance report: waivers, claims and revisions, read strictly."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.errors import UsageError
from harness.core.files import read_text


class _Entry(BaseModel):
    """A table of the file: nothing unknown, nothing converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Waiver(_Entry):
    """A failure that somebody accepts until a day.

    Attributes:
        case: The case.
        reason: Why it is acceptable.
        approved_by: Who says so.
        expires: Last day on which it counts.
    """

    case: str
    reason: str
    approved_by: str
    expires: date


class Claim(_Entry):
    """A word that the product is advertised with, and the cases that must carry it.

    Attributes:
        words_en: The claim in English.
        words_ja: The claim as it is published.
        cases: Cases that must all have passed.
    """

    words_en: str
    words_ja: str
    cases: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]


class Revision(_Entry):
    """One issue of the report.

    Attributes:
        number: For example `1.0`.
        day: When it was issued.
        author: Who issued it.
        change: What changed.
    """

    number: str
    day: date
    author: str
    change: str


class Dossier(_Entry):
    """The whole file; everything may be absent.

    Attributes:
        product: Name of the product.
        waivers: Accepted failures.
        claims: Claims of the product.
        deviations: Deviations from the plan, one sentence each.
        revisions: Issues of the report, oldest first.
    """

    product: str = ""
    waivers: Annotated[tuple[Waiver, ...], Field(strict=False)] = ()
    claims: Annotated[tuple[Claim, ...], Field(strict=False)] = ()
    deviations: Annotated[tuple[str, ...], Field(strict=False)] = ()
    revisions: Annotated[tuple[Revision, ...], Field(strict=False)] = ()


def load_dossier(path: Path) -> Dossier:
    """Read the file.

    Raises:
        UsageError: It is not there, no TOML, or something in it is unknown or of the wrong form.
    """
    try:
        text = read_text(path, remedy="name the dossier of the firmware with --dossier")
        return Dossier.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as exc:
        msg = f"{path.name}: it is not TOML: {exc}"
        raise UsageError(msg) from None
    except ValidationError as exc:
        problem = exc.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        msg = f"{path.name}: {key}: {problem['msg']}"
        raise UsageError(msg) from None
