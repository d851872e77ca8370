"""One run as one HTML file, from its record alone; opens offline, asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from harness.core.units import US_PER_S, format_duration
from harness.record.reader import RunRecord
from harness.report.messages import Language, messages
from harness.report.page_data import PageData, identities, page_data
from harness.report.privacy import Screen, masking

REPORT_NAME: Final = "report.html"
NOTHING: Final = "\N{EN DASH}"
SYMBOLS: Final = {
    "none": "○",
    "pass": "✓",
    "inconc": "△",
    "fail": "✗",
    "error": "◆",
    "not_run": NOTHING,
}
_SCRIPTS: Final = ("table.js", "timeline.js", "run.js")
DETAIL_BUDGET_BYTES: Final = 500_000


def write(
    run_dir: Path,
    out: Path | None = None,
    *,
    language: Language = "en",
    screen: Screen | None = None,
    detail_budget_bytes: int = DETAIL_BUDGET_BYTES,
) -> Path:
    """Write the page of a run.

    Args:
        run_dir: The run's directory.
        out: The file to write; None is `report.html` in the run's directory.
        language: Language of the page's words.
        screen: What hides identities; None masks all but the last four characters.
        detail_budget_bytes: Room for time-lines; results that did not pass come first, and at
            least one is kept.

    Raises:
        UsageError: There is no record, or it is from a newer harness.
        BenchError: The record is damaged.
    """
    target = out or run_dir / REPORT_NAME
    with RunRecord.open(run_dir) as record:
        hidden = screen or Screen(identities(record), masking())
        data = page_data(record, hidden, detail_budget_bytes=detail_budget_bytes)
    target.write_text(render(data, language), encoding="utf-8")
    return target


def asset(name: str) -> str:
    """Return a file that belongs to the pages."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def environment() -> jinja2.Environment:
    """Return a template environment that escapes everything and knows our own files only."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(asset), autoescape=True, undefined=jinja2.StrictUndefined
    )


def script() -> str:
    """Return the script of a run's page."""
    return "\n".join(asset(name) for name in _SCRIPTS)


def render(data: PageData, language: Language, *, base: str = "", details_at: str = "") -> str:
    """Return the page as text.

    Args:
        data: What is in it.
        language: Language of its words.
        base: What goes before the paths of kept files: where the page stands beside the run.
        details_at: Address on the page's own server before the number of a result whose details
            are not in the page; empty: there is no server, and the page asks for nothing.
    """
    words = messages(language)
    style, code = asset("run.css"), script()
    head = data.head
    shown = head["verdict"] if head["state"] == "finished" else "none"
    duration_s = head["duration_s"]
    return (
        environment()
        .get_template("run.html")
        .render(
            head=head,
            m=words,
            language=language,
            policy=policy(code, style, asks=bool(details_at)),
            style=Markup(style),  # noqa: S704  # our own file
            script=Markup(code),  # noqa: S704  # our own file
            symbol=SYMBOLS[shown],
            symbols=SYMBOLS,
            shown_verdict=words[shown if head["state"] == "finished" else head["state"]],
            started=utc_text(head["started_utc_us"]),
            duration=NOTHING if duration_s is None else format_duration(duration_s),
            base=base,
            details_at=details_at,
            words=embedded(words),
            head_json=embedded(head),
            table=data.table,
            details=sorted(data.details.items()),
        )
    )


def policy(script: str, style: str, *, asks: bool = False) -> str:
    """Return a Content-Security-Policy that allows this script and this style and nothing else.

    Args:
        script: The page's script.
        style: The page's style.
        asks: The page may ask its own server, too.
    """
    connect = "connect-src 'self'; " if asks else ""
    return (
        f"default-src 'none'; {connect}script-src '{_source_hash(script)}'; "
        f"style-src '{_source_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def embedded(value: Any) -> Markup:  # noqa: ANN401  # any JSON value
    """Return JSON that can stand inside a script element whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  # nothing in it can end the element


def utc_text(utc_us: int) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(utc_us // US_PER_S, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
