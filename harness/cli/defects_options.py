"""The options of `harness defects`; what it does is loaded when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.common_options import LIMITS, LimitsOption


def defects(  # noqa: PLR0913 - a command has the options that it has
    *,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this fault; may be repeated.")
    ] = None,
    party: Annotated[str | None, typer.Option(help="Only faults of this party.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="The quickest two of each party.")] = False,
    whole: Annotated[
        str | None, typer.Option(metavar="PLAN", help="Run a plan, not only the fault's case.")
    ] = None,
    clean: Annotated[
        int, typer.Option(metavar="N", help="Plant nothing; run N cases and count false alarms.")
    ] = 0,
    case: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="With --clean: only this case.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Tries side by side.")] = 4,
    longest: Annotated[float, typer.Option(help="Seconds after which a try broke.")] = 600.0,
    lab: Annotated[Path, typer.Option("--lab", metavar="FILE", help="The bench file.")] = Path(
        "lab.toml"
    ),
    limits: LimitsOption = LIMITS,
    keep: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the records.")] = None,
    readme: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table into its marked part.")
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Print the faults.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Plant faults in the virtual bench: which are caught, and who is blamed?"""
    from harness.cli import defects as command  # noqa: PLC0415 - the bench is not free
    from harness.procedure.trials import Suite  # noqa: PLC0415 - see above

    if only_list:
        command.list_faults(as_json=as_json)
        return
    suite = Suite(lab=lab, limits=limits, plan=whole, longest_s=longest, keep=keep)
    if clean:
        raise typer.Exit(command.clean_runs(clean, suite, case_ids=case or [], jobs=jobs))
    faults = command.chosen(only=only or [], party=party, fast=fast)
    raise typer.Exit(command.defects(faults, suite, jobs=jobs, readme=readme, as_json=as_json))
