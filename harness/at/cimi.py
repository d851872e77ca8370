"""IMSI of the card in use: +CIMI (TS 27.007 5.6)."""

from __future__ import annotations

import re
from typing import Final

from harness.at.errors import AtFramingError

_LINE: Final = re.compile(r'\s*(?:\+CIMI ?: ?)?"?(?P<imsi>\d{14,15})"?\s*', re.ASCII)


def parse_cimi(line: str) -> str:
    """Read an IMSI of 14 or 15 digits, with or without name and quotes.

    Raises:
        AtFramingError: The line holds none.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        msg = f"not an IMSI of 14 or 15 digits: {line!r}"
        raise AtFramingError(msg)
    return match["imsi"]
