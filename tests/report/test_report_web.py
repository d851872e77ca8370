"""`harness.report.web`: pages over real HTTP on loopback; nothing of a device becomes markup."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from harness.core.clock import FakeClock
from harness.pool.contract import NO_SHORT_WINDOW, Contract, ResetRule
from harness.pool.ledger import Ledger, SimEntry
from harness.pool.ledger_file import dump_ledger
from harness.pool.months import Month
from harness.pool.usage import UsageStore
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.report import html
from harness.report.privacy import pseudonyms
from harness.report.web import app
from harness.verdict.verdict import Verdict

IMEI = "490154203237518"
ICCID = "8981100005819480000"
IMSI = "440101234567890"

S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    text: str


@contextlib.contextmanager
def served(
    runs_dir: Path,
    token: str | None = None,
    *,
    secret: bytes | None = None,
    clock: FakeClock | None = None,
    **pool: Path,
) -> Iterator[int]:
    """Serve the pages on a free port of loopback; yield the port."""
    clock = clock or FakeClock(monotonic_ns=1010 * S)
    config = uvicorn.Config(
        app(runs_dir, token, clock=clock, secret=secret, **pool),
        log_level="error",
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join()


def get(port: int, path: str, **headers: str) -> Answer:
    """Ask for a page."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    with contextlib.closing(connection):
        answer = connection.getresponse()
        return Answer(
            status=answer.status,
            headers={k.lower(): v for k, v in answer.getheaders()},
            text=answer.read().decode(),
        )


@pytest.mark.slow
def test_every_page_answers_with_a_strict_policy(small_run: Path) -> None:
    """Runs, one run, comparison, live, metrics, assets; what is not there is a 404 in words."""
    name = small_run.name
    with served(small_run.parent) as port:
        answers = {
            path: get(port, path)
            for path in (
                "/",
                f"/runs/{name}",
                f"/diff?a={name}&b={name}",
                "/morning",
                "/live",
                "/metrics",
                "/assets/run.css",
                "/assets/live.js",
            )
        }
        missing = [
            get(port, path).status
            for path in ("/runs/none", "/diff?a=x", "/assets/web.py", "/nothing")
        ]

    assert {path: a.status for path, a in answers.items()} == dict.fromkeys(answers, 200)
    assert missing == [404, 404, 404, 404]
    for path, answer in answers.items():
        assert answer.headers["content-security-policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script>alert" not in answer.text, path
        assert "490154203237518" not in answer.text, path
    assert {"1 fail", "1 pass", "1 not run"} <= set(re.findall(r"1 [a-z ]+", answers["/"].text))
    assert "1 still" in answers[f"/diff?a={name}&b={name}"].text
    assert 'cloudsim_results{verdict="fail",owner="carrier"} 1' in answers["/metrics"].text
    assert 'cloudsim_runs{state="finished"} 1' in answers["/metrics"].text
    assert "there are no two finished runs" in answers["/morning"].text


@pytest.mark.slow
def test_a_page_asks_for_the_time_lines_that_it_leaves_out(small_run: Path) -> None:
    """The same details as the one-file report packs, screened alike; only of results there are."""
    name = small_run.name
    with served(small_run.parent) as port:
        page = get(port, f"/runs/{name}")
        answers = [get(port, f"/runs/{name}/detail/{row}") for row in (0, 1, 999)]
        missing = get(port, "/runs/none/detail/0")

    assert f'data-details-at="{name}/detail/"' in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert [a.status for a in answers] == [200, 200, 404]
    assert missing.status == 404
    packed = dict(re.findall(r'<script type="text/plain" id="d(\d+)">([^<]+)</script>', page.text))
    assert {packed["0"], packed["1"]} == {a.text for a in answers[:2]}
    assert "connect-src" not in html.write(small_run).read_text(encoding="utf-8")


@pytest.mark.slow
def test_only_files_of_the_record_are_handed_out_and_only_as_downloads(small_run: Path) -> None:
    """Neither the journal nor anything outside; a transcript is never shown in the browser."""
    runs = f"/runs/{small_run.name}"
    with served(small_run.parent) as port:
        transcript = get(port, f"{runs}/at-0.txt")
        refused = [
            get(port, f"{runs}/{path}").status
            for path in ("journal.sqlite", "../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd")
        ]

    assert transcript.status == 200
    assert transcript.headers["content-type"] == "application/octet-stream"
    assert transcript.headers["content-disposition"].startswith("attachment;")
    assert refused == [404, 404, 404]


@pytest.mark.slow
def test_without_a_token_only_loopback_names_are_answered(small_run: Path) -> None:
    """A page of another site that points its name at 127.0.0.1 gets nothing."""
    with served(small_run.parent) as port:
        assert get(port, "/", Host="evil.example").status == 400
        assert get(port, "/", Host=f"localhost:{port}").status == 200


@pytest.mark.slow
def test_with_a_token_every_request_must_carry_it(small_run: Path) -> None:
    """As bearer or as the cookie that the printed address sets; never left in the address."""
    with served(small_run.parent, "right") as port:
        assert get(port, "/").status == 401
        assert get(port, "/?token=wrong").status == 401
        assert get(port, "/metrics", Authorization="Bearer wrong").status == 401
        assert get(port, "/metrics", Authorization="Bearer right").status == 200
        first = get(port, "/live?token=right")
        cookie = first.headers["set-cookie"]
        second = get(port, first.headers["location"], Cookie=cookie.split(";")[0])

    assert (first.status, first.headers["location"]) == (303, "/live")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert second.status == 200


@pytest.mark.slow
def test_the_live_bench_is_sent_as_it_goes_on(tmp_path: Path) -> None:
    """The open case, its phase, how long it has taken and may take, and the last line."""
    info = RunInfo(id="r", title="", plan="", bench="b", is_virtual=True, harness_version="0")
    clock = FakeClock(monotonic_ns=1000 * S)
    journal = RunJournal.create(tmp_path, info, clock)
    unit = journal.unit(UnitInfo(imei="490154203237518", model="M", firmware="1"))
    case = CaseInfo(id="CS-1", version="1", title_en="", title_ja="")
    result = journal.begin_result(case, unit)
    result.phase("P5", 1000 * S, 1003 * S, limit_s=10.0, verdict=Verdict.PASS)
    result.phase("P6", 1003 * S, None, limit_s=60.0)
    result.event("urc", "<b>+CEREG: 2")
    with served(tmp_path) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/live/events")
        answer = connection.getresponse()
        line = answer.readline().decode()
        connection.close()
    journal.close()

    assert answer.getheader("content-type", "").startswith("text/event-stream")
    assert json.loads(line.removeprefix("data: ")) == [
        {
            "run": journal.directory.name,
            "case": "CS-1",
            "router": "M 7518",
            "phase": "P6",
            "elapsed_s": 7.0,
            "limit_s": 60.0,
            "last": "<b>+CEREG: 2",
        }
    ]


@pytest.mark.slow
def test_a_damaged_run_is_shown_as_such_and_hides_no_other(small_run: Path) -> None:
    """Its line says what is wrong with it; its page is an error in words."""
    damaged = small_run.parent / "2026-11-26T030000Z-bad"
    damaged.mkdir()
    (damaged / "journal.sqlite").write_bytes(b"<script>" * 1000)
    with served(small_run.parent) as port:
        runs = get(port, "/")
        page = get(port, f"/runs/{damaged.name}")

    assert "the file is damaged or no journal" in runs.text
    assert small_run.name in runs.text
    assert page.status == 500
    assert "restore it from a copy" in page.text


@pytest.mark.slow
def test_the_morning_compares_the_last_two_runs_of_a_plan(tmp_path: Path) -> None:
    """A run of another bench in between is left out."""
    clock = FakeClock()
    for bench, verdict in (("b1", Verdict.PASS), ("b2", Verdict.PASS), ("b1", Verdict.FAIL)):
        info = RunInfo(id="n", title="", plan="p", bench=bench, is_virtual=True, harness_version="")
        journal = RunJournal.create(tmp_path, info, clock)
        unit = journal.unit(UnitInfo(imei="490154203237518", model="M", firmware="1"))
        case = CaseInfo(id="CS-1", version="1", title_en="", title_ja="")
        journal.begin_result(case, unit).finish(verdict)
        journal.finish(verdict)
        clock.sleep(10.0)
    with served(tmp_path) as port:
        page = get(port, "/morning")

    assert "<p>1 new</p>" in page.text
    links = re.findall(r'<h2><a href="(\S+)">\S+</a> → <a href="(\S+)">', page.text)
    assert links == [("/runs/2023-11-14T221320Z-n", "/runs/2023-11-14T221340Z-n")]


@pytest.mark.slow
def test_the_public_pages_name_nobody(small_run: Path) -> None:
    """No identity and no piece of one in any page, packed data included; no file at all."""
    name, secret = small_run.name, b"of whoever publishes, 32 bytes.."
    info = RunInfo(
        id="o", title="", plan=f"--dut {IMEI}", bench="b", is_virtual=True, harness_version="0"
    )
    journal = RunJournal.create(small_run.parent, info, FakeClock(monotonic_ns=1000 * S))
    unit = journal.unit(UnitInfo(imei=IMEI, model="M", firmware="1"))
    case = CaseInfo(id="CS-1", version="1", title_en="", title_ja="")
    journal.begin_result(case, unit).event("at", f"+CGSN: {IMEI}")
    with served(small_run.parent, secret=secret) as port:
        pages = {
            path: get(port, path).text
            for path in ("/", f"/runs/{name}", f"/diff?a={name}&b={name}", "/morning", "/live")
        }
        refused = get(port, f"/runs/{name}/at-0.txt")
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/live/events")
        pages["/live/events"] = connection.getresponse().readline().decode()
        connection.close()
    journal.close()

    for path, page in pages.items():
        packed = re.findall(r'<script type="text/plain" id="[^"]+">([^<]+)</script>', page)
        text = page + "".join(zlib.decompress(base64.b64decode(p), -15).decode() for p in packed)
        assert not [s for s in (IMEI, ICCID, IMSI, IMEI[-4:]) if s in text], path
    pseudonym = pseudonyms(secret)(IMEI)
    assert pseudonym in pages[f"/runs/{name}"]
    assert pseudonym in pages["/live/events"]
    assert refused.status == 403
    assert "this is the public version" in refused.text


@pytest.mark.slow
def test_the_pool_is_shown_by_ledger_and_store_and_its_absence_is_explained(
    small_run: Path, tmp_path: Path
) -> None:
    """The policy allows this page's own script; what is missing is said with its remedy."""
    with served(small_run.parent) as port:
        without = get(port, "/pool")
    ledger, store = pool_files(tmp_path)
    clock = FakeClock(monotonic_ns=1010 * S, utc_us=NOW_HOUR * 3600 * 1_000_000)
    with served(small_run.parent, clock=clock, ledger=ledger, store=store) as port:
        shown = get(port, "/pool")

    assert without.status == 404
    assert "harness pool feed" in without.text
    assert shown.status == 200
    script = shown.text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in shown.headers["content-security-policy"]
    data = json.loads(shown.text.partition('type="application/json">')[2].partition("</script>")[0])
    assert data["views"][-1]["day"] == "2020-02-12"
    assert data["views"][-1]["heat"][0]["line"]


NOW_HOUR = Month(year=2020, month=2).first_hour + 11 * 24 + 10


def pool_files(directory: Path) -> tuple[Path, Path]:
    """Write a ledger of one SIM, and four weeks of three lines."""
    terms = Contract(
        carrier="44010",
        plan="100 GB",
        quota_bytes=100_000_000_000,
        reset=ResetRule(day=1, hour=0, zone="Asia/Tokyo"),
        throttle_rate_bps=128_000,
        short_window=NO_SHORT_WINDOW,
        source="contract 7",
        disclosed=True,
    )
    ledger = directory / "ledger.json"
    entries = Ledger([SimEntry(sim="S0", contract=terms, slot="b1/0")])
    ledger.write_text(dump_ledger(entries), encoding="utf-8")
    store = UsageStore.create(directory / "usage", carriers=["44010"])
    first = NOW_HOUR - 28 * 24
    for hour in range(first, NOW_HOUR):
        store.write_hour(
            hour, "44010", np.arange(3, dtype=np.int64), np.full(3, 10_000_000, np.int64)
        )
    for day in range(first // 24, NOW_HOUR // 24 + 1):
        store.pack_day(day)
    return ledger, directory / "usage"
