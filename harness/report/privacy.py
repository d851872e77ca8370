"""Keeps identities out of reports: masked for the bench, keyed hashes for the public. Pure.

What is looked for: identities that the record knows (IMEI, ICCID, IMSI), also packed as TS 24.008
and TS 31.102 pack digits (nibbles swapped) and as UCS-2 in hexadecimal, and any other run of
digits long enough to be an identity or a phone number (E.164: up to 15 digits).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from typing import Final

from harness.core.identity import masked

_LONG_DIGITS: Final = re.compile(r"\+?\d{9,}|(?<!\d)(?:\+|0)\d(?:[ -]?\d){7,}", re.ASCII)
_SHORTEST: Final = 6  # a serial number of fewer characters would blank out half of a page
_PSEUDONYM_CHARACTERS: Final = 10
_SHORTEST_IMSI: Final = 14

_PSEUDONYM: Final = re.compile(rf"id-[a-p]{{{_PSEUDONYM_CHARACTERS}}}", re.ASCII)

Hide = Callable[[str], str]


def packed_forms(identity: str) -> tuple[str, ...]:
    """Return the hexadecimal forms in which an identity can appear in AT answers.

    Swapped nibbles with an F as filler (TS 31.102 EF_ICCID), the same with the parity nibble of
    EF_IMSI before the first digit, and UCS-2 as `AT+CSCS="UCS2"` writes text.
    """
    if not identity.isdigit():
        return (identity.encode("utf-16-be").hex(),)
    parity = "9" if len(identity) % 2 else "1"
    return (
        _swapped(identity),
        _swapped(parity + identity),
        identity.encode("utf-16-be").hex(),
    )


def _swapped(digits: str) -> str:
    even = digits + "f" * (len(digits) % 2)
    return "".join(even[i + 1] + even[i] for i in range(0, len(even), 2))


class Screen:
    """Replaces every identity in a text.

    Args:
        identities: The identities that the record knows.
        hide: What to write instead of one.
    """

    def __init__(self, identities: Iterable[str], hide: Hide) -> None:
        self._hide = hide
        self._known: dict[str, str] = {}
        for identity in identities:
            # A pseudonym hides somebody already: hidden again it would be another one.
            if len(identity) >= _SHORTEST and not _PSEUDONYM.fullmatch(identity):
                self._known[identity.lower()] = identity
                self._known.update((form, identity) for form in packed_forms(identity))
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile(
            "|".join(re.escape(form) for form in longest_first) or r"(?!)", re.IGNORECASE
        )

    def text(self, text: str) -> str:
        """Return `text` without any identity."""
        known = self._pattern.sub(lambda m: self._hide(self._known[m[0].lower()]), text)
        return _LONG_DIGITS.sub(lambda m: self._hide(re.sub(r"\D", "", m[0])), known)

    def value(self, value: object) -> object:
        """Return a JSON value without any identity, in keys as well."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            # A number of bytes or bits may be long, so only what is as long as an IMSI is hidden.
            is_short = len(str(abs(value))) < _SHORTEST_IMSI and str(value) not in self._known
            return value if is_short else self.text(str(value))
        if isinstance(value, dict):
            return {self.text(str(k)): self.value(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(v) for v in value]
        return value


def masking() -> Hide:
    """Return the bench's way of hiding: all but the last four characters."""
    return masked


def pseudonyms(key: bytes) -> Hide:
    """Return the public way of hiding: a keyed hash, so that equal identities stay equal.

    Args:
        key: Secret of whoever publishes; without it nobody can try all IMEIs.
    """

    def hide(identity: str) -> str:
        digest = hmac.new(key, identity.lower().encode(), hashlib.sha256).hexdigest()
        # Letters only: a hash with a long run of digits would itself look like an identity.
        letters = digest.translate(str.maketrans("0123456789", "ghijklmnop"))
        return f"id-{letters[:_PSEUDONYM_CHARACTERS]}"

    return hide
