"""The words of reports, in English and Japanese: two catalogues with the same keys."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Final, Literal

from harness.core.errors import UsageError

Language = Literal["en", "ja"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")


@cache
def messages(language: str) -> dict[str, str]:
    """Return the catalogue of a language.

    Raises:
        UsageError: There is none.
    """
    if language not in LANGUAGES:
        msg = f"{language!r} is not a language of the reports; there are {', '.join(LANGUAGES)}"
        raise UsageError(msg)
    file = resources.files(__package__) / f"messages_{language}.toml"
    return {str(k): str(v) for k, v in tomllib.loads(file.read_text(encoding="utf-8")).items()}
