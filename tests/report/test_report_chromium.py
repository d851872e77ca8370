"""The pages in headless Chromium: nothing is asked of any network, and the console stays silent."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from harness.core.clock import FakeClock
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.report import acceptance, html
from harness.report.web import app
from tests.report.devtools import Page, new_page

pytestmark = [pytest.mark.interop, pytest.mark.slow]

S = 1_000_000_000


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """Return a page of a browser with an empty profile."""
    if shutil.which("chromium") is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    with new_page(tmp_path / "profile") as opened:
        yield opened


@contextlib.contextmanager
def served(runs_dir: Path) -> Iterator[str]:
    """Serve the pages on a free port of loopback; yield the address."""
    config = uvicorn.Config(
        app(runs_dir, clock=FakeClock(monotonic_ns=1010 * S)), log_level="error", lifespan="off"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join()


def test_the_page_of_a_run_draws_itself_without_a_word(small_run: Path, page: Page) -> None:
    """Table, time-line and AT lines of the failure are there; the HTML in them is text."""
    address = html.write(small_run).as_uri()

    page.open(address)
    document = page.once("document.documentElement.dataset.ready && document.querySelector('rect')")

    assert page.console == []
    assert outside(page, address) == []
    assert "CS-CANON-001" in document
    assert document.count("<rect") == 10  # seven phases, one card, two registrations
    assert "&lt;img src=x onerror" in document
    assert "<img" not in document


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Asia/Tokyo", "11:40:00"), ("UTC", "02:40:00"), ("Asia/Kolkata", "08:10:00")],
)
def test_the_start_is_in_the_readers_zone(
    small_run: Path, page: Page, zone: str, hour: str
) -> None:
    """With its name; UTC and Japan's time come with the pointer."""
    page.zone(zone)
    page.open(html.write(small_run).as_uri())
    page.once("document.documentElement.dataset.ready")

    shown = page.value("document.querySelector('time[data-us]').textContent")
    assert re.fullmatch(rf"2026-11-26 {hour} \S+", shown), shown
    title = page.value("document.querySelector('time[data-us]').title")
    assert title == "2026-11-26T02:40:00Z\n2026/11/26 11:40:00 JST"


def test_the_acceptance_report_needs_no_script(small_run: Path, page: Page) -> None:
    """Its policy refuses every script and every request, and nothing of it is refused."""
    address = acceptance.write([small_run], small_run / "acceptance.html").as_uri()

    page.open(address)

    assert page.console == []
    assert outside(page, address) == []
    assert "NO-GO" in page.once("true")


@pytest.mark.parametrize("path", ["/", "/morning", "/diff?a={name}&b={name}", "/runs/{name}"])
def test_every_page_that_is_served_is_silent(small_run: Path, page: Page, path: str) -> None:
    """The strict policy refuses nothing of ours, and nothing outside is asked for."""
    with served(small_run.parent) as address:
        page.open(address + path.format(name=small_run.name))
        document = page.once("document.querySelector('nav') || document.querySelector('rect')")

    assert page.console == []
    assert outside(page, address) == []
    assert "<img" not in document


def test_a_time_line_that_was_left_out_is_asked_for(
    small_run: Path, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has room for none; it draws the failure from what its own server sends."""
    monkeypatch.setattr(html, "DETAIL_BUDGET_BYTES", 0)
    with served(small_run.parent) as address:
        page.open(f"{address}/runs/{small_run.name}")
        document = page.once("document.querySelector('rect')")

    assert 'id="d0"' not in document
    assert "CS-CANON-001" in document
    assert page.console == []
    assert outside(page, address) == []


def test_the_live_page_fills_itself(tmp_path: Path, page: Page) -> None:
    """The open case with its phase; what the router said stays text."""
    info = RunInfo(id="r", title="", plan="", bench="b", is_virtual=True, harness_version="0")
    with RunJournal.create(tmp_path / "runs", info, FakeClock(monotonic_ns=1000 * S)) as journal:
        unit = journal.unit(UnitInfo(imei="490154203237518", model="M", firmware="1"))
        case = CaseInfo(id="CS-LIVE-1", version="1", title_en="", title_ja="")
        result = journal.begin_result(case, unit)
        result.phase("P6", 1003 * S, None, limit_s=60.0)
        result.event("urc", "<img src=x onerror=alert(1)>")
        with served(tmp_path / "runs") as address:
            page.open(f"{address}/live")
            document = page.once("document.querySelector('#live tr')")

    assert page.console == []
    assert outside(page, address) == []
    assert "1 going on" in document
    assert "CS-LIVE-1" in document
    assert "&lt;img src=x onerror=alert(1)&gt;" in document


@pytest.mark.parametrize("width_px", [390, 1280])
@pytest.mark.parametrize("path", ["/", "/morning", "/live", "/runs/{name}"])
def test_no_page_is_wider_than_its_window(
    small_run: Path, page: Page, path: str, width_px: int
) -> None:
    """On a phone in the rack room, too: tables scroll, pages do not."""
    page.resize(width_px, 800)
    with served(small_run.parent) as address:
        page.open(address + path.format(name=small_run.name))
        page.once("document.querySelector('nav') || document.querySelector('rect')")
        width = page.value("document.documentElement.scrollWidth")

    assert width <= width_px


@pytest.mark.parametrize("width_px", [390, 1280])
def test_the_acceptance_report_fits_its_window(small_run: Path, page: Page, width_px: int) -> None:
    """And its words stay words: no cell is squeezed to a letter a line."""
    page.resize(width_px, 800)
    page.open(acceptance.write([small_run], small_run / "acceptance.html").as_uri())

    assert page.value("document.documentElement.scrollWidth") <= width_px
    tallest = page.value(
        "Math.max(...[...document.querySelectorAll('td')].map(cell => cell.clientHeight))"
    )
    assert tallest <= 100


def test_what_a_page_asks_of_the_outside_would_be_seen(tmp_path: Path, page: Page) -> None:
    """What the other tests rely on: a page that asks, and a policy that refuses, are noted."""
    asking = tmp_path / "asks.html"
    asking.write_text(
        """<meta http-equiv="Content-Security-Policy" content="script-src 'none'">
        <img src="http://outside.example/pixel"><script>1</script>"""
    )

    page.open(asking.as_uri())

    assert outside(page, asking.as_uri()) == ["http://outside.example/pixel"]
    assert any("Content Security Policy" in line for line in page.console)


def outside(page: Page, address: str) -> list[str]:
    """Return what was asked for beyond an address and what is inside of the page itself."""
    return [url for url in page.requests if not url.startswith((address, "data:"))]
