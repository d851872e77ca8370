"""Final result codes that say why a command was refused (TS 27.007 9, TS 27.005 3.2.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from harness.at.cme_codes import CME_TEXTS, CMS_TEXTS
from harness.at.errors import AtCommandError, AtFramingError

_LINE: Final = re.compile(r"\s*\+C(?P<kind>ME|MS) ERROR: ?(?P<rest>.*)", re.ASCII | re.DOTALL)
_READ: Final = re.compile(r"\+CMEE: ?(?P<mode>[012])", re.ASCII)
_CODE: Final = re.compile(r"\d{1,5}", re.ASCII)
_NOT_COMPARED: Final = re.compile(r"[^a-z0-9]+", re.ASCII)
_TEXTS: Final[dict[str, Mapping[int, str]]] = {"cme": CME_TEXTS, "cms": CMS_TEXTS}
# Above 500 each vendor has its own; these are the ones that a boot shows.
_VENDOR_TEXTS: Final = {515: "please wait, init or command processing in progress"}
# Wording of vendors that differs in more than case and signs.
_VENDOR_WORDS: Final = {
    "siminterfacenotstarted": 13,
    "simpinrequired": 11,
    "simnotinserted": 10,
    "usimnotinserted": 10,
    "usimpinrequired": 11,
    "usimpukrequired": 12,
    "usimfailure": 13,
    "usimbusy": 14,
    "usimwrong": 15,
    "usimpin2required": 17,
    "usimpuk2required": 18,
    "unknownerror": 100,
    "invalidparameter": 50,
    "invalidparameters": 50,
    "parameterserror": 50,
    "unspecifiedgprserror": 148,
    "invalidcharactersindialstring": 27,
    "servicenotsupported": 132,
    "nonetwork": 30,
    "emergencycallsonly": 32,
    "networknotallowedemergencycallsonly": 32,
    "requestedserviceoptionnotsubscribed33": 133,
    "missingorunknownapn27": 127,
    "serviceoptionnotsupported32": 132,
    "plmnnotallowed11": 111,
    "illegalms3": 103,
    "illegalme6": 106,
}


def _compared(text: str) -> str:
    return _NOT_COMPARED.sub("", text.lower())


_CODES: Final = {
    kind: {_compared(text): code for code, text in sorted(texts.items(), reverse=True)}
    for kind, texts in _TEXTS.items()
}


def parse_error(line: str) -> tuple[str | None, int | None, str]:
    """Read a final result code that is no success.

    Args:
        line: The final result code.

    Returns:
        `cme`, `cms` or None; the code, None when the router tells none that is known; and the
        text: what the code means, else the router's own words.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return None, None, line.strip()
    kind = f"c{match['kind'].lower()}"
    rest = match["rest"].strip()
    if _CODE.fullmatch(rest):
        code = int(rest)
        return kind, code, _TEXTS[kind].get(code) or _VENDOR_TEXTS.get(code, "")
    words = _compared(rest)
    known = _CODES[kind].get(words)
    if known is None and kind == "cme":
        known = _VENDOR_WORDS.get(words)
    return kind, known, rest


def command_error(command: str, final: str, lines: tuple[str, ...] = ()) -> AtCommandError:
    """Return the error that says that the router refused `command` with `final`."""
    kind, code, text = parse_error(final)
    meaning = f" ({text})" if text and text not in final else ""
    return AtCommandError(
        f"{command!r} was refused: {final!r}{meaning}",
        command=command,
        raw=final,
        kind=kind,
        code=code,
        text=text,
        lines=lines,
    )


def parse_cmee(line: str) -> int:
    """Read the answer to ``AT+CMEE?``: 0 no codes, 1 numbers, 2 words.

    Raises:
        AtFramingError: The line is not a ``+CMEE`` response.
    """
    match = _READ.fullmatch(line.strip())
    if match is None:
        msg = f"not a +CMEE response: {line!r}"
        raise AtFramingError(msg)
    return int(match["mode"])
