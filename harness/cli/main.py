"""The command `harness`: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli.defects_options import defects
from harness.cli.exit_codes import ExitCode, of_error
from harness.cli.export_options import export
from harness.cli.reap_options import reap
from harness.core.errors import HarnessError, UsageError

app = typer.Typer(
    name="harness",
    help="Judge cloud-SIM pocket routers: attach, profile download, throughput under throttle.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

pool_app = typer.Typer(help="The SIM pool: what is left, and where the month ends.")
forecast_app = typer.Typer(help="How good the month-end landing is.")
app.command()(defects)
app.command()(export)
app.command()(reap)
app.add_typer(pool_app, name="pool", no_args_is_help=True)
app.add_typer(forecast_app, name="forecast", no_args_is_help=True)

LabOption = Annotated[
    Path, typer.Option("--lab", metavar="FILE", help="The bench file.", show_default=True)
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run's directory.")]
RunsArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUNS", help="A directory, build:VERSION, or days as 2026-11-01..2026-11-15."
    ),
]
PublicOption = Annotated[
    bool, typer.Option("--public", help="Pseudonyms instead of IMEI, ICCID, IMSI, phone numbers.")
]
DossierOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="TOML: waivers, claims, deviations, revisions."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


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
    limits: Annotated[Path, typer.Option(metavar="FILE", help="What is demanded.")] = Path(
        "tests/acceptance/limits.toml"
    ),
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
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="x.html, acceptance.html, x.pdf or x.xml (JUnit)."),
    ] = None,
    japanese: Annotated[bool, typer.Option("--ja", help="In Japanese.")] = False,
    public: PublicOption = False,
    dossier: DossierOption = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="Measurements as properties, in JUnit.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print a run as a table, or write a report of it."""
    from harness.cli.records import Wanted  # noqa: PLC0415 - reports are not free
    from harness.cli.records import report as write  # noqa: PLC0415 - see above

    wanted = Wanted(
        language="ja" if japanese else "en",
        is_public=public,
        dossier=dossier,
        with_numbers=numbers,
        as_json=as_json,
    )
    write(runs, out, wanted)


@app.command()
def publish(
    run_directory: RunArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The directory to make.")],
    dossier: DossierOption = None,
) -> None:
    """Write a run's public version: record, reports and seal, with pseudonyms for identities."""
    from harness.cli.records import publish as write  # noqa: PLC0415 - see report

    write(run_directory, out, dossier)


@app.command()
def seal(run_directory: RunArgument) -> None:
    """Seal a finished run: Parquet, SHA-256 manifest, Ed25519 signature."""
    from harness.cli.records import seal as seal_run  # noqa: PLC0415 - see report

    seal_run(run_directory)


@app.command()
def verify(
    run_directory: RunArgument,
    *,
    key: Annotated[
        list[str] | None, typer.Option(metavar="HEX", help="A public key that is trusted.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a sealed run on any machine, and compute its numbers and verdicts again."""
    from harness.cli.records import verify as verify_run  # noqa: PLC0415 - see report

    raise typer.Exit(verify_run(run_directory, key or [], as_json=as_json))


@app.command()
def diff(
    before: RunsArgument,
    after: RunsArgument,
    *,
    runs: Annotated[Path, typer.Option(help="Where builds and days are looked up.")] = Path("runs"),
    as_json: JsonOption = False,
) -> None:
    """Print what changed between two runs, builds or ranges of days."""
    from harness.cli.records import diff as compare  # noqa: PLC0415 - see report

    compare(before, after, runs, as_json=as_json)


@app.command()
def serve(
    runs: Annotated[Path, typer.Argument(help="Directory of the runs.")] = Path("runs"),
    *,
    host: Annotated[str, typer.Option(help="Address; not loopback: a token is made.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="TCP port.")] = 8080,
    public: PublicOption = False,
    ledger: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The SIMs; ledger.json beside the runs by default."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Usage by line and hour; usage/ beside the runs."),
    ] = None,
) -> None:
    """Serve the runs as web pages."""
    from harness.cli.records import serve as serve_runs  # noqa: PLC0415 - see report

    serve_runs(runs, host, port, is_public=public, ledger=ledger, store=store)


@app.command()
def doctor(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Do the cures that are safe.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what on this host would spoil a run, and the cure of each."""
    from harness.cli.host import doctor as examine  # noqa: PLC0415 - udev is not free

    raise typer.Exit(examine(Path("runs"), fix=fix, as_json=as_json))


@app.command("ls")
def list_devices(lab: LabOption = Path("lab.toml"), *, as_json: JsonOption = False) -> None:
    """Print what is plugged in, and which router of the bench file it is."""
    from harness.cli.host import list_devices as print_devices  # noqa: PLC0415 - see doctor

    print_devices(lab, as_json=as_json)


@app.command()
def suggest(lab: LabOption = Path("lab.toml")) -> None:
    """Print the lines that the bench file lacks for what is plugged in."""
    from harness.cli.host import suggest_lines  # noqa: PLC0415 - see doctor

    suggest_lines(lab)


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
    from harness.cli.host import udev_rules  # noqa: PLC0415 - see doctor

    typer.echo(udev_rules(group))


@pool_app.command("show")
def pool(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour.")],
    *,
    ledger: Annotated[Path, typer.Option(help="The SIMs, JSON.")] = Path("ledger.json"),
    hour: Annotated[int | None, typer.Option(help="Hours since 1970; now by default.")] = None,
    lead_days: Annotated[int, typer.Option(help="Days from order to use of a SIM.")] = 10,
    dark: Annotated[str, typer.Option(help="A carrier that is supposed to fail.")] = "",
    what_if: Annotated[list[str] | None, typer.Option(help="Suppose; see above.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page instead.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which SIMs are healthy, what is left, and where the month ends.

    --what-if takes 'add 50 SIMs of 60 GB on 2020-03-11', 'cap lines of 200 GB at 25 GB' and
    '44010 dark', and may be given several times.
    """
    from harness.cli.pool import pool as show  # noqa: PLC0415 - numpy is not free

    asked = [*(what_if or []), *([f"{dark} dark"] if dark else [])]
    show(store, ledger, now_hour=hour, lead_days=lead_days, asked=asked, out=out, as_json=as_json)


@pool_app.command("feed")
def pool_feed(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour; made when missing.")],
    feed: Annotated[Path, typer.Argument(help="CSV or Parquet: line, hour, carrier, sim, bytes.")],
    *,
    unit: Annotated[str, typer.Option(help="Unit of the bytes: B, MB, GB, GiB...")] = "B",
    zone: Annotated[str | None, typer.Option(help="Zone of times without one.")] = None,
    counter: Annotated[bool, typer.Option("--counter", help="Running counters.")] = False,
    hour: Annotated[int | None, typer.Option(help="Hours since 1970; now by default.")] = None,
) -> None:
    """Check a feed row by row and add it to the store; every flaw with line and hour."""
    from harness.cli.pool import pool_feed as take  # noqa: PLC0415 - see pool

    raise typer.Exit(take(store, feed, unit=unit, zone=zone, counter=counter, now_hour=hour))


@pool_app.command("sims")
def pool_sims(
    lab: LabOption = Path("lab.toml"),
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep it as a ledger.")] = None,
) -> None:
    """Print the SIMs of the bench's access server, with state and use."""
    from harness.cli.pool import pool_sims as show  # noqa: PLC0415 - see pool

    show(lab, out)


@pool_app.command("lines")
def pool_lines(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour.")],
    *,
    first_hour: Annotated[int, typer.Option(help="Hours since 1970.")],
    hours: Annotated[int, typer.Option(help="How many.")] = 24,
    count: Annotated[int, typer.Option(help="How many lines.")] = 20,
    line: Annotated[int | None, typer.Option(help="This line only.")] = None,
) -> None:
    """Print usage by line and hour, and whether the totals agree."""
    from harness.cli.pool import pool_lines as show  # noqa: PLC0415 - see pool

    show(store, first_hour=first_hour, hours=hours, count=count, line=line)


@pool_app.command("restrict")
def pool_restrict(
    store: Annotated[Path, typer.Argument(help="Usage by line and hour.")],
    *,
    at_least: Annotated[str, typer.Option(help="The monthly amount.")] = "200 GB",
    chance: Annotated[float, typer.Option(min=0.0, max=1.0, help="List from here on.")] = 0.5,
    hour: Annotated[int | None, typer.Option(help="Hours since 1970; now by default.")] = None,
    line: Annotated[str | None, typer.Option(help="The explanation card of this line.")] = None,
    effect: Annotated[str, typer.Option(help="What it does to a line.")] = "none, a trial",
    appeal: Annotated[str, typer.Option(help="How to object.")] = "not stated",
    as_json: JsonOption = False,
) -> None:
    """List who will come to a monthly amount, how many of them wrongly, and why."""
    from harness.cli.pool_restrict import restrict  # noqa: PLC0415 - see pool

    restrict(
        store, at_least=at_least, chance=chance, now_hour=hour, line=line, effect=effect,
        appeal=appeal, as_json=as_json,
    )  # fmt: skip


@app.command()
def replay(
    scenario: Annotated[str, typer.Argument(help="For example outage-2020.")],
    *,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="What was known on that day.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the fleet.")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page, too.")] = None,
    affected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the affected lines as CSV.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay an outage: what happened, and what this bench would have said, and when."""
    from harness.cli.pool import replay as run_replay  # noqa: PLC0415 - see pool

    day = as_of.date() if as_of else None
    raise typer.Exit(
        run_replay(scenario, as_of=day, seed=seed, out=out, affected=affected, as_json=as_json)
    )


@forecast_app.command("bench")
def forecast_bench(
    *,
    csv: Annotated[Path | None, typer.Option(help="Hourly series of your own.")] = None,
    months: Annotated[int | None, typer.Option(help="At most so many months each.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print how far off the month-end landing is, beside other methods."""
    from harness.cli.pool import forecast_bench as run_bench  # noqa: PLC0415 - see pool

    run_bench(csv, months=months, as_json=as_json)


@app.command("testserver")
def serve_measurements(
    *,
    address: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP and UDP port; 0: any free one.")] = 5201,
) -> None:
    """Serve measurements for a bench elsewhere; the token is in HARNESS_TESTSERVER_TOKEN."""
    from harness.userplane.testserver import main  # noqa: PLC0415 - only what is asked for

    main(["--address", address, "--port", str(port)])


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
