"""Whose profile a router holds in its store, by a command of the virtual bench.

`AT^CLOUDHELD?` answers `^CLOUDHELD: "<iccid>"`, the text empty when the store is. The command is
made up, as `AT^CLOUDSIM?` is: nothing public describes one.
"""

from __future__ import annotations

import re
from typing import Final

from harness.at.errors import AtFramingError
from harness.core.errors import UsageError
from harness.core.identity import check_iccid

_LINE: Final = re.compile(r'\^CLOUDHELD: ?"(?P<iccid>[0-9]{0,20})"', re.ASCII)


def parse_held(line: str) -> str | None:
    """Read one answer; None when nothing is held.

    Args:
        line: The line without its terminator.

    Raises:
        AtFramingError: The line is not such an answer, or names no ICCID.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        msg = f'not ^CLOUDHELD: "<iccid>": {line!r}'
        raise AtFramingError(msg)
    if not match["iccid"]:
        return None
    try:
        return check_iccid(match["iccid"])
    except UsageError:
        msg = f"the profile that is held has no ICCID for a name: {line!r}"
        raise AtFramingError(msg) from None
