"""``harness.measure.train``: what a UDP train says of a limiter."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from harness.core.errors import UsageError
from harness.measure.limiter import Limiter
from harness.measure.throttle_test import ThrottlePlan
from harness.measure.train import TrainArrivals, TrainPlan, judge_train, train_for

QUESTION = ThrottlePlan(threshold_bps=2_200_000, rtt_s=0.04)
NS = 1_000_000_000


def bucket(
    train: TrainPlan,
    rate_bps: float,
    depth: float,
    *,
    queue_bytes: float = 0,
    loss: float = 0.0,
) -> TrainArrivals:
    """Send a train through a token bucket with a queue (none: a policer) and random loss."""
    dice = random.Random(1)
    gap_s = train.packet_bytes * 8 / train.rate_bps
    tokens, free_s, last_s = depth, 0.0, 0.0
    rows: list[tuple[float, int, float]] = []
    for number in range(train.packets):
        now_s = number * gap_s
        tokens = min(depth, tokens + (now_s - last_s) * rate_bps / 8)
        last_s = now_s
        waiting = max(0.0, free_s - now_s) * rate_bps / 8
        if tokens >= train.packet_bytes and not waiting:
            tokens -= train.packet_bytes
            out_s = now_s
        elif waiting + train.packet_bytes <= queue_bytes:
            free_s = max(free_s, now_s - tokens * 8 / rate_bps) + train.packet_bytes * 8 / rate_bps
            tokens = 0.0
            out_s = free_s
        else:
            continue
        if dice.random() >= loss:
            rows.append((out_s + 0.02, number, now_s))
    return TrainArrivals(
        t_ns=np.array([round(out * NS) for out, _, _ in rows], np.int64),
        number=np.array([number for _, number, _ in rows], np.int64),
        sent_ns=np.array([round(sent * NS) for _, _, sent in rows], np.int64),
        wire_bytes=np.full(len(rows), train.packet_bytes, np.int64),
    )


def test_a_train_empties_the_stated_bucket_and_goes_on() -> None:
    """6.6 Mbit/s for 0.116 s of bucket and 0.17 s: 164 packets of 1442 B."""
    train = train_for(QUESTION)

    assert train.rate_bps == 6_600_000
    assert train.packets == 164
    assert train.total_bytes == 236_488
    assert train.duration_s == pytest.approx(0.287, abs=0.001)


@pytest.mark.parametrize("rate_bps", [64_000, 128_000, 512_000, 1_000_000, 1_500_000])
@pytest.mark.parametrize("depth", [5_000, 16_000, 60_000])
@pytest.mark.parametrize("loss", [0.0, 0.01])
def test_a_policer_below_the_threshold_is_found_with_its_rate(
    rate_bps: int, depth: int, loss: float
) -> None:
    """It drops at once what does not fit into the bucket."""
    train = train_for(QUESTION)

    decision = judge_train(QUESTION, train, bucket(train, rate_bps, depth, loss=loss))

    assert decision.throttled is True
    assert decision.rate_low_bps is not None
    assert decision.rate_high_bps is not None
    assert decision.rate_low_bps <= rate_bps <= decision.rate_high_bps
    assert decision.limiter is Limiter.POLICER


@pytest.mark.parametrize("rate_bps", [256_000, 512_000, 1_000_000])
def test_a_shaper_below_the_threshold_is_found(rate_bps: int) -> None:
    """It makes the train wait."""
    train = train_for(QUESTION)
    arrivals = bucket(train, rate_bps, 5_000, queue_bytes=30_000)

    decision = judge_train(QUESTION, train, arrivals)

    assert decision.throttled is True
    assert decision.limiter is Limiter.SHAPER
    assert decision.rate_bps == pytest.approx(rate_bps, rel=0.15)


@pytest.mark.parametrize("rate_bps", [5_000_000, 10_000_000, 150_000_000])
@pytest.mark.parametrize("loss", [0.0, 0.01, 0.05])
def test_a_path_above_the_threshold_is_not_throttled(rate_bps: int, loss: float) -> None:
    """A tiny bucket that made TCP collapse does not hide the rate from a train."""
    train = train_for(QUESTION)

    decision = judge_train(QUESTION, train, bucket(train, rate_bps, 5_000, loss=loss))

    assert decision.throttled is False


def test_a_policer_at_the_threshold_is_not_guessed() -> None:
    """2.2 Mbit/s of 2.2 Mbit/s."""
    train = train_for(QUESTION)

    decision = judge_train(QUESTION, train, bucket(train, 2_200_000, 16_000))

    assert decision.throttled is None
    assert "too near the threshold" in decision.reason


def test_a_longer_train_tells_two_from_two_point_two() -> None:
    """One second of tail is enough for a tenth of a difference."""
    train = train_for(QUESTION, tail_s=1.0)

    decision = judge_train(QUESTION, train, bucket(train, 2_000_000, 16_000))

    assert decision.throttled is True


def test_a_train_that_did_not_come_is_undecided() -> None:
    """Three packets may be a blocked port."""
    train = train_for(QUESTION)
    few = bucket(TrainPlan(rate_bps=6.6e6, packet_bytes=1442, packets=3), 1e9, 10_000)

    decision = judge_train(QUESTION, train, few)

    assert decision.throttled is None
    assert decision.reason == "3 of 164 packets of the train came"


def test_a_packet_must_hold_a_number_and_a_time() -> None:
    """Forty bytes do not."""
    with pytest.raises(UsageError, match="100 bytes or more"):
        train_for(QUESTION, packet_bytes=40)


def test_a_queue_that_was_full_before_the_train_is_a_shapers() -> None:
    """All arrivals are 2 s late alike and most are dropped: only the way before the first tells."""
    train = train_for(QUESTION)
    packet_s = train.packet_bytes * 8 / 128_000
    number = np.array([0, 40, 80, 120, 160], np.int64)
    sent_ns = np.round(number * train.packet_bytes * 8 / train.rate_bps * NS).astype(np.int64)
    arrivals = TrainArrivals(
        t_ns=np.array([round((2.0 + i * packet_s) * NS) for i in range(5)], np.int64),
        number=number,
        sent_ns=sent_ns,
        wire_bytes=np.full(5, train.packet_bytes, np.int64),
        asked_ns=0,
    )

    assert judge_train(QUESTION, train, arrivals).limiter is Limiter.SHAPER
    unknown = replace(arrivals, asked_ns=None)
    assert judge_train(QUESTION, train, unknown).limiter is not Limiter.SHAPER
