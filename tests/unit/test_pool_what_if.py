"""``harness.pool.what_if``: questions to the forecast, as a person writes them."""

from __future__ import annotations

from datetime import date

import pytest

from harness.core.errors import UsageError
from harness.pool.balance import Step
from harness.pool.look import WhatIf
from harness.pool.what_if import what_if_of

TODAY = date(2020, 3, 2)


def test_nothing_is_supposed_without_a_question() -> None:
    """The forecast as it is."""
    assert what_if_of([], today=TODAY) == WhatIf()


def test_all_three_can_be_asked_together() -> None:
    """50 SIMs of 60 GB nine days from now, one more of 1.5 TB today, a cap, a carrier gone."""
    found = what_if_of(
        [
            "add 50 SIMs of 60 GB on 2020-03-11",
            "cap lines of 200 GB at 25 GB",
            "add 1 SIM of 1.5 TB on 2020-03-02",
            "44010 dark",
        ],
        today=TODAY,
    )

    assert found.steps == [
        Step(in_days=9, sims=50, quota_bytes=60_000_000_000),
        Step(in_days=0, sims=1, quota_bytes=1_500_000_000_000),
    ]
    assert (found.heavy_bytes, found.cap_bytes) == (200_000_000_000, 25_000_000_000)
    assert found.dark_carrier == "44010"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["add SIMs"], "'add SIMs' is no question that can be asked here; write 'add 50 SIMs of"),
        (["44010 dark", "44051 dark"], "'44051 dark' is no question .* the last two once"),
        (["add 5 SIMs of 60 GB on 2020-02-30"], "2020-02-30 is not a day of the calendar"),
        (["add 5 SIMs of 60 GB on 2020-03-01"], "2020-03-01 is over; the first .* is 2020-03-02"),
        (["add 5 SIMs of 60 parsec on 2020-03-05"], "parsec"),
        (["cap lines of 25 GB at 200 GB"], "a cap above the amount caps nobody"),
    ],
)
def test_what_cannot_be_asked_is_refused(texts: list[str], says: str) -> None:
    """With the three forms, or what is wrong with the number."""
    with pytest.raises(UsageError, match=says):
        what_if_of(texts, today=TODAY)
