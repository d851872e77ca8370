"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

LabOption = Annotated[
    Path, typer.Option("--lab", metavar="FILE", help="The bench file.", show_default=True)
]
LimitsOption = Annotated[Path, typer.Option("--limits", metavar="FILE", help="What is demanded.")]
LIMITS: Final = Path("tests/acceptance/limits.toml")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
