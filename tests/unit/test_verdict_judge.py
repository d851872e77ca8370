"""`harness.verdict.judge`: a value under its limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.verdict.judge import Judgement, demand, judge, quantity
from harness.verdict.limits import Decision, Limit, Unit
from harness.verdict.verdict import Verdict


def limit(
    low: float | None, high: float | None, decision: Decision = "simple", unit: Unit = "1"
) -> Limit:
    """Return a limit with these bounds."""
    return Limit(
        name="x",
        unit=unit,
        low=low,
        high=high,
        requirements=("R01",),
        decision=decision,
        title="t",
    )


@pytest.mark.parametrize(
    ("low", "high", "value", "verdict"),
    [
        (None, 2.0, 2.0, Verdict.PASS),
        (None, 2.0, 2.0001, Verdict.FAIL),
        (1.0, None, 1.0, Verdict.PASS),
        (1.0, None, 0.9999, Verdict.FAIL),
        (1.0, 2.0, 1.5, Verdict.PASS),
        (1.0, 2.0, 3.0, Verdict.FAIL),
    ],
)
def test_a_bound_itself_passes(
    low: float | None, high: float | None, value: float, verdict: Verdict
) -> None:
    """Both bounds belong to what is allowed."""
    assert judge(limit(low, high), value).verdict is verdict


def test_a_value_that_is_not_there_is_inconclusive() -> None:
    """Never a pass, never a fault of the router."""
    demanded = limit(None, 2.0)

    assert judge(demanded, None) == Judgement(
        limit=demanded, verdict=Verdict.INCONC, marginal=False, text="not measured, limit 2"
    )


@pytest.mark.parametrize(
    ("least", "most", "verdict", "marginal"),
    [
        (1.0, 2.0, Verdict.PASS, False),
        (0.9, 1.5, Verdict.INCONC, True),
        (1.5, 2.1, Verdict.INCONC, True),
        (0.1, 0.9, Verdict.FAIL, False),
        (2.1, 3.0, Verdict.FAIL, False),
        (0.5, 2.5, Verdict.INCONC, True),
    ],
)
def test_a_guarded_limit_wants_the_whole_interval_inside(
    least: float, most: float, verdict: Verdict, *, marginal: bool
) -> None:
    """ISO/IEC Guide 98-4: guarded acceptance, guarded rejection, and doubt between."""
    found = judge(limit(1.0, 2.0, "guarded"), (least + most) / 2, low=least, high=most)

    assert (found.verdict, found.marginal) == (verdict, marginal)


def test_a_simple_limit_decides_by_the_value_and_says_when_it_was_close() -> None:
    """Marginal results are marked, not changed."""
    found = judge(limit(1.0, 2.0), 1.99, low=1.9, high=2.1)

    assert (found.verdict, found.marginal) == (Verdict.PASS, True)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4.2, "s", "4.2 s"),
        (395_000.0, "bit/s", "395 kbit/s"),
        (2_000.0, "B", "2 kB"),
        (0.97, "1", "0.97"),
        (50.0, "%", "50 %"),
        (-90.0, "dBm", "-90 dBm"),
    ],
)
def test_a_quantity_is_written_with_its_unit(value: float, unit: Unit, text: str) -> None:
    """As the verdict table shows it."""
    assert quantity(value, unit) == text


def test_the_demand_is_written_beside_the_value() -> None:
    """One bound or two."""
    assert demand(limit(None, 30.0, unit="s")) == "limit 30 s"
    assert demand(limit(1.5, None)) == "at least 1.5"
    assert demand(limit(0.97, 1.03)) == "limits 0.97 to 1.03"
    assert judge(limit(None, 30.0, unit="s"), 4.2).text == "4.2 s, limit 30 s"


@given(st.floats(-1e9, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_wider_interval_never_turns_doubt_into_certainty(
    value: float, narrow: float, more: float
) -> None:
    """Under a guarded limit more uncertainty can only lead to doubt."""
    demanded = limit(-1e6, 1e6, "guarded")
    first = judge(demanded, value, low=value - narrow, high=value + narrow)
    wide = narrow + more
    second = judge(demanded, value, low=value - wide, high=value + wide)

    assert second.verdict in {first.verdict, Verdict.INCONC}
