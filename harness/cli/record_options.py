"""The commands that read records: report, publish, seal, verify, diff, serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.common_options import JsonOption

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


def publish(
    run_directory: RunArgument,
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The directory to make.")],
    dossier: DossierOption = None,
) -> None:
    """Write a run's public version: record, reports and seal, with pseudonyms for identities."""
    from harness.cli.records import publish as write  # noqa: PLC0415 - see report

    write(run_directory, out, dossier)


def seal(run_directory: RunArgument) -> None:
    """Seal a finished run: Parquet, SHA-256 manifest, Ed25519 signature."""
    from harness.cli.records import seal as seal_run  # noqa: PLC0415 - see report

    seal_run(run_directory)


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
