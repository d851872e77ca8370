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
from harness.cli.common_options import LIMITS, JsonOption, LabOption, LimitsOption
from harness.cli.defects_options import defects
from harness.cli.exit_codes import ExitCode, of_error
from harness.cli.export_options import export
from harness.cli.pool_options import forecast_app, pool_app, replay
from harness.cli.reap_options import reap
from harness.cli.record_options import diff, publish, report, seal, serve, verify
from harness.core.errors import HarnessError, UsageError
from harness.core.units import parse_duration_s, parse_rate_bps, parse_size_bytes

app = typer.Typer(
    name="harness",
    help="Judge cloud-SIM pocket routers: attach, profile download, throughput under throttle.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.add_typer(pool_app, name="pool", no_args_is_help=True)
app.add_typer(forecast_app, name="forecast", no_args_is_help=True)


@app.command()
def check(lab: LabOption = Path("lab.toml"), *, as_json: JsonOption = False) -> None:
    """Print the bench file as it was understood; start nothing."""
    from harness.cli.check import print_lab  # noqa: PLC0415 - pydantic is not free

    print_lab(lab, as_json=as_json)


@app.command()
def accept(  # noqa: PLR0913 - each is an option
    lab: LabOption = Path("lab.toml"),
    *,
    dut: Annotated[
        str | None, typer.Option(metavar="ROUTER", help="Only this router of the bench file.")
    ] = None,
    limits: LimitsOption = LIMITS,
    plan: Annotated[
        str | None, typer.Option(metavar="NAME", help="The cases of plans/NAME.toml beside limits.")
    ] = None,
    case: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this case; may be repeated.")
    ] = None,
    repeat: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Run each case so often.")
    ] = None,
    spread: Annotated[
        bool, typer.Option("--spread", help="Equal routers: each case on one of them only.")
    ] = False,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Repeat a case on although it has failed.")
    ] = False,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A story of injections instead of cases.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge the routers of a bench side by side; write record, transcripts, packets, report."""
    from harness.cli.accept import Wanted  # noqa: PLC0415 - the bench is not free
    from harness.cli.accept import accept as run_accept  # noqa: PLC0415 - see above

    wanted = Wanted(
        dut=dut,
        plan=plan,
        case_ids=tuple(case or ()),
        repeat=repeat,
        spread=spread,
        keep_going=keep_going,
        scenario=scenario,
    )
    raise typer.Exit(run_accept(lab, wanted, limits=limits, as_json=as_json))


@app.command()
def cases(
    *,
    readme: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them into this page instead.")
    ] = None,
    plans: Annotated[Path, typer.Option(metavar="DIR", help="The plans.")] = Path(
        "tests/acceptance/plans"
    ),
    as_json: JsonOption = False,
) -> None:
    """Print the catalogue of cases: what each shows, needs, takes and burns."""
    from harness.cli.cases import print_cases, write_cases  # noqa: PLC0415 - not free

    if readme is not None:
        write_cases(readme, plans)
        return
    print_cases(as_json=as_json)


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
def virtual(
    *,
    lab: LabOption = Path("lab.toml"),
    usb: Annotated[
        bool, typer.Option("--usb", help="On this kernel's USB bus: root and vhci-hcd.")
    ] = False,
    acm: Annotated[bool, typer.Option("--acm", help="ttyACM ports instead of ttyUSB.")] = False,
    write: Annotated[Path, typer.Option(metavar="FILE", help="Bench file to write.")] = Path(
        "rehearsal/lab.toml"
    ),
) -> None:
    """Rehearse a bench: virtual routers as real USB devices, and the bench file that fits."""
    from harness.cli.virtual import rehearse  # noqa: PLC0415 - only what is asked for

    if not usb:
        msg = "harness accept starts the virtual bench itself; for one on a USB bus: --usb"
        raise UsageError(msg)
    rehearse(lab, ports="acm" if acm else "vendor", write=write)


@app.command("virtual-lab")
def virtual_lab(
    *,
    routers: Annotated[int, typer.Option(help="How many routers.")] = 4,
    sims: Annotated[int, typer.Option(help="SIMs of each carrier; 0: four a router.")] = 0,
    model: Annotated[list[str] | None, typer.Option(help="Models, in turn.")] = None,
    pin: Annotated[str | None, typer.Option(help="PIN of the routers' own cards.")] = None,
    runs: Annotated[str, typer.Option(help="Where records go.")] = "runs",
) -> None:
    """Print a bench file with several virtual routers and SIMs enough for all."""
    from harness.lab.virtual_lab import VirtualLab  # noqa: PLC0415 - only what is asked for

    models = tuple(model or ("virtual-unisoc",))
    typer.echo(VirtualLab(models=models, routers=routers, sims=sims, pin=pin, runs=runs).text)


@app.command()
def doctor(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Do the cures that are safe.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what on this host would spoil a run, and the cure of each."""
    from harness.cli.doctor import doctor as examine  # noqa: PLC0415 - udev is not free

    raise typer.Exit(examine(Path("runs"), fix=fix, as_json=as_json))


@app.command("ls")
def list_devices(
    lab: LabOption = Path("lab.toml"),
    *,
    ask: Annotated[
        bool,
        typer.Option("--ask", help="Ask free routers over AT: IMEI, firmware, SIM, ports."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what is plugged in, which router of the bench file it is, and who uses it."""
    from harness.cli.host import list_devices as print_devices  # noqa: PLC0415 - see doctor

    print_devices(lab, ask=ask, as_json=as_json)


@app.command()
def suggest(
    lab: LabOption = Path("lab.toml"),
    *,
    ask: Annotated[bool, typer.Option(help="Ask unknown routers for their IMEI.")] = True,
) -> None:
    """Print the lines that the bench file lacks for what is plugged in."""
    from harness.cli.host import suggest_lines  # noqa: PLC0415 - see doctor

    suggest_lines(lab, ask=ask)


@app.command()
def watch(*, seconds: Annotated[float, typer.Option(help="How long.")] = 86_400.0) -> None:
    """Print plug and unplug as they happen, until Ctrl-C."""
    from harness.cli.host import watch_devices  # noqa: PLC0415 - see doctor

    watch_devices(seconds)


@app.command("udev-rules")
def print_udev_rules(
    *, group: Annotated[str, typer.Option(help="Group that may use the routers.")] = "plugdev"
) -> None:
    """Print udev rules for the benches' host."""
    from harness.cli.doctor import udev_rules  # noqa: PLC0415 - see doctor

    typer.echo(udev_rules(group))


@app.command("testserver")
def serve_measurements(
    *,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP and UDP port; 0: any free one.")
    ] = 5201,
    rate: Annotated[
        str, typer.Option(help="Highest rate of one transfer, for example '150 Mbit/s'.")
    ] = "1 Gbit/s",
    longest: Annotated[str, typer.Option(help="Longest transfer.")] = "60 s",
    size: Annotated[str, typer.Option(help="Largest transfer.")] = "2 GB",
    at_once: Annotated[int, typer.Option(min=1, help="Transfers at once.")] = 64,
) -> None:
    """Serve measurements for a bench elsewhere; the token is in HARNESS_TESTSERVER_TOKEN."""
    from harness.cli.testserver import serve  # noqa: PLC0415 - only what is asked for
    from harness.userplane.testserver_limits import Limits  # noqa: PLC0415

    limits = Limits(
        rate_bps=parse_rate_bps(rate),
        longest_s=parse_duration_s(longest),
        total_bytes=parse_size_bytes(size),
        connections=at_once,
    )
    serve(address, port, limits)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


for _command in (report, publish, seal, verify, diff, serve, export, reap, defects, replay):
    app.command()(_command)


class Interrupted(SystemExit):
    """A signal asked for an orderly end; the code is 128 and its number, as shells do it."""


def _interrupted(number: int, _frame: FrameType | None) -> NoReturn:
    """Unwind every context instead of stopping dead."""
    raise Interrupted(128 + number)


def _named(error: OSError) -> str:
    """Name the file of an error of the operating system that nobody foresaw."""
    return f"{error.filename}: {error.strerror}; name another file, or mend this one"


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
    except OSError as exc:
        if exc.filename is None:  # no name that anybody gave: our own fault, with its traceback
            raise
        typer.echo(f"harness: error: {_named(exc)}", err=True)
        sys.exit(of_error(exc))
    except Interrupted:
        typer.echo("harness: interrupted; everything was put back", err=True)
        raise
    sys.exit(ExitCode.PASS)
