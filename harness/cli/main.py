"""The command `harness`: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli.exit_codes import ExitCode, of_error
from harness.core.errors import HarnessError

app = typer.Typer(
    name="harness",
    help="Judge cloud-SIM pocket routers: attach, profile download, throughput under throttle.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

LabOption = Annotated[
    Path, typer.Option("--lab", metavar="FILE", help="The bench file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def check(lab: LabOption = Path("lab.toml"), *, as_json: JsonOption = False) -> None:
    """Print the bench file as it was understood; start nothing."""
    from harness.cli.check import print_lab  # noqa: PLC0415 - pydantic is not free

    print_lab(lab, as_json=as_json)


@app.command()
def accept(
    lab: LabOption = Path("lab.toml"),
    *,
    dut: Annotated[
        str | None, typer.Option(metavar="ROUTER", help="Only this router of the bench file.")
    ] = None,
    limits: Annotated[Path, typer.Option(metavar="FILE", help="What is demanded.")] = Path(
        "tests/acceptance/limits.toml"
    ),
    case: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this case; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge the routers of a bench; write record, AT transcript, packets and report."""
    from harness.cli.accept import accept as run_accept  # noqa: PLC0415 - the bench is not free

    raise typer.Exit(run_accept(lab, dut=dut, limits=limits, case_ids=case or [], as_json=as_json))


@app.command()
def at(
    router: Annotated[
        str | None, typer.Argument(metavar="ROUTER", help="Name in lab.toml.")
    ] = None,
    command: Annotated[
        str | None, typer.Argument(metavar="COMMAND", help="For example 'AT+CSQ'; none: a console.")
    ] = None,
    *,
    lab: LabOption = Path("lab.toml"),
    as_json: JsonOption = False,
) -> None:
    """Send one AT command, parsed and raw; without one, a console that shows URCs."""
    from harness.cli.at import at as run_at  # noqa: PLC0415 - the bench is not free

    run_at(lab, router, command, as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the bench file, for editors."""
    from harness.lab.schema import Lab  # noqa: PLC0415 - pydantic is not free

    typer.echo(json.dumps(Lab.model_json_schema(), indent=2))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


class Interrupted(SystemExit):
    """A signal asked for an orderly end; the code is 128 and its number, as shells do it."""


def _interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind every context instead of stopping dead."""
    raise Interrupted(128 + number)


def run() -> NoReturn:
    """Run the command line; every error of ours becomes a message and an exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        app()
    except HarnessError as exc:
        for line in str(exc).splitlines():
            typer.echo(f"harness: error: {line}", err=True)
        sys.exit(of_error(exc))
    except Interrupted:
        typer.echo("harness: interrupted; everything was put back", err=True)
        raise
    sys.exit(ExitCode.PASS)
