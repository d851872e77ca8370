"""`harness.core.identity`: IMEI, ICCID, IMSI, PLMN."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.core.identity import (
    check_iccid,
    check_imei,
    check_imsi,
    check_plmn,
    luhn_ok,
    masked,
)


def test_the_check_digit_of_the_standards_example_holds() -> None:
    """7992739871 has the check digit 3, the example of ISO/IEC 7812-1's method."""
    assert luhn_ok("79927398713")
    assert not luhn_ok("79927398710")
    assert not luhn_ok("7992739871x")


def test_an_imei_has_fifteen_digits_and_a_check_digit() -> None:
    """49015420323751 has the check digit 8 (3GPP's own example, TS 23.003 annex B)."""
    assert check_imei("490154203237518") == "490154203237518"
    with pytest.raises(UsageError, match="its last digit is not the check digit of the others"):
        check_imei("490154203237517")
    with pytest.raises(UsageError, match="'49015420323751' is not an IMEI; it has 15 decimal"):
        check_imei("49015420323751")


@pytest.mark.parametrize("imsi", ["44010123456789", "440101234567890"])
def test_an_imsi_has_fourteen_or_fifteen_digits(imsi: str) -> None:
    """TS 23.003 2.2: at most 15 digits; MCC, MNC and a number."""
    assert check_imsi(imsi) == imsi


def test_no_imsi_is_refused() -> None:
    """A letter and a short number are named in the message."""
    with pytest.raises(UsageError, match="'44010A23456789' is not an IMSI; it has 14 to 15"):
        check_imsi("44010A23456789")
    with pytest.raises(UsageError, match="'4401' is not an IMSI"):
        check_imsi("4401")


@pytest.mark.parametrize(
    "iccid", ["898110000000000001", "8981100000000000017", "89811000000000000172"]
)
def test_an_iccid_has_eighteen_to_twenty_digits(iccid: str) -> None:
    """Luhn is reported elsewhere, never enforced."""
    assert check_iccid(iccid) == iccid


def test_no_iccid_is_refused() -> None:
    """Seventeen digits are one too few."""
    with pytest.raises(UsageError, match="it has 18 to 20 decimal digits"):
        check_iccid("89811000000000001")


def test_a_plmn_code_has_five_or_six_digits() -> None:
    """MCC of three digits, MNC of two or three."""
    assert check_plmn("44010") == "44010"
    assert check_plmn("310410") == "310410"
    with pytest.raises(UsageError, match="'4401' is not a PLMN code; it has 5 to 6"):
        check_plmn("4401")


def test_other_digits_are_no_digits() -> None:
    """Digits of other scripts are refused: an identity is ASCII."""
    with pytest.raises(UsageError, match="is not an IMSI"):
        check_imsi("٤٤٠١٠١٢٣٤٥٦٧٨٩٠")


@pytest.mark.parametrize(
    ("identity", "shown"), [("490154203237518", "***********7518"), ("123", "123"), ("", "")]
)
def test_an_identity_is_shown_by_its_last_four(identity: str, shown: str) -> None:
    """As reports show it."""
    assert masked(identity) == shown
