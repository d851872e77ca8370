"""`harness export`: a record in another program's format, by a sink."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="A run's directory.")],
    *,
    to: Annotated[str, typer.Option(metavar="SINK", help="allure, opentelemetry, reportportal.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the files go.")],
    public: Annotated[
        bool, typer.Option("--public", help="Pseudonyms instead of identities.")
    ] = False,
) -> None:
    """Write a run in another program's format, for what is installed as a sink."""
    from harness.cli.records import screen_of  # noqa: PLC0415 - only what is asked for is loaded
    from harness.report.sinks import export as write  # noqa: PLC0415 - see above

    screen = screen_of(run_directory) if public else None
    files = write(run_directory, to, out, screen=screen)
    typer.echo(f"{'exported':<10} {out}  {len(files)} files")
