"""The acceptance report: HTML and PDF, English and Japanese, from sealed or unsealed records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from harness.core.clock import Clock, SystemClock
from harness.core.errors import InternalError, UsageError
from harness.core.units import US_PER_S
from harness.record.artifacts import sha256_of
from harness.record.reader import RunRecord
from harness.record.tables import MANIFEST_NAME
from harness.report.acceptance_data import JST, Seal, Source, content, source_of
from harness.report.dossier import Dossier
from harness.report.html import asset, environment, policy
from harness.report.messages import Language
from harness.report.page_data import identities
from harness.report.privacy import Hide, Screen, masking

NO_DOSSIER: Final = Dossier()


def write(
    run_dirs: Sequence[Path],
    out: Path,
    *,
    language: Language = "en",
    dossier: Dossier = NO_DOSSIER,
    hide: Hide | None = None,
    clock: Clock | None = None,
) -> Path:
    """Write the acceptance report of one or several runs.

    Args:
        run_dirs: The runs' directories.
        out: The file to write; its ending decides: `.pdf` or `.html`.
        language: Of the report.
        dossier: Waivers, claims, deviations and revisions.
        hide: How identities are hidden; None masks all but the last four characters.
        clock: Today, by which waivers expire; None is the host's.

    Raises:
        UsageError: There is no run, a run is still going on, or the ending is another one.
        BenchError: A record is damaged.
    """
    if out.suffix not in {".pdf", ".html"}:
        msg = f"{out.name}: an acceptance report is written as .pdf or .html"
        raise UsageError(msg)
    sources, known = _sources(run_dirs)
    today = datetime.fromtimestamp((clock or SystemClock()).utc_us() / US_PER_S, tz=JST).date()
    screen = Screen(known, hide or masking())
    data = content(sources, dossier, screen, language=language, today=today)
    out.write_bytes(as_pdf(data) if out.suffix == ".pdf" else as_html(data).encode())
    return out


def _sources(run_dirs: Sequence[Path]) -> tuple[list[Source], set[str]]:
    if not run_dirs:
        msg = "an acceptance report needs at least one run; name its directory"
        raise UsageError(msg)
    sources, known = [], set()
    for run_dir in run_dirs:
        with RunRecord.open(run_dir) as record:
            if record.state == "running":
                msg = f"{run_dir.name}: the run is still going on; report it when it is finished"
                raise UsageError(msg)
            sources.append(source_of(record, _seal(run_dir)))
            known |= identities(record)
    return sources, known


def _seal(run_dir: Path) -> Seal | None:
    manifest = run_dir / MANIFEST_NAME
    if not manifest.is_file():
        return None
    public_key = str(json.loads(manifest.read_bytes()).get("public_key", ""))
    return Seal(public_key=public_key, manifest_sha256=sha256_of(manifest))


def as_html(data: dict[str, Any]) -> str:
    """Return the report as one HTML file without a script."""
    style = asset("run.css")
    template = environment().get_template("acceptance.html")
    return template.render(
        **data,
        style=Markup(style),  # noqa: S704  # our own file
        policy=policy("", style),
    )


def as_pdf(data: dict[str, Any]) -> bytes:
    """Return the report as PDF; the font is the package's own, so any machine gives the same.

    Raises:
        InternalError: The template does not fit the data.
    """
    import typst  # noqa: PLC0415  # loads fonts; most reports are no PDF

    with resources.as_file(resources.files(__package__) / "assets") as folder:
        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder]
        )
        try:
            document = typst.compile(
                asset("acceptance.typ").encode(),
                font_paths=fonts,
                sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
                format="pdf",
            )
        except typst.TypstError as exc:
            msg = f"acceptance.typ: {exc.message}: {exc.diagnostic}"
            raise InternalError(msg) from exc
    if not isinstance(document, bytes):
        msg = f"typst returned {type(document).__name__} instead of a PDF"
        raise InternalError(msg)
    return document
