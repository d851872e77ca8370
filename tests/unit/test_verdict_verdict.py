"""`harness.verdict.verdict`: verdicts and their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.verdict.verdict import Verdict, merge


def test_the_order_is_that_of_ttcn_3() -> None:
    """ES 201 873-1, 24.1: none < pass < inconc < fail < error."""
    assert [verdict.word for verdict in sorted(Verdict)] == [
        "none",
        "pass",
        "inconc",
        "fail",
        "error",
    ]


def test_verdicts_merge_by_maximum() -> None:
    """A failure overrules a pass, whatever came first."""
    assert merge([Verdict.FAIL, Verdict.PASS]) is Verdict.FAIL
    assert merge([]) is Verdict.NONE


@given(st.sampled_from(Verdict))
def test_a_written_verdict_reads_back(verdict: Verdict) -> None:
    """The word of a verdict names it."""
    assert Verdict.from_word(verdict.word) is verdict


def test_an_unknown_word_is_no_verdict() -> None:
    """A record with another word is not guessed at."""
    with pytest.raises(KeyError):
        Verdict.from_word("passed")
