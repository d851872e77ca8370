"""``harness.pool.balance``: three numbers, two ways of running dry, and what to do."""

from __future__ import annotations

import numpy as np
import pytest

from harness.pool.balance import (
    Bank,
    Outlook,
    Step,
    balance,
    capped,
    concentration,
    share_above,
    without_carrier,
)
from harness.pool.landing import Landing, land

GB = 1_000_000_000


def _steady(month_day: int, a_day: float = 10.0 * GB) -> Landing:
    return land(np.full(60, a_day), 0, month_day=month_day, month_days=30)


def _bank(sims: int, used_gb: int, carrier: str = "44010", unknown: int = 0) -> Bank:
    used = np.full(sims, used_gb * GB, np.int64)
    return Bank(carrier=carrier, quota_bytes=20 * GB, used_bytes=used, unknown=unknown)


def _outlook(landing: Landing, banks: list[Bank], *, peak: int = 1, steps: list[Step]) -> Outlook:
    return balance(landing, banks, month_day=10, peak_lines=peak, lead_days=3, steps=steps)


def test_a_pool_of_20_days_runs_dry_when_they_are_over() -> None:
    """10 SIMs with 10 GB left each, 10 GB a day: the day after ten days."""
    outlook = _outlook(_steady(10), [_bank(10, 10)], steps=[])

    assert outlook.capacity_bytes.p50 == 200 * GB
    assert outlook.use_bytes.p50 == pytest.approx(300 * GB)
    assert outlook.short_bytes.p50 == pytest.approx(100 * GB)
    assert outlook.dry_by_bytes.p50 in {9, 10}
    assert outlook.p_dry > 0.99
    assert outlook.sims_to_buy in {5, 6}
    assert outlook.buy_in_days in {6, 7}
    assert outlook.valid_sims.p50 == 0.0


def test_a_pool_that_is_large_enough_does_not_run_dry() -> None:
    """30 SIMs hold 600 GB, 300 are asked for."""
    outlook = _outlook(_steady(10), [_bank(30, 3)], steps=[])

    assert outlook.p_dry < 0.01
    assert outlook.dry_by_bytes.p50 is None
    assert outlook.dry_by_count.p50 is None
    assert (outlook.sims_to_buy, outlook.buy_in_days) == (0, None)
    assert outlook.valid_sims.p50 == 30.0


def test_count_fails_while_gigabytes_are_left() -> None:
    """30 healthy SIMs do not serve 40 lines at the peak."""
    outlook = _outlook(_steady(10), [_bank(30, 3)], peak=40, steps=[])

    assert outlook.dry_by_bytes.p50 is None
    assert outlook.dry_by_count.p50 == 0
    assert outlook.sims_to_buy == 10


def test_added_sims_move_the_dry_day() -> None:
    """10 SIMs more from day 5 on are 20 days more."""
    outlook = _outlook(
        _steady(10), [_bank(10, 10)], steps=[Step(in_days=5, sims=10, quota_bytes=20 * GB)]
    )

    assert outlook.dry_by_bytes.p50 is None
    assert outlook.p_dry < 0.01
    assert outlook.capacity_bytes.p50 == 400 * GB
    assert outlook.capacity_path[4] == 200 * GB
    assert outlook.capacity_path[5] == 400 * GB


def test_sims_that_come_too_late_do_not_help() -> None:
    """Dry on day 10, help on day 15."""
    outlook = _outlook(
        _steady(10), [_bank(10, 10)], steps=[Step(in_days=15, sims=10, quota_bytes=20 * GB)]
    )

    assert outlook.dry_by_bytes.p50 in {9, 10}
    assert outlook.p_dry > 0.99


def test_unknown_sims_are_in_no_p50() -> None:
    """They are in P90 alone."""
    outlook = _outlook(_steady(10), [_bank(10, 10, unknown=5)], steps=[])

    assert outlook.capacity_bytes.p50 == 200 * GB
    assert outlook.capacity_bytes.p90 == 300 * GB


def test_a_dark_carrier_takes_its_sims() -> None:
    """N-1."""
    banks = [_bank(10, 0, "44010"), _bank(20, 0, "44020")]

    assert [bank.carrier for bank in without_carrier(banks, "44020")] == ["44010"]


def test_a_cap_takes_from_the_heavy_lines_only() -> None:
    """Lines of 30 and 250 GB; the second is held at 25 of which 20 are used."""
    used, rest = np.array([10.0, 20.0]), np.array([20.0, 230.0])

    share = share_above(used, rest, heavy_bytes=200.0, cap_bytes=25.0)

    assert share == pytest.approx(225.0 / 250.0)
    assert capped(_steady(10), 0.5).total.p50 == pytest.approx(200 * GB)
    assert share_above(used, np.zeros(2), heavy_bytes=1.0, cap_bytes=1.0) == 0.0


def test_concentration_names_the_largest_carrier() -> None:
    """70 of 100 SIMs are above a limit of 60 %."""
    found = concentration({"44010": 20, "44020": 70, "44051": 10}, limit=0.6)

    assert (found.largest, found.share, found.kept) == ("44020", 0.7, False)
    assert found.hhi == pytest.approx(0.54)
    assert concentration({}, limit=0.6).share == 0.0


def test_a_month_that_is_over_has_an_outlook() -> None:
    """Nothing is left to forecast."""
    outlook = _outlook(_steady(30), [_bank(10, 10)], steps=[])

    assert outlook.p_dry == 0.0
    assert outlook.valid_sims.p50 == 10.0
    assert outlook.sims_path == ()
