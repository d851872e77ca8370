"""`harness reap`: make room by removing the kept files of old runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.core.units import parse_size_bytes


def reap(
    runs: Annotated[Path, typer.Argument(metavar="RUNS", help="Where the runs are.")],
    *,
    older_than_days: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Files of runs older than this go.")
    ] = None,
    room: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Room that files may take, like '200 GB'.")
    ] = None,
) -> None:
    """Remove captures and logs of old runs; records stay, and live runs are not touched."""
    from harness.cli.reap import keep_within  # noqa: PLC0415 - only what is asked for is loaded
    from harness.core.clock import SystemClock  # noqa: PLC0415 - see above

    cap_bytes = None if room is None else parse_size_bytes(room)
    keep_within(runs, older_than_days, cap_bytes, clock=SystemClock(), say=typer.echo)
