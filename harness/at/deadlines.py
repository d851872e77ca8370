"""How long a command may take: vendors' manuals and what hosts in the field wait (modem.md (b))."""

from __future__ import annotations

import functools
from typing import Final

from harness.at.command import Form, parse_command

_DEFAULT_S: Final = 3.0
_BY_NAME_S: Final = {
    "+CIMI": 10.0,
    "+CPIN": 10.0,
    "+CRSM": 20.0,
    "+CSIM": 20.0,
    "+CCHO": 30.0,
    "+CGLA": 30.0,
    "+CCHC": 30.0,
    "+CREG": 10.0,
    "+CGREG": 10.0,
    "+CEREG": 10.0,
    "+C5GREG": 10.0,
    "+CPSI": 9.0,
    "+CLCK": 10.0,
    "+CPWD": 10.0,
    "+QENG": 5.0,
    "+CNUM": 10.0,
    "&F": 5.0,
    "Z": 5.0,
    "D": 60.0,
    "^CLOUDSIM": 10.0,
}
_SET_S: Final = {
    "+CFUN": 180.0,
    "+CGATT": 180.0,
    "+CGACT": 150.0,
    "+COPS": 180.0,
    "+CGDATA": 150.0,
}
_SCAN_S: Final = 315.0
_READ_OPERATOR_S: Final = 180.0


@functools.lru_cache(maxsize=1024)
def deadline_s(command: str) -> float:
    """Return the longest time in seconds that `command` may take to be answered.

    Raises:
        UsageError: It is not one command line.
    """
    parsed = parse_command(command)
    if parsed.name == "+COPS":
        if parsed.form is Form.TEST:
            return _SCAN_S
        if parsed.form is Form.READ:
            return _READ_OPERATOR_S
    if parsed.form in {Form.SET, Form.ACTION} and parsed.name in _SET_S:
        return _SET_S[parsed.name]
    return _BY_NAME_S.get(parsed.name, _DEFAULT_S)
