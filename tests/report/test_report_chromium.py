"""The pages in headless Chromium: nothing is asked of any network, and the console stays silent."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.report import acceptance, html

pytestmark = [pytest.mark.interop, pytest.mark.slow]

CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--enable-logging=stderr --virtual-time-budget=5000 --dump-dom"
)


def opened(page: Path, profile: Path) -> tuple[str, list[str]]:
    """Open a page; return the document after its script ran, and what the console said."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    command = [*CHROMIUM.split(" "), f"--user-data-dir={profile}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, re.findall(r"CONSOLE[^\n]*", done.stderr)


def test_the_page_of_a_run_draws_itself_without_a_word(small_run: Path, tmp_path: Path) -> None:
    """Table, time-line and AT lines of the failure are there; the HTML in them is text."""
    document, console = opened(html.write(small_run), tmp_path)

    assert console == []
    assert 'data-ready="yes"' in document
    assert "CS-CANON-001" in document
    assert document.count("<rect") == 10  # seven phases, one card, two registrations
    assert "&lt;img src=x onerror" in document
    assert "<img" not in document


def test_the_acceptance_report_needs_no_script(small_run: Path, tmp_path: Path) -> None:
    """Its policy refuses every script and every request, and nothing of it is refused."""
    page = acceptance.write([small_run], small_run / "acceptance.html")

    document, console = opened(page, tmp_path)

    assert console == []
    assert "NO-GO" in document
