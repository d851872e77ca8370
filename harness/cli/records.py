"""`harness report | seal | verify | diff | serve`: everything that is made from records."""

from __future__ import annotations

import json
import mmap
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console

from harness.cli.exit_codes import ExitCode
from harness.core.errors import UsageError
from harness.record.reader import RunRecord
from harness.record.recompute import Recomputer
from harness.record.rows import MeasurementRow
from harness.report.messages import Language

if TYPE_CHECKING:
    from harness.report.privacy import Screen

KEY_NAME: Final = "seal.key"
SECRET_NAME: Final = "publish.key"  # noqa: S105  # the name of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a report is wanted.

    Attributes:
        language: Of its words.
        is_public: Whether identities are shown as pseudonyms.
        dossier: File with waivers, claims, deviations and revisions; None: there are none.
        with_numbers: Whether JUnit carries measurements as properties.
        as_json: Whether to print JSON when no file is named.
    """

    language: Language = "en"
    is_public: bool = False
    dossier: Path | None = None
    with_numbers: bool = False
    as_json: bool = False


def key_path() -> Path:
    """Return where this user's sealing key is."""
    return _own_folder() / KEY_NAME


def _own_folder() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "cloudsim-harness"


def report(runs: Sequence[Path], out: Path | None, wanted: Wanted) -> None:
    """Write a report; the ending of `out` says which: html, pdf, xml. Without it, print a table.

    Raises:
        UsageError: There is no record, or nobody knows such a report.
    """
    if out is None:
        _print(runs, wanted)
        return
    screen = _screen(out, runs, wanted)
    if out.suffix == ".xml":
        from harness.report import junit  # noqa: PLC0415 - see above

        junit.write(_one(runs), out, with_measurements=wanted.with_numbers, screen=screen)
    elif out.suffix == ".pdf" or out.name.startswith("acceptance"):
        from harness.report import acceptance  # noqa: PLC0415 - see above
        from harness.report.dossier import load_dossier  # noqa: PLC0415 - see above
        from harness.report.privacy import pseudonyms  # noqa: PLC0415 - see above

        hide = pseudonyms(_secret()) if wanted.is_public else None
        dossier = load_dossier(wanted.dossier) if wanted.dossier else acceptance.NO_DOSSIER
        acceptance.write(runs, out, language=wanted.language, dossier=dossier, hide=hide)
    elif out.suffix == ".html":
        from harness.report import html  # noqa: PLC0415 - see above

        html.write(_one(runs), out, language=wanted.language, screen=screen)
    else:
        msg = f"{out}: there is no such report; end its name in .html, .pdf or .xml"
        raise UsageError(msg)
    typer.echo(f"report     {out}")


def _print(runs: Sequence[Path], wanted: Wanted) -> None:
    from harness.report import text, values  # noqa: PLC0415 - only what is asked for is loaded

    for run in runs:
        screen = _screen(None, [run], wanted)
        if wanted.as_json:
            typer.echo(json.dumps(values.values(run, screen=screen), ensure_ascii=False))
        else:
            Console().print(text.table(run, screen=screen))


def _screen(out: Path | None, runs: Sequence[Path], wanted: Wanted) -> Screen | None:
    """Return what replaces identities in a report of one run; None leaves it to the report."""
    if not wanted.is_public or len(runs) != 1 or (out is not None and out.suffix == ".pdf"):
        return None
    return screen_of(runs[0])


def screen_of(run: Path) -> Screen:
    """Return what replaces identities in a run by this user's pseudonyms.

    Raises:
        UsageError: There is no record.
    """
    from harness.report.publish import public_screen  # noqa: PLC0415 - see above

    with RunRecord.open(run) as record:
        return public_screen(record, _secret())


def _secret() -> bytes:
    from harness.report.publish import load_or_make_secret  # noqa: PLC0415 - see above

    return load_or_make_secret(_own_folder() / SECRET_NAME)


def publish(run: Path, out: Path, dossier: Path | None) -> None:
    """Write the public version of a run into a new directory, sealed with this user's key.

    Raises:
        UsageError: The run is still going on, or there is something at `out` already.
    """
    from harness.record.seal import load_or_make_key  # noqa: PLC0415 - see above
    from harness.report import acceptance  # noqa: PLC0415 - see above
    from harness.report.dossier import load_dossier  # noqa: PLC0415 - see above
    from harness.report.publish import publish as write  # noqa: PLC0415 - see above

    key_path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    manifest = write(
        run,
        out,
        secret=_secret(),
        key=load_or_make_key(key_path()),
        dossier=load_dossier(dossier) if dossier else acceptance.NO_DOSSIER,
    )
    typer.echo(f"{'public':<10} {out}")
    typer.echo(f"{'sealed':<10} {manifest}")


def seal(run: Path) -> None:
    """Seal a finished run with this user's key, which is made when there is none.

    Raises:
        UsageError: The run is not finished, or sealed already.
    """
    from harness.record.seal import load_or_make_key, public_key_hex  # noqa: PLC0415 - see above
    from harness.record.seal import seal as seal_run  # noqa: PLC0415 - see above

    path = key_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = load_or_make_key(path)
    manifest = seal_run(run, key)
    typer.echo(f"{'sealed':<10} {manifest}")
    typer.echo(f"{'key':<10} {public_key_hex(key)}")


def verify(run: Path, trusted: Sequence[str], *, as_json: bool) -> ExitCode:
    """Check a sealed run, and compute its numbers again.

    Raises:
        UsageError: The run is not sealed.
    """
    from harness.record.recompute import BUILT_IN  # noqa: PLC0415 - see above
    from harness.record.verify import verify as verify_run  # noqa: PLC0415 - see above

    recomputers = {**BUILT_IN, "goodput": _goodput_again(run)}
    result = verify_run(run, trusted_keys=trusted, recomputers=recomputers)
    if as_json:
        typer.echo(json.dumps(asdict(result) | {"ok": result.ok}, ensure_ascii=False))
    else:
        for finding in result.findings:
            typer.echo(f"{finding.kind:<8} {finding.where}  {finding.text}")
        typer.echo(
            f"{'ok' if result.ok else 'BROKEN':<8} {result.run_id}  {result.files} files, "
            f"{result.recomputed} of {result.measurements} measurements computed again, "
            f"{result.rejudged} judged again, sealed by {result.public_key}"
        )
    return ExitCode.PASS if result.ok else ExitCode.FAIL


def diff(before: str, after: str, runs: Path, *, as_json: bool) -> None:
    """Print what changed between two runs, builds or ranges of days.

    Raises:
        UsageError: A side has no run.
    """
    from harness.report.diff import as_values, table  # noqa: PLC0415 - see above
    from harness.report.diff import diff as compare  # noqa: PLC0415 - see above
    from harness.report.selection import select  # noqa: PLC0415 - see above

    sides = [select(word, runs) for word in (before, after)]
    found = compare(*sides)
    if as_json:
        typer.echo(json.dumps(as_values(found), ensure_ascii=False))
        return
    names = [
        f"{word} ({len(side)} {'run' if len(side) == 1 else 'runs'})"
        for word, side in zip((before, after), sides, strict=True)
    ]
    typer.echo(" → ".join(names))
    Console().print(table(found))


def serve(
    runs: Path, host: str, port: int, *, is_public: bool, ledger: Path | None, store: Path | None
) -> None:
    """Serve the runs as web pages: on loopback as it is, elsewhere with a token."""
    import uvicorn  # noqa: PLC0415 - only what is asked for is loaded

    from harness.report.web import app  # noqa: PLC0415 - see above

    local = host in {"127.0.0.1", "::1", "localhost"}
    token = None if local else secrets.token_urlsafe(24)
    query = "" if token is None else f"?token={token}"
    typer.echo(f"serving    http://{host}:{port}/{query}")
    pages = app(runs, token, secret=_secret() if is_public else None, ledger=ledger, store=store)
    uvicorn.run(pages, host=host, port=port, log_level="warning")


def _one(runs: Sequence[Path]) -> Path:
    if len(runs) != 1:
        msg = f"this report is of one run, {len(runs)} were named"
        raise UsageError(msg)
    return runs[0]


def _goodput_again(run: Path) -> Recomputer:
    """Return what computes a goodput again from the capture that its evidence names."""
    from harness.userplane.recheck import goodput_of_capture  # noqa: PLC0415 - see above

    def again(_record: RunRecord, row: MeasurementRow) -> float | None:
        evidence = row.evidence
        capture = run / str(evidence["capture"])
        if not capture.resolve().is_relative_to(run.resolve()) or not capture.is_file():
            msg = f"the capture {evidence['capture']!r} is not in this run"
            raise UsageError(msg)
        with _mapped(capture) as data:
            return goodput_of_capture(
                data,
                first_ns=int(str(evidence["first_ns"])),
                last_ns=int(str(evidence["last_ns"])),
                shortest_s=float(str(evidence["shortest_s"])),
            )

    return again


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """Map a file, however large it is; what is empty cannot be mapped."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data
