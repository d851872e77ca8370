"""Goodput against the shaped rate, and throttle checks, on a path of the real kernel with 40 ms.

`python -m tests.bench.bench_measure [repeats] [iperf seconds …]` prints ours and iperf3's from one
run; iperf3 has to be on PATH and the run to be root's for the peer's columns.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time

from harness.core.errors import HarnessError
from harness.measure.goodput import GoodputPlan
from harness.measure.throttle_test import ThrottlePlan
from harness.userplane.broker import Broker
from harness.userplane.goodput_run import run_goodput
from harness.userplane.iperf import IperfSource
from harness.userplane.throttling_check import check_throttling, datagrams_of
from harness.userplane.traffic import TrafficPlan
from tests.bench.measure_lab import SERVER, Lab, PathSetting

RATES_BPS = (128e3, 1e6, 10e6, 50e6, 150e6)
# Ethernet's 1514 bytes carry 1448 of payload (IPv4, TCP with time stamps).
PAYLOAD = 1448 / 1514
IPERF_PORT = 5301


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def setting(rate_bps: float) -> PathSetting:
    """Return a shaper as a careful bench sets it."""
    return PathSetting(
        rate_bps=rate_bps,
        burst_bytes=max(5000, round(rate_bps / 8 * 0.005)),
        queue_bytes=max(30_000, round(rate_bps / 8 * 0.1)),
    )


def ours(lab: Lab, rate_bps: float, congestion: str, repeats: int) -> None:
    """Print our figures for one rate."""
    errors, times, sizes, doubts = [], [], [], 0
    for _ in range(repeats):
        run = run_goodput(
            lab.client, lab.tap, GoodputPlan(), traffic=TrafficPlan(congestion=congestion)
        )
        doubts += bool(run.goodput.doubts)
        if run.goodput.wire_bps is not None:
            errors.append((run.goodput.wire_bps / rate_bps - 1) * 100)
        times.append(run.waited_s)
        sizes.append(run.goodput.bytes_burnt / 1e3)
    spread = f"{min(errors):+.2f} to {max(errors):+.2f} %" if errors else "no figure"
    say(
        f"{rate_bps / 1e6:8.3f} Mbit/s {congestion:5}  ours           {spread:20}  "
        f"{statistics.median(times):5.2f} s  {statistics.median(sizes):9.0f} kB  doubts {doubts}"
    )


def peers(lab: Lab, rate_bps: float, congestion: str, seconds: int) -> None:
    """Print iperf3's figure for one rate."""
    program = shutil.which("iperf3")
    if program is None or os.geteuid():
        say("           iperf3: no peer (not on PATH, or not root)")
        return
    argv = [*lab.prefix(lab.far), program, "-s", "-1", "-p", str(IPERF_PORT)]
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    before = lab.near.counters("lan0").received_bytes
    source = IperfSource(SERVER[0], IPERF_PORT, prefix=lab.prefix(lab.near))
    started = time.monotonic()
    try:
        running = source.start(TrafficPlan(congestion=congestion, longest_s=seconds))
        while running.pump(1.0):
            pass
        running.stop()
    except HarnessError as error:
        say(f"           iperf3 -t{seconds}: {error}")
        return
    finally:
        server.kill()
        server.wait()
    took_s = time.monotonic() - started
    burnt = lab.near.counters("lan0").received_bytes - before
    result = running.result
    if result is not None:
        received = (result.received_bps / PAYLOAD / rate_bps - 1) * 100
        sent = (result.sent_bps / PAYLOAD / rate_bps - 1) * 100
        say(
            f"{rate_bps / 1e6:8.3f} Mbit/s {congestion:5}  iperf3 -t{seconds:<4}   "
            f"{received:+.2f} % (sender {sent:+.0f} %)  {took_s:5.2f} s  {burnt / 1e3:9.0f} kB"
        )


def checks(lab: Lab, rate_bps: float, congestion: str, repeats: int) -> None:
    """Print our throttle checks for one rate: is it below 2.2 Mbit/s?"""
    question = ThrottlePlan(threshold_bps=2_200_000)
    results = [
        check_throttling(
            lab.client,
            lab.tap,
            question,
            open_datagrams=datagrams_of(lab.near.socket),
            congestion=congestion,
        )
        for _ in range(repeats)
    ]
    right = sum(each.decision.throttled == (rate_bps < question.threshold_bps) for each in results)
    times = [each.waited_s for each in results]
    sizes = [each.bytes_burnt / 1e3 for each in results]
    say(
        f"{rate_bps / 1e6:8.3f} Mbit/s {congestion:5}  throttled?     {right} of {repeats} right  "
        f"{max(times):5.2f} s  {max(sizes):9.0f} kB  (worst)"
    )


def main(repeats: int, iperf_seconds: list[int]) -> None:
    """Print the table."""
    with Broker.start(private=True) as broker, Lab(broker) as lab:
        for rate_bps in RATES_BPS:
            with lab.path(setting(rate_bps)):
                time.sleep(0.3)
                for congestion in ("cubic", "bbr"):
                    ours(lab, rate_bps, congestion, repeats)
                    checks(lab, rate_bps, congestion, repeats)
                for seconds in iperf_seconds:
                    peers(lab, rate_bps, "cubic", seconds)


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    main(numbers[0] if numbers else 5, numbers[1:] or [1, 3, 10])
