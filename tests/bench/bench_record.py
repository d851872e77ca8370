"""Figures of records and reports, ours and the peers' from one run: `python bench_record.py`.

Peers (pytest-html, allure-pytest) are installed by pip into an environment of their own, which
goes afterwards; without an index only pytest alone is measured. The time to open a page needs
`chromium`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.core.clock import SystemClock
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.record.analysis import Archive
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.record.seal import seal
from harness.record.verify import verify
from harness.report import acceptance, html
from harness.report.messages import LANGUAGES
from harness.verdict.judge import judge
from harness.verdict.limits import Limit
from harness.verdict.verdict import Verdict

LIMIT = Limit(name="rate", unit="bit/s", low=3e5, high=4e5, requirements=("R12",), title="rate")
ROUTERS, CASES = 500, 60


def say(what: str, value: str, goal: str) -> None:
    """Print one figure as a line that `awk` can take apart."""
    print(f"{what:<52}{value:>16}   goal {goal}", flush=True)  # noqa: T201  # a script's output


def timed(work: Callable[[], object]) -> float:
    """Return how long `work` took, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU time that `work` and the programs it waited for took, in seconds.

    Where others use the same cores, this can be compared and time on the wall cannot.
    """
    start = os.times()
    work()
    return sum(os.times()[:4]) - sum(start[:4])


def run_info() -> RunInfo:
    """Return what is known before a run."""
    return RunInfo(
        id="night", title="nightly", plan="night", bench="b1", is_virtual=True, harness_version="0"
    )


def fill(journal: RunJournal, routers: int, cases: int) -> list[float]:
    """Write routers x cases results as a run does; return seconds a measurement."""
    noise = random.Random(3)
    infos = [
        CaseInfo(id=f"CS-X-{n:03}", version="1", title_en=f"case {n}", title_ja=f"項目{n}")
        for n in range(cases)
    ]
    spent = []
    for number in range(routers):
        router = UnitInfo(imei=f"{490154200000000 + number}", model="VR-1", firmware="1.2.7")
        unit = journal.unit(router)
        for info in infos:
            result = journal.begin_result(info, unit)
            now_ns = time.monotonic_ns()
            result.phase("P6", now_ns, now_ns + 9, limit_s=60.0, verdict=Verdict.PASS)
            value = noise.gauss(384e3, 5e3)
            measurement = Measurement(name="rate", value=value, unit="bit/s", n=160)
            judgement = judge(LIMIT, value)
            start = time.perf_counter()
            result.measurement(measurement, judgement)
            spent.append(time.perf_counter() - start)
            if noise.random() < 0.01:
                cause = f"the carrier rejects the attach with cause #{noise.randrange(3, 22)}"
                result.finish(Verdict.FAIL, owner=Party.CARRIER, cause=cause)
            else:
                result.finish(Verdict.PASS)
    return spent


def bench_writing(directory: Path) -> Path:
    """Measure writing through the journal's own calls, then 30,000 results."""
    journal = RunJournal.create(directory, run_info(), SystemClock())
    start = time.perf_counter()
    spent = fill(journal, ROUTERS, CASES)
    overhead_s = (time.perf_counter() - start) / (ROUTERS * CASES)
    journal.finish(Verdict.FAIL)
    say("measurement written, median", f"{statistics.median(spent) * 1e3:.3f} ms", "<= 0.2 ms")
    say("measurement written, p99", f"{sorted(spent)[int(len(spent) * 0.99)] * 1e3:.3f} ms", "-")
    say("store overhead a result", f"{overhead_s * 1e3:.3f} ms", "<= 1 ms")
    return journal.directory


def bench_page(run_dir: Path) -> None:
    """Measure the page of 30,000 results: building, size, opening."""
    seconds = timed(lambda: html.write(run_dir))
    page = run_dir / html.REPORT_NAME
    say("30,000 results: page built", f"{seconds:.2f} s", "<= 5 s")
    used_s = cpu_s(lambda: html.write(run_dir))
    say("30,000 results: page built, CPU", f"{used_s:.2f} s", "-")
    say("30,000 results: page", f"{page.stat().st_size / 1e6:.3f} MB", "<= 1 MB")
    if shutil.which("chromium"):
        say("30,000 results: opens and is interactive", f"{opened_s(page):.3f} s", "<= 0.3 s")


CHROMIUM = [
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--remote-debugging-port=0",
]
PROBE = """<script>new MutationObserver(() => console.log(`ready ${performance.now()} ms`))
.observe(document.documentElement, { attributes: true });</script>"""


def opened_s(page: Path) -> float:
    """Return the time from navigation until the page says it is ready, by the page's own clock."""
    text = page.read_text(encoding="utf-8")
    copy = page.with_name("probe.html")
    # The probe takes the policy's place, which would forbid it.
    copy.write_text(re.sub(r"<meta http-equiv[^>]*>", PROBE, text, count=1), encoding="utf-8")
    first = page.with_name("first.html")  # a browser's own start is not the page's
    first.write_text(
        "<script>setTimeout(() => location.assign('probe.html'), 1000)</script>", encoding="utf-8"
    )
    taken = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            command = [*CHROMIUM, f"--user-data-dir={profile}", first.as_uri()]
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            assert process.stderr is not None  # it was asked for
            found = (re.search(r"ready ([0-9.]+) ms", line) for line in process.stderr)
            taken.append(float(next(m for m in found if m)[1]) / 1e3)
            process.terminate()
            process.communicate()
    copy.unlink()
    first.unlink()
    return statistics.median(taken)


def bench_seal(run_dir: Path) -> None:
    """Measure sealing and verifying 30,000 results, and the size of a year of such nights."""
    key = Ed25519PrivateKey.generate()
    seconds = timed(lambda: seal(run_dir, key, keep_journal=False))
    say("30,000 results: sealed", f"{seconds:.2f} s", "-")
    size_bytes = sum(p.stat().st_size for p in (run_dir / "tables").iterdir())
    say("a year of 500 routers x 60 cases, sealed", f"{size_bytes * 365 / 1e9:.2f} GB", "<= 1 GB")
    seconds = timed(lambda: verify(run_dir))
    say("30,000 results: verified and judged again", f"{seconds:.2f} s", "-")


SCREENS = {
    "last night by owner": "SELECT verdict, owner, count(*) FROM judged"
    " WHERE run_name = (SELECT max(run_name) FROM run) GROUP BY ALL",
    "pass rate by case and month": "SELECT case_id, date_trunc('month', started) AS month,"
    " avg((verdict = 'pass')::INT) FROM judged GROUP BY ALL",
    "a rate's quartiles by week": "SELECT date_trunc('week', make_timestamp(started_utc_us)),"
    " approx_quantile(value, [0.25, 0.5, 0.75]) FROM measurement JOIN run USING (run_name)"
    " WHERE name = 'rate' GROUP BY 1",
    "one router's history": "SELECT started, case_id, verdict FROM judged"
    " WHERE imei = '490154200000017' AND verdict <> 'pass' ORDER BY 1",
}


def bench_year(run_dir: Path, directory: Path, days: int) -> None:
    """Measure each screen's query over `days` nights of 30,000 results, generated from one."""
    day_us = 86_400_000_000
    for number in range(days):
        tables = directory / "year" / f"night-{number:03}" / "tables"
        tables.mkdir(parents=True)
        for path in (run_dir / "tables").iterdir():
            table = pq.read_table(path)
            names = pa.array([f"night-{number:03}"] * len(table), pa.string())
            table = table.set_column(0, "run_name", names)
            if path.stem in {"run", "result"}:
                place = table.column_names.index("started_utc_us")
                moved = pc.add(table.column(place), number * day_us)
                table = table.set_column(place, "started_utc_us", moved)
            pq.write_table(table, tables / path.name, compression="zstd", compression_level=3)
    with Archive([directory / "year"]) as archive:
        for name, sql in SCREENS.items():
            seconds = min(timed(lambda: archive.ask(sql)) for _ in range(2))  # noqa: B023  # called at once
            say(f"{days} nights: {name}", f"{seconds:.2f} s", "<= 2.5 s for a year")


def bench_pdf(directory: Path) -> None:
    """Measure the acceptance report of 600 results as PDF, in both languages."""
    journal = RunJournal.create(directory, run_info(), SystemClock())
    fill(journal, 10, CASES)
    journal.finish(Verdict.FAIL)
    for language in LANGUAGES:
        out = directory / f"acceptance_{language}.pdf"
        write = partial(acceptance.write, [journal.directory], out, language=language)
        both = [(timed(write), cpu_s(write)) for _ in range(3)]
        say(f"PDF of 600 results, {language}", f"{min(s for s, _ in both):.2f} s", "<= 1 s")
        say(f"PDF of 600 results, {language}, CPU", f"{min(s for _, s in both):.2f} s", "-")


WRITER = """
import sys
from pathlib import Path
from harness.core.clock import SystemClock
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, UnitInfo
journal = RunJournal.attach(Path(sys.argv[1]), SystemClock())
case = CaseInfo(id="C", version="1", title_en="t", title_ja="t")
result = journal.begin_result(case, journal.unit(UnitInfo(imei="1", model="m", firmware="1")))
for number in range(1_000_000):
    result.event("note", f"{sys.argv[2]} {number}")
    print(number, flush=True)
"""


def bench_kill(directory: Path, times: int) -> None:
    """Kill a writer at a random moment, again and again; count what was acknowledged and lost."""
    noise = random.Random(9)
    journal = RunJournal.create(directory, run_info(), SystemClock())
    journal.close()
    path = journal.directory / "journal.sqlite"
    acknowledged = lost = unreadable = 0
    for attempt in range(times):
        command = [sys.executable, "-c", WRITER, str(journal.directory), f"w{attempt}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None  # it was asked for
        for _ in range(noise.randrange(1, 300)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        rest = [
            line for line in process.stdout.read().splitlines(keepends=True) if line[-1] == "\n"
        ]
        process.wait()
        process.stdout.close()
        count = int(rest[-1]) + 1 if rest else 0
        raw = sqlite3.connect(path)
        if raw.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            unreadable += 1
        (found,) = raw.execute(
            "SELECT count(*) FROM event WHERE text LIKE ?", (f"w{attempt} %",)
        ).fetchone()
        raw.close()
        acknowledged += count
        lost += max(0, count - found)
    say(f"kill -9 x {times}: acknowledged rows lost", f"{lost} / {acknowledged}", "0")
    say(f"kill -9 x {times}: unreadable files", str(unreadable), "0")


PEERS = ("pytest==9.2.0", "pytest-html==4.2.0", "allure-pytest==2.16.2")


def peer_python(directory: Path) -> str | None:
    """Return a Python with the peers in it; None when pip finds none of them."""
    python = directory / "peers" / "bin" / "python"
    commands = (
        [sys.executable, "-m", "venv", str(directory / "peers")],
        [str(python), "-m", "pip", "install", "--quiet", *PEERS],
    )
    for command in commands:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            say("peers: cannot be installed", "-", ended.stderr.strip()[-200:])
            return None
    return str(python)


def bench_peers(directory: Path, count: int) -> None:
    """Measure pytest with nothing, pytest-html and allure-pytest over `count` empty tests."""
    test = directory / "test_peer.py"
    test.write_text(
        "import pytest\n\n\n"
        f"@pytest.mark.parametrize('n', range({count}))\n"
        "def test_n(n):\n    assert n >= 0\n"
    )
    python = peer_python(directory)
    base = [python or sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    base += ["-p", "no:cloudsim", "-p", "no:warnings", "-c", "/dev/null"]
    base += ["--rootdir", str(directory), str(test)]

    def seconds(*options: str) -> float:
        command = [*base, *options]
        return cpu_s(
            lambda: subprocess.run(command, cwd=directory, capture_output=True, check=True)
        )

    plain_s = seconds()
    say(f"peer: pytest alone, {count} tests, CPU", f"{plain_s:.1f} s", "-")
    if python is None:
        return
    page = directory / "peer.html"
    took_s = seconds(f"--html={page}", "--self-contained-html") - plain_s
    say(f"peer: pytest-html, {count} results, CPU added", f"{took_s:.1f} s", "-")
    say(f"peer: pytest-html, {count} results, page", f"{page.stat().st_size / 1e6:.1f} MB", "-")
    folder = directory / "allure"
    took_s = seconds(f"--alluredir={folder}") - plain_s
    say(f"peer: allure-pytest, {count} results, CPU added", f"{took_s:.1f} s", "-")
    files = sum(1 for _ in folder.iterdir())
    say(f"peer: allure-pytest, {count} results, files", str(files), "-")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--peer-tests", type=int, default=30_000)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        run_dir = bench_writing(directory)
        bench_page(run_dir)
        bench_seal(run_dir)
        bench_pdf(directory)
        if options.days:
            bench_year(run_dir, directory, options.days)
        if options.kills:
            bench_kill(directory, options.kills)
        if options.peer_tests:
            bench_peers(directory, options.peer_tests)


if __name__ == "__main__":
    main()
