"""The throttle verdict over a part of the truth set of ``tests/bench/truthset.py``."""

from __future__ import annotations

import pytest

from tests.bench.truthset import Case, judged


@pytest.mark.slow
@pytest.mark.parametrize("path", ["near", "lte", "slots", "jitter", "loss", "far"])
def test_no_case_of_the_truth_set_is_judged_wrong(path: str) -> None:
    """64 kbit/s to 10 Mbit/s, shaper and policer, CUBIC and BBR: right or undecided."""
    outcomes = [
        judged(Case(rate_bps=rate, policer=policer, path=path, bbr=bbr, seed=100))
        for rate in (64e3, 256e3, 1e6, 3e6, 10e6)
        for policer in (False, True)
        for bbr in (False, True)
    ]

    assert [outcome.case for outcome in outcomes if outcome.mark == "wrong"] == []
    assert sum(outcome.mark == "right" for outcome in outcomes) >= 19
