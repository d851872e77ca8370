"""``slow``, ``traffic`` and ``clock`` of the firmware: what it notices and counts."""

from __future__ import annotations

import pytest

from devices.virtual.at.modem import ByteCount
from devices.virtual.firmware.burst import checksum, echo_request, is_reply
from devices.virtual.firmware.clock import ModemClock
from devices.virtual.firmware.slow import Second, SlowDetector, dwell_s
from devices.virtual.firmware.traffic import Usage

FAST = Second(rate_bps=38e6, question_s=0.02)
SLOW = Second(rate_bps=128e3, question_s=1.2)
IDLE = Second(rate_bps=0.0, question_s=0.0)
STREAM = Second(rate_bps=2e6, question_s=0.02)


def verdict(*seconds: Second) -> float | None:
    """Return what the detector says after these seconds."""
    detector = SlowDetector()
    return [detector.add(second) for second in seconds][-1]


def test_eight_slow_seconds_are_a_slow_line() -> None:
    """The verdict carries the mean rate of the slow seconds."""
    assert verdict(FAST, *[SLOW] * 7) is None
    assert verdict(FAST, *[SLOW] * 8) == 128e3


def test_a_short_dip_is_none() -> None:
    """Five slow seconds between fast ones say nothing."""
    assert verdict(*([SLOW] * 5 + [FAST]) * 10, *[SLOW] * 7) is None


def test_an_idle_line_is_none() -> None:
    """Without traffic nothing can be said."""
    assert verdict(*[IDLE] * 100) is None


def test_a_small_stream_without_a_queue_is_none() -> None:
    """Who asks for 2 Mbit/s and gets it is not slowed down."""
    assert verdict(*[STREAM] * 100) is None


def test_a_flat_rate_is_suspect_and_a_lossy_burst_is_the_proof() -> None:
    """Six seconds at one rate are tried with a burst; half of it lost makes them slow ones."""
    detector = SlowDetector()
    for _ in range(6):
        assert detector.add(STREAM) is None
    assert detector.is_suspect()
    detector.judge_burst(0.5)
    assert not detector.is_suspect()
    detector.add(STREAM)

    assert detector.add(STREAM) == 2e6


def test_a_stream_that_passes_the_burst_is_left_alone() -> None:
    """A film at 2 Mbit/s is flat too, but a burst comes through whole."""
    detector = SlowDetector()
    for _ in range(60):
        assert detector.add(STREAM) is None
        if detector.is_suspect():
            detector.judge_burst(0.05)


def test_an_uneven_rate_is_not_suspect() -> None:
    """A page here and there is no policer."""
    detector = SlowDetector()
    for rate_bps in (2e6, 1e6, 2e6, 3e6, 2e6, 1e6):
        detector.add(Second(rate_bps=rate_bps, question_s=0.02))

    assert not detector.is_suspect()


def test_the_echo_request_carries_the_rfc_s_checksum() -> None:
    """RFC 1071: with its checksum in place the sum is zero."""
    request = echo_request(0x1234, 7)

    assert request[:2] == b"\x08\x00"
    assert checksum(request) == 0
    assert is_reply(bytes(20) + b"\x00" + request[1:], 0x1234)
    assert not is_reply(bytes(20) + request, 0x1234)


def test_lost_questions_count_as_queued() -> None:
    """A policer drops instead of queueing."""
    assert verdict(*[Second(rate_bps=1e6, question_s=None)] * 8) == 1e6


@pytest.mark.parametrize(("changes", "expected"), [(0, 0), (1, 15), (2, 30), (3, 60), (99, 600)])
def test_the_pause_between_changes_doubles(changes: int, expected: float) -> None:
    """15 s, 30 s, 60 s … 10 min: a pool of slow cards is not gone round and round."""
    assert dwell_s(changes) == expected


def test_usage_is_the_growth_of_the_counters() -> None:
    """A new bearer starts at zero, the sums go on."""
    counts = iter([ByteCount(dl=1000, ul=10), ByteCount(dl=1500, ul=30), ByteCount(dl=70, ul=7)])
    usage = Usage(lambda: next(counts), {})
    usage.sample("c1", "2026-11-24T03")
    assert usage.sample("c1", "2026-11-24T03") == ByteCount(dl=500, ul=20)
    usage.begin_bearer()
    usage.sample("c1", "2026-11-24T04")

    assert usage.total == ByteCount(dl=1570, ul=37)
    assert [(r.hour_utc, r.dl_bytes, r.ul_bytes) for r in usage.rows()] == [
        ("2026-11-24T03", 1500, 30),
        ("2026-11-24T04", 70, 7),
    ]


def test_a_row_is_reported_once_until_it_grows() -> None:
    """An hour's total is kept after its report: the clock may be set back to that hour."""
    counts = iter([ByteCount(dl=5, ul=1), ByteCount(dl=6, ul=1)])
    usage = Usage(lambda: next(counts), {})
    usage.sample("c1", "2026-11-24T03")
    ((row, true),) = usage.unreported()
    usage.was_reported(row, true)
    assert usage.unreported() == []
    usage.forget_old()
    usage.sample("c1", "2026-11-24T03")

    assert [(r.hour_utc, r.dl_bytes) for r, _ in usage.unreported()] == [("2026-11-24T03", 6)]


def test_only_the_oldest_reported_rows_are_forgotten() -> None:
    """A hundred are kept; one that the server has not heard of never goes."""
    hours = [f"2026-11-{day:02d}T{hour:02d}" for day in range(1, 6) for hour in range(24)]
    usage = Usage(lambda: None, {("c1", hour): (5, 1) for hour in hours})
    for row, true in usage.unreported()[1:]:
        usage.was_reported(row, true)
    usage.forget_old()

    assert [row.hour_utc for row in usage.rows()] == [hours[0], *hours[21:]]


def test_no_row_of_the_hour_that_goes_on_is_forgotten() -> None:
    """A hundred SIMs in one hour: each would begin at zero again, and its use would be lost."""
    hour = "2026-11-05T07"
    usage = Usage(lambda: None, {(f"c{number}", hour): (5, 1) for number in range(150)})
    for row, true in usage.unreported():
        usage.was_reported(row, true)
    usage.forget_old()

    assert len(usage.rows()) == 150


def test_the_clock_starts_unset_and_follows_the_network() -> None:
    """1980-01-06 until NITZ; then local time with the zone in quarters of an hour."""
    now_s = [100.0]
    clock = ModemClock(lambda: now_s[0], frozenset())
    unset = clock.local().text
    clock.apply_nitz({"utc": "2026-11-24T03:00:00+00:00", "zone_quarters": 36})
    now_s[0] += 61

    assert unset == "80/01/06,00:00:00+00"
    assert clock.local().text == "26/11/24,12:01:01+36"
    assert clock.hour_utc() == "2026-11-24T03"


def test_a_time_typed_by_hand_is_local() -> None:
    """+CCLK takes local time with its zone; a 30th of February is refused."""
    clock = ModemClock(lambda: 0.0, frozenset())

    assert clock.set_text("26/11/24,12:00:00+36")
    assert clock.hour_utc() == "2026-11-24T03"
    assert not clock.set_text("26/02/30,12:00:00+36")
