"""The throttle verdict over a truth set: 12 rates, shaper and policer, 6 paths, CUBIC and BBR.

`python tests/bench/truthset.py [seeds]` prints right, undecided, wrong, time and bytes a path.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from harness.measure.limiter import Limiter
from harness.measure.packets import Packets
from harness.measure.throttle_test import ThrottleDecision, ThrottlePlan, ThrottleTest
from harness.measure.train import (
    TAIL_S,
    TrainArrivals,
    TrainPlan,
    judge_train,
    longer_tail_s,
    train_for,
)
from tests.bench.virtual_path import Download, Path, PathKind, Seen
from tests.unit.measure_frames import Frame, frame_bytes

THRESHOLD_BPS = 2_200_000
RATES_BPS = (64e3, 128e3, 256e3, 384e3, 512e3, 1e6, 1.5e6, 3e6, 5e6, 10e6, 50e6, 150e6)
PATHS = {
    "near": PathKind(rtt_s=0.01),
    "lte": PathKind(rtt_s=0.04, jitter_s=0.005, cross=0.02),
    "slots": PathKind(rtt_s=0.04, slot_s=0.05),
    "jitter": PathKind(rtt_s=0.08, jitter_s=0.02, away_s=0.1),
    "loss": PathKind(rtt_s=0.06, loss=0.01),
    "far": PathKind(rtt_s=0.6),
}
_STEP_S = 0.01
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case with its truth."""

    rate_bps: float
    policer: bool
    path: str
    bbr: bool
    seed: int

    @property
    def throttled(self) -> bool:
        """The truth."""
        return self.rate_bps < THRESHOLD_BPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the judge said of a case."""

    case: Case
    decision: ThrottleDecision
    waited_s: float
    bytes_in: int
    train: bool

    @property
    def mark(self) -> str:
        """Right, undecided or wrong."""
        if self.decision.throttled is None:
            return "undecided"
        return "right" if self.decision.throttled == self.case.throttled else "wrong"


def cases(seeds: int) -> Iterator[Case]:
    """Return every combination, each with so many seeds."""
    for seed, rate, policer, path, bbr in product(
        range(seeds), RATES_BPS, (False, True), PATHS, (False, True)
    ):
        yield Case(rate_bps=rate, policer=policer, path=path, bbr=bbr, seed=seed)


def judged(case: Case) -> Outcome:
    """Run one case to its answer."""
    dice = random.Random(repr(case))
    kind = PATHS[case.path]
    depth = dice.choice((5_000, 16_000, 32_000))
    queue = 0.0 if case.policer else max(30_000.0, dice.choice((0.1, 0.3)) * case.rate_bps / 8)
    path = Path(rate_bps=case.rate_bps, depth_bytes=depth, queue_bytes=queue, kind=kind, dice=dice)
    plan = ThrottlePlan(threshold_bps=THRESHOLD_BPS, rtt_s=kind.rtt_s, local_port=40000)
    window = max(48_000, round(3 * THRESHOLD_BPS * kind.rtt_s / 8))
    download = Download(path, bbr=case.bbr, window_bytes=window)
    test = ThrottleTest(plan)
    now_s, decision, came = 0.0, None, 0
    while decision is None and now_s < 20:
        now_s += _STEP_S
        seen = download.run(now_s)
        came += sum(packet.size for packet in seen if not packet.outgoing)
        decision = test.feed(packets_of_seen(seen), round(now_s * _NS))
    decision = decision or test.conclude()
    train = decision.throttled is None
    for tail_s in (TAIL_S, longer_tail_s(plan)) if train else ():
        sent = train_for(plan, tail_s=tail_s)
        now_s += 2 * kind.rtt_s
        arrivals = ride(path, sent, now_s)
        decision = judge_train(plan, sent, arrivals)
        came += int(arrivals.wire_bytes.sum())
        now_s = max([now_s + sent.duration_s, *(arrivals.t_ns[-1:] / _NS).tolist()]) + 0.1
        if decision.throttled is not None:
            break
    return Outcome(
        case=case, decision=decision, waited_s=now_s + kind.rtt_s, bytes_in=came, train=train
    )


def packets_of_seen(seen: list[Seen]) -> Packets:
    """Return what a tap would hand over."""
    return Packets(
        t_ns=np.array([round(each.t_s * _NS) for each in seen], np.int64),
        wire_bytes=np.array([each.size for each in seen], np.int32),
        outgoing=np.array([each.outgoing for each in seen], np.bool_),
        headers=b"".join(
            frame_bytes(
                Frame(
                    t_ms=0,
                    outgoing=each.outgoing,
                    sequence=each.segment * 1448,
                    payload=0 if each.outgoing else 1448,
                    stamp=each.stamp,
                    echo=each.echo,
                )
            )
            for each in seen
        ),
    )


def ride(path: Path, train: TrainPlan, start_s: float) -> TrainArrivals:
    """Send a train over a path."""
    rows = []
    for number in range(train.packets):
        sent_s = start_s + number * train.packet_bytes * 8 / train.rate_bps
        there_s = path.carry(sent_s, train.packet_bytes)
        if there_s is not None:
            rows.append((there_s, number, sent_s))
    return TrainArrivals(
        t_ns=np.array([round(there * _NS) for there, _, _ in rows], np.int64),
        number=np.array([number for _, number, _ in rows], np.int64),
        sent_ns=np.array([round(sent * _NS) for _, _, sent in rows], np.int64),
        wire_bytes=np.full(len(rows), train.packet_bytes, np.int64),
        asked_ns=round((start_s - path.kind.rtt_s / 2) * _NS),
    )


def say(*words: object) -> None:
    """Write a line to standard output."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def main(seeds: int) -> None:
    """Print the table."""
    outcomes = [judged(case) for case in cases(seeds)]
    say("path    cases  right  undecided  wrong  kind ok/named  median s  p95 s  median kB  p95 kB")
    for path in [*PATHS, "all"]:
        rows = [each for each in outcomes if path in {each.case.path, "all"}]
        marks = [each.mark for each in rows]
        named = [
            each
            for each in rows
            if each.decision.throttled and each.decision.limiter is not Limiter.UNSURE
        ]
        good = sum((e.decision.limiter is Limiter.POLICER) == e.case.policer for e in named)
        times = sorted(each.waited_s for each in rows)
        sizes = sorted(each.bytes_in / 1e3 for each in rows)
        at95 = int(0.95 * len(rows))
        say(
            f"{path:7} {len(rows):5}  {marks.count('right'):5}  {marks.count('undecided'):9}  "
            f"{marks.count('wrong'):5}  {good:6}/{len(named):<6}  {statistics.median(times):8.2f}  "
            f"{times[at95]:5.2f}  {statistics.median(sizes):9.0f}  {sizes[at95]:6.0f}"
        )
    for each in outcomes:
        if each.mark != "right":
            say(each.mark, each.case, each.decision.reason)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
