"""``harness.at.fields``: values behind a name, and every message with its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.at.cesq import parse_cesq
from harness.at.csq import parse_csq
from harness.at.errors import AtFramingError
from harness.at.fields import Fields, body, number_set, split_fields
from harness.at.registration import parse_registration, parse_registration_modes


def test_values_are_split_at_commas_outside_quotes_and_brackets() -> None:
    """Blanks around them go, quotes and brackets go, what is inside stays."""
    fields = split_fields('+X: 1 , "a, b" ,(0-4,7),,"", c d ', "+X")

    assert fields.values == ("1", "a, b", "0-4,7", "", "", "c d")
    assert (fields.text(0), fields.text(3), fields.text(4), fields.text(9)) == (
        "1",
        None,
        None,
        None,
    )


def test_numbers_decimal_and_hexadecimal() -> None:
    """A dash and nothing are not known."""
    fields = Fields(line="x", values=("12", "-5", "-", "", "00C3", "0x1a"))

    assert [fields.number(place, "n") for place in range(4)] == [12, -5, None, None]
    assert [fields.hexadecimal(place, "h") for place in (2, 3, 4, 5)] == [None, None, 195, 26]


def test_ranges_are_spelt_out() -> None:
    """Also downwards, with blanks, with empty parts, and negative."""
    assert number_set("0,1, 4-6", "x") == (0, 1, 4, 5, 6)
    assert number_set("1-0", "x") == (0, 1)
    assert number_set("3,,5", "x") == (3, 5)
    assert number_set(" -1 - 1 ", "x") == (-1, 0, 1)
    assert len(number_set("1-65536", "x")) == 65536


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: body("+Y: 1", "+X", "+Z"), "not a +X or +Z response: '+Y: 1'"),
        (lambda: body("+X 1", "+X"), "not a +X response: '+X 1'"),
        (
            lambda: split_fields('+X: 1,"a', "+X"),
            "a value ends in a way that is not understood at '\"a': '+X: 1,\"a'",
        ),
        (lambda: split_fields("+X: ", "+X").need(0, "cid"), "<cid> is missing: '+X: '"),
        (lambda: split_fields("+X: ", "+X").need_number(0, "cid"), "<cid> is missing: '+X: '"),
        (
            lambda: split_fields("+X: a", "+X").need_number(0, "cid"),
            "<cid> 'a' is not a number: '+X: a'",
        ),
        (
            lambda: split_fields("+X: a", "+X").one_of(0, "cid", (1,)),
            "<cid> 'a' is not a number: '+X: a'",
        ),
        (
            lambda: split_fields("+X: 2", "+X").one_of(0, "cid", (1,)),
            "<cid> 2 is not defined: '+X: 2'",
        ),
        (
            lambda: split_fields("+X: G", "+X").hexadecimal(0, "tac"),
            "<tac> 'G' is not a hexadecimal number: '+X: G'",
        ),
        (lambda: number_set("1,b", "line"), "'b' is not a number or a range: 'line'"),
        (lambda: number_set("0-65536", "line"), "the range 0-65536 is too long: 'line'"),
        (lambda: number_set("1-9,0-65530", "line"), "the range 0-65530 is too long: 'line'"),
        (
            lambda: parse_registration("+CREG: 1"),
            "<n>,<stat> expected, this is the form of a URC: '+CREG: 1'",
        ),
        (lambda: parse_registration("+CREG: 6,1"), "<n> 6 is not defined: '+CREG: 6,1'"),
        (lambda: parse_registration("+CREG: 0,12"), "<stat> 12 is not defined: '+CREG: 0,12'"),
        (
            lambda: parse_registration("+CREG: 0,1,XY"),
            "<lac or tac> 'XY' is not a hexadecimal number: '+CREG: 0,1,XY'",
        ),
        (
            lambda: parse_registration("+CREG: 0,1,1,XY"),
            "<ci> 'XY' is not a hexadecimal number: '+CREG: 0,1,1,XY'",
        ),
        (
            lambda: parse_registration("+CREG: 0,1,1,1,17"),
            "<AcT> 17 is not defined: '+CREG: 0,1,1,1,17'",
        ),
        (
            lambda: parse_registration("+CREG: 0,3,,,,x,1"),
            "<cause_type> 'x' is not a number: '+CREG: 0,3,,,,x,1'",
        ),
        (
            lambda: parse_registration("+CREG: 0,3,,,,0,x"),
            "<reject_cause> 'x' is not a number: '+CREG: 0,3,,,,0,x'",
        ),
        (
            lambda: parse_registration_modes("+CREG: "),
            "<list of supported <n>s> is missing: '+CREG: '",
        ),
        (
            lambda: parse_registration_modes("+CREG: (x)"),
            "'x' is not a number or a range: '+CREG: (x)'",
        ),
        (lambda: parse_csq("+CSQ: ,1"), "<rssi> is missing: '+CSQ: ,1'"),
        (lambda: parse_csq("+CSQ: 1,x"), "<ber> 'x' is not a number: '+CSQ: 1,x'"),
        (
            lambda: parse_csq("+CSQ: 1,8"),
            "+CSQ <ber> 8 is not defined (0 to 7 or 99): '+CSQ: 1,8'",
        ),
        (
            lambda: parse_cesq("+CESQ: 0,0,0,0,0"),
            "+CESQ has 5 values, at least 6 expected: '+CESQ: 0,0,0,0,0'",
        ),
        (
            lambda: parse_cesq("+CESQ: 64,0,0,0,0,0"),
            "+CESQ <rxlev> 64 is not defined (0 to 63 or 99): '+CESQ: 64,0,0,0,0,0'",
        ),
        (
            lambda: parse_cesq("+CESQ: 0,0,97,0,0,0"),
            "+CESQ <rscp> 97 is not defined (0 to 96 or 255): '+CESQ: 0,0,97,0,0,0'",
        ),
        (
            lambda: parse_cesq("+CESQ: 0,0,0,0,0,98"),
            "+CESQ <rsrp> 98 is not defined (0 to 97 or 255): '+CESQ: 0,0,0,0,0,98'",
        ),
        (
            lambda: parse_cesq("+CESQ: 0,0,0,0,-1,0"),
            "+CESQ <rsrq> -1 is not defined (0 to 34 or 255): '+CESQ: 0,0,0,0,-1,0'",
        ),
    ],
)
def test_every_message_names_the_value_and_keeps_the_line(
    act: Callable[[], object], message: str
) -> None:
    """Who reads it needs no second look at the router."""
    with pytest.raises(AtFramingError) as caught:
        act()

    assert str(caught.value) == message
