"""Canonical JSON (RFC 8785): the one byte sequence that is hashed and signed. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final

from harness.core.errors import InternalError

_INTEGER_MAX: Final = 2**53 - 1  # I-JSON (RFC 7493, 2.2): greater ones are not exact everywhere
_PLAIN_EXPONENTS: Final = range(-6, 21)  # ECMA-262 Number::toString writes these without "e"


def canonical(value: object) -> bytes:
    """Return the canonical form of a JSON value.

    Raises:
        InternalError: The value is none that JSON can hold exactly.
    """
    return _text(value).encode()


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, Mapping):
        # 3.2.3: members are sorted by the UTF-16 code units of their names.
        names = sorted((str(name) for name in value), key=lambda n: n.encode("utf-16-be"))
        return "{" + ",".join(f"{_string(name)}:{_text(value[name])}" for name in names) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_text, value)) + "]"
    msg = f"{value!r} cannot be written as JSON"
    raise InternalError(msg)


def _string(text: str) -> str:
    """3.2.2.2: short escapes where JSON has them, numbered ones for other controls, no more."""
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{text!r} holds a lone surrogate"
        raise InternalError(msg) from None
    return json.dumps(text, ensure_ascii=False)


def number(value: float) -> str:
    """Write a number as ECMA-262 Number::toString does (3.2.2.3).

    Raises:
        InternalError: It is infinite, not a number, or an integer beyond 2^53 - 1.
    """
    if isinstance(value, int):
        if abs(value) > _INTEGER_MAX:
            msg = f"{value} is not exact as a JSON number; write it as text"
            raise InternalError(msg)
        return str(value)
    if not math.isfinite(value):
        msg = f"{value} is no JSON number"
        raise InternalError(msg)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    point = len(whole) + int(exponent_text or 0) - leading_zeros
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """Write 0.digits times 10^point."""
    if point - 1 not in _PLAIN_EXPONENTS:
        exponent = point - 1
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{digits[0]}{fraction}e{'+' if exponent > 0 else '-'}{abs(exponent)}"
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if point >= len(digits):
        return digits + "0" * (point - len(digits))
    return f"{digits[:point]}.{digits[point:]}"
