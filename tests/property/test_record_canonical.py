"""`harness.record.canonical`: RFC 8785, with the examples of its text."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import InternalError
from harness.record.canonical import canonical, number

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


# RFC 8785, appendix B: IEEE 754 bits and ECMAScript's text
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x8000000000000001, "-5e-324"),
        (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
        (0xFFEFFFFFFFFFFFFF, "-1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0xC340000000000000, "-9007199254740992"),
        (0x4430000000000000, "295147905179352830000"),
        (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, "1e+23"),
        (0x44B52D02C7E14AF7, "1.0000000000000001e+23"),
        (0x444B1AE4D6E2EF4E, "999999999999999700000"),
        (0x444B1AE4D6E2EF4F, "999999999999999900000"),
        (0x444B1AE4D6E2EF50, "1e+21"),
        (0x3EB0C6F7A0B5ED8C, "9.999999999999997e-7"),
        (0x3EB0C6F7A0B5ED8D, "0.000001"),
        (0x41B3DE4355555553, "333333333.3333332"),
        (0x41B3DE4355555554, "333333333.33333325"),
        (0x41B3DE4355555555, "333333333.3333333"),
        (0x41B3DE4355555556, "333333333.3333334"),
        (0x41B3DE4355555557, "333333333.33333343"),
        (0xBECBF647612F3696, "-0.0000033333333333333333"),
        (0x43143FF3C1CB0959, "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_rfc_lists_them(bits: int, text: str) -> None:
    """Shortest digits, an exponent only below 1e-6 and from 1e21 on."""
    (value,) = struct.unpack(">d", bits.to_bytes(8, "big"))

    assert number(value) == text


def test_members_are_sorted_by_utf_16_units() -> None:
    """RFC 8785, 3.2.3: the example with a surrogate pair before a private-use character."""
    value = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }

    assert list(json.loads(canonical(value)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_strings_and_literals_are_written_as_in_the_rfc() -> None:
    """RFC 8785, 3.2.2: the example of the text."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }

    assert canonical(value).decode() == (
        '{"literals":[null,true,false],'
        '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def as_ecmascript(text: str) -> float:
    """Read an integer: ECMAScript knows only doubles."""
    return int(text) if abs(int(text)) < 2**53 else float(text)


@pytest.mark.slow
@given(JSON)
def test_the_canonical_form_is_the_same_value_and_stays_as_it_is(value: Any) -> None:
    """Reading it gives the value; writing that again gives the same bytes."""
    written = canonical(value)
    read = json.loads(written, parse_int=as_ecmascript)

    assert read == value
    assert canonical(read) == written


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**53, "9007199254740992 is not exact as a JSON number; write it as text"),
        (float("nan"), "nan is no JSON number"),
        (float("-inf"), "-inf is no JSON number"),
        ("\ud800", "holds a lone surrogate"),
        (b"", "cannot be written as JSON"),
    ],
)
def test_what_json_cannot_hold_exactly_is_refused(value: object, message: str) -> None:
    """Two readers must never see two values under one signature."""
    with pytest.raises(InternalError, match=message):
        canonical({"key": [value]})
