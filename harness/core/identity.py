"""IMEI, ICCID, IMSI and PLMN (TS 23.003, ITU-T E.118)."""

from __future__ import annotations

import re
from typing import Final

from harness.core.errors import UsageError

_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_IMEI_DIGITS: Final = 15
_IMSI_DIGITS: Final = range(14, 16)
_ICCID_DIGITS: Final = range(18, 21)
_PLMN_DIGITS: Final = range(5, 7)
_SHOWN: Final = 4
_LUHN_BASE: Final = 10


def luhn_ok(digits: str) -> bool:
    """Tell whether the last digit is the Luhn check digit of the others (ISO/IEC 7812-1)."""
    if _DIGITS.fullmatch(digits) is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value >= _LUHN_BASE else value
    return total % _LUHN_BASE == 0


def _checked(text: str, what: str, lengths: range) -> str:
    if _DIGITS.fullmatch(text) is None or len(text) not in lengths:
        shortest, longest = lengths[0], lengths[-1]
        expected = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        msg = f"{text!r} is not {what}; it has {expected} decimal digits"
        raise UsageError(msg)
    return text


def check_imei(text: str) -> str:
    """Return `text` if it is an IMEI: 15 digits with a Luhn check digit (TS 23.003, 6.2.1).

    Raises:
        UsageError: It is not.
    """
    imei = _checked(text, "an IMEI", range(_IMEI_DIGITS, _IMEI_DIGITS + 1))
    if not luhn_ok(imei):
        msg = f"{text!r} is not an IMEI; its last digit is not the check digit of the others"
        raise UsageError(msg)
    return imei


def check_imsi(text: str) -> str:
    """Return `text` if it is an IMSI of 14 or 15 digits (TS 23.003, 2.2).

    Raises:
        UsageError: It is not.
    """
    return _checked(text, "an IMSI", _IMSI_DIGITS)


def check_iccid(text: str) -> str:
    """Return `text` if it is an ICCID of 18 to 20 digits (E.118); Luhn is not enforced.

    Raises:
        UsageError: It is not.
    """
    return _checked(text, "an ICCID", _ICCID_DIGITS)


def check_plmn(text: str) -> str:
    """Return `text` if it is a PLMN code: MCC and a two or three digit MNC (TS 23.003, 12.1).

    Raises:
        UsageError: It is not.
    """
    return _checked(text, "a PLMN code", _PLMN_DIGITS)


def masked(identity: str) -> str:
    """Hide all but the last four characters, as reports show an identity."""
    return "*" * max(0, len(identity) - _SHOWN) + identity[-_SHOWN:]
