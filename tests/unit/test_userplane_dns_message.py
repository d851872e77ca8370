"""``harness.userplane.dns_message``: what is asked of a name server and what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.userplane.dns_message import question, response_code

ASKED = bytes.fromhex("1234 0100 0001 0000 0000 0000 01 61 02 6a70 00 0001 0001")


def test_a_question_is_as_the_standard_draws_it() -> None:
    """RFC 1035 4.1.1 and 4.1.2: header, labels with their lengths, type A, class IN."""
    assert question(0x1234, "a.jp") == ASKED


@pytest.mark.parametrize("name", ["", "a..jp", "a.jp.", "x" * 64, "日本.jp"])
def test_what_is_no_name_is_not_asked(name: str) -> None:
    """Empty, too long and foreign labels."""
    with pytest.raises(ValueError, match=r"is no domain name|can't encode"):
        question(1, name)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("1234 8180 0001 0001 0000 0000", 0),
        ("1234 8182 0001 0000 0000 0000", 2),
        ("1234 8183 0001 0000 0000 0000", 3),
        ("1234 0100 0001 0000 0000 0000", None),
        ("1235 8180 0001 0001 0000 0000", None),
        ("1234 8180 0001 0001 0000 00", None),
    ],
)
def test_an_answer_is_one_to_our_question(message: str, code: int | None) -> None:
    """A question, another's answer and a piece of one are none."""
    assert response_code(0x1234, bytes.fromhex(message)) == code


@given(st.binary(max_size=600))
def test_any_bytes_give_a_code_or_none(message: bytes) -> None:
    """Nothing that a name server sends is an error of ours."""
    code = response_code(7, message)

    assert code is None or 0 <= code <= 15
